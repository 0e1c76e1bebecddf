//! `api: cognigy-rest`, the vendor's own API.
//!
//! `chart` knows how nodes hang together, on the wire and as a tree; `node_plan` turns one tree into another, step by
//! step. Both are pure, and so is `compose`, between a tree and the document that everybody else knows a flow by.
//! `call` makes `request`s of one call from above the seam, whose answers `endpoint` judges; `heads` and `list` read what
//! is in a project, `read` a flow, of which `store` keeps what its stamp still proves; `scan` reads all that is left.
//! `write` brings one in: by fields (`import`), or as a package (`carry`), which is made by `parcel`, which is pure, and
//! goes through `packages` and the `task`s that they take. What is our own in a project goes by its `names`. `before` structure changes, the whole
//! project is kept as one of its `snapshots`. `release` knows snapshots that endpoints show, and those endpoints; `freeze` that one holds what was read.
//!
//! `alias` tells by which other reference ids a flow of git's is live that somebody has built by hand.
//!
//! `probe` finds out what only a live tenant can tell, by a flow that it makes and removes.
//!
//! `cloned` reads what the vendor's own command line keeps of a project on disk.
//!
//! A flow's `_id` is looked up in every pass and recorded nowhere.

mod alias;
mod before;
mod call;
mod carry;
pub mod chart;
mod client;
mod cloned;
mod compose;
mod defaults;
mod endpoint;
mod equal;
mod estimate;
mod freeze;
mod heads;
mod import;
mod list;
mod listed;
mod memory;
mod names;
pub mod node_plan;
mod packages;
mod parcel;
mod probe;
mod read;
mod references;
mod release;
mod request;
mod scan;
mod snapshots;
mod store;
mod task;
mod write;

pub use alias::Aliases;
pub use client::Client;
pub use cloned::{CloneFault, ClonedFlow, ClonedLocale, cloned_flow, cloned_locales};
pub use probe::{Finding, ProbeDepth, ProbeRefusal, ProbeVerdict};
