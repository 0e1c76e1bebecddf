//! What changes inside a flow, as a unified diff of its JSON with sorted keys.

use similar::{ChangeTag, TextDiff};

use crate::flow::{Document, Kind, Node};
use crate::problem::escape_terminal;

/// The diff of two JSON texts; empty text stands for an absent flow.
pub(super) fn unified(before: &[u8], after: &[u8], color: bool) -> String {
    let (before, after) = (pretty(before), pretty(after));
    let diff = TextDiff::from_lines(&before, &after);
    let mut text = String::new();
    for hunk in diff.unified_diff().context_radius(2).iter_hunks() {
        text.push_str(&paint(color, "36", &format!("    {}\n", hunk.header().to_string().trim_end())));
        for change in hunk.iter_changes() {
            let line = escape_terminal(change.value().trim_end_matches('\n')).into_owned();
            text.push_str(&match change.tag() {
                ChangeTag::Delete => paint(color, "31", &format!("    -{line}\n")),
                ChangeTag::Insert => paint(color, "32", &format!("    +{line}\n")),
                ChangeTag::Equal => format!("     {line}\n"),
            });
        }
    }
    text
}

/// Text in a colour.
pub(super) fn paint(color: bool, code: &str, text: &str) -> String {
    if !color {
        return text.to_owned();
    }
    let (line, end) = text.strip_suffix('\n').map_or((text, ""), |line| (line, "\n"));
    format!("\x1b[{code}m{line}\x1b[0m{end}")
}

/// JSON with sorted keys, one value a line, numbers and strings as written.
fn pretty(text: &[u8]) -> String {
    indent(text, Keys::Sorted)
}

/// JSON with its keys as they stand, one value a line, numbers and strings as written.
pub(super) fn indented(text: &[u8]) -> String {
    indent(text, Keys::AsWritten)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    Sorted,
    AsWritten,
}

fn indent(text: &[u8], keys: Keys) -> String {
    let mut out = String::new();
    if let Ok(document) = Document::parse(text) {
        write(document.root(), keys, 0, &mut out);
        out.push('\n');
    }
    out
}

fn write(node: Node<'_>, keys: Keys, depth: usize, out: &mut String) {
    match node.kind() {
        Kind::Object => {
            let mut entries: Vec<_> = node.entries().collect();
            if keys == Keys::Sorted {
                entries.sort_by(|a, b| a.0.cmp(&b.0));
            }
            list(out, depth, '{', '}', entries.into_iter(), |out, (key, value)| {
                out.push_str(&serde_json::Value::from(key.into_owned()).to_string());
                out.push_str(": ");
                write(value, keys, depth + 1, out);
            });
        }
        Kind::Array => list(out, depth, '[', ']', node.elements(), |out, value| write(value, keys, depth + 1, out)),
        _ => out.push_str(&String::from_utf8_lossy(node.raw())),
    }
}

fn list<I>(
    out: &mut String,
    depth: usize,
    open: char,
    close: char,
    items: impl Iterator<Item = I>,
    mut item: impl FnMut(&mut String, I),
) {
    out.push(open);
    let mut any = false;
    for value in items {
        out.push_str(if any { ",\n" } else { "\n" });
        out.push_str(&"  ".repeat(depth + 1));
        item(out, value);
        any = true;
    }
    if any {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    }
    out.push(close);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_shown_and_key_order_is_no_change() {
        let before = br#"{"b": 1, "a": {"x": [1, 2]}}"#;
        assert_eq!(unified(before, br#"{"a":{"x":[1,2]},"b":1}"#, false), "");
        let diff = unified(before, br#"{"a":{"x":[1,3]},"b":1}"#, false);
        assert!(diff.contains("    -      2\n    +      3\n"), "{diff}");
    }

    #[test]
    fn colours_and_control_characters_of_a_flow_do_not_reach_the_terminal() {
        let diff = unified(b"{}", "{\"a\": \"\u{202e}\u{9b}31m\"}".as_bytes(), false);
        assert!(!diff.contains('\u{202e}') && !diff.contains('\u{9b}'));
    }
}
