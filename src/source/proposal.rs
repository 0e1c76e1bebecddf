//! What is proposed on a branch of its own, for people to look at, and what becomes of a branch that exists already.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::revision::CommitId;

/// The trailer of every commit that flowsync makes; a commit without it is somebody else's.
pub const OUR_TRAILER: &str = "Flowsync-Environment";

/// A change of files that is committed to a branch which nobody deploys from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The branch, by its short name.
    pub branch: String,
    /// The commit that the change was made for: where the flows' branch was found.
    pub base: CommitId,
    /// What becomes of the rest that the branch proposes.
    pub rest: Rest,
    /// Commit message, trailers included.
    pub message: String,
    /// Path from the root of the repository to new content; `None` removes the file.
    pub files: BTreeMap<String, Option<Vec<u8>>>,
    /// Author and committer time.
    pub time: Timestamp,
}

/// What becomes of what a branch held before a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// It stays as it is: the commit changes the files of the proposal and no other.
    Stays,
    /// The proposal is all there is to propose: the branch comes to hold its base with the change, and what was
    /// proposed earlier is taken back. What somebody else committed there stays.
    Goes,
}

/// What a proposal came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proposed {
    /// The branch holds this new commit.
    Made(CommitId),
    /// The branch held all of it already, and stands here.
    Held(CommitId),
    /// The base itself holds all of it: there is nothing to propose.
    Nothing,
}

/// Whether a commit with this message is flowsync's: its last paragraph has our trailer.
pub(super) fn is_ours(message: &str) -> bool {
    let paragraph = message.trim_end().rsplit("\n\n").next().unwrap_or_default();
    let is_trailer = |line: &str| line.strip_prefix(OUR_TRAILER).is_some_and(|rest| rest.starts_with(':'));
    paragraph.lines().any(is_trailer)
}

/// Where a file is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// In the base of the proposal.
    Base,
    /// On the branch.
    Branch,
    /// In the last commit that both have.
    Fork,
}

/// What happened on a branch since it left its base.
#[derive(Debug, Default)]
pub(super) struct Since {
    /// Files that differ between fork and branch.
    pub(super) changed: BTreeSet<String>,
    /// Files that commits of somebody else changed, with the newest of these.
    pub(super) foreign: BTreeMap<String, CommitId>,
}

/// What the branch is to hold.
#[derive(Debug)]
pub(super) struct Settled<E> {
    /// The files that may differ from the base, each as it is to be; all others are as in the base.
    pub(super) files: BTreeMap<String, Option<E>>,
    /// Whether merging the branch as it stands would bring exactly that.
    pub(super) is_held: bool,
}

/// A file at which somebody else's commit stands in the way.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Clash {
    pub(super) path: String,
    pub(super) commit: CommitId,
}

/// Decides file by file: what is wanted, what somebody else did, and for the rest the base.
pub(super) fn settle<E: Clone + PartialEq, X>(
    wanted: &BTreeMap<String, Option<E>>,
    since: &Since,
    mut look: impl FnMut(Side, &str) -> Result<Option<E>, X>,
) -> Result<Result<Settled<E>, Clash>, X> {
    let mut settled = Settled { files: BTreeMap::new(), is_held: true };
    let paths: BTreeSet<&String> = since.changed.iter().chain(since.foreign.keys()).chain(wanted.keys()).collect();
    for path in paths {
        let (base, branch, fork) = (look(Side::Base, path)?, look(Side::Branch, path)?, look(Side::Fork, path)?);
        let merged = merge(&base, &branch, &fork);
        let clash = |commit: &CommitId| Clash { path: path.clone(), commit: commit.clone() };
        let file = match (wanted.get(path), since.foreign.get(path)) {
            (Some(wanted), None) => wanted.clone(),
            (None, None) => base,
            (wanted, Some(commit)) => match &merged {
                Some(merged) if wanted.is_none_or(|wanted| wanted == merged) => merged.clone(),
                _ => return Ok(Err(clash(commit))),
            },
        };
        settled.is_held &= merged.as_ref() == Some(&file);
        settled.files.insert(path.clone(), file);
    }
    Ok(Ok(settled))
}

/// What a merge of the branch would leave; `None` where both sides changed the file.
fn merge<E: Clone + PartialEq>(base: &Option<E>, branch: &Option<E>, fork: &Option<E>) -> Option<Option<E>> {
    if base == fork || base == branch { Some(branch.clone()) } else { (branch == fork).then(|| base.clone()) }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// One file as it stands at base, branch and fork (`-`: absent), whether somebody else changed it, and what is
    /// wanted (`.`: nothing); what comes of it.
    fn check(sides: &str, is_foreign: bool, wanted: &str) -> String {
        let file = |text: &str| (text != "-").then(|| text.to_owned());
        let [base, branch, fork] = sides.split(' ').map(file).collect::<Vec<_>>().try_into().unwrap();
        let path = "f".to_owned();
        let wanted = (wanted != ".").then(|| (path.clone(), file(wanted)));
        let since = Since {
            changed: (branch != fork).then(|| path.clone()).into_iter().collect(),
            foreign: is_foreign.then(|| (path.clone(), CommitId("theirs".into()))).into_iter().collect(),
        };
        let look = |side, _: &str| {
            let found = match side {
                Side::Base => &base,
                Side::Branch => &branch,
                Side::Fork => &fork,
            };
            Ok::<_, Infallible>(found.clone())
        };
        match settle(&wanted.into_iter().collect(), &since, look).unwrap() {
            Err(Clash { path, commit }) => format!("{commit} at {path}"),
            Ok(Settled { files, is_held }) => {
                let file = files.get("f").map_or(".", |file| file.as_deref().unwrap_or("-"));
                format!("{file}{}", if is_held { " held" } else { "" })
            }
        }
    }

    #[test]
    fn what_is_wanted_goes_onto_the_base_and_what_was_proposed_before_goes() {
        for (sides, wanted, expected) in [
            ("1 1 1", "2", "2"),
            ("1 2 1", "2", "2 held"),
            ("1 2 1", ".", "1"),
            ("1 2 1", "3", "3"),
            ("1 1 1", "-", "-"),
            ("1 - 1", "-", "- held"),
            ("- 2 -", "2", "2 held"),
            // Base went on meanwhile: a merge of the branch would bring a conflict, or what is wanted.
            ("2 3 1", "3", "3"),
            ("3 3 1", "3", "3 held"),
            ("2 1 1", "2", "2 held"),
            ("2 1 1", ".", ". held"),
        ] {
            assert_eq!(check(sides, false, wanted), expected, "{sides} {wanted}");
        }
    }

    #[test]
    fn what_somebody_else_did_stays_or_is_in_the_way() {
        for (sides, wanted, expected) in [
            ("1 2 1", ".", "2 held"),
            ("1 2 1", "2", "2 held"),
            ("1 2 1", "3", "theirs at f"),
            // They took our proposal back.
            ("1 1 1", "2", "theirs at f"),
            ("1 1 1", ".", "1 held"),
            ("2 3 1", ".", "theirs at f"),
            ("3 3 1", ".", "3 held"),
            ("1 - 1", "2", "theirs at f"),
        ] {
            assert_eq!(check(sides, true, wanted), expected, "{sides} {wanted}");
        }
    }

    #[test]
    fn a_commit_is_ours_by_the_trailer_of_its_last_paragraph() {
        for (message, ours) in [
            ("flowsync: x\n\nFlowsync-Environment: production\n", true),
            ("flowsync: x\n\nbody\n\nFlowsync-Source: a\nFlowsync-Environment: production\nSigned-off-by: a", true),
            ("Flowsync-Environment", false),
            ("x\n\nFlowsync-Environment: production\n\nand more", false),
            ("Merge branch 'main'", false),
            ("", false),
        ] {
            assert_eq!(is_ours(message), ours, "{message}");
        }
    }
}
