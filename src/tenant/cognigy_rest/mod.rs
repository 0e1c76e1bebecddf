//! `api: cognigy-rest`, the vendor's own API.
//!
//! `chart` knows how nodes hang together, on the wire and as a tree; `node_plan` turns one tree into another, step by
//! step. Both are pure, and so is `compose`, between a tree and the document that everybody else knows a flow by.
//! `call` makes `request`s of one call from above the seam, whose answers `endpoint` judges; `heads` and `list` read what
//! is in a project, `read` a flow, of which `store` keeps what its stamp still proves; `import` writes one.
//!
//! `cloned` reads what the vendor's own command line keeps of a project on disk.
//!
//! A flow's `_id` is looked up in every pass and recorded nowhere.

mod call;
pub mod chart;
mod client;
mod cloned;
mod compose;
mod endpoint;
mod heads;
mod import;
mod list;
pub mod node_plan;
mod read;
mod request;
mod store;

pub use client::Client;
pub use cloned::{CloneFault, ClonedFlow, ClonedLocale, cloned_flow, cloned_locales};
