//! `flowsync run`: the controller. One loop an environment; a timer or a moved branch wakes it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::arguments::RunArgs;
use super::context::{Context, RealEngine, select};
use super::output::{Failure, say};
use super::{progress, sync};
use crate::config::Environment;
use crate::controller::triggers::next_tick;
use crate::controller::{EnvironmentReport, PassOptions, SyncResult};

pub(super) async fn run(context: &Context, arguments: &RunArgs) -> Result<u8, Failure> {
    let config = context.config()?;
    let selected = select(&config, &arguments.env)?;
    let health = crate::serve::Health::new(selected.iter().map(|(name, _)| name.clone()));
    let server = match arguments.listen {
        Some(address) => Some(crate::serve::start(address, health.clone()).await.map_err(|error| Failure::of(&error))?),
        None => None,
    };
    if let Some(server) = &server {
        say(&format!("listening on http://{}", server.address()));
    }
    let stop = stop_signal()?;
    let loops = selected.into_iter().map(|(name, environment)| {
        let (stop, health) = (stop.clone(), health.clone());
        async move {
            match environment {
                Ok(environment) => one(context, environment, stop, health).await,
                Err(failure) => broken(&name, &failure, &health),
            }
        }
    });
    futures_util::future::join_all(loops).await;
    Ok(0)
}

fn broken(name: &str, failure: &Failure, health: &crate::serve::Health) {
    let report = EnvironmentReport {
        error: Some(failure.message.clone()),
        problems: failure.problems.clone(),
        ..EnvironmentReport::new(name, SyncResult::Error)
    };
    sync::tell(&report);
    health.record(&report);
}

/// Passes until told to stop. The first signal lets the pass under way come to its end.
async fn one(
    context: &Context,
    environment: &Environment,
    mut stop: watch::Receiver<bool>,
    health: crate::serve::Health,
) {
    let name = &environment.name;
    let engine = loop {
        match context.engine(environment, progress::of(context, name), false) {
            Ok(engine) => break engine,
            Err(failure) => broken(name, &failure, &health),
        }
        tokio::select! {
            () = sleep(environment.sync.interval) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    };
    let mut moved = Nudge::of(&engine);
    let mut last: Option<EnvironmentReport> = None;
    while !*stop.borrow() {
        let report = engine.pass(&PassOptions::default()).await;
        health.record(&report);
        if last.as_ref() != Some(&report) {
            sync::tell(&report);
            say(sync::text(&report).trim_end());
        }
        last = Some(report);
        let tick = next_tick(environment.sync.interval, engine.clock.random());
        tokio::select! {
            () = sleep(tick) => {}
            () = moved.wait() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

/// A nudge from a local repository whose branch moved; nothing for a remote one.
struct Nudge(Option<crate::source::RefWatch>);

impl Nudge {
    fn of(engine: &RealEngine) -> Self {
        Self(engine.source.watch().unwrap_or_else(|error| {
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

/// Turns true at the first SIGINT or SIGTERM; the second ends the process, which recovery survives.
fn stop_signal() -> Result<watch::Receiver<bool>, Failure> {
    let (told, stop) = watch::channel(false);
    let signals = Arc::new(tokio::sync::Mutex::new(signals().map_err(|error| Failure::of(&error))?));
    tokio::spawn(async move {
        let mut signals = signals.lock().await;
        signals.next().await;
        say("stopping after the pass under way; once more to stop at once");
        told.send_replace(true);
        signals.next().await;
        #[allow(clippy::disallowed_methods, reason = "a second signal means now; the journal is on the disk")]
        std::process::exit(130);
    });
    Ok(stop)
}

#[cfg(unix)]
struct Signals(tokio::signal::unix::Signal, tokio::signal::unix::Signal);

#[cfg(unix)]
fn signals() -> std::io::Result<Signals> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok(Signals(signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
}

#[cfg(unix)]
impl Signals {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "same shape as on unix")]
fn signals() -> std::io::Result<Signals> {
    Ok(Signals)
}

#[cfg(not(unix))]
impl Signals {
    async fn next(&mut self) {
        drop(tokio::signal::ctrl_c().await);
    }
}
