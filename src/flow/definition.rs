//! A flow as the rest of the program sees it: identity, version, what it needs, its hashes and its bytes.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::document::{Document, Node, ParseError, without_environment};
use super::{Comparison, ContentHash, EnvironmentId, FlowId, FlowIdError};

/// A flow, read and hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// The JSON text itself: for a git flow exactly the file, for a live flow without `environmentId`.
    /// Absent where it was not needed so far; see [`Definition::body`].
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

/// How the environment a flow came from is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// A file: everything in it is meant.
    File,
    /// A tenant: `environmentId` is the tenant's, not the flow's.
    Live,
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

    /// A flow of which nothing but id and equality matters.
    #[must_use]
    pub fn known(id: FlowId, content_hash: ContentHash, equality_hash: ContentHash) -> Self {
        let (name, version, references) = (String::new(), String::new(), Vec::new());
        Self { id, name, version, references, content_hash, equality_hash, text: None }
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

    /// The same, when the file is parsed already.
    ///
    /// # Errors
    ///
    /// The document has no flow id.
    pub fn from_document(document: &Document, comparison: &Comparison) -> Result<Self, DefinitionError> {
        Self::read(document, comparison, Origin::File)
    }

    /// Reads a flow as a tenant reports it. Its top-level `environmentId` is taken out of the text; every
    /// other byte is kept. Only a valid `id` is asked for.
    ///
    /// # Errors
    ///
    /// The text is no JSON, or has no flow id.
    pub fn from_live(raw: &[u8], comparison: &Comparison) -> Result<Self, DefinitionError> {
        let document = Document::parse(raw).map_err(DefinitionError::Parse)?;
        Self::read(&document, comparison, Origin::Live)
    }

    fn read(document: &Document, comparison: &Comparison, origin: Origin) -> Result<Self, DefinitionError> {
        let id = document.text_member("id").ok_or(DefinitionError::NoId)?;
        let text = |key| document.text_member(key).unwrap_or_default().into_owned();
        let is_cut = origin == Origin::Live && document.root().member("environmentId").is_some();
        let (content_hash, equality_hash) = match origin {
            Origin::File => document.hashes(comparison),
            Origin::Live => document.live_hashes(comparison),
        };
        Ok(Self {
            id: id.parse().map_err(DefinitionError::Id)?,
            name: text("name"),
            version: text("version"),
            references: references(document),
            content_hash,
            equality_hash,
            text: Some(if is_cut { without_environment(document).into() } else { document.source().clone() }),
        })
    }
}

/// The entries of `externalReferences` that can be understood, each once.
fn references(document: &Document) -> Vec<Reference> {
    let entries = document.root().member("externalReferences").into_iter().flat_map(Node::elements);
    let mut seen = HashSet::new();
    entries.filter_map(Reference::read).filter(|reference| seen.insert(reference.clone())).collect()
}

/// What kind of thing a flow refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReferenceKind {
    /// Another flow.
    Flow,
    /// An intent the tenant was trained on.
    Intent,
    /// An entity the tenant recognises.
    Entity,
    /// A variable of the environment.
    Variable,
}

impl ReferenceKind {
    fn named(word: &str) -> Option<Self> {
        [Self::Flow, Self::Intent, Self::Entity, Self::Variable].into_iter().find(|kind| kind.as_str() == word)
    }

    /// The word the flow file uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flow => "flow",
            Self::Intent => "intent",
            Self::Entity => "entity",
            Self::Variable => "variable",
        }
    }
}

/// One entry of `externalReferences`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// What kind of thing.
    pub kind: ReferenceKind,
    /// Its id.
    pub id: String,
    /// The environment it must exist in.
    pub environment: EnvironmentId,
}

impl Reference {
    /// Reads one entry of `externalReferences`; `None` for what is no reference of a known kind.
    pub(in crate::flow) fn read(entry: Node<'_>) -> Option<Self> {
        let text = |key| entry.member(key).and_then(Node::as_str);
        let kind = ReferenceKind::named(&text("type")?)?;
        let environment = EnvironmentId(text("environmentId").unwrap_or_default().into_owned());
        Some(Self { kind, id: text("id")?.into_owned(), environment })
    }
}

/// A flow id alone; other kinds as `kind:id`: the form of the manifest's `dependencyGraph`.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ReferenceKind::Flow => f.write_str(&self.id),
            kind => write!(f, "{}:{}", kind.as_str(), self.id),
        }
    }
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
