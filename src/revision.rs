//! Names of things in git.

use std::fmt;

use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A commit's id, as 40 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct CommitId(pub String);

/// A blob's id, as 40 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct BlobId(pub String);

/// Where git holds a document: in one file or, where an environment adds something, in the files it is composed of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The flow's file, or whatever else holds all of it.
    pub blob: BlobId,
    /// What was composed with it; nothing where the blob is the document.
    pub composed: Option<Composed>,
}

/// What a flow's file was composed with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub struct Composed {
    /// The overlay.
    #[serde(default)]
    pub overlay: Option<BlobId>,
    /// The tenant's name of the environment: what `${environment}` stands for.
    pub environment: String,
}

impl Origin {
    /// A document that is one blob.
    #[must_use]
    pub fn plain(blob: BlobId) -> Self {
        Self { blob, composed: None }
    }
}

impl CommitId {
    /// The first ten digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..10).unwrap_or(&self.0)
    }
}

/// In texts no overlay is left out; a form without names has a place for each member.
impl Serialize for Composed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { overlay, environment } = self;
        let is_left_out = overlay.is_none() && serializer.is_human_readable();
        let mut members = serializer.serialize_struct("Composed", if is_left_out { 1 } else { 2 })?;
        match is_left_out {
            true => members.skip_field("overlay")?,
            false => members.serialize_field("overlay", overlay)?,
        }
        members.serialize_field("environment", environment)?;
        members.end()
    }
}

impl<'de> Deserialize<'de> for CommitId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        hexadecimal(deserializer, "a commit").map(Self)
    }
}

impl<'de> Deserialize<'de> for BlobId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        hexadecimal(deserializer, "a blob").map(Self)
    }
}

/// What is read may come from anybody: it is an id or nothing, and what else stood there is not repeated.
fn hexadecimal<'de, D: Deserializer<'de>>(deserializer: D, what: &str) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Ok(text);
    }
    let found = format!("expected {what}'s id of 40 lower-case hexadecimal digits, found {} bytes", text.len());
    Err(serde::de::Error::custom(found))
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
