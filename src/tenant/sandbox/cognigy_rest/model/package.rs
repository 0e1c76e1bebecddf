//! Packages: content on its way from one project to another, or back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::mint::Id;
use super::content::Content;
use super::meta::Meta;

/// A package.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Package {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) meta: Meta,
    /// What is in it; none while its task is under way, or where that failed.
    pub(crate) packed: Option<Packed>,
}

/// What is in a package, as a file and as its content, whose ids are the package's own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Packed {
    pub(crate) file: File,
    pub(crate) content: Content,
}

/// Bytes, kept as base64.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct File(pub(crate) Vec<u8>);

impl TryFrom<String> for File {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        STANDARD.decode(text).map(Self)
    }
}

impl From<File> for String {
    fn from(File(bytes): File) -> Self {
        STANDARD.encode(bytes)
    }
}

impl Package {
    pub(crate) fn to_json(&self) -> Value {
        let Self { id, name, description, meta, packed } = self;
        meta.on(json!({ "_id": id, "name": name, "description": description, "isPackaged": packed.is_some() }))
    }
}
