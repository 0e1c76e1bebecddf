//! The stand-in's time: that of the machine, and as much more as somebody let pass at once.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// Says what time it is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PlatformClock {
    ahead: Duration,
}

impl PlatformClock {
    #[allow(clippy::disallowed_methods, reason = "the sandbox is a server of its own, with the wall clock")]
    fn now(self) -> Timestamp {
        Timestamp::now().saturating_add(self.ahead).unwrap_or(Timestamp::MAX)
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
