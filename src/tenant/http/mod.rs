//! The HTTP client that every dialect shares: it knows no endpoint.
//!
//! A dialect brings its name, scopes and rate, and of each endpoint what its answers mean (`dialect`). A request goes
//! down through these: `caller` signs it (`auth`), waits for its turn (`throttle`) and tries again (`retry`,
//! `patience`); [`crate::web`] makes each exchange. `connections` are shared by environments.

mod asked;
mod auth;
mod caller;
mod connections;
mod dialect;
mod jitter;
mod patience;
mod post;
mod refusal;
mod retry;
mod throttle;
mod tuning;
mod waits;

pub(super) use asked::{Asked, UNRECORDED};
pub(super) use caller::{Body, Broken, Caller, Sent, Settled, TooMuch};
pub use connections::Connections;
pub(super) use dialect::{AnswerClass, Dialect, Effect, Endpoint, Quota, Rate, Size};
pub(super) use patience::{Ended, within};
pub use tuning::Tuning;
