//! That an environment is suspended: a file beside its manifest, which a person puts there and takes away. Pure.
//!
//! It is input like every record: whoever can commit can write one. One that cannot be read stops whoever would write.

use std::str::FromStr;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

/// A file that says so may have this many bytes at most.
const SUSPENSION_BYTES_MAX: usize = 64 * 1024;

/// Most characters of a reason, and of a name.
const REASON_CHARS_MAX: usize = 1_000;

/// Why an environment is suspended: one line, never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

impl FromStr for Reason {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() || text.contains(char::is_control) {
            return Err("expected a reason of one line".to_owned());
        }
        match text.chars().count() {
            n_chars if n_chars > REASON_CHARS_MAX => {
                Err(format!("expected a reason of at most {REASON_CHARS_MAX} characters, found {n_chars}"))
            }
            _ => Ok(Self(text.to_owned())),
        }
    }
}

impl Reason {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the file says. A person may have written it by hand: that it is there is what counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Suspension {
    /// Why.
    pub reason: Option<String>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Who has done it.
    pub by: Option<String>,
}

/// A file that is there and cannot be gone by.
#[derive(Debug, thiserror::Error)]
pub enum SuspensionFault {
    /// Nobody writes that much.
    #[error("it has {bytes} bytes, and at most {SUSPENSION_BYTES_MAX} are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It is no such object.
    #[error("expected an object with `reason`, `since` and `by`: {0}")]
    Text(serde_json::Error),
}

/// Whether an environment is suspended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Suspended {
    /// No file says so.
    #[default]
    No,
    /// A file does.
    Yes(Suspension),
    /// A file is there that cannot be read, for this reason.
    Unreadable(String),
}

impl Suspension {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// It cannot be gone by.
    pub fn read(text: &[u8]) -> Result<Self, SuspensionFault> {
        if text.len() > SUSPENSION_BYTES_MAX {
            return Err(SuspensionFault::TooLarge { bytes: text.len() });
        }
        let Self { reason, since, by } = serde_json::from_slice(text).map_err(SuspensionFault::Text)?;
        Ok(Self { reason: reason.map(shortened), since, by: by.map(shortened) })
    }

    /// The text of the file.
    #[must_use]
    pub fn to_text(&self) -> Vec<u8> {
        let Self { reason, since, by } = self;
        format!("{:#}\n", json!({ "reason": reason, "since": since, "by": by })).into_bytes()
    }
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(REASON_CHARS_MAX) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let since = Some("2026-11-26T16:00:00Z".parse().unwrap());
        let whole = Suspension { reason: Some("counting \"tills\"".into()), since, by: Some("Ann".into()) };
        assert_eq!(Suspension::read(&whole.to_text()).unwrap(), whole);
        assert_eq!(
            String::from_utf8(Suspension { reason: None, ..whole }.to_text()).unwrap(),
            "{\n  \"by\": \"Ann\",\n  \"reason\": null,\n  \"since\": \"2026-11-26T16:00:00Z\"\n}\n"
        );
    }

    #[test]
    fn that_it_is_there_is_what_counts() {
        for text in ["{}", r#"{"reason":null}"#, r#"{"since":null,"more":[1]}"#] {
            assert_eq!(Suspension::read(text.as_bytes()).unwrap(), Suspension::default());
        }
        let long = format!(r#"{{"reason":"{}"}}"#, "ä".repeat(REASON_CHARS_MAX + 1));
        let read = Suspension::read(long.as_bytes()).unwrap().reason.unwrap();
        assert_eq!(read, format!("{}…", "ä".repeat(REASON_CHARS_MAX)));
    }

    #[test]
    fn what_is_no_such_object_is_a_fault() {
        for text in
            ["", "suspended", "[]", "{", r#"{"reason":1}"#, r#"{"since":"yesterday"}"#, r#"{"by":"a","by":"b"}"#]
        {
            Suspension::read(text.as_bytes()).unwrap_err();
        }
        let large = vec![b' '; SUSPENSION_BYTES_MAX + 1];
        assert!(matches!(Suspension::read(&large), Err(SuspensionFault::TooLarge { .. })));
    }

    #[test]
    fn a_reason_is_one_line() {
        assert_eq!(" why ".parse::<Reason>().unwrap().as_str(), "why");
        for text in ["", "  ", "a\nb", "a\u{1b}b", &"x".repeat(REASON_CHARS_MAX + 1)] {
            text.parse::<Reason>().unwrap_err();
        }
    }
}
