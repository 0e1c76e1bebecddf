//! When something was made and changed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::mint::Id;

/// Seconds since 1970 and users, as most resources carry them (vendor's reference).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Meta {
    pub(crate) created_at: u64,
    pub(crate) last_changed: u64,
    pub(crate) created_by: Id,
    pub(crate) last_changed_by: Id,
}

impl Meta {
    /// Made by `user` in this second.
    pub(crate) fn new(seconds: u64, user: &Id) -> Self {
        Self { created_at: seconds, last_changed: seconds, created_by: user.clone(), last_changed_by: user.clone() }
    }

    /// Changed in this second: two changes may share one.
    pub(crate) fn touch(&mut self, seconds: u64) {
        self.last_changed = seconds;
    }

    /// Adds the four keys to an object.
    pub(crate) fn on(&self, mut object: Value) -> Value {
        let Self { created_at, last_changed, created_by, last_changed_by } = self;
        object["createdAt"] = (*created_at).into();
        object["lastChanged"] = (*last_changed).into();
        object["createdBy"] = created_by.as_str().into();
        object["lastChangedBy"] = last_changed_by.as_str().into();
        object
    }
}
