//! What is asked of a signature, and what can be said against it.

use std::path::PathBuf;

use jiff::Timestamp;

use super::program::ProgramError;

/// What a signature was made over, and when it is said to have been made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The signature, armored.
    pub signature: Vec<u8>,
    /// What it was made over.
    pub content: Vec<u8>,
    /// The commit's own time, by which keys are valid or not.
    pub time: Timestamp,
}

/// Why a signature is not one of those who are trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// There is none.
    #[error("it is not signed")]
    Unsigned,
    /// It is of a kind that nobody is trusted to make.
    #[error("it has a signature of another kind than {0}")]
    OtherKind(&'static str),
    /// Its key is nobody's who is trusted.
    #[error("it is signed with a key that is not trusted{0}")]
    UnknownKey(String),
    /// It does not fit the commit.
    #[error("its signature is bad")]
    Bad,
    /// The key was not valid when the commit was made.
    #[error("its key was not valid then: {0}")]
    NotValid(String),
    /// An authority that is trusted has certified the key, not for that time, or not for somebody who is allowed.
    #[error("the certificate of its key was not valid then, or names nobody who is trusted")]
    Certificate,
    /// The key was revoked.
    #[error("its key was revoked")]
    Revoked,
}

/// Who is trusted cannot be found out.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file of keys cannot be read.
    #[error("cannot read `{}` (`sync.verify.{key}`)", path.display())]
    Read {
        /// The key of the configuration.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A program is missing.
    #[error("`sync.verify.{key}` needs the program `{program}` ({package}), which is not in PATH")]
    Missing {
        /// The key of the configuration.
        key: &'static str,
        /// The program.
        program: &'static str,
        /// Where it comes from.
        package: &'static str,
    },
    /// A program does not do what it should.
    #[error("cannot check signatures")]
    Program(#[from] ProgramError),
    /// This process fails itself.
    #[error("checking signatures did not come to its end")]
    Broken,
    /// There is no room for what the programs read.
    #[error("cannot write a temporary file for signatures")]
    Temporary(#[source] std::io::Error),
}
