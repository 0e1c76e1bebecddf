//! Which deletes a deployment may make, and how many.

use std::collections::BTreeSet;

use crate::config::{MaxDeletes, Protect};
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

#[cfg(test)]
mod tests {
    use super::*;

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
