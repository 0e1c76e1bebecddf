//! JSON changed as text: everything but the one member that is set stays byte for byte as it came.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::{RawValue, Value};

/// The members of one JSON object, in order, with their values as written.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

/// `object`, a JSON object, with the member `key` set to the text `value`, wherever it stands; in front
/// where it did not stand yet.
pub(super) fn with_member(object: &str, key: &str, value: &str) -> Result<String, serde_json::Error> {
    let Members(members) = serde_json::from_str(object)?;
    let mut text = object.to_owned();
    let spans: Vec<Range<usize>> =
        members.iter().filter(|(name, _)| name == key).map(|(_, raw)| span_in(object, raw.get())).collect();
    for span in spans.iter().rev() {
        text.replace_range(span.clone(), value);
    }
    if spans.is_empty() {
        let comma = if members.is_empty() { "" } else { "," };
        let start = text.find('{').map_or(0, |brace| brace + 1);
        text.insert_str(start, &format!("{}:{value}{comma}", quoted(key)));
    }
    text.shrink_to_fit();
    Ok(text)
}

/// `text` as a value to look into: an integer of more digits than serde_json reads counts as `0`.
pub(in crate::tenant::sandbox) fn value(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text).or_else(|error| serde_json::from_str(&without_long_integers(text)).map_err(|_| error))
}

fn without_long_integers(text: &str) -> String {
    /// No integer of so few digits is beyond what serde_json reads.
    const DIGITS_MAX: usize = 18;
    let mut short = String::with_capacity(text.len());
    let (mut rest, mut in_string) = (text, false);
    while let Some(first) = rest.chars().next() {
        let n_digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let is_integer = !rest[n_digits..].starts_with(['.', 'e', 'E']);
        let length = match first {
            '\\' if in_string => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            _ => n_digits.max(first.len_utf8()),
        };
        in_string ^= first == '"';
        let is_long = !in_string && n_digits > DIGITS_MAX && is_integer && first != '0';
        short.push_str(if is_long { "0" } else { &rest[..length] });
        rest = &rest[length..];
    }
    short
}

/// `text` as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Where `part`, a slice of `whole`, stands in it.
fn span_in(whole: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    start..start + part.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_of_any_length_is_read_past() {
        let nines = "9".repeat(400);
        let read = |text: &str| value(&text.replace('N', &nines)).map(|value| value.to_string());
        assert_eq!(read(r#"{"a":-N,"b":[N,1]}"#).unwrap(), r#"{"a":0,"b":[0,1]}"#.replace("a\":0", "a\":-0.0"));
        assert_eq!(read(r#"{"a\"":"N\\","b":N}"#).unwrap(), r#"{"a\"":"N\\","b":0}"#.replace('N', &nines));
        for wrong in ["[Ne9]", "[0N]", "[N", "[1e999]"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn everything_but_the_member_stays_as_written() {
        let set = |object| with_member(object, "environmentId", "\"e\"").unwrap();
        assert_eq!(set(r#"{ "n" : 1.50e3, "ü": "\u00fc" }"#), r#"{"environmentId":"e", "n" : 1.50e3, "ü": "\u00fc" }"#);
        assert_eq!(
            set(r#" {"a":1, "environmentId" : {"x": []} , "b":2} "#),
            r#" {"a":1, "environmentId" : "e" , "b":2} "#
        );
        assert_eq!(set("{}"), r#"{"environmentId":"e"}"#);
        assert_eq!(set(r#"{"environmentId":1,"environmentId":22}"#), r#"{"environmentId":"e","environmentId":"e"}"#);
        assert!(with_member("[]", "a", "1").is_err());
    }
}
