//! What the tenant does when nothing is in the way: a call against the world, answered.

use tokio::time::Instant;

use super::super::super::wire::Reply;
use super::super::access::TokenRefusal;
use super::super::shared::Inner;
use super::super::world::{Collection, Keep, Outcome, Page, Pick, ShownStatus, View};
use super::call::Asked;
use serde_json::json;

/// How a call is bent while it is performed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Twist {
    pub(super) keep: Keep,
    pub(super) view: View,
}

impl Twist {
    pub(super) const NONE: Self = Self { keep: Keep::Truly, view: View::Now };
}

/// Performs `asked`.
pub(super) fn perform(inner: &mut Inner, asked: &Asked, twist: &Twist, now: Instant) -> Reply {
    let done = match asked {
        Asked::Token(form) => token(inner, form, now).map_err(Reply::from),
        Asked::List { collection, environment, limit, offset } => {
            list(inner, *collection, environment.as_deref(), (*limit, *offset), twist.view)
        }
        Asked::Import { environment, flow } => {
            inner.world.import(environment, flow.get(), &twist.keep, now).map_err(Reply::from).map(
                |(outcome, stored)| {
                    let status = if outcome == Outcome::Created { 201 } else { 200 };
                    let id = asked.subject().0;
                    Reply::json(status, &json!({ "id": id, "version": stored.version, "status": "importing" }))
                },
            )
        }
        Asked::Status { environment, id } => {
            let delay = inner.behaviour.status_delay;
            inner.world.status(environment, id, delay, now).map(|verdict| said(&verdict)).map_err(Reply::from)
        }
        Asked::Rollback { environment, id, version } => {
            let done = inner.world.rollback(environment, id, version, &twist.keep, now);
            let answer = json!({ "id": id, "version": version, "status": "importing" });
            done.map(|_| Reply::json(200, &answer)).map_err(Reply::from)
        }
        Asked::Delete { environment, id } => {
            let strict = inner.behaviour.strict_delete;
            inner.world.delete(environment, id, strict, &twist.keep).map(|()| Reply::no_content()).map_err(Reply::from)
        }
    };
    done.unwrap_or_else(|refusal| refusal)
}

/// The answer of a status call.
pub(super) fn said(ShownStatus { status, message }: &ShownStatus) -> Reply {
    match message {
        Some(message) => Reply::json(200, &json!({ "status": status, "message": message })),
        None => Reply::json(200, &json!({ "status": status })),
    }
}

fn token(
    inner: &mut Inner,
    form: &std::collections::BTreeMap<String, String>,
    now: Instant,
) -> Result<Reply, TokenRefusal> {
    let scopes = inner.access.grant(form)?;
    let lifetime = inner.behaviour.token_lifetime;
    let token = random_token().ok_or_else(|| TokenRefusal {
        status: 500,
        error: "server_error",
        description: "this machine has no random numbers to offer".to_owned(),
    })?;
    let scope = scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    inner.access.admit(token.clone(), scopes, now + lifetime, now);
    let answer = json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": lifetime.as_secs(),
        "scope": scope,
    });
    Ok(Reply::json(200, &answer))
}

fn random_token() -> Option<String> {
    let mut bytes = [0_u8; 24];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn list(
    inner: &mut Inner,
    collection: Collection,
    environment: Option<&str>,
    (limit, offset): (usize, usize),
    view: View,
) -> Result<Reply, Reply> {
    let environment = environment.filter(|_| !inner.behaviour.ignore_environment);
    let limit = limit.min(inner.behaviour.page_limit);
    let page: Page = inner.world.page(Pick { collection, environment, offset, limit }, view)?;
    let body = page.to_json();
    match inner.behaviour.page_bytes_max {
        Some(max) if body.len() as u64 > max => {
            Err(Reply::error(413, "payload_too_large", format!("the page is larger than {max} bytes")))
        }
        _ => Ok(Reply::bytes(200, body)),
    }
}
