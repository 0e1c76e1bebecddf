//! What every task of the controller has at hand.

use std::sync::Arc;

use super::event::Events;
use super::nudge::Nudges;
use crate::clock::Clock;
use crate::shutdown::Shutdown;

/// Looks after environments.
pub struct Keeper<E> {
    /// Where they come from.
    pub environments: Arc<E>,
    /// What wakes them.
    pub nudges: Nudges,
    /// Where it is told what happens.
    pub events: Events,
    /// Asks to end.
    pub shutdown: Shutdown,
    /// Time and chance.
    pub clock: Arc<dyn Clock>,
}

impl<E> Clone for Keeper<E> {
    fn clone(&self) -> Self {
        let Self { environments, nudges, events, shutdown, clock } = self;
        Self {
            environments: environments.clone(),
            nudges: nudges.clone(),
            events: events.clone(),
            shutdown: shutdown.clone(),
            clock: clock.clone(),
        }
    }
}
