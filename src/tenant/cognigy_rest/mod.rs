//! `api: cognigy-rest`, the vendor's own API.
//!
//! `chart` knows how nodes hang together, on the wire and as a tree; `node_plan` turns one tree into another, step by
//! step. Both are pure.

pub mod chart;
pub mod node_plan;
