//! Proof by simulation: the whole engine against a repository and a tenant in memory, under paused time
//! and a schedule of faults, with an eye on what must never happen: [`invariant::Invariant`].

pub mod api;
pub mod broken;
mod clocks;
mod disk;
pub mod enumerated;
mod faults;
mod forgery;
pub mod invariant;
mod machine;
pub mod many;
mod people;
mod rest;
pub mod reviewed;
mod reviewers;
mod script;
pub mod seeded;
mod suspension;
mod watch;
mod windows;
mod world;

use std::future::Future;

/// Runs a future in its own paused time.
fn simulate<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(Box::pin(future))
}
