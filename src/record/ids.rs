//! Names that stand in records: parse once, then trust. Records are input: whoever can commit can write one, and
//! what is read here becomes a file's name, a line on a terminal, a trailer of a commit.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// A deployment's id. It sorts by time and is unique: `20261122T101500Z-3f9a1c22`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct DeploymentId(String);

/// The text is no deployment id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected the id of a deployment such as `20261122T101500Z-3f9a1c22`, found another text of {bytes} bytes")]
pub struct DeploymentIdError {
    /// The length of what stood there instead. The text itself is not repeated: it may be anything.
    pub bytes: usize,
}

/// `20261122T101500Z-3f9a1c22`: `0` stands for a digit, `x` for a lower-case hexadecimal one.
const DEPLOYMENT_PATTERN: &[u8] = b"00000000T000000Z-xxxxxxxx";

impl DeploymentId {
    /// The id of a deployment that begins now.
    #[must_use]
    pub fn new(now: Timestamp, random: u64) -> Self {
        Self(format!("{}-{:08x}", now.strftime("%Y%m%dT%H%M%SZ"), random as u32))
    }

    /// Year and month of its beginning: `2026-11`.
    #[must_use]
    pub fn month(&self) -> String {
        format!("{}-{}", &self.0[..4], &self.0[4..6])
    }

    /// The id as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DeploymentId {
    type Err = DeploymentIdError;

    fn from_str(text: &str) -> Result<Self, DeploymentIdError> {
        let is_like = |(found, pattern): (u8, &u8)| match pattern {
            b'0' => found.is_ascii_digit(),
            b'x' => is_hex(found),
            letter => found == *letter,
        };
        let valid = text.len() == DEPLOYMENT_PATTERN.len() && text.bytes().zip(DEPLOYMENT_PATTERN).all(is_like);
        if valid { Ok(Self(text.to_owned())) } else { Err(DeploymentIdError { bytes: text.len() }) }
    }
}

impl<'de> Deserialize<'de> for DeploymentId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl fmt::Display for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// A holder's id has this many characters at most.
const HOLDER_BYTES_MAX: usize = 64;

/// Reads a holder's id: letters, digits, `-`, `_` and `.`.
pub(super) fn holder<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    checked(deserializer, "the id of a holder", |text| {
        let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        !text.is_empty() && text.len() <= HOLDER_BYTES_MAX && text.bytes().all(is_fit)
    })
}

/// Reads the name of an environment in the configuration.
pub(super) fn environment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    checked(deserializer, "the name of an environment", |text| {
        let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        !text.is_empty() && text.bytes().all(is_fit) && !text.contains("..")
    })
}

/// Reads `sha256:` and 64 hexadecimal digits.
pub(super) fn digest<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    checked(deserializer, "`sha256:` and 64 lower-case hexadecimal digits", |text| {
        text.strip_prefix("sha256:").is_some_and(is_sha256)
    })
}

/// Reads the same, where there is one.
pub(super) fn digest_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    if_any(deserializer, "`sha256:` and 64 lower-case hexadecimal digits", |text| {
        text.strip_prefix("sha256:").is_some_and(is_sha256)
    })
}

/// Reads the hash of an audit record, where there is one.
pub(super) fn audit_hash<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    if_any(deserializer, "64 lower-case hexadecimal digits", is_sha256)
}

/// Reads the path of a file in the repository, where there is one.
pub(super) fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    if_any(deserializer, "a path inside the repository", is_inner_path)
}

/// Reads the path of a file in the repository.
pub(super) fn inner_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    checked(deserializer, "a path inside the repository", is_inner_path)
}

/// Whether a path leads from the root of the repository to something inside of it.
#[must_use]
pub fn is_inner_path(path: &str) -> bool {
    !path.contains('\0') && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(is_hex)
}

/// Reads a text that holds to something.
pub(super) fn checked<'de, D: Deserializer<'de>>(
    deserializer: D,
    expected: &str,
    holds: impl Fn(&str) -> bool,
) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if holds(&text) { Ok(text) } else { Err(unlike(expected, &text)) }
}

/// Reads the same, where there is one.
pub(super) fn if_any<'de, D: Deserializer<'de>>(
    deserializer: D,
    expected: &str,
    holds: impl Fn(&str) -> bool,
) -> Result<Option<String>, D::Error> {
    match Option::<String>::deserialize(deserializer)? {
        Some(text) if !holds(&text) => Err(unlike(expected, &text)),
        text => Ok(text),
    }
}

/// What was found is not repeated: it may be anything.
fn unlike<E: serde::de::Error>(expected: &str, found: &str) -> E {
    E::custom(format!("expected {expected}, found another text of {} bytes", found.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_it_was_made() {
        let id = DeploymentId::new("2026-11-22T10:15:00Z".parse().unwrap(), 0xffff_ffff_3f9a_1c22);
        assert_eq!((id.as_str(), id.month().as_str()), ("20261122T101500Z-3f9a1c22", "2026-11"));
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn nothing_else_is_a_deployment_id() {
        for wrong in [
            "",
            "../../x",
            "20261122T101500Z-3f9a1c2",
            "20261122T101500Z-3f9a1c222",
            "20261122T101500Z-3F9A1C22",
            "20261122T101500Z-3f9a1c2/",
            "20261122t101500z-3f9a1c22",
            "20261122T101500Z-3f9a1c2\u{1b}",
            "20261122T101500Z-3f9a1c2\n",
            "2026112२T10150Z-3f9a1c22",
        ] {
            let error = wrong.parse::<DeploymentId>().unwrap_err();
            assert_eq!(error.bytes, wrong.len());
            assert!(!error.to_string().contains('\u{1b}'), "{error}");
        }
    }

    #[test]
    fn paths_stay_inside_the_repository() {
        for inner in ["flows/a.json", "a", "a b/ä\n.json", "a..b/c"] {
            assert!(is_inner_path(inner), "{inner:?}");
        }
        for outer in ["", "/a", "a/", "a//b", "../a", "a/../b", "./a", "a/.", "a\0b"] {
            assert!(!is_inner_path(outer), "{outer:?}");
        }
    }
}
