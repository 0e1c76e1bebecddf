//! What is told of the requests to a tenant, for whoever counts them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::Call;

/// Told of what a client does. Must not wait.
#[derive(Clone, Default)]
pub struct RequestObserver(Option<Arc<Told>>);

struct Told {
    tell: Box<dyn Fn(Observed) + Send + Sync>,
    /// The limit told last; 0 before the first.
    limit: AtomicUsize,
}

/// Something a client did, or learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// A request is over: the status of its answer, or none where there was no answer.
    Request(Call, Option<u16>),
    /// The tenant limits the rate: nothing is asked for so long.
    Throttled(Duration),
    /// So many requests may be in flight now, those of other environments of the tenant included.
    Limit(usize),
}

impl RequestObserver {
    /// Tells this function.
    #[must_use]
    pub fn new(tell: impl Fn(Observed) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(Told { tell: Box::new(tell), limit: AtomicUsize::new(0) })))
    }

    pub(super) fn tell(&self, observed: Observed) {
        let Some(told) = &self.0 else { return };
        if let Observed::Limit(limit) = observed
            && told.limit.swap(limit, Ordering::Relaxed) == limit
        {
            return;
        }
        (told.tell)(observed);
    }
}

impl std::fmt::Debug for RequestObserver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestObserver").finish_non_exhaustive()
    }
}
