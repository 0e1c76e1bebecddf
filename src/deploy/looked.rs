//! When the tenant was last looked at, and what was seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::flow::{ContentHash, FlowId, LiveFlow};
use crate::tenant::Export;

/// A look is fresh for this long,
pub const LOOK_AGE: Duration = Duration::from_secs(1);
/// or for this many times what it took, where that is longer: looking is a small part of a deployment's requests.
pub const LOOK_SHARE: u32 = 20;

/// When the tenant was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looked {
    /// When the export was asked for.
    pub began: Instant,
    /// How long it took.
    pub took: Duration,
}

impl Looked {
    /// A look that began then and ends now.
    #[must_use]
    pub fn since(began: Instant) -> Self {
        Self { began, took: began.elapsed() }
    }

    /// Whether a flow may still be created or deleted on the strength of it.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.began.elapsed() <= LOOK_AGE.max(self.took * LOOK_SHARE)
    }
}

/// The newest look of a deployment; all flows under way share it.
#[derive(Debug)]
pub struct Looks {
    /// When that was; whoever holds it looks, and the others wait.
    pub(super) looked: tokio::sync::Mutex<Looked>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Nothing: everything was as planned.
    export: Option<Arc<Export>>,
    /// Flows that this deployment has left in a form on the way: no look need keep that.
    on_the_way: BTreeMap<FlowId, ContentHash>,
    /// Forms that stand in the record already.
    kept: BTreeSet<(FlowId, ContentHash)>,
}

impl Looks {
    /// Begins with the look the plan was made from.
    #[must_use]
    pub fn planned(looked: Looked) -> Self {
        Self { looked: tokio::sync::Mutex::new(looked), seen: Mutex::default() }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was seen last; nothing where everything was as planned.
    pub(super) fn export(&self) -> Option<Arc<Export>> {
        self.seen().export.clone()
    }

    /// This is what is live.
    pub(super) fn note_export(&self, export: Export) {
        self.seen().export = Some(Arc::new(export));
    }

    /// The form on the way in which this deployment has left a flow.
    pub(super) fn on_the_way(&self, id: &FlowId) -> Option<ContentHash> {
        self.seen().on_the_way.get(id).copied()
    }

    pub(super) fn note_on_the_way(&self, id: &FlowId, form: ContentHash) {
        self.seen().on_the_way.insert(id.clone(), form);
    }

    /// Whether a form stands in the record already.
    pub(super) fn is_kept(&self, live: &LiveFlow) -> bool {
        self.seen().kept.contains(&(live.id().clone(), live.content_hash()))
    }

    pub(super) fn note_kept(&self, live: &LiveFlow) {
        self.seen().kept.insert((live.id().clone(), live.content_hash()));
    }
}
