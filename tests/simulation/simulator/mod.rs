//! Proof by simulation: the whole engine against a repository and a tenant in memory, under paused time
//! and a schedule of faults, with an eye on what must never happen:
//!
//! - (a) a deployment is live wholly or not at all, or its record names what is not;
//! - (b) no flow is written before what it needs, except in a cycle;
//! - (c) every request that changes the tenant has its intent on the disk before it;
//! - (d) the audit trail verifies;
//! - (e) what git never held is never touched;
//! - (f) only the holder that git names writes, and only within its lease;
//! - (g) a pass after a quiet one writes nothing;
//! - (h) everything comes to an end;
//! - (r) one fault alone leaves nothing that cannot be restored;
//! - (q) what was rolled back is not tried again at once.

pub mod enumerated;
mod machine;
pub mod many;
mod people;
mod rest;
mod script;
pub mod seeded;
mod world;

use std::future::Future;

/// Runs a future in its own paused time.
fn simulate<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(future)
}
