//! A flow that is not live as it was sent: where, with both values, for error and record alike.

use std::fmt;

use crate::flow::diff::ReadBack;
use crate::flow::{Comparison, ContentHash, Definition, Document, FlowId, LiveFlow};
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

impl Detail {
    fn of(want: &Definition, have: &LiveFlow, comparison: &Comparison) -> Self {
        match (have.reading().unreadable(), have) {
            (Some(why), _) => Self::Unreadable(why.to_string()),
            (None, LiveFlow::Read(have)) => ReadBack::of(want, have, comparison).map_or(Self::None, Self::Places),
            (None, LiveFlow::Recognised(_)) => Self::None,
        }
    }
}

impl Different {
    /// Compares what should be live with what is; nothing where they are equal.
    pub(super) fn of(id: &FlowId, want: Option<&Definition>, export: &Export, comparison: &Comparison) -> Option<Self> {
        let have = export.flows.get(id);
        if are_equal(want, have, comparison) {
            return None;
        }
        let detail = match (want, have) {
            (Some(want), Some(have)) => Detail::of(want, have, comparison),
            _ => Detail::None,
        };
        let want = want.map(|definition| definition.equality_hash);
        Some(Self { id: id.clone(), want, have: have.map(LiveFlow::equality_hash), detail })
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
pub(super) fn are_equal(want: Option<&Definition>, have: Option<&LiveFlow>, comparison: &Comparison) -> bool {
    match (want, have) {
        (None, None) => true,
        (Some(want), Some(have)) if want.equality_hash == have.equality_hash() => true,
        (Some(want), Some(LiveFlow::Read(have))) if !comparison.defaults().is_empty() => {
            let hash = |it: &Definition| Some(Document::parse(it.text.clone()?).ok()?.equality_hash(comparison));
            hash(want).is_some_and(|want| hash(have) == Some(want))
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
