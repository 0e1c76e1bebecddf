//! A flow as the rest of the program sees it: identity, version, what it needs, its hashes and its bytes.

use std::fmt;
use std::sync::Arc;

use super::{ContentHash, EnvironmentId, FlowId};

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
    pub bytes: Arc<[u8]>,
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

/// A flow id alone; other kinds as `kind:id`: the form of the manifest's `dependencyGraph`.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ReferenceKind::Flow => f.write_str(&self.id),
            kind => write!(f, "{}:{}", kind.as_str(), self.id),
        }
    }
}
