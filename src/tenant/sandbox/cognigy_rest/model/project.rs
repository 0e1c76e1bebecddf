//! A project: its content, and what lies beside that.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::mint::{Id, RefId};
use super::content::Content;
use super::endpoint::Endpoint;
use super::meta::Meta;
use super::package::Package;
use super::snapshot::Snapshot;

/// A project.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Project {
    pub(crate) id: Id,
    pub(crate) reference: RefId,
    pub(crate) name: String,
    pub(crate) meta: Meta,
    pub(crate) content: Content,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) snapshots: Vec<Snapshot>,
    pub(crate) packages: Vec<Package>,
}

impl Project {
    pub(crate) fn to_json(&self) -> Value {
        let locale = self.content.locales.primary().map(|locale| &locale.id);
        self.meta.on(json!({
            "_id": self.id,
            "referenceId": self.reference,
            "name": self.name,
            "color": "#264DF2",
            "primaryLocaleReference": locale,
        }))
    }
}
