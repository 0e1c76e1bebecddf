//! What a plan looks at.

use std::fmt;

use serde::Serialize;

/// Where the flows of a plan come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Basis {
    /// The files of a work tree, committed or not.
    WorkTree {
        /// Its root.
        repository: String,
    },
    /// A revision of the repository around the current directory.
    Revision {
        /// Where it is.
        repository: String,
        /// As git reads it.
        revision: String,
    },
    /// What a merge of a revision into another would come to, in the repository around the current directory.
    Merge {
        /// Where it is.
        repository: String,
        /// What is merged, as git reads it.
        revision: String,
        /// Into what.
        into: String,
    },
    /// There is no repository around: the configured branch of the configured one, or a commit of its history.
    ConfiguredBranch {
        /// Its URL.
        repository: String,
        /// The branch, or the commit.
        revision: String,
    },
}

/// For the first line of what is said.
impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WorkTree { repository } => write!(f, "the work tree `{repository}`, committed or not"),
            Self::Revision { repository, revision } => write!(f, "`{revision}` of the repository `{repository}`"),
            Self::Merge { repository, revision, into } => {
                write!(f, "`{revision}` of the repository `{repository}`, merged into `{into}`")
            }
            Self::ConfiguredBranch { repository, revision } => {
                write!(f, "`{revision}` of the configured repository `{repository}`, because this is no git work tree")
            }
        }
    }
}
