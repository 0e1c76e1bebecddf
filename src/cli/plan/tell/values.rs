//! Values of a node or of the flow, and what became of them.

use super::words::{all_lines, in_quotes, line_diff, quoted, region_diff, shortened, word_diff};
use crate::cli::plan::lines::{Line, Mark, Part, Tone};
use crate::flow::diff::{Sequence, Value, ValueChange};

/// Most lines told of one value that came or went.
const LINES_MAX: usize = 40;
/// Most characters of a value that is no text.
const VALUE_CHARS_MAX: usize = 160;
/// A text longer than this is told by where it differs.
const TEXT_CHARS_MAX: usize = 80;

/// Members of a node that stand beside its configuration and would be taken for members of it.
const BESIDE: [&str; 5] = ["id", "type", "label", "name", "title"];

/// One value that differs.
pub(super) fn value(change: &ValueChange, depth: usize, sequence: Sequence) -> Vec<Line> {
    let said = Said { depth, sequence };
    if let Some(left_out) = change.left_out {
        let size = |side: Option<usize>| side.map_or("-".to_owned(), |n_bytes| format!("{n_bytes} bytes"));
        let sizes = format!("too large to be shown: {} -> {}", size(left_out.before), size(left_out.after));
        return vec![said.named(Mark::Changed, &change.path, " ").and(Tone::Dim, &sizes)];
    }
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => replaced(&change.path, before, after, said),
        (None, Some(after)) => one_sided(&change.path, after, Mark::Added, said),
        (Some(before), None) => one_sided(&change.path, before, Mark::Removed, said),
        (None, None) => Vec::new(),
    }
}

/// How values are said: how far set in, and how their places are called.
#[derive(Debug, Clone, Copy)]
struct Said {
    depth: usize,
    sequence: Sequence,
}

fn replaced(path: &str, before: &Value, after: &Value, said: Said) -> Vec<Line> {
    let line = |blank| said.named(Mark::Changed, path, blank);
    let (Value::Text(old), Value::Text(new)) = (before, after) else {
        return vec![line(" ").and_all(arrow(before, after))];
    };
    if old.contains('\n') || new.contains('\n') {
        let mut lines = vec![line("")];
        lines.extend(line_diff(old, new, said.depth + 1));
        return lines;
    }
    vec![line(" ").and_all(words(old, new).map_or_else(|| arrow(before, after), in_quotes))]
}

/// Two texts of one line as one; `None` where old and new side by side are read more easily.
pub(super) fn words(old: &str, new: &str) -> Option<Vec<Part>> {
    let is_long = |text: &str| text.chars().nth(TEXT_CHARS_MAX).is_some();
    word_diff(old, new).or_else(|| (is_long(old) || is_long(new)).then(|| region_diff(old, new)))
}

/// `old -> new`.
pub(super) fn arrow(before: &Value, after: &Value) -> Vec<Part> {
    let (old, new) = (shown(before), shown(after));
    let looks = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    if looks(&old) == looks(&new) {
        // They differ further on than is shown, or in what looks alike.
        return region_diff(&before.to_json(), &after.to_json());
    }
    vec![Part::new(Tone::Plain, &old), Part::new(Tone::Dim, " -> "), Part::new(Tone::Plain, &new)]
}

/// A value on one line: texts as they sound, the rest as JSON.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => quoted(text),
        other => shortened(&other.to_json(), VALUE_CHARS_MAX),
    }
}

/// A value that came or went: each part of it on a line.
fn one_sided(path: &str, value: &Value, mark: Mark, said: Said) -> Vec<Line> {
    let mut told = OneSided { mark, said, lines: Vec::new(), n_left_out: 0 };
    told.parts(path, value, false);
    if told.n_left_out > 0 {
        let rest = format!("… {} more value(s) of {}", told.n_left_out, name(path, said.sequence));
        told.lines.push(Line::new(Mark::Plain, said.depth).and(Tone::Dim, &rest));
    }
    told.lines
}

struct OneSided {
    mark: Mark,
    said: Said,
    lines: Vec<Line>,
    n_left_out: usize,
}

impl OneSided {
    fn parts(&mut self, path: &str, value: &Value, in_list: bool) {
        match value {
            // A small thing in a list is read as one.
            Value::Map(_) if in_list && self.lines.len() < LINES_MAX && is_small(value) => self.one(path, value),
            Value::Map(members) if !members.is_empty() => {
                for (key, value) in members.iter() {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    self.parts(&format!("{path}/{key}"), value, false);
                }
            }
            Value::List(items) if !items.is_empty() => {
                for (at, item) in items.iter().enumerate() {
                    self.parts(&format!("{path}/{at}"), item, true);
                }
            }
            _ if self.lines.len() >= LINES_MAX => self.n_left_out += 1,
            Value::Text(text) if text.contains('\n') => {
                self.lines.push(self.said.named(self.mark, path, ""));
                self.lines.extend(all_lines(text, self.mark, self.said.depth + 1));
            }
            _ => self.one(path, value),
        }
    }

    fn one(&mut self, path: &str, value: &Value) {
        self.lines.push(self.said.named(self.mark, path, " ").and(Tone::Plain, &shown(value)));
    }
}

fn is_small(value: &Value) -> bool {
    value.to_json().chars().nth(TEXT_CHARS_MAX).is_none()
}

impl Said {
    fn named(self, mark: Mark, path: &str, blank: &str) -> Line {
        let name = name(path, self.sequence);
        let name = if name.is_empty() { "all of it" } else { &name };
        let line = Line::new(mark, self.depth).and(Tone::Strong, &shortened(name, VALUE_CHARS_MAX));
        line.and(Tone::Plain, &format!(":{blank}"))
    }
}

/// A JSON pointer as people would say it: `/configuration/text/0` is `text[0]`, and where settings stand by locale,
/// `/config/de-DE/say/text/0` is `say.text[0] (de-DE)`.
fn name(pointer: &str, sequence: Sequence) -> String {
    let all: Vec<String> =
        pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect();
    if let (Sequence::Order, [first, locale, rest @ ..]) = (sequence, all.as_slice())
        && first == "config"
    {
        let name = if rest.is_empty() { "config".to_owned() } else { joined_all(rest) };
        return format!("{name} ({locale})");
    }
    let is_inside = |rest: &&[String]| rest.first().is_some_and(|key| !BESIDE.contains(&key.as_str()));
    let said = match all.split_first() {
        Some((first, rest)) if first == "configuration" => Some(rest).filter(is_inside).unwrap_or(&all),
        _ => &all,
    };
    joined_all(said)
}

fn joined_all(segments: &[String]) -> String {
    segments.iter().fold(String::new(), |name, segment| {
        if !name.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit()) && !segment.is_empty() {
            format!("{name}[{segment}]")
        } else {
            joined(&name, segment)
        }
    })
}

/// A member's name behind that of what it is a member of, in quotes where it would be misread.
fn joined(name: &str, key: &str) -> String {
    let is_plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "_-$@".contains(c));
    let key = if is_plain { key.to_owned() } else { serde_json::Value::from(key).to_string() };
    if name.is_empty() { key } else { format!("{name}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_is_told_apart() {
        let told = |old: &str, new: &str| -> String {
            let value = |text: &str| Value::Text(text.into());
            let lines = replaced("/text", &value(old), &value(new), Said { depth: 0, sequence: Sequence::Edges });
            lines.iter().map(|line| line.painted(false, 0)).collect()
        };
        assert_eq!(told("a b", "a\u{a0}b"), "~ text: \"a[- -]{+\\u{a0}+}b\"\n");
        assert_eq!(told("a b c d", "a b\u{3000}c d"), "~ text: \"a b[- -]{+\\u{3000}+}c d\"\n");
        assert_eq!(told("a", "a "), "~ text: \"a\" -> \"a \"\n");
        let long = |end: &str| format!("{}{end}", "x".repeat(500));
        assert!(told(&long("a"), &long("b")).contains("x[-a-]{+b+}\""));
    }

    #[test]
    fn a_pointer_is_said_as_people_say_it() {
        for (pointer, said) in [
            ("/configuration/text/0", "text[0]"),
            ("/configuration/replies/1/title", "replies[1].title"),
            ("/configuration/type", "configuration.type"),
            ("/configuration", "configuration"),
            ("/a~1b/c d", "\"a/b\".\"c d\""),
            ("/0", "0"),
            ("", ""),
        ] {
            assert_eq!(name(pointer, Sequence::Edges), said);
        }
        for (pointer, said) in [
            ("/config/de-DE/say/text/0", "say.text[0] (de-DE)"),
            ("/config/de-DE", "config (de-DE)"),
            ("/config/a~1b/label", "label (a/b)"),
            ("/config", "config"),
            ("/label", "label"),
        ] {
            assert_eq!(name(pointer, Sequence::Order), said);
        }
    }
}
