//! A deployment under way: an engine and the ledger of what it does.
//!
//! What it writes down is in `ledger`, what it does to the tenant in `carry`.

use std::sync::Arc;

use super::Engine;
use super::ledger::Ledger;
use crate::local::LocalState;

/// A deployment that has begun, or is about to.
pub(super) struct Deployment<'a, T, S, L> {
    /// With what it is carried out.
    pub(super) engine: &'a Engine<T, S, L>,
    /// Its manifest, journal and lease.
    pub(super) ledger: Arc<Ledger<L>>,
}

impl<'a, T, S, L: LocalState> Deployment<'a, T, S, L> {
    pub(super) fn new(engine: &'a Engine<T, S, L>, ledger: Ledger<L>) -> Self {
        ledger.name_in_span();
        Self { engine, ledger: Arc::new(ledger) }
    }
}
