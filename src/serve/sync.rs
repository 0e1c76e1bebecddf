//! `POST /api/v1/environments/<env>/sync`: somebody asks for a pass. Only ever a nudge.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use super::access;
use super::served::Served;
use crate::controller::run::Trigger;

pub(super) fn routes() -> Router<Served> {
    Router::new().route("/api/v1/environments/{environment}/sync", post(sync))
}

async fn sync(State(served): State<Served>, Path(environment): Path<String>, headers: HeaderMap) -> Response {
    let settings = served.settings();
    let Some(token) = &settings.server.token else {
        return access::refused("the configuration has no `server.token`, so that nobody may ask for a pass\n");
    };
    if let Err(refused) = access::check(&headers, token, "server.token") {
        return refused;
    }
    match settings.environments.get(&environment) {
        None => (StatusCode::NOT_FOUND, "no environment of the configuration has this name\n").into_response(),
        Some(target) if !target.is_ours => {
            (StatusCode::ACCEPTED, "another shard looks after this environment\n").into_response()
        }
        Some(_) => {
            served.nudges.nudge(&environment, Trigger::Asked);
            (StatusCode::ACCEPTED, "a pass follows\n").into_response()
        }
    }
}
