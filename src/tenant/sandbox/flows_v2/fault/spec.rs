//! The fault plan as written. What it means is in [`super::plan`].

use serde::Deserialize;
use serde::de::Error;

use super::super::super::fault::{AnswerSpec, Corruption, DelaySpec, When};
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
