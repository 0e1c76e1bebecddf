//! What may happen to one request.

use std::time::Duration;

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestFault {
    /// It takes this long, and then takes effect.
    Slow(Duration),
    /// There is no connection.
    NotSent,
    /// The connection is lost before it takes effect.
    LostBefore,
    /// It takes effect, and its answer is lost.
    LostAfter,
    /// 503, and it takes no effect.
    Unavailable,
    /// It takes effect, and is answered by 502.
    UnavailableAfter,
    /// 429; how long to wait is said, or not.
    Throttled { says: bool },
    /// 400 to a write, 403 to a read.
    Refused,
    /// It takes effect, and is answered by a login page.
    Garbage,
    /// It takes no effect, and is answered by a login page.
    KeptBack,
    /// The task that it starts fails; a merge leaves half of it behind.
    TaskFails,
    /// The task that it starts takes this long.
    TaskSlow(Duration),
}

/// Requests that change what is in flows.
const CONTENT: [&str; 11] = [
    "createFlow",
    "updateFlow",
    "deleteFlow",
    "createNode",
    "updateNode",
    "deleteNode",
    "moveNode",
    "addNodeLocalization",
    "removeNodeLocalization",
    "mergePackage",
    "trainIntents",
];

/// Requests that start tasks.
const TASKS: [&str; 5] = ["createPackage", "createSnapshot", "uploadPackage", "mergePackage", "trainIntents"];

/// Whether a request changes what is in flows, or may.
pub fn is_request_for_content(call: &str) -> bool {
    CONTENT.contains(&call)
}

/// Whether a request changes anything.
pub fn writes(call: &str) -> bool {
    !["list", "read", "link"].iter().any(|verb| call.starts_with(verb))
}

/// Everything that can happen to a request; what takes time takes `time`.
pub fn faults_of(call: &str, time: Duration) -> Vec<RequestFault> {
    use RequestFault as F;
    let short = Duration::from_millis(time.as_millis() as u64 % 55_000);
    let mut faults = vec![
        F::Slow(short),
        F::NotSent,
        F::LostBefore,
        F::Unavailable,
        F::Throttled { says: time.as_millis().is_multiple_of(2) },
        F::Refused,
        F::Garbage,
    ];
    if writes(call) {
        faults.extend([F::LostAfter, F::UnavailableAfter]);
    }
    if TASKS.contains(&call) {
        faults.extend([F::TaskFails, F::TaskSlow(time)]);
    }
    faults
}
