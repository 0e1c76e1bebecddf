//! GitHub, and Gitea and Forgejo, which send what it sends.
//!
//! <https://docs.github.com/en/webhooks/webhook-events-and-payloads#push>, <https://docs.gitea.com/usage/webhooks>,
//! <https://forgejo.org/docs/latest/user/webhooks/>

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::headers::Headers;
use super::payload::{Read, json, of_ref};
use super::verdict::{HookVerdict, UnreadableHook};

#[derive(Deserialize)]
struct Push {
    #[serde(rename = "ref")]
    reference: Option<String>,
    /// Only a ping has it.
    zen: Option<IgnoredAny>,
}

/// Reads a payload; `event` is the header that says what kind it is of.
pub(super) fn read(headers: &Headers<'_>, event: &str, body: &[u8]) -> Read {
    let event = headers.text(event);
    if event.is_some_and(|event| event != "push") {
        return Ok(HookVerdict::Nothing);
    }
    match json::<Push>(&payload(headers, body)?)? {
        Push { reference: Some(reference), .. } => of_ref(&reference),
        Push { zen: Some(_), .. } if event.is_none() => Ok(HookVerdict::Nothing),
        Push { .. } => Err(UnreadableHook::new("expected the payload of a push, found one without `ref`")),
    }
}

/// The JSON. GitHub sends it in a form where nobody chose otherwise; the signature is over the form.
fn payload<'b>(headers: &Headers<'_>, body: &'b [u8]) -> Result<Cow<'b, [u8]>, UnreadableHook> {
    let kind = headers.text("content-type").unwrap_or_default();
    if !kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return Ok(Cow::Borrowed(body));
    }
    let mut fields = url::form_urlencoded::parse(body).filter(|(name, _)| name == "payload");
    match (fields.next(), fields.next()) {
        (Some((_, payload)), None) => Ok(Cow::Owned(payload.into_owned().into_bytes())),
        _ => Err(UnreadableHook::new(
            "expected a form with one `payload`; better choose `application/json` at the sender",
        )),
    }
}
