//! `flowsync run`: the controller, with whatever listens to it.

mod environments;
mod notified;
mod told;
mod wanted;

use std::sync::Arc;

use super::arguments::RunArgs;
use super::context::Context;
use super::output::{Failure, say};
use crate::clock::SystemClock;
use crate::controller::run::{Events, Keeper};
use crate::notify::Notifier;
use crate::serve::{Health, Served};
use environments::Configured;
use wanted::usable;

pub(super) async fn run(context: &Context, arguments: &RunArgs) -> Result<u8, Failure> {
    let config = context.config()?;
    let names = usable(&config, &arguments.env)?;
    let events = Events::default();
    let health = Health::new(names.iter().cloned());
    let health_follows = tokio::spawn(health.clone().follow(events.listen()));
    let served = Served { health };
    let server = match arguments.listen {
        Some(address) => Some(crate::serve::start(address, served).await.map_err(|error| Failure::of(&error))?),
        None => None,
    };
    if let Some(server) = &server {
        say(&format!("listening on http://{}", server.address()));
    }
    let told = tokio::spawn(told::tell(context.clone(), events.listen()));
    let configured = Arc::new(Configured::new(context.clone(), arguments.env.clone(), config, events.clone()));
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
