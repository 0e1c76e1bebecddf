//! Passes as traces, sent to a collector by OTLP over HTTP, where the variables of OpenTelemetry ask for it.
//!
//! It only listens: what is sent are the spans that passes have in any case. They wait in a queue of a fixed length and are
//! sent beside the passes, so that a collector that is down, slow or unwilling costs spans, and nothing else. The feature
//! `otlp` builds it; without, whoever asks for traces is told that there are none.

#[cfg(not(feature = "otlp"))]
mod absent;
#[cfg(feature = "otlp")]
mod collector;
#[cfg(feature = "otlp")]
mod headers;
#[cfg(feature = "otlp")]
mod sending;
#[cfg(feature = "otlp")]
mod tally;
mod wish;

use tokio::runtime::Handle;

#[cfg(not(feature = "otlp"))]
pub(crate) use absent::Sending;
#[cfg(feature = "otlp")]
pub(crate) use sending::Sending;
pub(crate) use wish::{Listener, NoTraces};
use wish::{Variables, wish};

/// Begins to send, where the environment asks for it.
///
/// # Errors
/// Where it asks for what cannot be done.
pub(crate) fn start(of: Variables<'_>, runtime: &Handle) -> Result<Option<Sending>, NoTraces> {
    wish(of).map(|wish| Sending::start(&wish, of, runtime)).transpose()
}
