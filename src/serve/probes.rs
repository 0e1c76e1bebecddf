//! `/healthz`: the controller is alive. `/readyz`: every environment has had a pass.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use super::served::Served;
use crate::controller::SyncResult;

pub(super) fn routes() -> Router<Served> {
    Router::new().route("/healthz", get(|| async { "ok\n" })).route("/readyz", get(ready))
}

async fn ready(State(served): State<Served>) -> (StatusCode, String) {
    let results = served.health.results();
    let all = results.values().all(Option::is_some);
    let lines =
        results.iter().map(|(name, result)| format!("{name}: {}\n", result.map_or("waiting", SyncResult::as_str)));
    (if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, lines.collect())
}
