//! What an answer comes to that is not to be read, in words.

use reqwest::{StatusCode, Url};

use super::super::Failure;
use super::dialect::Endpoint;
use crate::web::{Answer, Mask, location};

/// The failure that an answer to be refused is.
pub(super) fn refusal(endpoint: &impl Endpoint, url: &Url, answer: &Answer, mask: &Mask) -> Failure {
    let message = || mask.message(&answer.body);
    match answer.status {
        401 => Failure::Unauthorized { message: format!("the tenant answered 401: {}", message()) },
        407 => proxy_refusal(),
        403 => endpoint.forbidden(message()),
        405 | 501 => Failure::Unsupported { status: answer.status },
        300..=399 => redirected(url, answer, "tenant.url", mask),
        status => Failure::Refused { status, message: message() },
    }
}

/// 407: whoever it comes from is not the tenant, and what it says is not repeated.
pub(super) fn proxy_refusal() -> Failure {
    let message =
        "a proxy on the way asks for credentials (407); they belong into the URL of the proxy (`HTTPS_PROXY`)";
    Failure::Unauthorized { message: message.to_owned() }
}

/// A redirect that is not followed: credentials go nowhere else.
pub(super) fn redirected(url: &Url, answer: &Answer, key: &str, mask: &Mask) -> Failure {
    let message = match location(url, &answer.headers) {
        Some(target) => {
            let target = mask.clean(&target.origin().ascii_serialization());
            format!("it redirects to `{target}`, where no credentials are sent; correct `{key}`")
        }
        None => "it redirects to nowhere".to_owned(),
    };
    Failure::Refused { status: answer.status, message }
}

/// An answer in a few words, for [`Failure::Unavailable`].
pub(super) fn detail(answer: &Answer, mask: &Mask) -> String {
    let reason = StatusCode::from_u16(answer.status).ok().and_then(|status| status.canonical_reason());
    let said = if answer.body.trim_ascii().is_empty() { String::new() } else { mask.message(&answer.body) };
    format!("the tenant answered {} {}: {said}", answer.status, reason.unwrap_or_default())
        .trim_end_matches([':', ' '])
        .to_owned()
}
