//! What a push came to. libgit2 answers `Ok` when a hook refused the branch, and an error when the
//! branch may have moved all the same, so its answer is one witness among three.

use git2::{Error, ErrorCode};

use super::talk::Talk;
use crate::source::{PushError, SourceError};

/// What one push says of itself, before the branch was read back.
pub(super) enum Outcome {
    /// The server took it.
    Taken,
    /// The branch did not stand at the base: nothing was sent.
    Elsewhere,
    /// We ended it before anything was sent.
    NotSent(SourceError),
    /// The server says somebody was faster.
    Raced(String),
    /// The server says no.
    Declined(String),
    /// The connection broke somewhere on the way.
    Broken(SourceError),
}

/// How servers say that the branch moved under a push: git itself, and what hosts build on it.
const RACE_WORDS: [&str; 9] = [
    "fetch first",
    "non-fast-forward",
    "cannot lock ref",
    "failed to update ref",
    "failed to lock",
    "stale info",
    "remote ref does not match",
    "reference already exists",
    "incorrect old value provided",
];

/// How servers say that we may not push, where they say it by ending the conversation.
const DECLINE_WORDS: [&str; 6] =
    ["status code: 403", "access denied", "permission", "not allowed", "read-only", "service not enabled"];

pub(super) fn judge(talk: &Talk<'_>, pushed: Result<(), Error>) -> Outcome {
    if talk.stood_elsewhere().is_some() {
        return Outcome::Elsewhere;
    }
    match (talk.status(), pushed) {
        (Some(Err(why)), _) if is_race(&why) => Outcome::Raced(with_words(&why, &talk.words())),
        (Some(Err(why)), _) => Outcome::Declined(with_words(&why, &talk.words())),
        (Some(Ok(())), _) => Outcome::Taken,
        (None, Err(error)) if talk.refused() => Outcome::NotSent(talk.failed("push to", &error)),
        (None, Err(error)) if error.code() == ErrorCode::NotFastForward => Outcome::Elsewhere,
        (None, Err(error)) => broken(talk, &error),
        (None, Ok(())) => Outcome::Declined(with_words("it said nothing about the branch", &talk.words())),
    }
}

fn broken(talk: &Talk<'_>, error: &Error) -> Outcome {
    let why = talk.explain(error);
    let (message, words) = (why.to_lowercase(), talk.words());
    if DECLINE_WORDS.iter().any(|word| message.contains(word)) {
        Outcome::Declined(with_words(&why, &words))
    } else if is_race(&why) {
        Outcome::Raced(with_words(&why, &words))
    } else {
        Outcome::Broken(talk.failed("push to", error))
    }
}

fn is_race(why: &str) -> bool {
    let why = why.to_lowercase();
    RACE_WORDS.iter().any(|word| why.contains(word))
}

fn with_words(why: &str, words: &str) -> String {
    if words.is_empty() { why.to_owned() } else { format!("{why}: {words}") }
}

/// Where the branch was found after a push that it does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// Where the push began: nobody was faster, whatever the server says.
    AtBase,
    /// Elsewhere.
    Moved,
}

/// What no waiting mends: a branch that would have to be a folder of branches, or the other way round.
const LASTING_WORDS: [&str; 2] = ["exists; cannot create", "directory/file conflict"];

impl Outcome {
    /// Whether the same push may succeed in a moment although nobody moved the branch: another process held the
    /// server's lock of it, or what was read back came from a replica that lags. Only asked where the branch stands at
    /// the base.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Raced(why) => !LASTING_WORDS.iter().any(|words| why.to_lowercase().contains(words)),
            Self::Taken => true,
            Self::Elsewhere | Self::NotSent(_) | Self::Declined(_) | Self::Broken(_) => false,
        }
    }

    /// The error of a push whose commit the branch does not hold. A race is believed only where the branch has moved;
    /// otherwise the server has the word, and a broken push may yet arrive.
    pub(super) fn error(self, stands: Stands) -> PushError {
        match (self, stands) {
            (Self::Raced(why), Stands::AtBase) => {
                PushError::Declined(format!("{why} (the branch has not moved, so nobody was faster)"))
            }
            (Self::Taken, Stands::AtBase) => {
                PushError::Declined("it took the push, and the branch stands where it stood".to_owned())
            }
            (Self::Taken, Stands::Moved) => {
                PushError::Lost("the server took the push, and the branch does not hold it".to_owned())
            }
            (Self::Elsewhere, _) => PushError::Lost("the branch stands at another commit".to_owned()),
            (Self::Raced(why), Stands::Moved) => PushError::Lost(why),
            (Self::Broken(_), Stands::Moved) => PushError::Lost("the connection broke first".to_owned()),
            (Self::Declined(why), _) => PushError::Declined(why),
            (Self::Broken(error) | Self::NotSent(error), _) => PushError::Source(error),
        }
    }

    /// The error where the branch could not be read back.
    pub(super) fn unread(self, unread: SourceError) -> PushError {
        match self {
            Self::Taken | Self::Elsewhere => PushError::Source(unread),
            Self::Raced(why) => PushError::Lost(why),
            outcome => outcome.error(Stands::AtBase),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn races_are_told_from_refusals() {
        for why in [
            "fetch first",
            "non-fast-forward",
            "cannot lock ref 'refs/heads/main': is at a but expected b",
            "failed to update ref",
            "stale info",
            "reference already exists",
            "incorrect old value provided",
        ] {
            assert!(is_race(why), "{why}");
        }
        for (why, may_pass) in [
            (
                "failed to update ref: cannot lock ref 'refs/heads/a/b': 'refs/heads/a' exists; cannot create 'refs/heads/a/b'",
                false,
            ),
            ("cannot lock ref 'refs/heads/main': Unable to create '/x/main.lock': File exists", true),
        ] {
            let outcome = Outcome::Raced(why.to_owned());
            assert_eq!(outcome.may_pass(), may_pass, "{why}");
            let declined = outcome.error(Stands::AtBase);
            assert!(matches!(&declined, PushError::Declined(said) if said.starts_with(why)), "{declined}");
            assert!(matches!(Outcome::Raced(why.to_owned()).error(Stands::Moved), PushError::Lost(_)));
        }
        for why in ["pre-receive hook declined", "protected branch hook declined", "permission denied"] {
            assert!(!is_race(why), "{why}");
        }
    }
}
