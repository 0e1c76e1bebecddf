//! Where a flow that was read back is not what was sent, and whether the tenant only writes values its own way.

use std::fmt;

use super::change::ValueChange;
use super::value::Value;
use super::values::Collected;
use crate::flow::document::Document;
use crate::flow::{Comparison, Definition};

/// Most places that are named.
pub const PLACES_MAX: usize = 5;

/// Characters of a value that are shown.
const VALUE_CHARS_MAX: usize = 120;

/// Characters of two long texts that are shown before the first that differs.
const LEAD_CHARS: usize = 24;

/// Most pointers that are offered for `sync.ignore`.
const POINTERS_MAX: usize = 3;

/// Where a flow that was read back differs from what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBack {
    /// The first places, at most [`PLACES_MAX`].
    pub places: Vec<Place>,
    /// How many more there are.
    pub n_more: usize,
    /// Pointers as `sync.ignore` knows them to what the tenant writes its own way; empty where a value says something else
    /// than what was sent.
    pub respelled: Vec<String>,
}

/// One place that differs. The values are JSON on one line, cut where they are long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// A JSON pointer into what was sent; where nothing was sent, into what was found.
    pub path: String,
    /// What was sent; absent where nothing was.
    pub sent: Option<String>,
    /// What was found; absent where nothing was.
    pub found: Option<String>,
}

impl ReadBack {
    /// Compares the texts of two definitions without what the comparison leaves out. `None` where there is no text to
    /// compare, or nothing differs in it.
    #[must_use]
    pub fn of(sent: &Definition, found: &Definition, comparison: &Comparison) -> Option<Self> {
        let value = |definition: &Definition| {
            let document = Document::parse(definition.text.clone()?).ok()?;
            Some(Value::read(&document, document.root(), &comparison.removed_from(&document)))
        };
        let mut collected = Collected::default();
        collected.differences("", &value(sent)?, &value(found)?);
        let changes = &collected.values;
        let places: Vec<Place> = changes.iter().take(PLACES_MAX).map(Place::of).collect();
        let n_more = changes.len() + collected.n_left_out - places.len();
        let all_respelled = collected.n_left_out == 0 && changes.iter().all(is_respelled);
        let respelled = if all_respelled { pointers(changes) } else { Vec::new() };
        (!places.is_empty()).then_some(Self { places, n_more, respelled })
    }
}

/// Every place with both values, then what may be done about it.
impl fmt::Display for ReadBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, place) in self.places.iter().enumerate() {
            write!(f, "{}{place}", if at == 0 { "" } else { "; " })?;
        }
        if self.n_more > 0 {
            write!(f, "; and {} more", self.n_more)?;
        }
        if !self.respelled.is_empty() {
            let pointers: Vec<String> = self.respelled.iter().map(|pointer| format!("\"{pointer}\"")).collect();
            write!(
                f,
                "; the tenant writes this its own way: if it always does, commit it as the tenant writes it (`flowsync pull`), \
                 or leave it out of comparison with `sync.ignore: [{}]`",
                pointers.join(", ")
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the whole flow" } else { self.path.as_str() };
        match (&self.sent, &self.found) {
            (Some(sent), Some(found)) => write!(f, "`{path}`: sent {sent}, found {found}"),
            (Some(sent), None) => write!(f, "`{path}`: sent {sent}, found nothing"),
            (None, found) => write!(f, "`{path}`: sent nothing, found {}", found.as_deref().unwrap_or("nothing")),
        }
    }
}

impl Place {
    fn of(change: &ValueChange) -> Self {
        let (sent, found) = (change.before.as_ref(), change.after.as_ref());
        let skipped = match (sent.and_then(Value::as_text), found.and_then(Value::as_text)) {
            (Some(sent), Some(found)) => n_alike(sent, found).saturating_sub(LEAD_CHARS),
            _ => 0,
        };
        let shown = |value: &Value| shown(value, skipped);
        Self {
            path: change.from.as_ref().unwrap_or(&change.path).clone(),
            sent: sent.map(shown),
            found: found.map(shown),
        }
    }
}

/// How many characters two texts have in common at their beginning.
fn n_alike(one: &str, other: &str) -> usize {
    one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count()
}

/// A value on one line. Of a long text that begins as its counterpart does, `n_skipped` characters are left out.
fn shown(value: &Value, n_skipped: usize) -> String {
    let (start, json) = match value {
        Value::Text(text) if n_skipped > 0 && text.chars().count() > VALUE_CHARS_MAX => {
            let rest: String = text.chars().skip(n_skipped).collect();
            ("…", Value::Text(rest.into_boxed_str()).to_json())
        }
        _ => ("", value.to_json()),
    };
    match json.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{start}{}…", json.get(..end).unwrap_or(&json)),
        None => format!("{start}{json}"),
    }
}

/// Whether a value says what was sent in another way, as stores of JSON do: a number in another spelling or as a text, white
/// space at the ends or other line ends, what is empty dropped or added, a member of the tenant's own.
fn is_respelled(change: &ValueChange) -> bool {
    let is_empty = |side: &Option<Value>| match side {
        None | Some(Value::Null) => true,
        Some(Value::Text(text)) => text.is_empty(),
        Some(Value::List(items)) => items.is_empty(),
        Some(Value::Map(members)) => members.is_empty(),
        Some(Value::Bool(_) | Value::Number(_)) => false,
    };
    match (&change.before, &change.after) {
        (before, after) if is_empty(before) && is_empty(after) => true,
        (None, Some(_)) => !change.path.rsplit('/').next().is_some_and(is_index),
        (Some(Value::Number(before)), Some(Value::Number(after))) => is_same_number(before, after),
        (Some(Value::Text(before)), Some(Value::Text(after))) => plain(before) == plain(after),
        (Some(Value::Number(number)), Some(Value::Text(text)))
        | (Some(Value::Text(text)), Some(Value::Number(number))) => is_same_number(number, text),
        _ => false,
    }
}

fn is_same_number(one: &str, other: &str) -> bool {
    let value = |text: &str| text.parse::<f64>().ok().filter(|value| value.is_finite());
    value(one).is_some() && value(one) == value(other)
}

fn plain(text: &str) -> String {
    text.trim().replace("\r\n", "\n")
}

fn is_index(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit())
}

/// The pointers of changes with `*` for places in lists, each once.
fn pointers(changes: &[ValueChange]) -> Vec<String> {
    let mut pointers: Vec<String> = Vec::new();
    for change in changes {
        let segments = change.path.split('/').map(|segment| if is_index(segment) { "*" } else { segment });
        let pointer = segments.collect::<Vec<_>>().join("/");
        if !pointer.is_empty() && !pointers.contains(&pointer) && pointers.len() < POINTERS_MAX {
            pointers.push(pointer);
        }
    }
    pointers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(sent: &str, found: &str) -> Option<ReadBack> {
        let comparison = Comparison::new(&["/ignored".to_owned()]).unwrap();
        let flow = |members: &str| format!(r#"{{"id":"flow_a"{members}}}"#);
        let sent = Definition::from_file(flow(sent).into_bytes().into(), &comparison).unwrap();
        let found = Definition::from_live(flow(found).as_bytes(), &comparison).unwrap();
        ReadBack::of(&sent, &found, &comparison)
    }

    #[track_caller]
    fn check(sent: &str, found: &str, expected: &str) {
        assert_eq!(read_back(sent, found).map_or(String::new(), |read_back| read_back.to_string()), expected);
    }

    #[test]
    fn each_place_is_named_with_both_values() {
        check(r#","a":1"#, r#","a":2"#, "`/a`: sent 1, found 2");
        check(r#","a":{"b":["x",true]}"#, r#","a":{"b":["x",false]}"#, "`/a/b/1`: sent true, found false");
        check(r#","a":1"#, r#","b":"x""#, "`/a`: sent 1, found nothing; `/b`: sent nothing, found \"x\"");
        check(r#","ignored":1,"a":2"#, r#","environmentId":"e","a":2,"ignored":3"#, "");
    }

    #[test]
    fn the_first_places_are_named_and_the_others_counted() {
        let members = |value: usize| (0..9).map(|key| format!(r#","k{key}":{value}"#)).collect::<String>();
        let read_back = read_back(&members(1), &members(2)).unwrap();
        assert_eq!((read_back.places.len(), read_back.n_more), (PLACES_MAX, 4));
        assert!(read_back.to_string().ends_with("; and 4 more"), "{read_back}");
    }

    #[test]
    fn long_texts_are_shown_from_where_they_part() {
        let text = |word: &str| format!(r#","a":"{}{word}{}""#, "x".repeat(5_000), "y".repeat(5_000));
        let shown = read_back(&text("one"), &text("two")).unwrap().to_string();
        assert!(shown.contains("sent …\"xxx") && shown.contains("xone") && shown.contains("xtwo"), "{shown}");
        assert!(shown.chars().count() < 2 * VALUE_CHARS_MAX + 60, "{shown}");
    }

    #[test]
    fn what_the_tenant_writes_its_own_way_may_be_ignored() {
        let ignore = |sent: &str, found: &str| read_back(sent, found).unwrap().respelled;
        for (sent, found) in [
            (r#","a":1.0"#, r#","a":1"#),
            (r#","a":1e2"#, r#","a":100"#),
            (r#","a":12345678901234567890"#, r#","a":12345678901234567000"#),
            (r#","a":7"#, r#","a":"7""#),
            (r#","a":null"#, ""),
            ("", r#","a":null"#),
            (r#","a":[]"#, ""),
            (r#","a":"""#, r#","a":null"#),
            (r#","a":"text ""#, r#","a":"text""#),
            (r#","a":"one\r\ntwo""#, r#","a":"one\ntwo""#),
            ("", r#","a":"2026-11-26T00:00:00Z""#),
        ] {
            assert_eq!(ignore(sent, found), ["/a"], "{sent} {found}");
        }
        let node = |delay: &str| format!(r#","nodes":[{{"id":"x","delay":{delay}}},{{"id":"y","delay":{delay}}}]"#);
        assert_eq!(ignore(&node("1.0"), &node("1")), ["/nodes/*/delay"]);
        for (sent, found) in [
            (r#","a":1.0"#, r#","a":2"#),
            (r#","a":[]"#, r#","a":[{"id":"x"}]"#),
            (r#","a":1"#, ""),
            (r#","a":"x""#, r#","a":"X""#),
        ] {
            assert!(ignore(sent, found).is_empty(), "{sent} {found}");
        }
        assert!(ignore(r#","a":1.0,"b":"x""#, r#","a":1,"b":"y""#).is_empty());
    }

    #[test]
    fn without_a_text_there_is_nothing_to_name() {
        let comparison = Comparison::default();
        let flow = Definition::from_live(br#"{"id":"flow_a","a":1}"#, &comparison).unwrap();
        let bare = Definition { text: None, ..flow.clone() };
        let raw = Definition::from_live(br#"{"id":"flow_a","a":1,"a":2}"#, &comparison).unwrap();
        assert_eq!(ReadBack::of(&flow, &bare, &comparison), None);
        assert_eq!(ReadBack::of(&flow, &raw, &comparison), None);
    }
}
