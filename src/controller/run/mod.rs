//! The loop of `run`: a task an environment, woken by time and by nudges, telling events.
//!
//! It knows neither git nor a tenant, prints nothing and asks nobody: whatever makes passes is handed in as
//! [`Environments`], whatever wakes it comes through [`Nudges`], and whoever wants to know listens to [`Events`].

mod event;
mod keep;
mod keeper;
mod look_after;
mod nudge;
mod observed;
mod steps;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

pub use event::{Event, Events, Heard, Listener, Moved};
pub use keeper::Keeper;
pub use nudge::{Nudges, Trigger, Wish};

use super::EnvironmentReport;
use crate::problem::Problem;
use crate::shutdown::Shutdown;

/// Where environments come from: the configuration of this process, as last read.
pub trait Environments: Send + Sync + 'static {
    /// Makes the passes of one of them.
    type Passes: Passes;

    /// Reads the configuration again, and names the environments to look after.
    ///
    /// # Errors
    /// It is no use: what was read last stays.
    fn reload(&self) -> Result<Vec<String>, Unusable>;

    /// Gets ready to make passes of an environment. No connection is made yet.
    fn open(&self, environment: &str) -> Opened<Self::Passes>;
}

/// Makes the passes of one environment, with one configuration.
pub trait Passes: Send + Sync + 'static {
    /// The usual time from one pass to the next.
    fn interval(&self) -> Duration;

    /// A pass that takes longer is stuck.
    fn deadline(&self) -> Duration;

    /// Makes a pass. Its report tells of whatever went wrong. `stop` asks it to end.
    fn pass(&self, wish: Wish, stop: Shutdown) -> impl Future<Output = EnvironmentReport> + Send;
}

/// An environment of the configuration.
#[derive(Debug)]
pub enum Opened<P> {
    /// It can be worked on.
    Ready(P),
    /// It cannot.
    Broken {
        /// Says why.
        report: Box<EnvironmentReport>,
        /// When it is tried again; absent where only another configuration can mend it.
        again: Option<Duration>,
    },
    /// The configuration does not know it any more.
    Gone,
}

/// A configuration that is no use.
#[derive(Debug, Clone)]
pub struct Unusable {
    /// Why, in words.
    pub message: String,
    /// The problems behind it.
    pub problems: Arc<[Problem]>,
}
