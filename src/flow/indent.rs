//! JSON laid out for people: one value a line, numbers and strings as written.

use super::document::{Document, Kind, Node};

/// In which order an object's members are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// By key, so that two texts can be laid side by side.
    Sorted,
    /// As they stand.
    AsWritten,
}

/// A text with two spaces a level and a line break at the end; `None` for one that is no JSON.
#[must_use]
pub fn indented(text: &[u8], keys: Keys) -> Option<String> {
    let document = Document::parse(text).ok()?;
    let mut out = String::with_capacity(2 * text.len());
    write(document.root(), keys, 0, &mut out);
    out.push('\n');
    Some(out)
}

fn write(node: Node<'_>, keys: Keys, depth: usize, out: &mut String) {
    match node.kind() {
        Kind::Object => {
            let mut entries: Vec<_> = node.entries().collect();
            if keys == Keys::Sorted {
                entries.sort_by(|a, b| a.0.cmp(&b.0));
            }
            list(out, depth, ['{', '}'], entries.into_iter(), |out, (key, value)| {
                out.push_str(&serde_json::Value::from(key.into_owned()).to_string());
                out.push_str(": ");
                write(value, keys, depth + 1, out);
            });
        }
        Kind::Array => list(out, depth, ['[', ']'], node.elements(), |out, value| write(value, keys, depth + 1, out)),
        _ => out.push_str(&String::from_utf8_lossy(node.raw())),
    }
}

fn list<I>(
    out: &mut String,
    depth: usize,
    [open, close]: [char; 2],
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
    fn values_stand_on_lines_as_they_were_written() {
        let text = br#"{"b": 1.0, "a": {"x": [1, "\u00e4"], "y": [], "z": {}}}"#;
        let sorted = "{\n  \"a\": {\n    \"x\": [\n      1,\n      \"\\u00e4\"\n    ],\n    \"y\": [],\n    \"z\": {}\n  },\n  \"b\": 1.0\n}\n";
        assert_eq!(indented(text, Keys::Sorted).as_deref(), Some(sorted));
        assert!(indented(text, Keys::AsWritten).unwrap().starts_with("{\n  \"b\": 1.0,\n"));
        assert_eq!(indented(b"{", Keys::Sorted), None);
    }
}
