//! What of a project a snapshot freezes, and a package carries parts of.

use serde::{Deserialize, Serialize};

use super::super::mint::Id;
use super::flow::Flow;
use super::locale::Locales;
use super::thing::Thing;

/// What conversations are made of.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) locales: Locales,
    pub(crate) flows: Vec<Flow>,
    pub(crate) things: Vec<Thing>,
}

impl Content {
    pub(crate) fn flow(&self, id: &Id) -> Option<&Flow> {
        self.flows.iter().find(|flow| flow.id == *id)
    }

    /// A flow by its reference id; the first of several.
    pub(crate) fn flow_by_reference(&self, reference: &str) -> Option<&Flow> {
        self.flows.iter().find(|flow| flow.reference.as_str() == reference)
    }
}
