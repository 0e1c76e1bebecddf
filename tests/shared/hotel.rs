//! A project of the vendor's own API in a stand-in: what tests of several programs begin with.

use std::time::Duration;

use flowsync::tenant::sandbox::cognigy_rest::rules::Behaviour;
use flowsync::tenant::sandbox::cognigy_rest::settings::Settings;
use flowsync::tenant::sandbox::cognigy_rest::{CognigySandbox, Running, Seed};

/// The project of a seed that has one.
pub const PROJECT: &str = "64c0ffee0000000000000001";

/// A project with nothing in it.
pub const EMPTY: &str = "projects: [{ name: Hotel, id: 64c0ffee0000000000000001, locales: [en-US, de-DE] }]";

/// Starts a stand-in whose tasks take next to no time.
pub async fn start(seed: &str, change: impl FnOnce(&mut Behaviour)) -> Running {
    let mut settings = Settings { seed: Seed::parse(seed).unwrap(), ..Settings::default() };
    settings.behaviour.task_time = Duration::from_millis(3);
    change(&mut settings.behaviour);
    CognigySandbox::start(settings, "127.0.0.1:0".parse().unwrap()).await.unwrap()
}
