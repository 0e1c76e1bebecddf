//! What differs from API to API: how flows are written, what is live and how people change it, and a process's way
//! there. Everything else that is simulated, and every law that is watched, knows an [`Api`] only.

mod client;
mod flows_v2;
mod noting;
pub mod project;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use flowsync::clock::SimulatedClock;
use flowsync::flow::{EnvironmentId, FlowId};
use flowsync::format::Format;
use flowsync::record::audit::EventKind;
use flowsync::tenant::memory::Garble;
use tokio::time::Instant;

pub use client::Client;
pub use flows_v2::FlowsV2;
pub use noting::Noting;

use super::people::Meant;
use super::script::Script;

/// A tenant of some API.
pub trait Api: Send + Sync {
    /// The tenant's name of the environment.
    fn target(&self) -> EnvironmentId;
    fn format(&self) -> Format;
    /// Of 1000 operations so many of a pass's are what chance is measured by: the more there are, the fewer go wrong.
    fn operations(&self) -> usize;
    /// The flow that people call so.
    fn id(&self, name: &str) -> FlowId;
    /// A flow as people mean it: its document.
    fn text(&self, name: &str, flow: &Meant) -> String;
    /// The same as files of the repository.
    fn files(&self, name: &str, flow: &Meant) -> Vec<(String, Vec<u8>)>;
    /// A flow that git never holds, as it is live from the beginning.
    fn foreign(&self) -> String;
    /// What is live of a flow, as its document.
    fn flow(&self, id: &FlowId) -> Option<Arc<[u8]>>;
    /// Somebody writes a flow by hand; every flow that is another one by that.
    fn edit(&self, body: &[u8]) -> Vec<FlowId>;
    /// Somebody deletes a flow by hand; likewise.
    fn remove(&self, id: &FlowId) -> Vec<FlowId>;
    /// A live flow becomes one that nobody can read. False where that is not possible.
    fn garble(&self, id: &FlowId, how: Garble) -> bool;
    /// How often what is live was changed, by whomever.
    fn n_writes(&self) -> usize;
    /// How long what is begun takes.
    fn set_delay(&self, delay: Duration);
    /// Other environments move lists until then.
    fn move_list_until(&self, instant: Instant);
    /// What has changed since it was asked for last, but by people: flows with what they were and are, and whose doing
    /// that was.
    fn changes(&self) -> Vec<Change>;
    /// The record that stands in the journal right before a request that changes a flow.
    fn announced_by(&self) -> EventKind;
    /// A process's way there.
    fn client(&self, desk: &Arc<Desk>, script: &Arc<Script>) -> Client;
}

/// A flow that is not live any more as it was.
pub struct Change {
    pub by: Option<Arc<Script>>,
    pub id: FlowId,
    pub before: Option<Arc<[u8]>>,
    pub after: Option<Arc<[u8]>>,
}

/// What a machine has for its ways to the tenant: clocks, chance, and what its last process remembers.
pub struct Desk {
    pub clock: Arc<SimulatedClock>,
    chance: Mutex<fastrand::Rng>,
    kept: Mutex<Option<Arc<project::Process>>>,
}

impl Desk {
    pub fn new(clock: Arc<SimulatedClock>, seed: u64) -> Arc<Self> {
        Arc::new(Self { clock, chance: Mutex::new(fastrand::Rng::with_seed(seed)), kept: Mutex::default() })
    }

    fn chance(&self) -> u64 {
        self.chance.lock().unwrap().u64(..)
    }

    /// The process has died.
    pub fn clear(&self) {
        *self.kept.lock().unwrap() = None;
    }
}
