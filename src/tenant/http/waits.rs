//! Long waits are said, with their reason and their end: nobody should sit in front of a silent program.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A wait longer than this is said.
const SAID_FROM: Duration = Duration::from_secs(5);

/// Why requests are held back after a 429.
pub(super) const RATE_LIMITED: &str = "the tenant limits the rate (429)";

/// The waits for one tenant. Many requests wait for the same moment: it is said once.
#[derive(Debug)]
pub(super) struct Waits {
    tenant: String,
    said_until: Mutex<Option<Instant>>,
}

impl Waits {
    /// `tenant` is what people know it by, for example its host.
    pub(super) fn new(tenant: &str) -> Self {
        Self { tenant: tenant.to_owned(), said_until: Mutex::new(None) }
    }

    /// Says a wait that begins now, where it is long and was not said yet.
    pub(super) fn tell(&self, wait: Duration, reason: &str) {
        if self.is_news(wait) {
            let (tenant, seconds) = (&self.tenant, wait.as_secs());
            tracing::warn!("waiting {seconds} s for `{tenant}`, until {}: {reason}", clock_in(wait));
        }
    }

    fn is_news(&self, wait: Duration) -> bool {
        if wait <= SAID_FROM {
            return false;
        }
        let end = Instant::now() + wait;
        let mut said = self.said_until.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = said.is_none_or(|said| end > said + SAID_FROM);
        if is_news {
            *said = Some(end);
        }
        is_news
    }
}

/// What clocks will show, to the second.
#[allow(clippy::disallowed_methods, reason = "people look at the wall clock; nothing is decided by it")]
fn clock_in(wait: Duration) -> String {
    let end = jiff::Timestamp::now().saturating_add(wait).unwrap_or(jiff::Timestamp::MAX);
    end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_long_wait_is_news_once_however_many_wait_for_it() {
        let (waits, seconds) = (Waits::new("t"), Duration::from_secs);
        assert!(!waits.is_news(seconds(5)), "short enough to say nothing");
        assert!(waits.is_news(seconds(60)));
        assert!(!waits.is_news(seconds(60)), "the same end");
        tokio::time::advance(seconds(30)).await;
        assert!(!waits.is_news(seconds(33)), "hardly later");
        assert!(waits.is_news(seconds(90)), "a later end");
        tokio::time::advance(seconds(200)).await;
        assert!(waits.is_news(seconds(6)));
    }
}
