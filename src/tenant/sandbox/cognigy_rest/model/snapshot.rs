//! Snapshots: the content of a project, frozen.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::mint::Id;
use super::super::refusal::Refusal;
use super::content::Content;
use super::meta::Meta;

/// Snapshots a project may have (vendor's reference).
pub(crate) const SNAPSHOTS_MAX: usize = 10;

/// Letters of a description (vendor's reference).
const DESCRIPTION_CHARS_MAX: usize = 500;

/// A snapshot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) content: Content,
    pub(crate) meta: Meta,
}

impl Snapshot {
    pub(crate) fn to_json(&self) -> Value {
        let Self { id, name, description, content: _, meta } = self;
        json!({
            "_id": id,
            "name": name,
            "description": description,
            "hash": format!("{id}{}", meta.created_at),
            "isPackaged": false,
            "createdAt": meta.created_at,
            "createdBy": meta.created_by,
        })
    }
}

/// Checks what somebody wants to call a snapshot (vendor's reference).
pub(crate) fn check_names(name: &str, description: &str) -> Result<(), Refusal> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.is_empty() || !name.chars().all(fits) {
        return Err(Refusal::invalid("expected `name` of letters, digits, `_` and `-`"));
    }
    if description.is_empty() || description.chars().count() > DESCRIPTION_CHARS_MAX {
        return Err(Refusal::invalid(format!("expected `description` of 1 to {DESCRIPTION_CHARS_MAX} letters")));
    }
    Ok(())
}
