//! A flow that is not live as it was sent: where, with both values, for error and record alike.

use std::fmt;

use crate::flow::diff::ReadBack;
use crate::flow::{Comparison, ContentHash, Definition, Document, FlowId};
use crate::record::audit::{self, Event};
use crate::tenant::Export;

/// A flow that an export shows otherwise than it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Different {
    /// The flow.
    pub id: FlowId,
    /// Equality hash of what should be live; nothing where the flow should be gone.
    want: Option<ContentHash>,
    /// Equality hash of what is; nothing where the flow is gone.
    have: Option<ContentHash>,
    detail: Detail,
}

/// What more can be said of two forms of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Detail {
    /// Nothing but their hashes.
    None,
    Places(ReadBack),
    /// Why what is live cannot be parsed.
    Unreadable(String),
}

impl Different {
    /// Compares what should be live with what is; nothing where they are equal.
    pub(super) fn of(id: &FlowId, want: Option<&Definition>, export: &Export, comparison: &Comparison) -> Option<Self> {
        let have = export.flows.get(id);
        if are_equal(want, have, comparison) {
            return None;
        }
        let hash = |definition: Option<&Definition>| definition.map(|definition| definition.equality_hash);
        let detail = match (want, have) {
            (Some(want), Some(have)) => match have.reading.unreadable() {
                Some(why) => Detail::Unreadable(why.to_string()),
                None => ReadBack::of(want, have, comparison).map_or(Detail::None, Detail::Places),
            },
            _ => Detail::None,
        };
        Some(Self { id: id.clone(), want: hash(want), have: hash(have), detail })
    }

    /// For the audit record.
    pub(super) fn event(&self) -> Event {
        let event = audit::different(&self.id, self.want, self.have);
        match &self.detail {
            Detail::None => event,
            Detail::Unreadable(why) => event.with("unreadable", why.as_str()),
            Detail::Places(places) => event.with_places(places),
        }
    }
}

/// Whether two are equal: by the hashes they have or, where more is left out by now than when those were made, anew.
pub(super) fn are_equal(one: Option<&Definition>, other: Option<&Definition>, comparison: &Comparison) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) if one.equality_hash == other.equality_hash => true,
        (Some(one), Some(other)) if !comparison.defaults().is_empty() => {
            let hash = |it: &Definition| Some(Document::parse(it.text.clone()?).ok()?.equality_hash(comparison));
            hash(one).is_some_and(|one| hash(other) == Some(one))
        }
        _ => false,
    }
}

impl fmt::Display for Different {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = &self.id;
        match (self.want, self.have, &self.detail) {
            (Some(_), Some(_), Detail::Places(places)) => write!(f, "`{id}` was read back different: {places}"),
            (Some(_), Some(_), Detail::Unreadable(why)) => {
                write!(f, "`{id}` was read back different, and cannot be parsed: {why}")
            }
            (Some(want), Some(have), Detail::None) => {
                write!(f, "`{id}` was read back different: expected hash {want}, found {have}")
            }
            (Some(_), None, _) => write!(f, "`{id}` was accepted, but the export does not have it"),
            (None, _, _) => write!(f, "`{id}` was deleted, but the export still has it"),
        }
    }
}
