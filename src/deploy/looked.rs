//! When the tenant was last looked at, and what was seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::flow::{ContentHash, Definition, FlowId};
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
    pub(super) newest: Mutex<Newest>,
    /// Forms that stand in the record already.
    kept: std::sync::Mutex<BTreeSet<(FlowId, ContentHash)>>,
}

#[derive(Debug)]
pub(super) struct Newest {
    pub(super) looked: Looked,
    /// Nothing: everything was as planned.
    pub(super) export: Option<Export>,
    /// Flows that this deployment has left in a form on the way: no look need keep that.
    pub(super) on_the_way: BTreeMap<FlowId, ContentHash>,
}

impl Looks {
    /// Begins with the look the plan was made from.
    #[must_use]
    pub fn planned(looked: Looked) -> Self {
        let newest = Newest { looked, export: None, on_the_way: BTreeMap::new() };
        Self { newest: Mutex::new(newest), kept: std::sync::Mutex::default() }
    }

    /// Whether a form stands in the record already.
    pub(super) fn is_kept(&self, live: &Definition) -> bool {
        self.kept().contains(&(live.id.clone(), live.content_hash))
    }

    pub(super) fn note_kept(&self, live: &Definition) {
        self.kept().insert((live.id.clone(), live.content_hash));
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, BTreeSet<(FlowId, ContentHash)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
