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
        (Some(Err(why)), _) if is_race(&why) => Outcome::Raced(why),
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
        Outcome::Raced(why)
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

impl Outcome {
    /// The error of a push whose commit the branch does not hold. `at_base` says whether the branch
    /// still stands where the push began, where that is known: then a broken push may yet arrive.
    pub(super) fn error(self, at_base: Option<bool>) -> PushError {
        match self {
            Self::Elsewhere => PushError::Lost("the branch stands at another commit".to_owned()),
            Self::Raced(why) => PushError::Lost(why),
            Self::Declined(why) => PushError::Declined(why),
            Self::Taken => PushError::Lost("the server took the push, and the branch does not hold it".to_owned()),
            Self::Broken(_) if at_base == Some(false) => PushError::Lost("the connection broke first".to_owned()),
            Self::Broken(error) | Self::NotSent(error) => PushError::Source(error),
        }
    }

    /// The error where the branch could not be read back.
    pub(super) fn unread(self, unread: SourceError) -> PushError {
        match self {
            Self::Taken | Self::Elsewhere => PushError::Source(unread),
            outcome => outcome.error(None),
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
        for why in ["pre-receive hook declined", "protected branch hook declined", "permission denied"] {
            assert!(!is_race(why), "{why}");
        }
    }
}
