//! What must exist for a flow to work: the entries of its `externalReferences`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::EnvironmentId;
use super::document::Node;

/// As a reference's environment: the one that is being deployed to.
pub const ENVIRONMENT_VARIABLE: &str = "${environment}";

/// What kind of thing a flow refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reference {
    /// What kind of thing.
    pub kind: ReferenceKind,
    /// Its id.
    pub id: String,
    /// The environment it must exist in.
    pub environment: EnvironmentId,
}

impl Reference {
    /// Whether it is to the environment that is deployed to, by its name or by [`ENVIRONMENT_VARIABLE`].
    #[must_use]
    pub fn is_in(&self, target: &EnvironmentId) -> bool {
        self.environment == *target || self.environment.as_str() == ENVIRONMENT_VARIABLE
    }

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
