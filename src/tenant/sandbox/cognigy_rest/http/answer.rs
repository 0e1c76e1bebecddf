//! Answers as they go out: JSON, or HAL for whoever did not ask for JSON (vendor's reference).

use axum::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, header::ACCEPT};
use serde_json::{Value, json};
use std::time::Duration;

use super::super::super::wire::{Incoming, Reply};
use super::super::access::TokenRefusal;
use super::super::clock::PlatformClock;
use super::super::refusal::Refusal;
use super::super::rules::{Behaviour, ComeAgain};
use super::done::Done;

/// Where `RateLimit-Reset` stands.
const RATE_LIMIT_RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Answers a call that went well.
pub(super) fn done(incoming: &Incoming, done: Done, rules: &Behaviour) -> Reply {
    match done {
        // Some servers show what was written (reported by users).
        Done::Written(value) if rules.answer_writes && !value.is_null() => shown(incoming, 200, value),
        Done::Written(_) => Reply::no_content(),
        Done::Created(value) => shown(incoming, 201, value),
        Done::Shown(value) | Done::Page(value) => shown(incoming, 200, value),
    }
}

/// Answers with an object.
fn shown(incoming: &Incoming, status: u16, value: Value) -> Reply {
    if accepts_json(incoming) {
        return Reply::json(status, &value);
    }
    Reply { content_type: "application/hal+json", ..Reply::json(status, &as_hal(incoming, value)) }
}

/// Answers with a refusal.
pub(super) fn refused(incoming: &Incoming, refusal: &Refusal, n_requests: u64) -> Reply {
    let instance = incoming.target.split('?').next().unwrap_or_default();
    let body = refusal.to_json(instance, &format!("api-sandbox-request-{n_requests}"));
    let reply = Reply::json(refusal.status, &body);
    match refusal.status {
        401 => reply.with(WWW_AUTHENTICATE, "Bearer"),
        405 => reply.with(ALLOW, ""),
        _ => reply,
    }
}

/// Answers 429: come again when `wait` is over, said or not (unconfirmed).
pub(super) fn throttled(reply: Reply, wait: Duration, form: ComeAgain, clock: PlatformClock) -> Reply {
    let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1);
    match form {
        ComeAgain::Silent => reply,
        ComeAgain::Seconds => reply.with(RETRY_AFTER, seconds.to_string()),
        ComeAgain::Date => reply.with(RETRY_AFTER, clock.http_date_in(Duration::from_secs(seconds))),
        ComeAgain::Reset => reply.with(RATE_LIMIT_RESET, seconds.to_string()),
    }
}

pub(super) fn token_refused(refusal: &TokenRefusal) -> Reply {
    let TokenRefusal { status, error, description } = refusal;
    Reply::json(*status, &json!({ "error": error, "error_description": description }))
}

fn accepts_json(incoming: &Incoming) -> bool {
    let accept = incoming.header(ACCEPT.as_str()).unwrap_or_default();
    accept.split(',').any(|part| part.split(';').next().unwrap_or_default().trim() == "application/json")
}

/// The same in HAL: links, and a list's items under the name of the collection.
fn as_hal(incoming: &Incoming, mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        let collection = incoming.target.split('?').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        if let Some(items) = members.remove("items") {
            members.insert("_embedded".to_owned(), json!({ collection: items }));
            for (new, old) in [("nextCursor", "next"), ("previousCursor", "previous")] {
                let cursor = members.remove(new).unwrap_or_default();
                members.insert(old.to_owned(), cursor);
            }
        }
        members.insert("_links".to_owned(), json!({ "self": { "href": incoming.target } }));
    }
    value
}
