//! Where flows lead to in each other, of formats that say it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::FlowId;
use crate::problem::Place;

/// Places in a flow that flows lead to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchors {
    /// Its places by their names; whether something may lead there.
    pub offered: BTreeMap<String, bool>,
    /// Where it leads to.
    pub needed: Vec<Need>,
}

/// A place that a flow leads to, in itself or in another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// The flow.
    pub flow: FlowId,
    /// The name of the place in it.
    pub anchor: String,
    /// Where it is said.
    pub place: Place,
}
