//! What is written down right before the first request that changes a flow.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// Told of the moment at which a call begins to change what it is about.
///
/// A dialect may read, wait for its turn, and prepare things beside the flow for minutes before that: what is cut off
/// until then has changed nothing, and what is live of the flow is somebody else's doing.
pub trait Recorder: Send + Sync {
    /// The next request may change the flow. It is sent when this returns well. Told before each try.
    fn before_change(&self) -> Recording<'_>;
}

/// Waits until it is written down.
pub type Recording<'a> = Pin<Box<dyn Future<Output = Result<(), NotRecorded>> + Send + 'a>>;

/// It could not be written down: the request is not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotRecorded(
    /// Why, in words.
    pub String,
);

/// Writes nothing down: for calls outside a deployment.
#[derive(Debug, Clone, Copy)]
pub struct Unrecorded;

impl Recorder for Unrecorded {
    fn before_change(&self) -> Recording<'_> {
        Box::pin(std::future::ready(Ok(())))
    }
}

impl fmt::Debug for dyn Recorder + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorder")
    }
}
