//! The environments of the configuration file, and passes over the real world.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::wanted::Wanted;
use super::watches::Watches;
use crate::cli::context::{Context, RealEngine};
use crate::cli::output::Failure;
use crate::config::{Config, EnvironmentError};
use crate::controller::run::{Environments, Events, Nudges, Opened, Passes, Trigger, Unusable, Wish};
use crate::controller::{EnvironmentReport, PassOptions, SyncResult};
use crate::serve::Settings;
use crate::shutdown::Shutdown;
use crate::source::{RefWatch, Source as _};

/// A push touches several files: it may come to rest before it is looked at.
const REST: Duration = Duration::from_millis(50);

/// The environments of the configuration, as last read.
pub(super) struct Configured {
    context: Context,
    wanted: Wanted,
    config: Mutex<Arc<Config>>,
    events: Events,
    /// What the server is told of the configuration.
    settings: watch::Sender<Settings>,
    watches: Watches,
}

impl Configured {
    /// Whatever its engines do is told.
    pub(super) fn new(
        context: &Context,
        wanted: Wanted,
        config: Config,
        events: Events,
        settings: watch::Sender<Settings>,
        watches: Watches,
    ) -> Self {
        watches.follow(&config);
        let context = context.telling(events.clone());
        Self { context, wanted, config: Mutex::new(Arc::new(config)), events, settings, watches }
    }

    /// As last read.
    pub(super) fn config(&self) -> Arc<Config> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn read(&self) -> Result<Vec<String>, Failure> {
        let config = self.context.config()?;
        let names = self.wanted.of(&config)?;
        self.settings.send_replace(Settings::of(&config, &names));
        self.watches.follow(&config);
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        Ok(names)
    }
}

impl Environments for Configured {
    type Passes = RealPasses;

    fn reload(&self) -> Result<Vec<String>, Unusable> {
        self.read().map_err(|Failure { message, problems, .. }| Unusable { message, problems: problems.into() })
    }

    fn open(&self, name: &str) -> Opened<RealPasses> {
        let config = self.config();
        let environment = match config.environment(name) {
            Ok(environment) => environment,
            Err(EnvironmentError::Unknown { .. }) => return Opened::Gone,
            Err(broken) => return Opened::Broken { report: broken_report(name, broken.into()), again: None },
        };
        let interval = environment.sync.interval;
        match self.context.engine(environment, self.events.steps_of(name), false) {
            Ok(engine) => Opened::Ready(RealPasses::new(engine, &self.context.nudges)),
            Err(failure) => Opened::Broken { report: broken_report(name, failure), again: Some(interval) },
        }
    }
}

fn broken_report(name: &str, failure: Failure) -> Box<EnvironmentReport> {
    Box::new(EnvironmentReport {
        error: Some(failure.message),
        problems: failure.problems,
        ..EnvironmentReport::new(name, SyncResult::Error)
    })
}

/// Passes over the real world.
pub(super) struct RealPasses {
    engine: RealEngine,
    /// Nudges when a branch moves.
    watching: Option<JoinHandle<()>>,
}

impl RealPasses {
    fn new(engine: RealEngine, nudges: &Nudges) -> Self {
        let watching = match engine.records.source.watch() {
            Ok(watch) => Some(tokio::spawn(pass_on(watch, nudges.clone(), engine.records.environment.clone()))),
            Err(error) => {
                tracing::warn!(error = %crate::error_chain(&error), "cannot watch the repository; only the interval is left");
                None
            }
        };
        Self { engine, watching }
    }
}

impl Drop for RealPasses {
    fn drop(&mut self) {
        self.watching.iter().for_each(JoinHandle::abort);
    }
}

impl Passes for RealPasses {
    fn interval(&self) -> Duration {
        self.engine.policy.interval
    }

    fn deadline(&self) -> Duration {
        self.engine.policy.pass_deadline
    }

    async fn pass(&self, wish: Wish, stop: Shutdown) -> EnvironmentReport {
        let options = PassOptions { fetched_since: Some(wish.since), ..PassOptions::default() };
        let mut report = self.engine.until(stop).pass(&options).await;
        if let Some(commit) = &report.commit {
            // It only tells apart what is news: without it, another commit is news.
            report.flows_tree = self.engine.records.source.flows_tree(commit).await.ok().flatten();
        }
        report
    }
}

async fn pass_on(mut watch: RefWatch, nudges: Nudges, environment: String) {
    loop {
        let since = watch.moved().await;
        sleep(REST).await;
        nudges.nudge_since(&environment, Trigger::Moved, since);
    }
}
