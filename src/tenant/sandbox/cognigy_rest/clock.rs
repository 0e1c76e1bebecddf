//! The stand-in's time: that of the machine, or tokio's from a given moment on, and as much more as somebody let pass at
//! once.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use tokio::time::Instant;

/// Says what time it is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PlatformClock {
    /// When tokio's time began, and what it was then; none where the machine's counts.
    since: Option<(Instant, Timestamp)>,
    ahead: Duration,
}

impl PlatformClock {
    /// A clock that follows tokio's time, which may be paused, and shows `origin` now.
    pub(super) fn starting_at(origin: Timestamp) -> Self {
        Self { since: Some((Instant::now(), origin)), ahead: Duration::ZERO }
    }

    #[allow(clippy::disallowed_methods, reason = "the sandbox is a server of its own, with the wall clock")]
    fn now(self) -> Timestamp {
        let now = match self.since {
            Some((start, origin)) => origin.saturating_add(start.elapsed()).unwrap_or(Timestamp::MAX),
            None => Timestamp::now(),
        };
        now.saturating_add(self.ahead).unwrap_or(Timestamp::MAX)
    }

    /// Milliseconds since 1970.
    pub(super) fn ms(self) -> u64 {
        u64::try_from(self.now().as_millisecond()).unwrap_or_default()
    }

    /// Lets `span` pass at once.
    pub(super) fn advance(&mut self, span: Duration) {
        self.ahead = self.ahead.saturating_add(span);
    }

    /// The HTTP date in so much time.
    pub(super) fn http_date_in(self, span: Duration) -> String {
        let at = self.now().saturating_add(span).unwrap_or(Timestamp::MAX);
        rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap_or_default()
    }
}
