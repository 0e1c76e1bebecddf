//! The status of a commit, as GitHub and GitLab show it beside it.

use super::super::what::{Ended, News};
use super::plain::plain;
use super::words::in_words;
use crate::controller::SyncResult;
use crate::forge::{CommitState, CommitStatus};

/// Most characters of a description that GitHub takes.
const DESCRIPTION_CHARS_MAX: usize = 140;

/// The status that news means for its commit; `None` where it says nothing of one.
pub(in super::super) fn status(news: &News) -> Option<CommitStatus> {
    let (commit, state, description) = match news {
        News::Began(began) => (&began.commit, CommitState::Pending, "deploying".to_owned()),
        News::Ended(ended) => (ended.report.commit.as_ref()?, state(ended.report.result)?, description(ended)),
    };
    let context = format!("flowsync/{}", news.environment());
    Some(CommitStatus { commit: commit.0.clone(), state, context, description })
}

fn state(result: SyncResult) -> Option<CommitState> {
    match result {
        SyncResult::Deployed | SyncResult::InSync => Some(CommitState::Success),
        SyncResult::RolledBack | SyncResult::RollbackIncomplete | SyncResult::Refused | SyncResult::Error => {
            Some(CommitState::Failure)
        }
        SyncResult::Drifted | SyncResult::Planned | SyncResult::Busy | SyncResult::Suspended => None,
    }
}

fn description(ended: &Ended) -> String {
    let result = ended.report.result.as_str();
    let said = match &ended.report.error {
        Some(error) => error.clone(),
        None => in_words(ended.report.summary()),
    };
    let whole = if said.is_empty() { result.to_owned() } else { format!("{result}: {said}") };
    // What keeps links apart takes characters too.
    let cuts = (1..DESCRIPTION_CHARS_MAX).map(|n| plain(&whole, DESCRIPTION_CHARS_MAX - n));
    cuts.into_iter().find(|text| fits(text)).unwrap_or_else(|| result.to_owned())
}

fn fits(text: &str) -> bool {
    text.chars().count() <= DESCRIPTION_CHARS_MAX
}
