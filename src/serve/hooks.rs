//! `POST /hooks/<environment|all>`: a site where repositories lie says that a branch moved. Only ever a nudge.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use secrecy::ExposeSecret;

use super::body;
use super::served::Served;
use super::settings::{Settings, Target};
use crate::controller::run::Trigger;
use crate::forge::{HookVerdict, judge};

/// Every environment.
const ALL: &str = "all";

pub(super) fn routes() -> Router<Served> {
    Router::new().route("/hooks/{environment}", post(hook))
}

async fn hook(State(served): State<Served>, Path(meant): Path<String>, request: Request) -> Response {
    let settings = served.settings();
    let (parts, body) = request.into_parts();
    // Read whatever is answered: who sends is to hear it.
    let body = match body::whole(body).await {
        Ok(body) => body,
        Err(status) => return (status, "the body is too large, or broke off\n").into_response(),
    };
    let Some(source) = &settings.server.webhook_secret else {
        return (StatusCode::NOT_FOUND, "the configuration has no `server.webhook`\n").into_response();
    };
    let Some(targets) = targets(&settings, &meant) else {
        return (StatusCode::NOT_FOUND, "no environment of the configuration has this name\n").into_response();
    };
    let secret = match source.read("server.webhook.secret") {
        Ok(secret) => secret,
        Err(error) => {
            tracing::error!(error = %crate::error_chain(&error), "no webhook can be believed");
            let text = "cannot read `server.webhook.secret`; the log of flowsync says why\n";
            return (StatusCode::INTERNAL_SERVER_ERROR, text).into_response();
        }
    };
    let headers = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let judged = AssertUnwindSafe(|| judge(headers, &body, secret.expose_secret().as_bytes()));
    match catch_unwind(judged) {
        Err(_) => (StatusCode::BAD_REQUEST, "this request cannot be read\n").into_response(),
        Ok(HookVerdict::BadSignature) => {
            (StatusCode::UNAUTHORIZED, "expected a signature with the secret\n").into_response()
        }
        Ok(HookVerdict::Unreadable(why)) => (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response(),
        Ok(HookVerdict::Nothing) => (StatusCode::OK, "about no branch\n").into_response(),
        Ok(HookVerdict::EveryBranch) => nudge(&served, &targets, None),
        Ok(HookVerdict::Branches(branches)) => nudge(&served, &targets, Some(&branches)),
    }
}

/// Environments that are meant, by name; `None` where that is none of the configuration.
fn targets<'s>(settings: &'s Settings, meant: &str) -> Option<Vec<(&'s String, &'s Target)>> {
    match settings.environments.get_key_value(meant) {
        Some(one) => Some(vec![one]),
        None if meant == ALL => Some(settings.environments.iter().collect()),
        None => None,
    }
}

/// Nudges those of the environments that read one of the branches; `None` is every branch.
fn nudge(served: &Served, targets: &[(&String, &Target)], branches: Option<&BTreeSet<String>>) -> Response {
    let reads = |target: &Target| {
        let is_read = |branches: &BTreeSet<String>| !target.branches.is_disjoint(branches);
        target.branches.is_empty() || branches.is_none_or(is_read)
    };
    let mut are_meant = false;
    for (name, target) in targets.iter().filter(|(_, target)| reads(target)) {
        are_meant = true;
        if target.is_ours {
            served.nudges.nudge(name, Trigger::Webhook);
        }
    }
    if are_meant {
        (StatusCode::ACCEPTED, "a pass follows, where this process looks after the environment\n").into_response()
    } else {
        (StatusCode::OK, "no environment reads this branch\n").into_response()
    }
}
