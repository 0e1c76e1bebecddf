//! Reads what people write for the sandbox (YAML, and so JSON): an error says where, and what was probably meant.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, MapAccess, Visitor};

/// How unlike a known name may be and still be proposed, from 0 (nothing alike) to 1.
const LIKENESS_MIN: f64 = 0.6;

/// The text does not say what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ReadError {
    message: String,
}

impl ReadError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// Reads `text`; the error carries line, column and, for an unknown name, the nearest known one.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, ReadError> {
    serde_yaml::from_str(text).map_err(|error| explained(&error))
}

/// An error of reading, with the nearest known name where it is about an unknown one.
pub(super) fn explained(error: &dyn std::error::Error) -> ReadError {
    let message = error.to_string();
    match nearest(&message) {
        Some(name) => ReadError::new(format!("{message}; did you mean `{name}`?")),
        None => ReadError::new(message),
    }
}

/// The known name most like the unknown one, out of serde's own words: ``unknown field `x`, expected one of `a`, `b` ``.
fn nearest(message: &str) -> Option<String> {
    let rest = ["unknown field `", "unknown variant `"]
        .iter()
        .find_map(|start| message.split_once(start).map(|(_, rest)| rest))?;
    let (unknown, rest) = rest.split_once('`')?;
    let known = rest.split('`').skip(1).step_by(2);
    known
        .map(|name| (strsim::jaro_winkler(unknown, name), name))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, name)| name.to_owned())
}

/// Something that may be written as one word (or number) instead of a mapping.
pub(super) trait Worded: Sized {
    /// What `word` means.
    fn from_word<E: Error>(word: &str) -> Result<Self, E>;
}

/// Reads a [`Worded`] value in either form.
#[derive(Debug, Clone)]
pub(super) struct Loose<T>(pub(super) T);

impl<'de, T: Worded + Deserialize<'de>> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor(PhantomData)).map(Self)
    }
}

struct LooseVisitor<T>(PhantomData<T>);

impl<'de, T: Worded + Deserialize<'de>> Visitor<'de> for LooseVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word or a mapping")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<T, E> {
        T::from_word(word)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        T::from_word(&number.to_string())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    #[allow(dead_code)]
    struct Sample {
        page_limit: Option<u32>,
        latency: Option<String>,
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place_and_the_nearest_known_one() {
        let message = read::<Sample>("latency: 2s\npageLimt: 3\n").unwrap_err().to_string();
        assert!(message.contains("`pageLimt`"), "{message}");
        assert!(message.contains("line 2 column 1"), "{message}");
        assert!(message.ends_with("did you mean `pageLimit`?"), "{message}");
    }
}
