//! Tasks: what takes time, and may fail.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::mint::Id;
use super::intent::{ImportMode, Written};
use super::merge::Merge;

/// A task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) id: Id,
    pub(crate) project: Id,
    pub(crate) name: String,
    /// What came of it; none while it is under way.
    pub(crate) end: Option<End>,
    pub(crate) data: Map<String, Value>,
    /// Milliseconds since 1970.
    pub(crate) started_ms: u64,
    pub(crate) due_ms: u64,
    pub(crate) work: Work,
    /// Why it will fail, where that is so from the start.
    pub(crate) doom: Option<String>,
}

/// What comes of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum End {
    Done,
    Cancelled,
    /// With the reason.
    Error(String),
}

/// What a task does when its time has come.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Work {
    Pack {
        package: Id,
        resources: Vec<Id>,
    },
    /// Unpacks an upload.
    Unpack {
        package: Id,
        file: super::package::File,
    },
    Merge(Merge),
    Snapshot {
        name: String,
        description: String,
    },
    Restore {
        snapshot: Id,
    },
    ImportIntents {
        flow: Id,
        locale: Id,
        mode: ImportMode,
        file: Vec<Written>,
    },
    Train {
        flow: Id,
    },
}

impl Work {
    /// As tasks name it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Pack { .. } => "createPackage",
            Self::Unpack { .. } => "uploadPackage",
            Self::Merge(_) => "mergePackage",
            Self::Snapshot { .. } => "createSnapshot",
            Self::Restore { .. } => "restoreSnapshot",
            Self::ImportIntents { .. } => "importIntents",
            Self::Train { .. } => "trainIntents",
        }
    }
}

impl Task {
    /// As a read shows it at a moment, in milliseconds since 1970: queued for the first half of its time, active for
    /// the second.
    pub(crate) fn to_json(&self, now_ms: u64) -> Value {
        let half_ms = self.started_ms.midpoint(self.due_ms);
        let (status, reason) = match &self.end {
            Some(End::Done) => ("done", Value::Null),
            Some(End::Cancelled) => ("cancelled", Value::Null),
            Some(End::Error(reason)) => ("error", reason.as_str().into()),
            None if now_ms < half_ms || now_ms == self.started_ms => ("queued", Value::Null),
            None => ("active", Value::Null),
        };
        let at = |ms: u64| Timestamp::from_millisecond(i64::try_from(ms).unwrap_or_default()).unwrap_or_default();
        json!({
            "_id": self.id,
            "name": self.name,
            "status": status,
            "data": self.data,
            "currentStep": u8::from(self.end == Some(End::Done)),
            "totalStep": 1,
            "failReason": reason,
            "createdAt": self.started_ms / 1000,
            // Partly ISO text (vendor's reference).
            "lastRunAt": at(self.started_ms).to_string(),
        })
    }
}
