//! A seed as people write it. What it means is in [`super::plant`].

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::Error;
use serde_json::{Map, Value};

use super::super::super::yaml::{Loose, Worded};

/// Projects, each with what it holds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Written {
    pub(super) projects: Vec<WrittenProject>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct WrittenProject {
    pub(super) name: String,
    /// The `_id`, to be known before the start; the only one that can be chosen.
    pub(super) id: Option<String>,
    /// The first is the primary one; without any, it is `en-US`.
    #[serde(default)]
    pub(super) locales: Vec<Loose<WrittenLocale>>,
    #[serde(default)]
    pub(super) flows: Vec<WrittenFlow>,
    #[serde(default)]
    pub(super) endpoints: Vec<WrittenEndpoint>,
    #[serde(default)]
    pub(super) lexicons: Vec<Loose<Named>>,
    #[serde(default)]
    pub(super) connections: Vec<Loose<Named>>,
    #[serde(default)]
    pub(super) functions: Vec<Loose<Named>>,
    #[serde(default)]
    pub(super) extensions: Vec<Loose<Named>>,
    #[serde(default)]
    pub(super) large_language_models: Vec<Loose<Named>>,
    #[serde(default)]
    pub(super) knowledge_stores: Vec<Loose<Named>>,
    #[serde(default)]
    pub(super) ai_agents: Vec<Loose<Named>>,
}

/// A name, or one with its reference id.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) reference_id: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct WrittenLocale {
    pub(super) name: String,
    pub(super) reference_id: Option<String>,
    /// The name of a locale further up.
    pub(super) fallback: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct WrittenEndpoint {
    pub(super) name: String,
    /// A flow's name.
    pub(super) flow: String,
    /// A locale's name; the primary one if left out.
    pub(super) locale: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct WrittenFlow {
    pub(super) name: String,
    pub(super) reference_id: Option<String>,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) context: Map<String, Value>,
    /// Names, or reference ids.
    #[serde(default)]
    pub(super) attached_flows: Vec<String>,
    /// Names.
    #[serde(default)]
    pub(super) attached_lexicons: Vec<String>,
    #[serde(default)]
    pub(super) intents: Vec<Loose<WrittenIntent>>,
    /// The reference ids of its start and its end.
    pub(super) start: Option<String>,
    pub(super) end: Option<String>,
    /// What stands between them.
    #[serde(default)]
    pub(super) chart: Vec<WrittenNode>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct WrittenIntent {
    pub(super) name: String,
    /// In the primary locale.
    #[serde(default)]
    pub(super) sentences: Vec<String>,
}

/// A node: by its type, or by one of the short forms `say`, `code`, `goTo`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct WrittenNode {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) extension: Option<String>,
    pub(super) reference_id: Option<String>,
    pub(super) label: Option<String>,
    pub(super) comment: Option<String>,
    pub(super) comment_color: Option<String>,
    pub(super) analytics_label: Option<String>,
    pub(super) is_entry_point: bool,
    pub(super) is_disabled: bool,
    /// In the primary locale; the type's defaults where left out.
    pub(super) config: Option<Map<String, Value>>,
    /// In other locales, by name.
    pub(super) locales: BTreeMap<String, Map<String, Value>>,
    /// A text to say.
    pub(super) say: Option<String>,
    /// JavaScript.
    pub(super) code: Option<String>,
    /// The name of a flow, whose start is gone to.
    pub(super) go_to: Option<String>,
    /// Its branches; those that come with the type are filled first, in their order.
    pub(super) branches: Vec<WrittenNode>,
    /// Of a branch: what is in it.
    pub(super) chart: Vec<WrittenNode>,
}

impl Worded for Named {
    fn from_word<E: Error>(word: &str) -> Result<Self, E> {
        Ok(Self { name: word.to_owned(), reference_id: None })
    }
}

impl Worded for WrittenLocale {
    fn from_word<E: Error>(word: &str) -> Result<Self, E> {
        Ok(Self { name: word.to_owned(), reference_id: None, fallback: None })
    }
}

impl Worded for WrittenIntent {
    fn from_word<E: Error>(word: &str) -> Result<Self, E> {
        Ok(Self { name: word.to_owned(), sentences: Vec::new() })
    }
}
