//! Whether changes were approved, in one place.
//!
//! Of a change and the unused entries for its flow:
//!
//! | target hash | previous live hash | verdict |
//! |---|---|---|
//! | the same | the same | approved |
//! | the same | another | live moved |
//! | another | the same | git moved |
//! | another | another | git and live moved |
//! | no entry | | never approved |
//!
//! The first row that any entry meets is what counts. A change to what the last completed deployment left is not
//! asked about: it puts back what was approved then.

use std::collections::BTreeMap;
use std::fmt;

use super::{Approval, Entry};
use crate::flow::{ContentHash, FlowId};
use crate::record::DeploymentId;

/// What is said of one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApprovalVerdict {
    /// It puts back what the last completed deployment left.
    NotAsked,
    /// An unused entry allows it.
    Approved,
    /// No unused entry allows it.
    Missing(Missing),
}

/// Why no unused entry allows a change. A hash is absent where there is, or is to be, no flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// No unused entry is about the flow.
    Never {
        /// The file that allowed it once, and the deployment that used it.
        used: Option<(String, DeploymentId)>,
    },
    /// Another content was approved.
    GitMoved {
        /// The target that was approved.
        approved: Option<ContentHash>,
        /// The target now.
        found: Option<ContentHash>,
    },
    /// This content was approved in place of something else.
    LiveMoved {
        /// What was live when it was approved.
        approved: Option<ContentHash>,
        /// What is live now.
        found: Option<ContentHash>,
    },
    /// Both.
    BothMoved {
        /// What was approved.
        approved: Box<Entry>,
        /// What would be done.
        found: Box<Entry>,
    },
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let git = |hash: &Option<ContentHash>| hash.map_or_else(|| "its removal".to_owned(), |hash| hash.to_string());
        let live = |hash: &Option<ContentHash>| hash.map_or_else(|| "no flow".to_owned(), |hash| hash.to_string());
        match self {
            Self::Never { used: None } => f.write_str("never approved"),
            Self::Never { used: Some((file, deployment)) } => {
                write!(f, "never approved since `{file}` was used by deployment {deployment}")
            }
            Self::GitMoved { approved, found } => {
                write!(f, "git moved: approved is {}, git has {}", git(approved), git(found))
            }
            Self::LiveMoved { approved, found } => {
                write!(f, "live moved: approved in place of {}, live is {}", live(approved), live(found))
            }
            Self::BothMoved { approved, found } => write!(
                f,
                "git moved: approved is {}, git has {}; and live moved: approved in place of {}, live is {}",
                git(&approved.target),
                git(&found.target),
                live(&approved.previous),
                live(&found.previous)
            ),
        }
    }
}

/// What is said of the changes of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement<'a> {
    /// Of each change, in the order given.
    pub verdicts: Vec<ApprovalVerdict>,
    /// The unused files that hold an entry for any of the changes: what a deployment of them uses.
    pub uses: Vec<&'a Approval>,
}

impl Judgement<'_> {
    /// Whether nothing is missing.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.verdicts.iter().any(|verdict| matches!(verdict, ApprovalVerdict::Missing(_)))
    }
}

/// Judges changes by approvals. `left` is what the last completed deployment left live.
#[must_use]
pub fn judge<'a>(changes: &[Entry], left: &BTreeMap<FlowId, ContentHash>, approvals: &'a [Approval]) -> Judgement<'a> {
    let is_unused = |approval: &&Approval| approval.used_by.is_none();
    let mut by_flow: BTreeMap<&FlowId, Vec<(&Entry, &Approval)>> = BTreeMap::new();
    for approval in approvals {
        approval.entries.iter().for_each(|entry| by_flow.entry(&entry.id).or_default().push((entry, approval)));
    }
    let verdict = |change: &Entry| {
        if change.target.is_some() && left.get(&change.id).copied() == change.target {
            return ApprovalVerdict::NotAsked;
        }
        one(change, by_flow.get(&change.id).map(Vec::as_slice).unwrap_or_default())
    };
    Judgement {
        verdicts: changes.iter().map(verdict).collect(),
        uses: approvals.iter().filter(is_unused).filter(|approval| approval.approves_any(changes)).collect(),
    }
}

fn one(change: &Entry, entries: &[(&Entry, &Approval)]) -> ApprovalVerdict {
    let unused = || entries.iter().filter(|(_, approval)| approval.used_by.is_none()).map(|(entry, _)| *entry);
    if unused().any(|entry| entry == change) {
        return ApprovalVerdict::Approved;
    }
    let (found, previous) = (change.target, change.previous);
    ApprovalVerdict::Missing(if let Some(entry) = unused().find(|entry| entry.target == found) {
        Missing::LiveMoved { approved: entry.previous, found: previous }
    } else if let Some(entry) = unused().find(|entry| entry.previous == previous) {
        Missing::GitMoved { approved: entry.target, found }
    } else if let Some(entry) = unused().next() {
        Missing::BothMoved { approved: Box::new(entry.clone()), found: Box::new(change.clone()) }
    } else {
        let spent = entries.iter().find(|(entry, _)| *entry == change).map(|(_, approval)| *approval);
        let used = spent.and_then(|approval| Some((approval.file.clone(), approval.used_by.clone()?)));
        Missing::Never { used }
    })
}
