//! A tenant in memory: for tests and simulations, under tokio's (paused) time.
//!
//! [`MemoryTenant`] is the shared world, as strict as the real one: an import whose references are not
//! live is refused. [`MemoryClient`] is one process's way to it. A hook decides what happens to each
//! call; the client suffers it as the real one would, obeying the same [`crate::tenant::CallLimits`].

mod client;
mod garble;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Call, Imported};
use crate::flow::FlowId;

pub use client::MemoryClient;
pub use garble::Garble;
pub use world::MemoryTenant;

/// What happens to one call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TenantFault {
    /// Nothing.
    #[default]
    None,
    /// It takes this long, and then takes effect.
    Slow(Duration),
    /// 429 for this long.
    Storm(Duration),
    /// 5xx to the last try; no effect.
    Unavailable,
    /// It takes effect, and every answer is lost.
    LostAnswer,
    /// It takes effect, the first answer is lost, the second try is answered.
    LostOnce,
    /// 400 (a write), 403 (a read).
    Refused,
    /// 405.
    Unsupported,
    /// It takes effect, and is answered by a login page.
    Garbage,
    /// An export never becomes complete.
    Incomplete,
    /// An export shows what was live this long ago.
    Stale(Duration),
    /// An import or rollback stores something else than it was told to.
    Corrupt,
    /// An import or rollback stores what it was told to, and changes another flow of the environment as well.
    Neighbour,
    /// An import or rollback is taken, and its status is `failed`.
    StatusFailed,
    /// An import or rollback is taken, and its status stays `deploying`.
    StatusStuck,
    /// The process stops before it.
    CrashBefore,
    /// The process stops once it has taken effect.
    CrashAfter,
}

/// Decides what happens to each call, and is told of every write that takes effect.
pub trait TenantHook: Send + Sync {
    /// What happens to the call that is about to be made; `body` is what an import would write.
    fn next(&self, call: Call, flow: Option<&FlowId>, body: Option<&[u8]>) -> TenantFault;
    /// How long a call takes when nothing happens to it.
    fn latency(&self) -> Duration;
    /// A write took effect.
    fn wrote(&self, call: Call, flow: &FlowId, body: Option<&[u8]>);
    /// An export was answered; this is what it shows.
    fn exported(&self, flows: &BTreeMap<FlowId, Arc<[u8]>>) {
        let _ = flows;
    }
    /// An import was answered.
    fn imported(&self, flow: &FlowId, imported: &Imported) {
        let _ = (flow, imported);
    }
    /// An import was refused because what it refers to is not live.
    fn dangled(&self, flow: &FlowId, missing: &str);
}

/// No faults.
impl TenantHook for () {
    fn next(&self, _call: Call, _flow: Option<&FlowId>, _body: Option<&[u8]>) -> TenantFault {
        TenantFault::None
    }

    fn latency(&self) -> Duration {
        Duration::ZERO
    }

    fn wrote(&self, _call: Call, _flow: &FlowId, _body: Option<&[u8]>) {}

    fn dangled(&self, _flow: &FlowId, _missing: &str) {}
}
