//! The HTTP client that every dialect shares: it knows no endpoint.
//!
//! A dialect brings its name, scopes and rate, and of each endpoint what its answers mean (`dialect`). A request goes
//! down through these: `caller` signs it (`auth`), waits for its turn (`throttle`) and tries again (`retry`,
//! `patience`); `exchange` is one request and its whole answer. `connections` are shared by environments. What a tenant
//! says reaches messages through `text` only, which hides secrets and escapes the rest.

mod asked;
mod auth;
mod caller;
mod connect;
mod connections;
mod dialect;
mod exchange;
mod jitter;
mod patience;
mod post;
mod refusal;
mod retry;
mod room;
mod text;
mod throttle;
mod tuning;
mod waits;

pub(super) use asked::Asked;
pub(super) use caller::{Body, Broken, Caller, Sent, Settled, TooMuch};
pub use connect::ConnectError;
pub use connections::Connections;
pub(super) use dialect::{Dialect, Effect, Endpoint, Rate, Size, Verdict};
pub(super) use patience::{Ended, within};
pub(super) use room::SHARE_BYTES_MAX;
pub use tuning::Tuning;
