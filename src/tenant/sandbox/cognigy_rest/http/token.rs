//! `POST /auth/oauth2/token`: client credentials for a token. Form-encoded or JSON.

use std::collections::BTreeMap;

use serde_json::json;
use url::form_urlencoded;

use super::super::super::wire::{Incoming, Reply};
use super::super::access::TokenRefusal;
use super::super::rules::Behaviour;
use super::super::shared::Inner;
use super::answer;

/// Answers a token request; it is neither limited nor counted by address.
pub(super) fn answer(inner: &mut Inner, incoming: &Incoming, rules: &Behaviour) -> Reply {
    let given = form(incoming).and_then(|form| {
        let lifetime_ms = u64::try_from(rules.token_lifetime.as_millis()).unwrap_or(u64::MAX);
        let now_ms = inner.clock.ms();
        let span = (now_ms, now_ms.saturating_add(lifetime_ms));
        inner.access.grant(&form, span, &mut inner.platform.mint)
    });
    match given {
        Ok(token) => {
            let expires_in = rules.token_lifetime.as_secs();
            let answer = json!({ "access_token": token, "token_type": "Bearer", "expires_in": expires_in });
            Reply::json(200, &answer)
        }
        Err(refusal) => answer::token_refused(&refusal),
    }
}

fn form(incoming: &Incoming) -> Result<BTreeMap<String, String>, TokenRefusal> {
    let wrong = |text: &str| TokenRefusal::new(400, "invalid_request", text);
    if incoming.method.as_str() != "POST" {
        return Err(TokenRefusal::new(405, "invalid_request", "expected the method POST"));
    }
    let body = incoming.body().map_err(|_| wrong("the body is too large"))?;
    match incoming.content_type().as_str() {
        "application/x-www-form-urlencoded" => Ok(form_urlencoded::parse(body).into_owned().collect()),
        "application/json" => serde_json::from_slice(body).map_err(|_| wrong("expected an object of texts")),
        _ => Err(wrong("expected the content type `application/x-www-form-urlencoded`")),
    }
}
