//! `flowsync run`: the controller. One loop an environment; a timer, a moved branch or SIGHUP wakes it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::watch;
use tokio::time::sleep;

use super::arguments::RunArgs;
use super::context::{Context, RealEngine, select};
use super::output::{Failure, complain, say};
use super::{panics, progress, sync};
use crate::config::{Config, Environment, EnvironmentError};
use crate::controller::triggers::{advice, next_tick};
use crate::controller::{EnvironmentReport, PassOptions, SyncResult};
use crate::serve::Health;

/// The configuration, as last read.
type Configs = watch::Receiver<Arc<Config>>;

pub(super) async fn run(context: &Context, arguments: &RunArgs) -> Result<u8, Failure> {
    let config = Arc::new(context.config()?);
    let names = usable(&config, &arguments.env)?;
    let health = Health::new(names.iter().cloned());
    let server = match arguments.listen {
        Some(address) => Some(crate::serve::start(address, health.clone()).await.map_err(|error| Failure::of(&error))?),
        None => None,
    };
    if let Some(server) = &server {
        say(&format!("listening on http://{}", server.address()));
    }
    let (read, configs) = watch::channel(config);
    let mut loops = FuturesUnordered::new();
    let mut looked_after: BTreeSet<String> = BTreeSet::new();
    let mut code = 0;
    let mut names = names;
    loop {
        for name in names.drain(..).filter(|name| looked_after.insert(name.clone())) {
            loops.push(look_after(context, name, configs.clone(), health.clone()));
        }
        tokio::select! {
            ended = loops.next() => match ended {
                Some(Ended { name, code: its }) => {
                    code = code.max(its);
                    looked_after.remove(&name);
                }
                None if context.shutdown.asked().is_some() => return Ok(code),
                None => context.hangups.notified().await,
            },
            () = context.hangups.notified() => names = reload(context, arguments, &read),
        }
    }
}

/// The environments to look after. A broken one is told by its loop, and stops no other.
fn usable(config: &Config, wanted: &[String]) -> Result<Vec<String>, Failure> {
    let selected = select(config, wanted)?;
    if let (Some((_, Err(failure))), false) = (selected.first(), selected.iter().any(|(_, found)| found.is_ok())) {
        return Err(failure.clone());
    }
    Ok(selected.into_iter().map(|(name, _)| name).collect())
}

/// Reads the configuration again; a file that is no use keeps the old one. Every environment makes a pass then.
fn reload(context: &Context, arguments: &RunArgs, read: &watch::Sender<Arc<Config>>) -> Vec<String> {
    let config = context.config().and_then(|config| usable(&config, &arguments.env).map(|names| (config, names)));
    match config {
        Ok((config, names)) => {
            say("read the configuration again");
            read.send_replace(Arc::new(config));
            names
        }
        Err(failure) => {
            complain(&format!("alarm: the configuration in use is kept: {}", failure.message));
            super::output::show_problems(&failure.problems);
            read.send_modify(|_| {});
            Vec::new()
        }
    }
}

/// An environment that is looked after no more.
struct Ended {
    name: String,
    /// What its last deployment, ended because of a signal, means for the exit code.
    code: u8,
}

/// Looks after an environment, with one configuration after the other, until told to end or it is gone.
async fn look_after(context: &Context, name: String, mut configs: Configs, health: Health) -> Ended {
    loop {
        let config = configs.borrow_and_update().clone();
        let code = match config.environment(&name) {
            Ok(environment) => passes(context, environment, &mut configs, &health).await,
            Err(EnvironmentError::Unknown { .. }) => {
                say(&format!("{name}: not in the configuration any more"));
                health.forget(&name);
                return Ended { name, code: 0 };
            }
            Err(broken) => {
                tell_broken(&name, &Failure::from(broken), &health);
                wait(context, &mut configs, std::future::pending()).await;
                0
            }
        };
        if context.shutdown.asked().is_some() {
            return Ended { name, code };
        }
    }
}

fn tell_broken(name: &str, failure: &Failure, health: &Health) {
    let report = EnvironmentReport {
        error: Some(failure.message.clone()),
        problems: failure.problems.clone(),
        ..EnvironmentReport::new(name, SyncResult::Error)
    };
    sync::tell(&report);
    health.record(&report);
}

/// Why a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Woken {
    /// It is time for a pass.
    ForAPass,
    /// The configuration was read again, or the process is to end.
    ForSomethingElse,
}

async fn wait(context: &Context, configs: &mut Configs, until: impl Future<Output = ()>) -> Woken {
    tokio::select! {
        () = until => Woken::ForAPass,
        _ = context.shutdown.when_asked() => Woken::ForSomethingElse,
        _ = configs.changed() => {
            configs.mark_changed();
            Woken::ForSomethingElse
        }
    }
}

/// Passes with one configuration. The first signal lets the pass under way come to its end; what became of a
/// deployment then is the exit code.
async fn passes(context: &Context, environment: &Environment, configs: &mut Configs, health: &Health) -> u8 {
    let name = &environment.name;
    let engine = loop {
        match context.engine(environment, progress::of(context, name), false) {
            Ok(engine) => break engine,
            Err(failure) => tell_broken(name, &failure, health),
        }
        if wait(context, configs, sleep(environment.sync.interval)).await == Woken::ForSomethingElse {
            return 0;
        }
    };
    let mut moved = Nudge::of(&engine);
    let mut last: Option<EnvironmentReport> = None;
    let mut n_failures = 0_u32;
    while context.shutdown.asked().is_none() {
        let report = panics::pass(name, engine.pass(&PassOptions::default())).await;
        if context.shutdown.asked().is_some() && report.deployment_id.is_none() {
            // Nothing had begun: there is nothing to say but that it ended.
            return 0;
        }
        health.record(&report);
        if last.as_ref() != Some(&report) {
            sync::tell(&report);
            say(sync::text(&report).trim_end());
        }
        if context.shutdown.asked().is_some() {
            return report.result.exit_code();
        }
        n_failures = if report.result == SyncResult::Error { n_failures.saturating_add(1) } else { 0 };
        let advice = advice(report.result, n_failures);
        last = Some(report);
        let tick = next_tick(environment.sync.interval, advice, engine.clock.random());
        let next = async {
            tokio::select! {
                () = sleep(tick) => {}
                () = moved.wait() => {}
            }
        };
        if wait(context, configs, next).await == Woken::ForSomethingElse {
            return 0;
        }
    }
    0
}

/// A nudge from a local repository whose branch moved; nothing for a remote one.
struct Nudge(Option<crate::source::RefWatch>);

impl Nudge {
    fn of(engine: &RealEngine) -> Self {
        Self(engine.records.source.watch().unwrap_or_else(|error| {
            tracing::warn!(error = %crate::error_chain(&error), "cannot watch the repository; only the interval is left");
            None
        }))
    }

    async fn wait(&mut self) {
        match &mut self.0 {
            Some(watch) => {
                watch.moved().await;
                // A push touches several files: let it come to rest.
                sleep(Duration::from_millis(50)).await;
            }
            None => std::future::pending().await,
        }
    }
}
