//! Resources that are only listed here: they have ids and a name, and are pointed at.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::mint::{Id, RefId};
use super::meta::Meta;

/// What a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ThingKind {
    Lexicons,
    Connections,
    Functions,
    Extensions,
    LargeLanguageModels,
    KnowledgeStores,
    AiAgents,
}

impl ThingKind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Lexicons,
        Self::Connections,
        Self::Functions,
        Self::Extensions,
        Self::LargeLanguageModels,
        Self::KnowledgeStores,
        Self::AiAgents,
    ];

    /// As paths name it.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Lexicons => "lexicons",
            Self::Connections => "connections",
            Self::Functions => "functions",
            Self::Extensions => "extensions",
            Self::LargeLanguageModels => "largelanguagemodels",
            Self::KnowledgeStores => "knowledgestores",
            Self::AiAgents => "aiagents",
        }
    }

    /// As the project's graph names it.
    pub(crate) fn in_graph(self) -> &'static str {
        match self {
            Self::Lexicons => "lexicon",
            Self::Connections => "connection",
            Self::Functions => "function",
            Self::Extensions => "extension",
            Self::LargeLanguageModels => "largeLanguageModel",
            Self::KnowledgeStores => "knowledgeStore",
            Self::AiAgents => "aiAgent",
        }
    }
}

/// One of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Thing {
    pub(crate) id: Id,
    pub(crate) reference: RefId,
    pub(crate) kind: ThingKind,
    pub(crate) name: String,
    pub(crate) meta: Meta,
}

impl Thing {
    pub(crate) fn to_json(&self) -> Value {
        let Self { id, reference, kind: _, name, meta } = self;
        meta.on(json!({ "_id": id, "referenceId": reference, "name": name }))
    }
}
