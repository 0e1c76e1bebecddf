//! What happens in a controller, for whoever wants to know: log, metrics, notifications, page.
//!
//! Every event carries what is needed to understand it. Whoever tells one never waits: a listener that is too slow
//! misses some, and hears how many.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::nudge::Trigger;
use super::{EnvironmentReport, Unusable};
use crate::flow::FlowId;
use crate::revision::CommitId;
use crate::source::{GitOperation, GitOutcome};
use crate::tenant::Call;

/// A listener may be so many events behind before it misses any.
const BEHIND_MAX: usize = 8_192;

/// Something that happened. `environment` is the name in the configuration.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "members are named for their types; what is more to say stands at the variant")]
pub enum Event {
    /// An environment is looked after from now on.
    Added { environment: Arc<str> },
    /// An environment is looked after no more.
    Gone { environment: Arc<str> },
    /// A pass begins, which is stuck when it takes longer than `deadline`.
    PassStarted { environment: Arc<str>, at: Timestamp, cause: Trigger, deadline: Duration },
    /// A pass takes longer than it may: it is asked to end, and cut off where it does not.
    PassOverdue { environment: Arc<str>, deadline: Duration },
    /// A pass has ended, however; or none could be made, which took no time.
    PassEnded { environment: Arc<str>, at: Timestamp, took: Duration, report: Arc<EnvironmentReport> },
    /// Nothing is done before `until`, unless something wakes it.
    Waits { environment: Arc<str>, until: Timestamp },
    /// A deployment of `commit` is announced in git, and begins to write.
    DeploymentBegan { environment: Arc<str>, deployment: Arc<str>, commit: Option<CommitId> },
    /// A deployment that was interrupted goes on.
    DeploymentContinued { environment: Arc<str>, deployment: Arc<str> },
    /// A stage of a deployment begins, with so many flows in it.
    StageBegan { environment: Arc<str>, stage: &'static str, n_flows: usize },
    /// A flow is through a stage.
    FlowMoved { environment: Arc<str>, stage: &'static str, flow: FlowId, moved: Moved },
    /// A deployment writes nothing more; its closing record is still to come.
    DeploymentOver { environment: Arc<str> },
    /// A request to the tenant is over: the status of its answer, or none where there was no answer.
    TenantRequest { environment: Arc<str>, call: Call, status: Option<u16> },
    /// The tenant limits the rate: nothing is asked for so long.
    Throttled { environment: Arc<str>, wait: Duration },
    /// So many requests may be in flight against the tenant, those of other environments of it included.
    ConcurrencyLimit { environment: Arc<str>, limit: usize },
    /// Something was done with a repository, for one environment or several.
    GitOperation { operation: GitOperation, outcome: GitOutcome },
    /// The configuration was read again; with an error, the one in use is kept.
    Reloaded { error: Option<Unusable> },
    /// The controller has come to its end: nothing follows.
    Ended,
}

/// How a flow came through a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// Well.
    Done,
    /// It failed there.
    Failed,
}

/// Tells events; clones tell the same listeners.
#[derive(Debug, Clone)]
pub struct Events(broadcast::Sender<Event>);

impl Default for Events {
    fn default() -> Self {
        Self(broadcast::Sender::new(BEHIND_MAX))
    }
}

impl Events {
    /// Tells whoever listens. Never waits.
    pub fn tell(&self, event: Event) {
        // Nobody has to listen.
        _ = self.0.send(event);
    }

    /// Listens to what is told from now on.
    #[must_use]
    pub fn listen(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

/// Hears every event that is told, in order.
#[derive(Debug)]
pub struct Listener(broadcast::Receiver<Event>);

/// What a listener hears.
#[derive(Debug, Clone)]
pub enum Heard {
    /// This happened.
    Event(Event),
    /// So many events were told too fast, and are lost to this listener.
    Missed(u64),
}

impl Listener {
    /// The next event; `None` after the end.
    pub async fn next(&mut self) -> Option<Heard> {
        match self.0.recv().await {
            Ok(Event::Ended) | Err(RecvError::Closed) => None,
            Ok(event) => Some(Heard::Event(event)),
            Err(RecvError::Lagged(n_missed)) => Some(Heard::Missed(n_missed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_listener_that_is_too_slow_hears_how_much_it_missed_and_then_the_newest() {
        let events = Events::default();
        let mut listener = events.listen();
        let n_told = BEHIND_MAX + 100;
        for n in 0..n_told {
            events.tell(Event::Gone { environment: n.to_string().into() });
        }
        events.tell(Event::Ended);
        let Some(Heard::Missed(n_missed)) = listener.next().await else { panic!("it has missed some") };
        let mut heard = Vec::new();
        while let Some(Heard::Event(Event::Gone { environment })) = listener.next().await {
            heard.push(environment);
        }
        // The end is one of those that had to find room.
        assert_eq!(n_missed, 101);
        assert_eq!((heard.len(), &*heard[0]), (BEHIND_MAX - 1, "101"));
        assert_eq!(*heard[heard.len() - 1], (n_told - 1).to_string());
    }
}
