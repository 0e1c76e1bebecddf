//! What a failed deployment means for the next pass: the memory that keeps a rolled-back commit from
//! being tried for ever. It stands in the manifest, so that every replica and cron job agrees.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::flow::FlowId;

/// A deployment rolled back because of the transport is tried this often in all.
pub const TRANSPORT_TRIES_MAX: u32 = 3;

/// The wait before the first new try; it doubles with each.
pub(crate) const TRANSPORT_WAIT: Duration = Duration::from_secs(5 * 60);

/// Clocks of two machines differ by so much at most.
const CLOCKS_APART: Duration = Duration::from_secs(2 * 60);

/// Why a deployment was rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuarantineCause {
    /// What the tenant said of a flow: refused, failed, not equal when read back.
    Flow,
    /// 5xx, lost connections, time-outs.
    Transport,
    /// Something could not be restored.
    Incomplete,
    /// A person went back to an earlier state on purpose.
    Rollback,
}

/// What must not be tried again for now. Absent: everything may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quarantine {
    /// Why.
    pub cause: QuarantineCause,
    /// What is held back: the flows digest of the commit or, for corrections of drift, the plan digest.
    #[serde(deserialize_with = "super::ids::digest")]
    pub key: String,
    /// Whether the key is a plan digest (corrections of drift only).
    #[serde(default)]
    pub drift_only: bool,
    /// Failed tries so far.
    pub attempts: u32,
    /// Not before this time; absent: not until git changes or somebody says `--retry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The flows that failed.
    pub flows: Vec<FlowId>,
    /// The first failure, in words.
    pub reason: String,
}

/// Whether a plan may be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuarantineVerdict {
    /// It may.
    Free,
    /// Not before a time.
    Waiting(Timestamp),
    /// Not until the flows in git change, or `--retry`.
    Held,
}

impl Quarantine {
    /// The quarantine after one more failure. `earlier` is the quarantine of the deployment before.
    #[must_use]
    pub fn after_failure(
        earlier: Option<&Self>,
        cause: QuarantineCause,
        key: &str,
        drift_only: bool,
        now: Timestamp,
        flows: Vec<FlowId>,
        reason: String,
    ) -> Self {
        let earlier = earlier.filter(|earlier| earlier.key == key).map_or(0, |earlier| earlier.attempts);
        let attempts = earlier.saturating_add(1);
        let until =
            (cause == QuarantineCause::Transport && attempts < TRANSPORT_TRIES_MAX).then(|| after(now, attempts));
        Self { cause, key: key.to_owned(), drift_only, attempts, until, flows, reason }
    }

    /// Counts the wait from `now`, when everything is put back: that may have taken long.
    pub fn count_from(&mut self, now: Timestamp) {
        self.until = self.until.map(|_| after(now, self.attempts));
    }

    /// Whether a plan with these digests may be carried out at `now`. A time that no wait reaches from there was
    /// written by a clock that was wrong, and holds nothing back.
    #[must_use]
    pub fn verdict(&self, flows_digest: &str, plan_digest: &str, now: Timestamp) -> QuarantineVerdict {
        let key = if self.drift_only { plan_digest } else { flows_digest };
        match self.until {
            _ if self.key != key => QuarantineVerdict::Free,
            Some(until) if until <= now || self.is_beyond_a_wait(until, now) => QuarantineVerdict::Free,
            Some(until) => QuarantineVerdict::Waiting(until),
            None => QuarantineVerdict::Held,
        }
    }

    fn is_beyond_a_wait(&self, until: Timestamp, now: Timestamp) -> bool {
        let longest = wait(self.attempts.min(TRANSPORT_TRIES_MAX)) + CLOCKS_APART;
        until.duration_since(now) > SignedDuration::try_from(longest).unwrap_or(SignedDuration::MAX)
    }
}

/// When the wait after so many failed tries is over.
fn after(now: Timestamp, attempts: u32) -> Timestamp {
    now.checked_add(wait(attempts)).unwrap_or(Timestamp::MAX)
}

/// How long to wait after so many failed tries.
fn wait(attempts: u32) -> Duration {
    TRANSPORT_WAIT * 2_u32.saturating_pow(attempts.saturating_sub(1).min(16))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(earlier: Option<&Quarantine>, cause: QuarantineCause, now: Timestamp) -> Quarantine {
        Quarantine::after_failure(earlier, cause, "sha256:a", false, now, Vec::new(), String::new())
    }

    #[test]
    fn transport_failures_wait_five_minutes_then_ten_then_for_git() {
        let now = Timestamp::UNIX_EPOCH;
        let first = fail(None, QuarantineCause::Transport, now);
        assert_eq!(first.until, Some(now + Duration::from_secs(300)));
        let second = fail(Some(&first), QuarantineCause::Transport, now);
        assert_eq!(second.until, Some(now + Duration::from_secs(600)));
        let mut later = second.clone();
        later.count_from(now + Duration::from_secs(60));
        assert_eq!(later.until, Some(now + Duration::from_secs(660)));
        let third = fail(Some(&second), QuarantineCause::Transport, now);
        assert_eq!((third.attempts, third.until), (3, None));
        assert_eq!(third.verdict("sha256:a", "p", now + Duration::from_secs(1_000_000)), QuarantineVerdict::Held);
    }

    #[test]
    fn a_time_that_no_wait_reaches_holds_nothing_back() {
        let now = Timestamp::UNIX_EPOCH;
        let verdict = |from: Timestamp| fail(None, QuarantineCause::Transport, from).verdict("sha256:a", "p", now);
        let ahead = now + Duration::from_secs(120);
        assert_eq!(verdict(ahead), QuarantineVerdict::Waiting(ahead + TRANSPORT_WAIT), "clocks may differ");
        assert_eq!(verdict(ahead + Duration::from_secs(1)), QuarantineVerdict::Free);
        assert_eq!(verdict(Timestamp::MAX), QuarantineVerdict::Free);
        let mut forged = fail(None, QuarantineCause::Transport, now + Duration::from_secs(86_400));
        forged.attempts = u32::MAX;
        assert_eq!(forged.verdict("sha256:a", "p", now), QuarantineVerdict::Free);
    }

    #[test]
    fn a_new_commit_frees_and_the_same_flows_do_not() {
        let now = Timestamp::UNIX_EPOCH;
        let held = fail(None, QuarantineCause::Flow, now);
        assert_eq!(held.verdict("sha256:a", "p", now), QuarantineVerdict::Held);
        assert_eq!(held.verdict("sha256:b", "p", now), QuarantineVerdict::Free);
    }

    #[test]
    fn a_count_belongs_to_its_flows() {
        let now = Timestamp::UNIX_EPOCH;
        let first = fail(None, QuarantineCause::Transport, now);
        let other = Quarantine::after_failure(
            Some(&first),
            QuarantineCause::Transport,
            "sha256:b",
            false,
            now,
            vec![],
            String::new(),
        );
        assert_eq!(other.attempts, 1);
    }
}
