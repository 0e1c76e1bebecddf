//! A flow as the rest of the program sees it: identity, version, what it needs, its hashes and its bytes.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::document::{Document, Node, ParseError, without_environment};
use super::raw::RawFlow;
use super::{Comparison, ContentHash, ENVIRONMENT_VARIABLE, FlowId, FlowIdError, Reading, Reference};

/// A flow, read and hashed. What is kept of one in a cache is all but its text, and only of one that was read whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Who it is.
    pub id: FlowId,
    /// What people call it.
    pub name: String,
    /// Its version, as written (`1.4.0`); empty where a tenant reports none.
    pub version: String,
    /// What must exist for it to work, in the order written, each once.
    pub references: Vec<Reference>,
    /// Over the flow as pushed, or, for a live flow, as reported without its top-level `environmentId`.
    pub content_hash: ContentHash,
    /// Over the flow without its top-level `environmentId` and without what `ignore` names: two flows are
    /// equal when these are.
    pub equality_hash: ContentHash,
    /// How much of it could be read. Only of a live flow not all of it: then both hashes are over its bytes,
    /// which no readable flow has, and the other fields hold what was found in them.
    #[serde(skip)]
    pub reading: Reading,
    /// The JSON text itself: for a git flow exactly the file, for a live flow without `environmentId`.
    /// Absent where it was not needed so far; see [`Definition::body`].
    #[serde(skip)]
    pub text: Option<Arc<[u8]>>,
}

/// The text of a flow was asked for where only its hashes are known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the text of `{id}` was not loaded")]
pub struct BodyAbsent {
    /// The flow.
    pub id: FlowId,
}

/// A text from which no flow can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// It cannot be parsed.
    #[error("expected JSON, found something else")]
    Parse(#[source] ParseError),
    /// There is no `id`, or it is no string.
    #[error("expected an object with a string `id`, found none")]
    NoId,
    /// The `id` is none of a flow.
    #[error("expected the `id` of a flow, found another")]
    Id(#[source] FlowIdError),
}

/// What is kept of a live flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Its text as well.
    Text,
    /// Everything but its text.
    Hashes,
}

impl Definition {
    /// The JSON text.
    ///
    /// # Errors
    ///
    /// Only the flow's hashes are known.
    pub fn body(&self) -> Result<&Arc<[u8]>, BodyAbsent> {
        self.text.as_ref().ok_or_else(|| BodyAbsent { id: self.id.clone() })
    }

    /// Reads a file. Only a valid `id` is asked for; what else a flow must have, [`super::check_file`] says.
    ///
    /// # Errors
    ///
    /// The text is no JSON, or has no flow id.
    pub fn from_file(bytes: Arc<[u8]>, comparison: &Comparison) -> Result<Self, DefinitionError> {
        let document = Document::parse(bytes).map_err(DefinitionError::Parse)?;
        Self::from_document(&document, comparison)
    }

    /// Whether a reference is to the environment that is deployed to, whichever that is.
    #[must_use]
    pub fn names_environment(&self) -> bool {
        self.references.iter().any(|reference| reference.environment.as_str() == ENVIRONMENT_VARIABLE)
    }

    /// The same, when the file is parsed already.
    ///
    /// # Errors
    ///
    /// The document has no flow id.
    pub fn from_document(document: &Document, comparison: &Comparison) -> Result<Self, DefinitionError> {
        let text = Some(document.source().clone());
        Ok(Self { text, ..Self::read(document, document.hashes(comparison))? })
    }

    /// Reads a flow as a tenant reports it. Its top-level `environmentId` is taken out of the text; every
    /// other byte is kept. What the parser refuses is live all the same, as long as an `id` can be found in it:
    /// see [`Definition::reading`].
    ///
    /// # Errors
    ///
    /// There is no flow id.
    pub fn from_live(raw: &[u8], comparison: &Comparison) -> Result<Self, DefinitionError> {
        Self::from_live_keeping(raw, comparison, |_, _| Keep::Text)
    }

    /// The same, where `keep` decides by id and equality hash whether the text is wanted.
    ///
    /// # Errors
    ///
    /// There is no flow id.
    pub fn from_live_keeping(
        raw: &[u8],
        comparison: &Comparison,
        keep: impl FnOnce(&FlowId, ContentHash) -> Keep,
    ) -> Result<Self, DefinitionError> {
        // What is too large is not even copied.
        let parsed = Document::check_size(raw.len()).map_or_else(|| Document::parse(raw), Err);
        let document = match parsed {
            Ok(document) => document,
            Err(error) => return Self::from_unreadable(raw, error, keep),
        };
        let flow = Self::read(&document, document.live_hashes(comparison))?;
        let text = || {
            let is_cut = document.root().member("environmentId").is_some();
            if is_cut { without_environment(&document).into() } else { document.source().clone() }
        };
        let text = (keep(&flow.id, flow.equality_hash) == Keep::Text).then(text);
        Ok(Self { text, ..flow })
    }

    fn from_unreadable(
        raw: &[u8],
        error: ParseError,
        keep: impl FnOnce(&FlowId, ContentHash) -> Keep,
    ) -> Result<Self, DefinitionError> {
        let found = RawFlow::in_text(raw);
        let Some(id) = found.id.clone() else { return Err(DefinitionError::Parse(error)) };
        let flow = Self::raw(id, found.hash(), Reading::Raw(error), &found)?;
        let text = (keep(&flow.id, flow.equality_hash) == Keep::Text).then(|| found.body().into());
        Ok(Self { text, ..flow })
    }

    /// Reads the beginning of a live flow that is larger than `bytes_max`, the most that is taken. Its text is
    /// nowhere, so that it cannot be kept, and nothing may overwrite it.
    ///
    /// # Errors
    ///
    /// There is no flow id so far.
    pub fn from_beginning(beginning: &[u8], bytes_max: u64) -> Result<Self, DefinitionError> {
        let found = RawFlow::in_text(beginning);
        let id = found.id.clone().ok_or(DefinitionError::NoId)?;
        Self::raw(id, found.hash(), Reading::Beginning { bytes_max }, &found)
    }

    fn raw(id: String, hash: ContentHash, reading: Reading, found: &RawFlow<'_>) -> Result<Self, DefinitionError> {
        let RawFlow { name, version, references, .. } = found;
        Ok(Self {
            id: id.parse().map_err(DefinitionError::Id)?,
            name: name.clone(),
            version: version.clone(),
            references: each_once(references.iter().cloned()),
            content_hash: hash,
            equality_hash: hash,
            reading,
            text: None,
        })
    }

    /// Everything but the text.
    fn read(document: &Document, hashes: (ContentHash, ContentHash)) -> Result<Self, DefinitionError> {
        let id = document.text_member("id").ok_or(DefinitionError::NoId)?;
        let text = |key| document.text_member(key).unwrap_or_default().into_owned();
        let entries = document.root().member("externalReferences").into_iter().flat_map(Node::elements);
        Ok(Self {
            id: id.parse().map_err(DefinitionError::Id)?,
            name: text("name"),
            version: text("version"),
            references: each_once(entries.filter_map(Reference::read)),
            content_hash: hashes.0,
            equality_hash: hashes.1,
            reading: Reading::Whole,
            text: None,
        })
    }
}

fn each_once(references: impl Iterator<Item = Reference>) -> Vec<Reference> {
    let mut seen = HashSet::new();
    references.filter(|reference| seen.insert(reference.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: &str = r#"{ "id" : "flow_a", "environmentId":"env", "name":"A\u00e4", "extra" : [ 1 ],
        "externalReferences":[{"type":"flow","id":"flow_b","environmentId":"env"},{"type":"odd","id":"x"},
        {"type":"intent","id":"i","environmentId":"env"},{"type":"flow","id":"flow_b","environmentId":"env"},7] }"#;

    #[test]
    fn a_live_flow_loses_its_environment_and_nothing_else() {
        let live = Definition::from_live(LIVE.as_bytes(), &Comparison::default()).unwrap();
        let text = LIVE.replace(r#" "environmentId":"env", "name""#, r#" "name""#);
        assert_eq!(String::from_utf8(live.body().unwrap().to_vec()).unwrap(), text);
        assert_eq!((live.name.as_str(), live.version.as_str()), ("Aä", ""));
        assert_eq!(live.content_hash, live.equality_hash);
        let file = Definition::from_file(live.body().unwrap().clone(), &Comparison::default()).unwrap();
        assert_eq!(file, live);
    }

    #[test]
    fn references_stand_in_their_order_and_once() {
        let live = Definition::from_live(LIVE.as_bytes(), &Comparison::default()).unwrap();
        let shown: Vec<String> = live.references.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["flow_b", "intent:i"]);
    }

    #[test]
    fn a_file_is_hashed_as_it_stands_and_compared_without_what_is_ignored() {
        let comparison = Comparison::new(&["/extra".to_owned()]).unwrap();
        let file = Definition::from_file(Arc::from(LIVE.as_bytes()), &comparison).unwrap();
        let document = Document::parse(LIVE.as_bytes()).unwrap();
        assert_eq!(file.content_hash, document.content_hash());
        assert_eq!(&**file.body().unwrap(), LIVE.as_bytes());
        let live = Definition::from_live(LIVE.replace("[ 1 ]", "[ 2 ]").as_bytes(), &comparison).unwrap();
        assert_eq!(live.equality_hash, file.equality_hash);
        assert_ne!(live.content_hash, live.equality_hash);
    }

    #[test]
    fn a_flow_without_an_id_is_none() {
        let read = |text: &str| Definition::from_live(text.as_bytes(), &Comparison::default()).unwrap_err();
        assert!(matches!(read("{"), DefinitionError::Parse(_)));
        assert!(matches!(read(r#"{"id":1}"#), DefinitionError::NoId));
        assert!(matches!(read("[]"), DefinitionError::NoId));
        assert!(matches!(read(r#"{"id":"intent_a"}"#), DefinitionError::Id(_)));
    }
}
