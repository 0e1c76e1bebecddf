//! What differs between two definitions of a flow, in the words of people who draw flows.
//!
//! A dialect supplies a [`View`] of each side; [`diff`] compares the two: nodes by their ids, edges by what
//! they join, references and fields. Where the order of nodes and their branches says what follows on what, there are no
//! edges, and a node moves with whatever belongs to it. It is empty for equal flows and for no others, and what it says is
//! enough to make one side of the other. Pure, in n log n steps; how much may be shown of a large one,
//! [`FlowDiff::within`] says.

mod align;
#[cfg(test)]
pub(in crate::flow) mod any;
mod change;
mod compare;
mod cut;
mod flows_v2;
#[cfg(test)]
mod laws;
mod lists;
mod readback;
mod value;
mod values;
mod view;

pub use change::{
    EdgeChange, EdgeEvent, FlowDiff, LeftOut, NodeChange, NodeEvent, Part, Places, ReferenceChange, ReferenceEvent,
    Stand, Truncated, ValueChange, Within,
};
pub use compare::diff;
pub use readback::{PLACES_MAX, Place, ReadBack};
pub use value::{Members, Value};
pub use view::{EdgeView, Form, Home, Item, Listed, NodeView, ReferenceView, Sequence, View};
