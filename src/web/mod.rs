//! HTTP as a client, whoever asks whom: it knows no endpoint and judges no status.
//!
//! `connect` finds the way, through proxies and TLS; `exchange` is one request and its whole answer, for which there is
//! `room`; `inside` stands in for the network in proofs. What a server says reaches messages through `text` only, which hides secrets and escapes the rest.

mod connect;
mod exchange;
mod headers;
mod inside;
mod room;
mod text;

pub use connect::ConnectError;
pub(crate) use connect::{Http, Peer};
pub(crate) use exchange::{Answer, ExchangeFault, FaultKind, Intake, Over, exchange, location};
pub(crate) use headers::{now_seconds, retry_after_seconds, text};
pub use inside::{Answering, InsideAnswer, InsideRequest, InsideServer, NoAnswer};
pub(crate) use room::{Place, Room, SHARE_BYTES_MAX};
pub(crate) use text::Mask;
