//! `flowsync run`: the controller, with whatever listens to it.

mod environments;
mod notified;
mod told;
mod wanted;
mod watches;

use std::sync::Arc;

use tokio::sync::watch;

use super::arguments::RunArgs;
use super::context::Context;
use super::output::{Failure, say};
use crate::clock::SystemClock;
use crate::controller::run::{Events, Keeper};
use crate::notify::Notifier;
use crate::serve::{Health, Served, Settings};
use environments::Configured;
use wanted::Wanted;
use watches::Watches;

pub(super) async fn run(context: &Context, arguments: &RunArgs) -> Result<u8, Failure> {
    let config = context.config()?;
    let wanted = Wanted { names: arguments.env.clone(), shard: arguments.shard };
    let names = wanted.of(&config)?;
    let events = Events::default();
    let health = Health::new(names.iter().cloned());
    let health_follows = tokio::spawn(health.clone().follow(events.listen()));
    let (settings, settings_read) = watch::channel(Settings::of(&config, &names));
    let served = Served { health, settings: settings_read, nudges: context.nudges.clone() };
    let server = match arguments.listen {
        Some(address) => Some(crate::serve::start(address, served).await.map_err(|error| Failure::of(&error))?),
        None => None,
    };
    if let Some(server) = &server {
        say(&format!("listening on http://{}", server.address()));
    }
    if let Some(shard) = arguments.shard {
        say(&format!("shard {shard}: {} environment(s)", names.len()));
    }
    let told = tokio::spawn(told::tell(context.clone(), events.listen()));
    let watches = Watches::new(&context.config_path(), context.nudges.clone());
    let configured = Arc::new(Configured::new(context, wanted, config, events.clone(), settings, watches));
    let notifier = Notifier::new(Arc::new(SystemClock), Arc::new(|_, _| {}));
    let notified = tokio::spawn(notified::tell(notifier, configured.clone(), events.listen()));
    let keeper = Keeper {
        environments: configured,
        nudges: context.nudges.clone(),
        events,
        shutdown: context.shutdown.clone(),
        clock: Arc::new(SystemClock),
    };
    let code = keeper.keep(names).await;
    for listening in [told, health_follows, notified] {
        // What was told last is heard before this process ends.
        listening.await.map_err(|error| Failure::of(&error))?;
    }
    Ok(code)
}
