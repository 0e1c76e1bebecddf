//! The typed model of a flow of the vendor's own API, and the one JSON text that it is hashed by: the *composed document*.
//!
//! ```json
//! {"format": "cognigy-flow/1", "id": "flow_2222…", "referenceId": "2222…", "name": "Booking", "description": "…",
//!  "context": {}, "attachedFlows": ["1111…"], "attachedLexicons": [],
//!  "externalReferences": [{"type": "flow", "id": "flow_1111…", "environmentId": "${environment}"}],
//!  "chart": [
//!    {"type": "start", "ref": "a0…"},
//!    {"type": "say", "ref": "a1…", "label": "Hello", "config": {"de-DE": {…}, "en-US": {…}}},
//!    {"type": "if", "ref": "b1…", "config": {"en-US": {…}}, "branches": [
//!      {"type": "then", "ref": "b2…", "body": [ … ]},
//!      {"type": "else", "ref": "b3…", "body": []}]},
//!    {"type": "end", "ref": "a9…"}]}
//! ```
//!
//! A chain of nodes is what hangs on each other by `next`; `branches` are a node's children in their order, and a branch's
//! `body` is the chain on its own `next`. Whatever is empty or false by nature is left out, so that every flow has one text.
//! Which locale stands in which file, hints for readers and the names of files are no part of it: see the folder format.
//! [`Flow::to_text`] and [`Flow::parse`] are each other's inverse.

#[cfg(test)]
pub(crate) mod any;
mod config;
mod defaults;
mod flow;
mod locale;
mod needs;
mod read;
mod reference;
#[cfg(test)]
mod tests;
mod write;

pub use config::{Config, config_of, without_computed};
pub use flow::{BASIC_EXTENSION, Branch, Chain, Flow, Head, Mock, Node, is_marker};
pub use locale::LocaleName;
pub use needs::Target;
pub use read::{DocumentFault, FlowError};
pub use reference::{FlowRef, LexiconRef, NodeRef, RefError};
pub(in crate::format::cognigy) use write::write_head;

/// What the member `format` says.
pub const FORMAT: &str = "cognigy-flow/1";
