//! `/healthz`: no loop is stuck. `/readyz`: every environment has had a pass.

use std::fmt::Write as _;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use super::served::Served;
use crate::controller::SyncResult;

pub(super) fn routes() -> Router<Served> {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready))
}

/// A loop whose pass takes longer than it may is stuck until a pass of it ends in time: a new process may help.
async fn alive(State(served): State<Served>) -> (StatusCode, String) {
    let mut stuck = String::new();
    for (name, _) in served.health.known().iter().filter(|(_, known)| known.is_stuck()) {
        _ = writeln!(stuck, "{name}: a pass took longer than `sync.passDeadline`");
    }
    if stuck.is_empty() { (StatusCode::OK, "ok\n".to_owned()) } else { (StatusCode::SERVICE_UNAVAILABLE, stuck) }
}

async fn ready(State(served): State<Served>) -> (StatusCode, String) {
    let known = served.health.known();
    let all = known.values().all(|known| known.result.is_some());
    let lines = known.iter().map(|(name, it)| format!("{name}: {}\n", it.result.map_or("waiting", SyncResult::as_str)));
    (if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, lines.collect())
}
