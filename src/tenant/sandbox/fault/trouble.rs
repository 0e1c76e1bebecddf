//! What may go wrong with any request, whatever it asks for: as written, and as meant.

use std::time::Duration;

use serde::Deserialize;
use serde::de::Error;

use super::super::span::Span;
use super::super::yaml::{Loose, Worded};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    Answer { status: u16, retry_after: Option<RetryAfter>, body: Option<String>, when: When },
    Delay { before: Duration, after: Duration },
    Drop { when: When, wait: Duration },
    Truncate(usize),
    Corrupt(Corruption),
}

impl Trouble {
    /// The word a plan uses.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Answer { .. } => "answer",
            Self::Delay { .. } => "delay",
            Self::Drop { .. } => "drop",
            Self::Truncate(_) => "truncate",
            Self::Corrupt(_) => "corrupt",
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct AnswerSpec {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Loose<RetryAfter>>,
    pub(crate) body: Option<String>,
    #[serde(default)]
    pub(crate) takes_effect: bool,
}

/// What `Retry-After` says: any text as it stands, or the HTTP date in so much time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", from = "DateIn")]
pub(crate) enum RetryAfter {
    Text(String),
    DateIn(std::time::Duration),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct DateIn {
    date_in: Span,
}

impl From<DateIn> for RetryAfter {
    fn from(DateIn { date_in }: DateIn) -> Self {
        Self::DateIn(date_in.0)
    }
}

impl Worded for RetryAfter {
    fn from_word<E: Error>(word: &str) -> Result<Self, E> {
        let printable = word.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if printable { Ok(Self::Text(word.to_owned())) } else { Err(E::custom("expected printable ASCII")) }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DelaySpec {
    pub(crate) before: Option<Span>,
    pub(crate) after: Option<Span>,
}

impl Worded for DelaySpec {
    fn from_word<E: Error>(word: &str) -> Result<Self, E> {
        Ok(Self { before: Some(word.parse().map_err(E::custom)?), after: None })
    }
}

/// Before or after the call has taken effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum When {
    Before,
    After,
}

/// What stands in for the true answer, with status 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Corruption {
    /// A login page.
    Html,
    /// Bytes that are neither JSON nor UTF-8, announced as JSON.
    Garbage,
    /// JSON of another shape.
    WrongShape,
}

/// What an answer on request is.
pub(crate) fn answered(spec: AnswerSpec) -> Result<Trouble, String> {
    let AnswerSpec { status, retry_after, body, takes_effect } = spec;
    let when = if takes_effect { When::After } else { When::Before };
    let retry_after = retry_after.map(|retry_after| retry_after.0);
    Ok(Trouble::Answer { status: status_in(200, status)?, retry_after, body, when })
}

/// What a delay is.
pub(crate) fn delayed(spec: DelaySpec) -> Trouble {
    let DelaySpec { before, after } = spec;
    Trouble::Delay { before: before.unwrap_or_default().0, after: after.unwrap_or_default().0 }
}

/// A status that can be answered.
pub(crate) fn status_in(least: u16, status: u16) -> Result<u16, String> {
    if (least..=599).contains(&status) {
        Ok(status)
    } else {
        Err(format!("expected an HTTP status from {least} to 599, found {status}"))
    }
}
