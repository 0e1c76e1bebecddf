//! Texts of a server made fit for a message: secrets hidden, control characters escaped, shortened.

use std::fmt::Write as _;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::config;

/// What is quoted of a body.
const EXCERPT_CHARS: usize = 200;
/// What is looked at for it: a secret that begins in what is quoted ends within this.
const LOOKED_AT_BYTES: usize = 16 * 1024;
/// What is quoted of a message and its violations.
const MESSAGE_CHARS: usize = 2_000;
/// Violations listed one by one.
const VIOLATIONS_MAX: usize = 20;

/// Knows the secrets in use, so that a server that echoes one does not make us print it.
#[derive(Debug, Default)]
pub(crate) struct Mask(config::Mask);

impl Mask {
    /// Hides what `secrets` knows.
    pub(crate) fn new(secrets: config::Mask) -> Self {
        Self(secrets)
    }

    /// Hides `secret` from now on.
    pub(crate) fn learn(&self, secret: &SecretString) {
        self.0.learn(secret);
    }

    /// Hides `secret`, also where it is sent together with `user`, for good.
    pub(crate) fn keep_pair(&self, user: &SecretString, secret: &SecretString) {
        self.0.keep_pair(user.expose_secret(), secret);
    }

    /// The first 200 characters.
    pub(crate) fn excerpt(&self, body: &[u8]) -> String {
        let beginning = &body[..body.len().min(LOOKED_AT_BYTES)];
        escape(&self.0.hide(&String::from_utf8_lossy(beginning)), EXCERPT_CHARS)
    }

    /// A text of ours or of a library's that may quote the server.
    pub(crate) fn clean(&self, text: &str) -> String {
        let beginning = &text[..text.floor_char_boundary(LOOKED_AT_BYTES)];
        escape(&self.0.hide(beginning), MESSAGE_CHARS)
    }

    /// `error` and `error_description` of a token endpoint, where there is an `error`; nothing else of the body.
    pub(crate) fn oauth_error(&self, body: &[u8]) -> Option<String> {
        let fields = serde_json::from_slice::<Fields>(body).ok()?;
        let error = fields.get("error").filter(|error| !error.is_null())?;
        let error = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
        let description = fields.get("error_description").and_then(Value::as_str);
        Some(self.clean(&description.map_or_else(|| error.clone(), |why| format!("{error}: {why}"))))
    }

    /// What an error body says: its message and its violations, or the beginning of whatever it is.
    pub(crate) fn message(&self, body: &[u8]) -> String {
        match serde_json::from_slice::<Value>(body) {
            Ok(Value::Object(fields)) => match say(&fields) {
                Some(said) => self.clean(&said),
                None => self.excerpt(body),
            },
            Ok(Value::String(said)) => self.clean(&said),
            _ if body.iter().all(u8::is_ascii_whitespace) => "no further word".to_owned(),
            _ => self.excerpt(body),
        }
    }
}

type Fields = serde_json::Map<String, Value>;

fn say(fields: &Fields) -> Option<String> {
    let said: Vec<&str> = ["error", "message", "error_description", "detail", "title", "reason"]
        .iter()
        .filter_map(|name| match fields.get(*name)? {
            Value::String(text) if !text.is_empty() => Some(text.as_str()),
            Value::Object(inner) => inner.get("message").and_then(Value::as_str),
            // As GitLab has it.
            Value::Array(items) => items.iter().find_map(Value::as_str),
            _ => None,
        })
        .collect();
    let violations = ["violations", "errors", "details"]
        .iter()
        .find_map(|name| find(fields, name))
        .map(|list| list.iter().map(violation).collect::<Vec<_>>());
    let mut text = said.join(": ");
    if let Some(violations) = violations.filter(|list| !list.is_empty()) {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&violations.iter().take(VIOLATIONS_MAX).map(String::as_str).collect::<Vec<_>>().join("; "));
        if violations.len() > VIOLATIONS_MAX {
            let _ = write!(text, "; and {} more", violations.len() - VIOLATIONS_MAX);
        }
    }
    (!text.is_empty()).then_some(text)
}

/// A list at the top or inside an `error` object.
fn find<'a>(fields: &'a Fields, name: &str) -> Option<&'a Vec<Value>> {
    let inner = || fields.get("error").and_then(Value::as_object).and_then(|error| error.get(name));
    fields.get(name).or_else(inner).and_then(Value::as_array)
}

/// `where: what`, as far as the violation names them.
fn violation(value: &Value) -> String {
    let Value::Object(fields) = value else {
        return value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    };
    let first = |names: &[&str]| names.iter().find_map(|name| fields.get(*name).and_then(Value::as_str));
    let place = first(&["path", "field", "pointer", "property", "instancePath", "location"]);
    let what = first(&["message", "reason", "description", "detail", "error", "rule", "code"]);
    match (place, what) {
        (Some(place), Some(what)) => format!("{place}: {what}"),
        (None, Some(what)) => what.to_owned(),
        _ => value.to_string(),
    }
}

fn escape(text: &str, chars_max: usize) -> String {
    let mut escaped = String::new();
    for character in text.chars().take(chars_max) {
        if character.is_control() || is_unseen(character) {
            escaped.extend(character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    if text.chars().nth(chars_max).is_some() {
        escaped.push('…');
    }
    escaped
}

/// Characters that change how others are shown.
fn is_unseen(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(body: &str, expected: &str) {
        assert_eq!(Mask::default().message(body.as_bytes()), expected);
    }

    #[test]
    fn violations_are_found_in_every_shape() {
        says(r#"{"error":"invalid","violations":["a","b"]}"#, "invalid: a; b");
        says(r#"{"message":"no","violations":[{"field":"nodes/0","message":"bad"}]}"#, "no: nodes/0: bad");
        says(r#"{"violations":[{"path":"/x","rule":"required"},{"weird":1}]}"#, "/x: required; {\"weird\":1}");
        says(r#"{"error":{"message":"no","details":[{"message":"x"}]}}"#, "no: x");
        says(r#"{"error":"invalid_client","error_description":"who?"}"#, "invalid_client: who?");
        says(r#"{"message":["Another open merge request exists: !5"]}"#, "Another open merge request exists: !5");
        says(r#"{"code":7}"#, r#"{"code":7}"#);
        says("", "no further word");
        says("<html>\n\u{1b}[31m", "<html>\\n\\u{1b}[31m");
    }

    #[test]
    fn an_excerpt_has_two_hundred_characters() {
        let long = "ä".repeat(300);
        assert_eq!(Mask::default().excerpt(long.as_bytes()), format!("{}…", "ä".repeat(200)));
    }

    #[test]
    fn a_secret_that_is_echoed_is_hidden_however_it_is_written() {
        let mask = Mask::default();
        mask.learn(&SecretString::from("s3/cr\"et"));
        let said = mask.message(br#"{"message":"got s3/cr\"et and s3%2Fcr%22et"}"#);
        assert_eq!(said, "got *** and ***");
        assert_eq!(mask.excerpt(br#"<p>s3/cr\"et"#), "<p>***");
        mask.learn(&SecretString::from("a b/c?d"));
        assert_eq!(
            mask.clean("a+b%2Fc%3Fd a%20b/c%3Fd a%20b%2Fc%3Fd YSBiL2M/ZA== YSBiL2M_ZA"),
            "*** *** *** ***== ***"
        );
    }

    #[test]
    fn a_secret_that_begins_like_another_is_hidden_whole() {
        let mask = Mask::default();
        for secret in ["acme", "acme-c4nary", "acme-c4nary-2"] {
            mask.learn(&SecretString::from(secret));
        }
        assert_eq!(mask.clean("acme-c4nary-2 acme-c4nary acme"), "*** *** ***");
    }

    #[test]
    fn the_secret_is_hidden_before_the_text_is_cut() {
        let mask = Mask::default();
        mask.learn(&SecretString::from("canary-canary"));
        let body = format!("{}canary-canary", "x".repeat(195));
        assert!(!mask.excerpt(body.as_bytes()).contains("canary"));
    }
}
