//! What a completed deployment left of a flow, and where git holds it.

use serde::{Deserialize, Serialize};

use super::ids;
use crate::flow::ContentHash;
use crate::revision::{BlobId, CommitId, Composed, Origin};

/// Where git held a flow that the commit of its deployment does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// A commit of the tracked branch.
    pub commit: CommitId,
    /// Its file then.
    #[serde(deserialize_with = "ids::inner_path")]
    pub path: String,
    /// The blob of that file.
    pub blob: BlobId,
}

/// A flow as a completed deployment left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastFlow {
    /// Hash of the flow as pushed.
    pub content_hash: ContentHash,
    /// What comparison sees of it.
    pub equality_hash: ContentHash,
    /// Its version.
    pub version: String,
    /// Git blob of its file.
    pub blob: Option<BlobId>,
    /// Its file then, where the flow's own `path` is another.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "ids::path")]
    pub path: Option<String>,
    /// What that file was composed with, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub composed: Option<Composed>,
    /// Where git held it, if the deployment's commit does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
}

impl LastFlow {
    /// Where git holds what was left live.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        Some(Origin { blob: self.blob.clone()?, composed: self.composed.clone() })
    }
}

/// What the last completed deployment left of a flow of this manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LastState {
    /// What this manifest's deployment leaves too, as for nearly every flow of nearly every deployment: saying it twice
    /// would make a large manifest half as large again.
    Same,
    /// This.
    #[serde(untagged)]
    Was(Box<LastFlow>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_as_it_was_is_said_in_a_word() {
        let hash: ContentHash = "ab".repeat(32).parse().unwrap();
        let was = LastFlow {
            content_hash: hash,
            equality_hash: hash,
            version: "1.0.0".into(),
            blob: None,
            path: None,
            composed: None,
            held: None,
        };
        for (last, text) in [
            (LastState::Same, r#""same""#.to_owned()),
            (
                LastState::Was(Box::new(was)),
                format!(r#"{{"contentHash":"{hash}","equalityHash":"{hash}","version":"1.0.0","blob":null}}"#),
            ),
        ] {
            assert_eq!(serde_json::to_string(&last).unwrap(), text);
            assert_eq!(serde_json::from_str::<LastState>(&text).unwrap(), last);
        }
        for other in [r#""Same""#, r#""was""#, r#"{"same":null,"x":1}"#, "true", "{}"] {
            assert!(serde_json::from_str::<LastState>(other).is_err(), "{other}");
        }
    }
}
