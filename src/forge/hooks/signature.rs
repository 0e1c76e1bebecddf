//! Who sends, by the first of the known headers that is present, and whether that header proves it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::headers::{Header, Headers};

/// Whose payload it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    GitHub,
    Gitea,
    Forgejo,
    Bitbucket,
    GitLab,
    /// Whoever signs as flowsync asks for.
    Other,
}

/// What a header holds.
#[derive(Debug, Clone, Copy)]
enum Proof {
    /// `sha256=` and the hex HMAC of the body.
    Named,
    /// The hex HMAC of the body.
    Bare,
    /// The secret itself.
    Token,
}

/// In the order in which they decide: Gitea sends GitHub's header too, and Forgejo Gitea's.
const DECIDING: [(&str, Proof, Sender); 6] = [
    ("x-hub-signature-256", Proof::Named, Sender::GitHub),
    ("x-gitea-signature", Proof::Bare, Sender::Gitea),
    ("x-forgejo-signature", Proof::Bare, Sender::Forgejo),
    ("x-hub-signature", Proof::Named, Sender::Bitbucket),
    ("x-gitlab-token", Proof::Token, Sender::GitLab),
    ("x-flowsync-signature", Proof::Named, Sender::Other),
];

/// The sender, where the header that decides is right.
pub(super) fn sender(headers: &Headers<'_>, body: &[u8], secret: &[u8]) -> Option<Sender> {
    let (header, proof, sender) = DECIDING.into_iter().find_map(|(name, proof, sender)| match headers.get(name) {
        Header::Absent => None,
        header => Some((header, proof, sender)),
    })?;
    let Header::Once(value) = header else { return None };
    // A secret that is empty is nobody's.
    let is_right = !secret.is_empty()
        && match proof {
            Proof::Named => value.strip_prefix(b"sha256=").is_some_and(|digits| signs(digits, body, secret)),
            Proof::Bare => signs(value, body, secret),
            Proof::Token => mac(value, secret).verify_slice(&mac(secret, secret).finalize().into_bytes()).is_ok(),
        };
    is_right.then_some(sender)
}

/// Whether these digits are the HMAC of the body; how long that takes says nothing of the right one.
fn signs(digits: &[u8], body: &[u8], secret: &[u8]) -> bool {
    let stated: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    stated.is_some_and(|stated| mac(body, secret).verify_slice(&stated).is_ok())
}

#[allow(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn mac(text: &[u8], secret: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length will do");
    mac.update(text);
    mac
}

fn byte(pair: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*pair.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}
