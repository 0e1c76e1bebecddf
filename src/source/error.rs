//! What goes wrong between flowsync and git, in words for whoever has to mend it.

use super::listing::RECORD_BYTES_MAX;
use crate::revision::{BlobId, CommitId};

/// Reading or writing the repository failed. Texts never show a credential.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SourceError {
    /// The remote could not be reached or would not let us in.
    #[error("cannot {doing} `{url}`: {reason}")]
    Remote {
        /// Present-tense words, for example `fetch from`.
        doing: &'static str,
        /// The remote without credentials.
        url: String,
        /// What git says, and what to do.
        reason: String,
    },
    /// The branch does not exist there.
    #[error("the repository `{url}` has no branch `{branch}`{hint}")]
    NoBranch {
        /// The remote without credentials.
        url: String,
        /// The name asked for.
        branch: String,
        /// What branches there are, or empty.
        hint: String,
    },
    /// The flows folder is not in the commit: an error, never "delete everything".
    #[error("commit {commit} has no folder `{folder}`: expected the flow files there (`repository.flows`)")]
    NoFlowsFolder {
        /// The commit.
        commit: CommitId,
        /// The folder.
        folder: String,
    },
    /// The branch no longer contains a commit that was deployed from it.
    #[error(
        "branch `{branch}` was rewound: commit {known} was seen before and is not in the history of {found}; \
         pass --allow-rewind to accept it"
    )]
    Rewound {
        /// The branch.
        branch: String,
        /// The commit seen before.
        known: CommitId,
        /// The tip found now.
        found: CommitId,
    },
    /// The history is needed, and the repository holds only the end of it.
    #[error("cannot look into the history of `{path}`: this clone is shallow; {remedy}")]
    Shallow {
        /// Where the repository is.
        path: String,
        /// What to do.
        remedy: String,
    },
    /// A local repository, clone or work tree failed.
    #[error("cannot {doing} in `{path}`: {reason}")]
    Local {
        /// Present-tense words.
        doing: &'static str,
        /// Where the clone is.
        path: String,
        /// What git says.
        reason: String,
    },
    /// A file of the records is larger than any that flowsync writes.
    #[error("`{path}` at {commit} has {bytes} bytes, and records have at most {RECORD_BYTES_MAX}: it was not read")]
    TooLarge {
        /// Path from the root of the repository.
        path: String,
        /// The commit.
        commit: CommitId,
        /// Its size.
        bytes: u64,
    },
    /// The configuration names something that cannot be a repository, branch or folder.
    #[error("{0}")]
    Setting(String),
}

impl SourceError {
    /// Of a file that a commit names and the clone does not hold.
    pub(crate) fn missing_blob(path: &str, blob: &BlobId) -> Self {
        Self::Local { doing: "read a blob", path: path.to_owned(), reason: format!("the blob {blob} is missing") }
    }
}

/// A push of records that did not take place.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// Somebody else moved the branch first; fetch and look again.
    #[error("the branch moved before the push ({0})")]
    Lost(String),
    /// The server refuses the push, and would again: a branch rule, a hook, missing rights.
    #[error("the server declined the push: {0}")]
    Declined(String),
    /// It is unknown whether the push took place, and the branch could not be read to find out.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// A proposal that was not made.
#[derive(Debug, thiserror::Error)]
pub enum ProposeError {
    /// The branch is one that flowsync reads, and not one to propose something on.
    #[error("branch `{0}` is deployed from, or holds the records: expected another one for a proposal")]
    Tracked(String),
    /// Somebody else's work is on the branch, and the proposal would undo it.
    #[error(
        "branch `{branch}` holds somebody else's commit {commit}, which does not go together with this proposal at \
         `{path}`: merge or remove that branch, or choose another one"
    )]
    Occupied {
        /// The branch.
        branch: String,
        /// The commit.
        commit: CommitId,
        /// The file.
        path: String,
    },
    /// The branch and its base have no commit in common.
    #[error("branch `{branch}` has no history in common with commit {base}: choose another one")]
    Unrelated {
        /// The branch.
        branch: String,
        /// The commit.
        base: CommitId,
    },
    /// It could not be read or pushed.
    #[error(transparent)]
    Push(#[from] PushError),
}

impl From<SourceError> for ProposeError {
    fn from(error: SourceError) -> Self {
        Self::Push(error.into())
    }
}
