//! What an answer means: the failure table of the specification, one `match`.

use reqwest::{StatusCode, Url};

use super::super::{Call, Failure};
use super::exchange::{Answer, location};
use super::text::Mask;

/// What to do about an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The call site reads it.
    Accept,
    /// 401.
    SignInAgain,
    /// 429.
    SlowDown,
    /// The tenant is not well; later it may be.
    TryAgain,
    /// Somebody is at work on the flow: it was not written, and later it may be.
    Occupied,
    /// A page that is too large to make.
    AskForLess,
    /// No, and no again.
    Refuse,
}

/// Whether a request could ask for less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// A page of more than one item.
    Shrinks,
    /// A page of one item: what does not fit is cut.
    Single,
    /// Anything else.
    Fixed,
}

/// What the `status` of an answer to `call` means.
pub(super) fn judge(call: Call, status: u16, size: Size) -> Verdict {
    match (call, status) {
        (_, 200..=299) | (Call::Delete | Call::Variables, 404) => Verdict::Accept,
        (Call::Status, 404) => Verdict::TryAgain,
        (_, 401) => Verdict::SignInAgain,
        (_, 413) if size == Size::Shrinks => Verdict::AskForLess,
        (_, 429) => Verdict::SlowDown,
        (_, 501) => Verdict::Refuse,
        (Call::Import | Call::Rollback | Call::Delete, 409 | 423) => Verdict::Occupied,
        (_, 408 | 500..=599) => Verdict::TryAgain,
        _ => Verdict::Refuse,
    }
}

/// The failure that an answer to be refused is.
pub(super) fn refusal(call: Call, url: &Url, answer: &Answer, mask: &Mask) -> Failure {
    let message = || mask.message(&answer.body);
    match answer.status {
        401 => Failure::Unauthorized { message: format!("the tenant answered 401: {}", message()) },
        407 => proxy_refusal(),
        403 => Failure::Forbidden { scope: call.scope(), message: message() },
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
