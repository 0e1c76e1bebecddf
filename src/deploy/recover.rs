//! What is to be done about a flow of an interrupted deployment: one pure table.
//!
//! | the manifest says | live is | what happens |
//! |---|---|---|
//! | `deploying` | the target | nothing |
//! | `deploying` | the previous definition | the flow is pushed |
//! | `deploying` | something else | it is kept in the audit record, then the flow is pushed |
//! | `restoring` | the previous definition | nothing |
//! | `restoring` | the target | the flow is put back |
//! | `restoring` | something else | it is kept in the audit record, then the flow is put back |
//!
//! A flow is put back only if the deployment made a request for it or, where its trail is lost, may have: see `asked`.
//!
//! Target and previous definition may each be "absent": the target of a delete, what preceded a create.

use crate::flow::ContentHash;
use crate::record::Status;

/// What is live, seen from a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// What the deployment wants.
    Target,
    /// What was there before.
    Previous,
    /// Neither.
    Else,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// It is as it should be.
    Leave,
    /// Write it.
    Write,
    /// Keep what is live in the record, then write it.
    KeepAndWrite,
}

/// What is live, by equality hash; `None` is absent.
#[must_use]
pub fn look(target: Option<ContentHash>, previous: Option<ContentHash>, live: Option<ContentHash>) -> Found {
    match live {
        _ if live == target => Found::Target,
        _ if live == previous => Found::Previous,
        _ => Found::Else,
    }
}

impl Found {
    /// The table above. An ended or pending deployment has nothing to recover.
    #[must_use]
    pub fn recovery(self, status: Status) -> Recovery {
        match (status, self) {
            (Status::Deploying, Self::Target) | (Status::Restoring, Self::Previous) => Recovery::Leave,
            (Status::Deploying, Self::Previous) | (Status::Restoring, Self::Target) => Recovery::Write,
            (Status::Deploying | Status::Restoring, Self::Else) => Recovery::KeepAndWrite,
            (Status::Pending | Status::Deployed | Status::RolledBack | Status::RollbackIncomplete, _) => {
                Recovery::Leave
            }
        }
    }

    /// The word in audit records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Previous => "previous",
            Self::Else => "else",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_for_creates_updates_and_deletes() {
        let hash = |byte| Some(ContentHash([byte; 32]));
        for (target, previous) in [(hash(1), hash(2)), (hash(1), None), (None, hash(2))] {
            for (live, found) in [(target, Found::Target), (previous, Found::Previous), (hash(9), Found::Else)] {
                assert_eq!(look(target, previous, live), found);
            }
        }
        let row = |status, found: Found| found.recovery(status);
        assert_eq!(row(Status::Deploying, Found::Target), Recovery::Leave);
        assert_eq!(row(Status::Deploying, Found::Previous), Recovery::Write);
        assert_eq!(row(Status::Deploying, Found::Else), Recovery::KeepAndWrite);
        assert_eq!(row(Status::Restoring, Found::Target), Recovery::Write);
        assert_eq!(row(Status::Restoring, Found::Previous), Recovery::Leave);
        assert_eq!(row(Status::Restoring, Found::Else), Recovery::KeepAndWrite);
    }

    proptest::proptest! {
        #[test]
        fn recovery_reaches_one_whole_side_and_keeps_what_is_neither(
            target in proptest::option::of(1..4_u8),
            previous in proptest::option::of(1..4_u8),
            live in proptest::option::of(1..4_u8),
        ) {
            let hash = |edition: Option<u8>| edition.map(|edition| ContentHash([edition; 32]));
            let found = look(hash(target), hash(previous), hash(live));
            for (status, side) in [(Status::Deploying, target), (Status::Restoring, previous)] {
                let recovery = found.recovery(status);
                let left = if recovery == Recovery::Leave { live } else { side };
                proptest::prop_assert!(left == side || target == previous, "{status} leaves {left:?}");
                let is_lost = recovery == Recovery::Write && live != target && live != previous;
                proptest::prop_assert!(!is_lost, "{status} overwrites {live:?} unseen");
            }
        }
    }
}
