//! What binds a manifest's bytes: its digest, which the audit trail keeps, and, where a key is configured, its seal.
//!
//! Both are made over the text as it is committed, less the lines that name them, so that `grep`, `sha256sum` and
//! `openssl` are all that a stranger needs:
//!
//! - the **digest** is the SHA-256 of the text without its lines `auditHead` and `seal`. The record that closes a
//!   deployment in the audit trail carries it as `manifest`. The manifest in turn names that record in `auditHead`,
//!   which is why that line is left out;
//! - the **seal** is the HMAC-SHA-256 of the text without its line `seal`.
//!
//! A line is left out only where it is exactly what flowsync writes there: nothing can hide in it.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::digest::hex;

const HEAD: &[u8] = b"  \"auditHead\": ";
const SEAL: &[u8] = b"  \"seal\": ";
const SEAL_KIND: &str = "hmac-sha256:";

/// The digest of a manifest's text, as `sha256:` and lower-case hex.
#[must_use]
pub fn manifest_digest(text: &[u8]) -> String {
    let mut hasher = Sha256::new();
    lines(text).filter(|line| !is_head(line) && seal_in(line).is_none()).for_each(|line| hasher.update(line));
    format!("sha256:{}", hex(&hasher.finalize()))
}

/// The key of `repository.sealKey`. It cannot be printed.
#[derive(Clone)]
pub struct SealKey(SecretString);

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey")
    }
}

/// What is wrong with the seal of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealFault {
    /// It has none.
    #[error("it has no seal")]
    Absent,
    /// It was made with another key, or the text was changed since.
    #[error("its seal is not made with this key, or it was changed since")]
    Wrong,
}

impl SealKey {
    /// A key. Its bytes are used as they are.
    #[must_use]
    pub fn new(key: SecretString) -> Self {
        Self(key)
    }

    /// The text with its seal. One that does not name the audit trail, as every manifest does, is left as it is.
    #[must_use]
    pub fn seal(&self, text: &[u8]) -> Vec<u8> {
        let mac = hex(&self.mac(text).finalize().into_bytes());
        let mut sealed = Vec::with_capacity(text.len() + 100);
        for line in lines(text).filter(|line| seal_in(line).is_none()) {
            sealed.extend_from_slice(line);
            if is_head(line) {
                sealed.extend_from_slice(format!("  \"seal\": \"{SEAL_KIND}{mac}\",\n").as_bytes());
            }
        }
        sealed
    }

    /// Whether a text carries the right seal.
    ///
    /// # Errors
    ///
    /// It carries none, or another.
    pub fn check(&self, text: &[u8]) -> Result<(), SealFault> {
        let stated = lines(text).find_map(seal_in).ok_or(SealFault::Absent)?;
        let stated: Option<Vec<u8>> = stated.as_bytes().chunks(2).map(byte).collect();
        let stated = stated.ok_or(SealFault::Wrong)?;
        self.mac(text).verify_slice(&stated).map_err(|_| SealFault::Wrong)
    }

    /// What a machine may remember of the key without keeping it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex(&self.mac(b"flowsync: fingerprint of a seal key").finalize().into_bytes())
    }

    #[allow(clippy::expect_used, reason = "HMAC takes a key of any length")]
    fn mac(&self, text: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes()).expect("any length will do");
        lines(text).filter(|line| seal_in(line).is_none()).for_each(|line| mac.update(line));
        mac
    }
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
}

/// Whether a line is the manifest's `auditHead` and nothing else.
fn is_head(line: &[u8]) -> bool {
    let Some(value) = line.strip_prefix(HEAD).and_then(|rest| rest.strip_suffix(b",\n")) else { return false };
    value == b"null" || quoted(value).is_some_and(is_hash)
}

/// The hexadecimal digits of a line that is the manifest's `seal` and nothing else.
fn seal_in(line: &[u8]) -> Option<&str> {
    let value = line.strip_prefix(SEAL)?.strip_suffix(b",\n")?;
    let digits = quoted(value)?.strip_prefix(SEAL_KIND.as_bytes())?;
    std::str::from_utf8(digits).ok().filter(|digits| is_hash(digits.as_bytes()))
}

fn quoted(value: &[u8]) -> Option<&[u8]> {
    value.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

fn is_hash(digits: &[u8]) -> bool {
    digits.len() == 64 && digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

fn byte(pair: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "{\n  \"a\": 1,\n  \"auditHead\": null,\n  \"flows\": [\n    {\n      \"seal\": 2\n    }\n  ]\n}\n";

    fn key(text: &str) -> SealKey {
        SealKey::new(SecretString::from(text.to_owned()))
    }

    fn with_head(head: &str) -> String {
        TEXT.replace("null", &format!("\"{head}\""))
    }

    #[test]
    fn the_digest_is_of_everything_but_head_and_seal() {
        let digest = manifest_digest(TEXT.as_bytes());
        let without: String = TEXT.split_inclusive('\n').filter(|line| !line.contains("auditHead")).collect();
        assert_eq!(digest, super::super::digest_text(without.as_bytes()));
        let named = with_head(&"a1".repeat(32));
        assert_eq!(manifest_digest(named.as_bytes()), digest);
        assert_eq!(manifest_digest(&key("k").seal(named.as_bytes())), digest);
    }

    #[test]
    fn every_changed_byte_shows_in_digest_or_seal() {
        let text = with_head(&"a1".repeat(32)).into_bytes();
        let sealed = key("k").seal(&text);
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(key("k").check(&changed).is_err(), "byte {index}");
        }
        let head = text.windows(2).position(|pair| pair == b"a1").unwrap();
        for index in (0..text.len()).filter(|index| !(head..head + 64).contains(index)) {
            let mut changed = text.clone();
            changed[index] ^= 1;
            assert_ne!(manifest_digest(&changed), manifest_digest(&text), "byte {index}");
        }
    }

    #[test]
    fn nothing_hides_in_the_lines_that_are_left_out() {
        let digest = manifest_digest(TEXT.as_bytes());
        for smuggled in [
            TEXT.replace("null,", "null, \"quarantine\": null,"),
            TEXT.replace("null,", "null ,"),
            TEXT.replace("null,", "\"\","),
            TEXT.replace("  \"auditHead\"", "   \"auditHead\""),
            TEXT.replace("null,\n", "null,\n  \"seal\": \"x\", \"status\": \"deployed\",\n"),
        ] {
            assert_ne!(manifest_digest(smuggled.as_bytes()), digest, "{smuggled}");
        }
    }

    #[test]
    fn a_seal_is_checked_with_its_own_key() {
        let sealed = key("k").seal(TEXT.as_bytes());
        assert_eq!(key("k").check(&sealed), Ok(()));
        assert_eq!(key("other").check(&sealed), Err(SealFault::Wrong));
        assert_eq!(key("k").check(TEXT.as_bytes()), Err(SealFault::Absent));
        assert_eq!(key("k").seal(&sealed), sealed, "a seal is made anew, not twice");
        assert_ne!(key("k").fingerprint(), key("other").fingerprint());
        assert!(!format!("{:?}", key("hunter2")).contains("hunter2"));
    }
}
