//! What is to be done: desired (git) x live x last deployed -> ordered changes.
//!
//! A plan is a value, made by a pure function: no clock, no network, no chance. Carrying it out has
//! nothing left to decide. Only flows that git holds, or held when flowsync last deployed, are ever
//! part of it; whatever else is live is listed as unmanaged and left alone.

mod action;
mod diff;
mod digest;
pub mod graph;
mod guard;
mod hold;
mod references;
mod release;
#[cfg(test)]
mod tests;
mod unreadable;
mod window;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::flow::{ContentHash, Definition, FlowId, LiveFlow};
use crate::revision::Origin;

pub use action::Action;
pub use diff::{Policy, in_order, plan};
pub use digest::{drift_key, flows_digest};
pub use guard::{ProtectedDeletes, TooLong, TooManyDeletes, check_deletes, check_protected, check_time, wait_for};
pub use hold::Hold;
pub use references::{Lookup, Present, lookup, lookups, missing, place_in};
pub use release::{
    EndpointAction, LastRelease, PlannedEndpoint, ReleasePlan, ReleaseTarget, ToRelease, UnmanagedDifference,
    back_to_release, release, spent,
};
pub use unreadable::{objection, unreadable};
pub use window::closed;

/// The flows git holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desired {
    /// By id.
    pub flows: BTreeMap<FlowId, DesiredFlow>,
    /// Files and folders that stand among them and are not read, from the root of the repository.
    pub unread: BTreeSet<String>,
}

/// One flow of git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredFlow {
    /// The flow.
    pub definition: Arc<Definition>,
    /// Its file, from the root of the repository.
    pub path: String,
    /// Where git holds it; absent for a working tree.
    pub origin: Option<Origin>,
    /// The file of its overlay, where it has one.
    pub overlay: Option<String>,
}

/// What is live in the target environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Live {
    /// By id.
    pub flows: BTreeMap<FlowId, LiveFlow>,
    /// Live things that flowsync could never manage.
    pub foreign: Vec<String>,
}

/// What the last completed deployment left live, as far as comparison sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Last {
    /// Equality hash by id.
    pub flows: BTreeMap<FlowId, ContentHash>,
    /// Those among them whose file is still in git and is not read any more: pruning leaves them alone.
    pub unread: BTreeSet<FlowId>,
}

/// Where a difference comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// Git changed.
    Commit,
    /// The tenant changed behind git's back.
    Drift,
    /// Both did.
    Both,
}

impl Cause {
    /// The cause a word stands for.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Commit, Self::Drift, Self::Both].into_iter().find(|cause| cause.as_str() == word)
    }

    /// The word in outputs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Drift => "drift",
            Self::Both => "both",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What to do to one flow: everything needed to do it and to take it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Import a flow that is not live.
    Create {
        /// Git's flow.
        after: DesiredFlow,
    },
    /// Import over what is live.
    Update {
        /// What is live.
        before: Arc<Definition>,
        /// Git's flow.
        after: DesiredFlow,
    },
    /// Delete what is live.
    Delete {
        /// What is live.
        before: Arc<Definition>,
    },
}

/// One change, with its place in the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The flow.
    pub id: FlowId,
    /// Why.
    pub cause: Cause,
    /// Depth in the dependency graph: nothing this flow needs has the same or a greater one, except
    /// in a cycle.
    pub wave: usize,
    /// Flows of one cycle share a unit and are deployed together.
    pub unit: usize,
    /// What.
    pub step: Step,
}

impl Change {
    /// What is live before.
    #[must_use]
    pub fn before(&self) -> Option<&Arc<Definition>> {
        match &self.step {
            Step::Create { .. } => None,
            Step::Update { before, .. } | Step::Delete { before } => Some(before),
        }
    }

    /// What is to be live after.
    #[must_use]
    pub fn after(&self) -> Option<&DesiredFlow> {
        match &self.step {
            Step::Create { after } | Step::Update { after, .. } => Some(after),
            Step::Delete { .. } => None,
        }
    }

    /// The same, to load its text.
    pub fn after_mut(&mut self) -> Option<&mut DesiredFlow> {
        match &mut self.step {
            Step::Create { after } | Step::Update { after, .. } => Some(after),
            Step::Delete { .. } => None,
        }
    }

    /// What it does, without what is needed to do it.
    #[must_use]
    pub fn action(&self) -> Action {
        match self.step {
            Step::Create { .. } => Action::Create,
            Step::Update { .. } => Action::Update,
            Step::Delete { .. } => Action::Delete,
        }
    }

    /// The newest definition there is of the flow.
    #[must_use]
    pub fn definition(&self) -> &Definition {
        match &self.step {
            Step::Create { after } | Step::Update { after, .. } => &after.definition,
            Step::Delete { before } => before,
        }
    }
}

/// What is to be done, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// In the order of deployment: by wave, then id; deletes last, dependents first.
    pub changes: Vec<Change>,
    /// Differences that are drift and, by the environment's policy, only reported.
    pub reported: Vec<Change>,
    /// Managed flows that are live as git has them.
    pub unchanged: Vec<FlowId>,
    /// Flows on which git and tenant agree, and not on what the last completed deployment left: drift that was taken
    /// into git, or what somebody made equal by hand.
    pub agreed_since: Vec<FlowId>,
    /// Live flows that git never held.
    pub unmanaged: Vec<String>,
    /// Live flows that git held once and no longer does, kept because pruning is off.
    pub orphaned: Vec<FlowId>,
    /// What each flow of git needs.
    pub graph: BTreeMap<FlowId, Vec<String>>,
    /// Digest over the flows of git.
    pub flows_digest: String,
    /// Digest over the flows of git, the changes, and what is live where they act.
    pub digest: String,
}

impl Plan {
    /// The deletes among the changes.
    pub fn deletes(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| matches!(change.step, Step::Delete { .. }))
    }

    /// How many changes do this.
    #[must_use]
    pub fn count(&self, action: Action) -> usize {
        self.changes.iter().filter(|change| change.action() == action).count()
    }
}
