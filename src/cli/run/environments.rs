//! The environments of the configuration file, and passes over the real world.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::wanted::usable;
use crate::cli::context::{Context, RealEngine};
use crate::cli::output::Failure;
use crate::config::{Config, EnvironmentError};
use crate::controller::run::{Cause, Environments, Events, Nudges, Opened, Passes, Unusable};
use crate::controller::{EnvironmentReport, PassOptions, SyncResult};
use crate::source::{RefWatch, Source as _};

/// A push touches several files: it may come to rest before it is looked at.
const REST: Duration = Duration::from_millis(50);

/// The environments of the configuration, as last read.
pub(super) struct Configured {
    context: Context,
    /// Those asked for; none is all.
    wanted: Vec<String>,
    config: Mutex<Arc<Config>>,
    events: Events,
}

impl Configured {
    pub(super) fn new(context: Context, wanted: Vec<String>, config: Config, events: Events) -> Self {
        Self { context, wanted, config: Mutex::new(Arc::new(config)), events }
    }

    /// As last read.
    pub(super) fn config(&self) -> Arc<Config> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn read(&self) -> Result<Vec<String>, Failure> {
        let config = self.context.config()?;
        let names = usable(&config, &self.wanted)?;
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
    /// Nudges when a branch of a local repository moves.
    watching: Option<JoinHandle<()>>,
}

impl RealPasses {
    fn new(engine: RealEngine, nudges: &Nudges) -> Self {
        let watching = match engine.records.source.watch() {
            Ok(watch) => {
                watch.map(|watch| tokio::spawn(pass_on(watch, nudges.clone(), engine.records.environment.clone())))
            }
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

    async fn pass(&self, _: Cause) -> EnvironmentReport {
        let mut report = self.engine.pass(&PassOptions::default()).await;
        if let Some(commit) = &report.commit {
            // It only tells apart what is news: without it, another commit is news.
            report.flows_tree = self.engine.records.source.flows_tree(commit).await.ok().flatten();
        }
        report
    }
}

async fn pass_on(mut watch: RefWatch, nudges: Nudges, environment: String) {
    loop {
        watch.moved().await;
        sleep(REST).await;
        nudges.nudge(&environment, Cause::Moved);
    }
}
