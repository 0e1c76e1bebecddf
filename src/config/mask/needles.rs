//! What is searched for, for one secret.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};

use super::view::{Case, View};

/// A shorter secret is none, and hiding it would spoil every message.
const SECRET_BYTES_MIN: usize = 4;
/// A shorter piece of base64 is a word that anybody may write.
const BASE64_CHARS_MIN: usize = 6;
/// A line of a key that is shorter says too little.
const LINE_BYTES_MIN: usize = 16;

/// A secret, and who it belongs to where the two are sent as one.
#[derive(Debug, Clone)]
pub(super) struct Secret {
    pub(super) user: Option<SecretString>,
    pub(super) secret: SecretString,
}

/// Bytes to be found in a text.
pub(super) struct Needle {
    /// As it is.
    pub(super) plain: Vec<u8>,
    /// As it is in a [squeezed](View::squeezed) view; nothing where too little would be left of it.
    pub(super) squeezed: Vec<u8>,
    pub(super) case: Case,
}

impl Secret {
    pub(super) fn is(&self, other: &Self) -> bool {
        let text = |user: &Option<SecretString>| user.as_ref().map(|user| user.expose_secret().to_owned());
        self.secret.expose_secret() == other.secret.expose_secret() && text(&self.user) == text(&other.user)
    }
}

/// Every needle of a secret.
pub(super) fn needles(secret: &Secret) -> Vec<Needle> {
    let Secret { user, secret } = secret;
    let secret = secret.expose_secret();
    let mut needles = Vec::new();
    if secret.len() >= SECRET_BYTES_MIN {
        needles.push(Needle::new(secret.as_bytes()));
        needles.extend(base64(secret.as_bytes()));
        needles.push(Needle { case: Case::Any, ..Needle::new(hexadecimal(secret.as_bytes()).as_bytes()) });
        let lines = secret.lines().map(str::trim).filter(|line| line.len() >= LINE_BYTES_MIN && *line != secret);
        needles.extend(lines.filter(|line| !line.starts_with("-----")).map(|line| Needle::new(line.as_bytes())));
    }
    if let Some(user) = user {
        let pair = format!("{}:{secret}", user.expose_secret());
        needles.extend(alone(pair.as_bytes()));
        if secret.len() < SECRET_BYTES_MIN && pair.len() > SECRET_BYTES_MIN {
            needles.push(Needle::new(format!("{pair}@").as_bytes()));
        }
    }
    needles
}

impl Needle {
    fn new(plain: &[u8]) -> Self {
        let squeezed = View::of_bytes(plain).squeezed().into_bytes();
        let squeezed = if squeezed.len() >= SECRET_BYTES_MIN { squeezed } else { Vec::new() };
        Self { plain: plain.to_vec(), squeezed, case: Case::AsItIs }
    }
}

/// Base64 of just these bytes, without the padding that may follow.
fn alone(bytes: &[u8]) -> impl Iterator<Item = Needle> {
    let forms = [STANDARD_NO_PAD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)];
    forms.into_iter().filter(|form| form.len() >= BASE64_CHARS_MIN).map(|form| Needle::new(form.as_bytes()))
}

/// Base64 of these bytes, and what is always seen of them where they stand in the midst of others: base64 takes
/// three bytes at a time, so there are three ways to stand.
fn base64(bytes: &[u8]) -> Vec<Needle> {
    let mut needles: Vec<Needle> = alone(bytes).collect();
    for n_before in 0..3 {
        let padded = [&[0; 2][..n_before.min(2)], bytes].concat();
        // The first characters hold bits of what stands before, the last one of what follows.
        let seen = (n_before * 8).div_ceil(6)..padded.len() * 8 / 6;
        for form in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            let form = form.get(seen.clone()).unwrap_or_default();
            if form.len() >= BASE64_CHARS_MIN {
                needles.push(Needle::new(form.as_bytes()));
            }
        }
    }
    needles
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
