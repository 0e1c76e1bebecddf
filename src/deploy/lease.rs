//! The lease: until when this process may write to the tenant.
//!
//! Its end stands in the pushed manifest. Margins cover clocks that differ: the holder starts no
//! request in the last [`MARGIN`], others wait [`GRACE`] longer.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::record::Holder;
use crate::tenant::StartLimit;

/// A lease lasts this long from the moment its manifest is made.
pub const LEASE: Duration = Duration::from_secs(5 * 60);

/// No request starts in this last part of it.
pub const MARGIN: Duration = Duration::from_secs(60);

/// Others wait this long after its end.
pub const GRACE: Duration = Duration::from_secs(2 * 60);

/// A lease is renewed when this much of it has passed.
const RENEW_AFTER: Duration = Duration::from_secs(150);

/// A lease this process holds or is about to push.
#[derive(Debug, Clone)]
pub struct Lease {
    holder: String,
    limit: StartLimit,
}

/// The next term of a lease: counted from before its push, so that the holder is never the last to stop.
#[derive(Debug, Clone)]
pub struct Term {
    holder: Holder,
    last_start: Instant,
}

impl Lease {
    /// A lease that allows nothing until its first term begins.
    #[must_use]
    pub fn new(holder: &str) -> Self {
        Self { holder: holder.to_owned(), limit: StartLimit::at(long_ago()) }
    }

    /// A term that starts now. It counts once [`Lease::begin`] is told that its manifest won the push.
    #[must_use]
    pub fn next_term(&self, now: Timestamp) -> Term {
        Term {
            holder: Holder { id: self.holder.clone(), deadline: now + LEASE },
            last_start: Instant::now() + (LEASE - MARGIN),
        }
    }

    /// The manifest with this term was pushed.
    pub fn begin(&self, term: &Term) {
        self.limit.move_to(term.last_start);
    }

    /// The limit calls obey.
    #[must_use]
    pub fn limit(&self) -> StartLimit {
        self.limit.clone()
    }

    /// This process's holder id.
    #[must_use]
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// When to renew: half-way through the term.
    #[must_use]
    pub fn renew_at(&self) -> Instant {
        self.limit.get().and_then(|limit| limit.checked_sub(LEASE - MARGIN - RENEW_AFTER)).unwrap_or_else(Instant::now)
    }
}

/// An instant that has passed, as far back as the machine's clock allows.
fn long_ago() -> Instant {
    let now = Instant::now();
    now.checked_sub(LEASE).unwrap_or(now)
}

impl Term {
    /// Holder and deadline for the manifest.
    #[must_use]
    pub fn holder(&self) -> Holder {
        self.holder.clone()
    }
}

/// When somebody else may take a deployment over.
#[must_use]
pub fn free_at(holder: &Holder) -> Timestamp {
    holder.deadline + GRACE
}
