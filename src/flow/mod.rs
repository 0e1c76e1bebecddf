//! The noun: a flow document, its identity, its hash, what is wrong with it, what it refers to.
//!
//! Pure: no file, no network, no clock. Knows nobody but [`crate::problem`].

mod definition;
mod hash;
mod id;

pub use definition::{Definition, Reference, ReferenceKind};
pub use hash::{ContentHash, ContentHashError, HASH_ALGORITHM};
pub use id::{EnvironmentId, FlowId, FlowIdError};
