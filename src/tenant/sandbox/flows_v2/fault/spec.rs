//! The fault plan as written. What it means is in [`super::plan`].

use serde::Deserialize;
use serde::de::Error;

use super::super::super::span::Span;
use super::super::super::yaml::{Loose, Worded};
use super::super::world::Violation;

/// One rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleSpec {
    #[serde(rename = "match", default)]
    pub(super) matching: MatchSpec,
    pub(super) fault: Loose<FaultSpec>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MatchSpec {
    pub(super) call: CallSpec,
    pub(super) flow: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) nth: Option<u64>,
    pub(super) from: Option<u64>,
    pub(super) to: Option<u64>,
    pub(super) every: Option<u64>,
    pub(super) times: Option<u64>,
    pub(super) probability: Option<f64>,
    pub(super) seed: Option<u64>,
}

/// Which call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum CallSpec {
    #[default]
    Any,
    Token,
    Export,
    Intents,
    Entities,
    Variables,
    Import,
    Status,
    Rollback,
    Delete,
}

/// What goes wrong: exactly one of these; `message` belongs to `status`, `wait` to `drop`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FaultSpec {
    pub(super) refuse: Option<RefuseSpec>,
    pub(super) answer: Option<AnswerSpec>,
    pub(super) delay: Option<Loose<DelaySpec>>,
    pub(super) drop: Option<When>,
    pub(super) wait: Option<Span>,
    pub(super) truncate: Option<usize>,
    pub(super) corrupt: Option<Corruption>,
    pub(super) status: Option<String>,
    pub(super) message: Option<String>,
    #[serde(skip)]
    pub(super) word: Option<Word>,
}

/// Faults that need no more than their name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Refuse,
    Ignore,
    Mutate,
    Normalise,
    Neighbour,
    Stale,
    Short,
}

impl Worded for FaultSpec {
    fn from_word<E: Error>(word: &str) -> Result<Self, E> {
        let word = match word {
            "refuse" => Word::Refuse,
            "ignore" => Word::Ignore,
            "mutate" => Word::Mutate,
            "normalise" => Word::Normalise,
            "neighbour" => Word::Neighbour,
            "stale" => Word::Stale,
            "short" => Word::Short,
            _ => {
                let words = &["refuse", "ignore", "mutate", "normalise", "neighbour", "stale", "short"];
                return Err(E::unknown_variant(word, words));
            }
        };
        Ok(Self { word: Some(word), ..Self::default() })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RefuseSpec {
    pub(super) status: Option<u16>,
    pub(super) message: Option<String>,
    pub(super) violations: Vec<Violation>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct AnswerSpec {
    pub(super) status: u16,
    pub(super) retry_after: Option<Loose<RetryAfter>>,
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) takes_effect: bool,
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
pub(super) struct DelaySpec {
    pub(super) before: Option<Span>,
    pub(super) after: Option<Span>,
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
