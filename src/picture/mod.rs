//! Flows, differences and dependencies as pictures: values in, text of a picture out.
//!
//! Pure. A [`Chart`] is one flow with what changed in it, a [`Graph`] is flows and what they need;
//! [`mermaid`] and [`dot`] draw them. Nothing a flow says becomes part of the picture's own language.

mod chart;
pub mod dot;
mod graph;
mod links;
pub mod mermaid;

pub use chart::{Chart, ChartEdge, ChartNode, Mark, NODES_MAX, Shape};
pub use graph::{Fate, Graph, GraphNode, NodeName};
