//! What an environment holds, what may happen to it, and why the tenant says no.

use std::sync::Arc;

use axum::body::Bytes;
use tokio::time::Instant;

use super::shelf::{Listed, Shelf, Thing};
use super::stored::Stored;
use super::violation::Violation;
use crate::flow::ReferenceKind;

/// The most earlier definitions kept of a flow; the oldest go first.
pub const HISTORY_MAX: usize = 20;

/// One environment.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    pub(super) flows: Shelf<Live>,
    pub(super) intents: Shelf<Thing>,
    pub(super) entities: Shelf<Thing>,
    pub(super) variables: Shelf<Thing>,
}

/// A flow that is live.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) current: Arc<Stored>,
    /// Earlier definitions, oldest first.
    pub(crate) history: Vec<Arc<Stored>>,
    /// When the newest import or rollback was; none for what was there from the start.
    pub(super) since: Option<Instant>,
    /// What its status says instead of the truth.
    pub(super) verdict: Option<ShownStatus>,
}

impl Listed for Live {
    fn item(&self) -> &Bytes {
        &self.current.item
    }
}

/// A status and a message, as `/status` answers them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShownStatus {
    pub(crate) status: String,
    pub(crate) message: Option<String>,
}

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Created,
    Updated,
}

/// How a change is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Keep {
    /// As it should be.
    Truly,
    /// Not at all, although the answer says so.
    Not,
    /// Under another name.
    Changed,
    /// As a store of doubles and values writes it back.
    Normalised,
    /// As it should be, and another flow under another name.
    AndNeighbour,
    /// As it should be, but its status will say this.
    AndSay(ShownStatus),
}

/// Why the tenant says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("there is no environment `{0}`")]
    NoEnvironment(String),
    #[error("there is no flow `{id}` in `{environment}`")]
    NoFlow { id: String, environment: String },
    #[error("there is no earlier definition of `{id}` with version `{version}`")]
    NoVersion { id: String, version: String },
    #[error("the flow is not valid")]
    Invalid(Vec<Violation>),
    #[error("other flows still refer to `{id}`")]
    Needed { id: String, violations: Vec<Violation> },
}

impl Environment {
    pub(crate) fn flows(&self) -> impl Iterator<Item = (&String, &Live)> {
        self.flows.iter()
    }

    /// Ids and names of one kind; none for flows.
    pub(crate) fn things(&self, kind: ReferenceKind) -> impl Iterator<Item = (&String, &Thing)> {
        let shelf = match kind {
            ReferenceKind::Flow => None,
            ReferenceKind::Intent => Some(&self.intents),
            ReferenceKind::Entity => Some(&self.entities),
            ReferenceKind::Variable => Some(&self.variables),
        };
        shelf.into_iter().flat_map(Shelf::iter)
    }

    pub(super) fn things_mut(&mut self, kind: ReferenceKind) -> Option<&mut Shelf<Thing>> {
        match kind {
            ReferenceKind::Flow => None,
            ReferenceKind::Intent => Some(&mut self.intents),
            ReferenceKind::Entity => Some(&mut self.entities),
            ReferenceKind::Variable => Some(&mut self.variables),
        }
    }
}

impl Live {
    pub(super) fn new(current: Arc<Stored>) -> Self {
        Self { current, history: Vec::new(), since: None, verdict: None }
    }

    /// Makes `stored` the live definition; one equal to it, byte for byte, leaves the history alone.
    pub(super) fn replace(&mut self, stored: Arc<Stored>) {
        if stored.item != self.current.item {
            self.history.push(std::mem::replace(&mut self.current, stored));
            if self.history.len() > HISTORY_MAX {
                self.history.remove(0);
            }
        }
    }
}
