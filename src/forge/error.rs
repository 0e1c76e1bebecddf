//! What can go wrong with a forge. Texts quote it escaped and shortened, and never the token.

use std::time::Duration;

use crate::config::SecretError;
use crate::web::ConnectError;

/// A forge cannot be asked: nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The configuration has none.
    #[error("a pull request needs `repository.forge` in the configuration: its `kind`, `project` and `token`")]
    NotConfigured,
    /// It names no token.
    #[error("a pull request needs `repository.forge.token` in the configuration")]
    NoToken,
    /// The token cannot be read.
    #[error(transparent)]
    Token(#[from] SecretError),
    /// The token is no text for a header.
    #[error("the token of the forge has characters that no header can hold")]
    UnusableToken,
    /// No client for it.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

/// A forge did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{site} cannot {doing}: {reason}")]
pub struct ForgeError {
    /// Which forge: its kind and host.
    pub(super) site: String,
    pub(super) doing: Doing,
    pub(super) reason: Reason,
}

/// What it was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Doing {
    #[error("show the project")]
    Check,
    #[error("say which pull requests are open")]
    Look,
    #[error("open the pull request")]
    Create,
    #[error("update pull request {0}")]
    Update(u64),
    #[error("be asked for a pull request")]
    Propose,
}

/// Why it did not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Reason {
    /// A 4xx: no, and no again.
    #[error("{}{said}", refusal(*.status))]
    Refused { status: u16, said: String },
    /// A 3xx that is not followed.
    #[error("{0}")]
    Redirected(String),
    /// 429, or a wait that nobody here has time for.
    #[error("it limits the rate ({status}){asked}")]
    Throttled { status: u16, asked: String },
    /// 5xx, no connection, or a lost one.
    #[error("{detail}")]
    Unavailable {
        detail: String,
        /// Whether it may have been done all the same.
        maybe_done: bool,
    },
    /// A 2xx that is not what was expected.
    #[error("expected {expected}, found: {excerpt}")]
    Garbage { expected: &'static str, excerpt: String },
    /// A list without an end.
    #[error("more than {0} pull requests are open")]
    Endless(usize),
    /// Time is up.
    #[error("no end within {} s", .0.as_secs_f64())]
    TimeUp(Duration),
}

impl Reason {
    /// Whether what was asked for may have been done all the same.
    pub(super) fn maybe_done(&self) -> bool {
        match self {
            Self::Unavailable { maybe_done, .. } => *maybe_done,
            Self::Garbage { .. } | Self::TimeUp(_) => true,
            Self::Refused { .. } | Self::Redirected(_) | Self::Throttled { .. } | Self::Endless(_) => false,
        }
    }

    /// Whether it is said not to be possible because of what is there: somebody may have been faster.
    pub(super) fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused { status: 409 | 422, .. })
    }
}

fn refusal(status: u16) -> String {
    match status {
        401 => "the token is not accepted (401): ".to_owned(),
        403 => "the token may not do this (403): ".to_owned(),
        404 => "it knows no such project, or does not show it to this token (404): ".to_owned(),
        status => format!("it refuses ({status}): "),
    }
}
