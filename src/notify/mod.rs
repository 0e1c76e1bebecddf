//! Telling people and machines what happened while the controller runs: a webhook, Slack, Teams, a status of the commit.
//!
//! `what` decides what is news, one story an environment, and `message/` says it in the form of each service, within
//! its limits; both are pure. `send` delivers: each target has a queue with an end and a task of its own (`lane`), so that
//! a dead one holds up neither another nor a pass. Nothing here changes anything, and nobody below knows of it.

mod lane;
mod message;
mod notifier;
mod patience;
mod queue;
mod send;
#[cfg(test)]
mod tests;
mod what;

pub use notifier::Notifier;
#[doc(hidden)]
pub use patience::Patience;
pub use queue::{MessageOutcome, Tally};
