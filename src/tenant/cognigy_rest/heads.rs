//! What is in a project, as its lists tell: locales, flows, lexicons.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::TenantError;
use super::call::Calls;
use crate::format::cognigy::document::{FlowRef, LexiconRef, LocaleName};

/// A flow in the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct FlowHead {
    /// In paths; new after an import.
    #[serde(rename = "_id")]
    pub(super) id: String,
    /// Stable.
    pub(super) reference_id: String,
    /// What people call it.
    pub(super) name: String,
    /// Seconds since 1970; moves with every edit.
    pub(super) last_changed: i64,
    /// Absent where nobody ever trained it.
    pub(super) is_training_out_of_date: Option<bool>,
}

/// A locale in the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct LocaleHead {
    #[serde(rename = "_id")]
    pub(super) id: String,
    pub(super) reference_id: String,
    pub(super) name: String,
    pub(super) primary: bool,
}

/// A lexicon in the list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LexiconHead {
    reference_id: String,
}

/// A locale of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Locale {
    pub(super) id: String,
    pub(super) reference: String,
    pub(super) name: LocaleName,
}

/// The locales of a project, the primary one first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Locales(pub(super) Vec<Locale>);

/// Lists of one project.
#[derive(Debug, Clone)]
pub(super) struct Project {
    pub(super) locales: Locales,
    /// By `_id`.
    pub(super) flows: BTreeMap<String, FlowHead>,
}

impl Locales {
    /// The one that charts are read in first.
    pub(super) fn primary(&self) -> Option<&Locale> {
        self.0.first()
    }

    pub(super) fn named(&self, name: &str) -> Option<&Locale> {
        self.0.iter().find(|locale| locale.name.as_str() == name)
    }

    /// Their names, by their reference ids.
    pub(super) fn names(&self) -> BTreeMap<String, String> {
        self.0.iter().map(|locale| (locale.reference.clone(), locale.name.to_string())).collect()
    }

    /// What a reading depends on besides the flow itself.
    pub(super) fn key(&self) -> String {
        self.0.iter().map(|Locale { id, reference, name }| format!("{id} {reference} {name}\n")).collect()
    }
}

impl Project {
    /// The flow of a reference id.
    pub(super) fn flow(&self, reference: FlowRef) -> Option<&FlowHead> {
        let reference = reference.to_string();
        self.flows.values().find(|flow| flow.reference_id == reference)
    }
}

impl Calls<'_> {
    /// The project, by its cheapest call: whether key and id are good.
    pub(super) async fn project_name(&self, project: &str) -> Result<String, TenantError> {
        #[derive(Deserialize)]
        struct Head {
            name: String,
        }
        Ok(self.json::<Head>(&["projects", project], &[], "read the project").await?.name)
    }

    /// What is in a project.
    pub(super) async fn project(&self, project: &str) -> Result<Project, TenantError> {
        let (locales, flows) = futures_util::future::try_join(self.locales(project), self.flows(project)).await?;
        Ok(Project { locales, flows })
    }

    /// The head of one flow; `None` where it is not there.
    pub(super) async fn flow_head(&self, id: &str) -> Result<Option<FlowHead>, TenantError> {
        Ok(self.json_if_there(&["flows", id], &[], "read a flow").await?.map(|(head, _)| head))
    }

    /// Its flows, by `_id`.
    pub(super) async fn flows(&self, project: &str) -> Result<BTreeMap<String, FlowHead>, TenantError> {
        self.list(&["flows"], project, "list flows").await
    }

    async fn locales(&self, project: &str) -> Result<Locales, TenantError> {
        let heads: BTreeMap<String, LocaleHead> = self.list(&["locales"], project, "list locales").await?;
        let mut heads: Vec<LocaleHead> = heads.into_values().collect();
        heads.sort_by_key(|head| (!head.primary, head.name.clone()));
        let locale = |LocaleHead { id, reference_id, name, primary: _ }: LocaleHead| {
            let shown = name.clone();
            let named = name.parse().map(|name| Locale { id, reference: reference_id, name });
            named.map_err(|_: String| self.garbage(format!("a locale named `{shown}`").as_bytes()))
        };
        heads.into_iter().map(locale).collect::<Result<_, _>>().map(Locales)
    }

    /// The lexicons of a project, by `_id`.
    pub(super) async fn lexicons(&self, project: &str) -> Result<BTreeMap<String, LexiconRef>, TenantError> {
        let heads: BTreeMap<String, LexiconHead> = self.list(&["lexicons"], project, "list lexicons").await?;
        let known = |(id, head): (String, LexiconHead)| Some((id, head.reference_id.parse().ok()?));
        Ok(heads.into_iter().filter_map(known).collect())
    }
}
