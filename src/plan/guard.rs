//! Which deletes a deployment may make, and how many; and how long it may take.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::config::{MaxDeletes, Protect, format_duration};
use crate::flow::FlowId;

/// A plan deletes flows that are protected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the plan deletes {}, protected by `sync.protect`; if that is meant, run once with {}",
    list(.0, "", "`"),
    list(.0, "--allow-delete-protected ", "")
)]
pub struct ProtectedDeletes(Vec<FlowId>);

fn list(ids: &[FlowId], before: &str, quote: &str) -> String {
    let ids: Vec<String> = ids.iter().map(|id| format!("{before}{quote}{id}{quote}")).collect();
    ids.join(if before.is_empty() { ", " } else { " " })
}

/// Refuses deletes of flows that are protected, but those that a person allows.
pub fn check_protected<'a>(
    deletes: impl Iterator<Item = &'a FlowId>,
    protect: &Protect,
    allowed: &BTreeSet<FlowId>,
) -> Result<(), ProtectedDeletes> {
    let held: Vec<FlowId> = deletes.filter(|id| protect.holds(id) && !allowed.contains(*id)).cloned().collect();
    if held.is_empty() { Ok(()) } else { Err(ProtectedDeletes(held)) }
}

/// A plan deletes more than it may.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the plan deletes {found} of {n_managed} managed flows, `maxDeletes` allows {allowed}; \
     if that is meant, run once with --allow-deletes {found}"
)]
pub struct TooManyDeletes {
    /// Deletes in the plan.
    pub found: usize,
    /// Deletes allowed.
    pub allowed: usize,
    /// Flows flowsync manages here.
    pub n_managed: usize,
}

/// Refuses more deletes than the policy, or for one run `allowed_once`, permits. A share is rounded down. Git holding no flow
/// at all permits none by itself: an empty folder is more often an accident than a wish.
pub fn check_deletes(
    found: usize,
    n_managed: usize,
    git_is_empty: bool,
    policy: MaxDeletes,
    allowed_once: Option<usize>,
) -> Result<(), TooManyDeletes> {
    let by_policy = match policy {
        _ if git_is_empty => 0,
        MaxDeletes::Count(count) => count,
        MaxDeletes::Percent(share) => n_managed * usize::from(share) / 100,
    };
    let allowed = allowed_once.unwrap_or(by_policy);
    if found > allowed { Err(TooManyDeletes { found, allowed, n_managed }) } else { Ok(()) }
}

/// What requests are counted in.
const WINDOW: Duration = Duration::from_secs(300);

/// How long so many requests wait for their turn at least, where no more than `per_5_minutes` are made: as many start at
/// once, the next when those are five minutes old.
#[must_use]
pub fn wait_for(n_requests: usize, per_5_minutes: u32) -> Duration {
    let n_windows = n_requests.saturating_sub(1) / (per_5_minutes as usize).max(1);
    WINDOW.saturating_mul(u32::try_from(n_windows).unwrap_or(u32::MAX))
}

/// A plan takes longer than a deployment may.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the plan takes {n_requests} requests or more, of {per_5_minutes} in 5 minutes: {} at least, and `sync.deployTimeout` is {}; \
     raise that or `tenant.requestsPer5Minutes`, or deploy in smaller steps; nothing was written",
    format_duration(*.takes),
    format_duration(*.allowed)
)]
pub struct TooLong {
    /// The fewest requests that it takes.
    pub n_requests: usize,
    /// Most requests in 5 minutes.
    pub per_5_minutes: u32,
    /// How long it waits for its turn.
    pub takes: Duration,
    /// How long a deployment may take.
    pub allowed: Duration,
}

/// Refuses what a deployment would be restored for in the middle: more requests than its time has room for.
pub fn check_time(n_requests: usize, per_5_minutes: u32, allowed: Duration) -> Result<(), TooLong> {
    let takes = wait_for(n_requests, per_5_minutes);
    if takes > allowed { Err(TooLong { n_requests, per_5_minutes, takes, allowed }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_requests_as_a_window_has_wait_for_nothing() {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        for (n_requests, expected) in [(0, 0), (1, 0), (800, 0), (801, 5), (1_600, 5), (1_601, 10)] {
            assert_eq!(wait_for(n_requests, 800), minutes(expected), "{n_requests}");
        }
        assert!(check_time(1_601, 800, minutes(10)).is_ok());
        let refused = check_time(1_601, 800, minutes(9)).unwrap_err().to_string();
        assert!(refused.contains("1601 requests") && refused.contains("10m at least"), "{refused}");
    }

    #[test]
    fn a_share_is_rounded_down_even_to_nothing() {
        let check = |found, n, share| check_deletes(found, n, false, MaxDeletes::Percent(share), None).is_ok();
        assert!(
            !check(1, 3, 10)
                && !check(1, 9, 10)
                && check(1, 10, 10)
                && !check(2, 19, 10)
                && check(2, 20, 10)
                && !check(1, 100, 0)
                && check(7, 7, 100)
        );
    }

    #[test]
    fn the_override_is_a_number_and_an_empty_git_needs_it() {
        let empty = |once| check_deletes(2, 2, true, MaxDeletes::Percent(100), once);
        assert_eq!(empty(None), Err(TooManyDeletes { found: 2, allowed: 0, n_managed: 2 }));
        assert!(empty(Some(1)).is_err() && empty(Some(2)).is_ok());
    }
}
