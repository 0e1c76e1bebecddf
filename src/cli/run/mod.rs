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
use crate::clock::{Clock as _, SystemClock};
use crate::controller::run::{Events, Keeper};
use crate::notify::{MessageOutcome, Notifier};
use crate::serve::{Board, Health, Meter, Served, Settings};
use environments::Configured;
use wanted::Wanted;
use watches::Watches;

/// The version of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(super) async fn run(context: &Context, arguments: &RunArgs) -> Result<u8, Failure> {
    let config = context.config()?;
    let wanted = Wanted { names: arguments.env.clone(), shard: arguments.shard };
    let names = wanted.of(&config)?;
    let events = Events::default();
    let health = Health::new(names.iter().cloned());
    let health_follows = tokio::spawn(health.clone().follow(events.listen()));
    let meter = Meter::new(VERSION).map_err(|error| Failure::of(&error))?;
    let meter_follows = tokio::spawn(meter.clone().follow(events.listen()));
    let board = Board::new(VERSION, SystemClock.now(), arguments.shard.map(|shard| shard.to_string()));
    let board_follows = tokio::spawn(board.clone().follow(events.listen()));
    let (settings, settings_read) = watch::channel(Settings::of(&config, &names));
    let (counts, nudges) = (meter.clone(), context.nudges.clone());
    let served = Served { health, board, meter: counts, settings: settings_read, nudges };
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
    let tally = move |kind: &'static str, outcome: MessageOutcome| meter.count_notification(kind, outcome.as_str());
    let notifier = Notifier::new(Arc::new(SystemClock), Arc::new(tally));
    let notified = tokio::spawn(notified::tell(notifier, configured.clone(), events.listen()));
    let keeper = Keeper {
        environments: configured,
        nudges: context.nudges.clone(),
        events,
        shutdown: context.shutdown.clone(),
        clock: Arc::new(SystemClock),
    };
    let code = keeper.keep(names).await;
    for listening in [told, health_follows, notified, meter_follows, board_follows] {
        // What was told last is heard before this process ends.
        listening.await.map_err(|error| Failure::of(&error))?;
    }
    Ok(code)
}
