//! What a request to `/hooks/…` is worth: whether somebody who knows the secret sent it, and which branches it is about.
//!
//! Pure: from headers, raw body and secret to a [`HookVerdict`]. Of a payload nothing but names of branches is used; nothing
//! of it is an address, a commit or a reason to believe anything. `signature` says who sends, by the header that decides;
//! then a file a kind of sender reads the payload.

mod bitbucket;
mod github;
mod gitlab;
mod headers;
mod payload;
mod plain;
mod signature;
#[cfg(test)]
mod tests;
mod verdict;

use headers::Headers;
use signature::Sender;
pub use verdict::{HookVerdict, UnreadableHook};

/// Judges a request by its headers (names in any case), its body as it came, and the secret it should be signed with.
#[must_use]
pub fn judge<'r>(
    headers: impl IntoIterator<Item = (&'r str, &'r [u8])>,
    body: &'r [u8],
    secret: &'r [u8],
) -> HookVerdict {
    let headers = Headers::new(headers);
    let Some(sender) = signature::sender(&headers, body, secret) else { return HookVerdict::BadSignature };
    let read = match sender {
        Sender::GitHub => github::read(&headers, "x-github-event", body),
        Sender::Gitea => github::read(&headers, "x-gitea-event", body),
        Sender::Forgejo => github::read(&headers, "x-forgejo-event", body),
        Sender::Bitbucket => bitbucket::read(&headers, body),
        Sender::GitLab => gitlab::read(body),
        Sender::Other => plain::read(body),
    };
    read.unwrap_or_else(HookVerdict::Unreadable)
}
