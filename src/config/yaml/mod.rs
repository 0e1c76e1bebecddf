//! YAML text to a tree whose every key and value can say where it stands.
//!
//! The YAML library tells positions only in errors. So the tree keeps an *address* for each node (which
//! entry of which mapping), and [`locate`] walks the text a second time to that address and fails there on
//! purpose. Only problems pay for it. Nothing here knows what the keys mean.

mod build;
mod probe;
mod tree;

use serde::de::DeserializeSeed;

pub(super) use self::probe::locate;
pub(super) use self::tree::{Node, Value, shorten};
use build::Build;
use probe::{HERE, Probe, position};

/// A configuration file may have this many bytes.
pub(super) const FILE_BYTES_MAX: usize = 256 * 1024;

/// Why there is no tree.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// Line, from 1.
    pub(super) line: u32,
    /// Column in characters, from 1.
    pub(super) column: u32,
    /// What is wrong.
    pub(super) message: String,
    /// What to do.
    pub(super) help: String,
}

/// Parses exactly one document.
pub(super) fn parse(text: &str) -> Result<Node, SyntaxError> {
    let mut documents = serde_yaml::Deserializer::from_str(text);
    let budget = Build::budget();
    let build = Build::root(&budget);
    let Some(first) = documents.next() else { return Ok(build.node(Value::Null)) };
    let tree = build.deserialize(first).map_err(|error| SyntaxError::new(text, &error))?;
    let Some(second) = documents.next() else { return Ok(tree) };
    match Probe(&[]).deserialize(second).err() {
        Some(error) if !error.to_string().contains(HERE) => Err(SyntaxError::new(text, &error)),
        error => {
            let (line, column) = position(error.as_ref());
            let help = "remove the line `---` and the document after it".to_owned();
            Err(SyntaxError {
                line,
                column,
                message: "expected one YAML document, found a second one".to_owned(),
                help,
            })
        }
    }
}

impl SyntaxError {
    /// The library's error without its own positions; a position it does not tell is looked for.
    fn new(text: &str, error: &serde_yaml::Error) -> Self {
        let whole = error.to_string();
        let message = whole.split(" at line ").next().and_then(|text| text.split(" at position ").next());
        let message = message.unwrap_or(&whole).to_owned();
        let (line, column) = match text.chars().position(is_forbidden) {
            Some(at) if message.contains("control characters") => line_and_column(text, at),
            _ => position(Some(error)),
        };
        let start = text.lines().nth(line as usize - 1).unwrap_or_default();
        let indent: String = start.chars().take_while(|c| c.is_whitespace()).collect();
        let help = match &*message {
            _ if indent.contains('\t') => "YAML is indented with spaces, never with tabs",
            "mapping values are not allowed in this context" => {
                "look at the indentation of this line, and quote a value that holds `: `"
            }
            "did not find expected key" => "look at the indentation of this line and the one before",
            "unknown anchor" => "define the anchor (`&name`) before its alias (`*name`)",
            "control characters are not allowed" => "remove the character; it may be invisible in an editor",
            _ if message.contains("limit exceeded") => "write the values out instead of repeating them through aliases",
            _ => "this is no YAML; look at the indentation, the quotes and the brackets before this place",
        };
        Self { line, column, message, help: help.to_owned() }
    }
}

/// What libyaml takes for a control character.
fn is_forbidden(c: char) -> bool {
    (c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}')) || matches!(c, '\u{FFFE}' | '\u{FFFF}')
}

/// Line and column, from 1, of the `n`th character.
pub(super) fn line_and_column(text: &str, n: usize) -> (u32, u32) {
    text.chars().take(n).fold((1, 1), |(line, column), c| if c == '\n' { (line + 1, 1) } else { (line, column + 1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(node: &Node, text: &str, out: &mut Vec<String>) {
        let (line, column) = locate(text, &node.address);
        out.push(format!("{line}:{column} {}", node.pointer));
        match &node.value {
            Value::List(items) => items.iter().for_each(|item| positions(item, text, out)),
            Value::Map(entries) => entries.iter().for_each(|(key, value)| {
                positions(key, text, out);
                positions(value, text, out);
            }),
            _ => {}
        }
    }

    fn check(text: &str, expected: &[&str]) {
        let mut found = Vec::new();
        positions(&parse(text).unwrap(), text, &mut found);
        assert_eq!(found, expected);
    }

    #[test]
    fn every_key_and_value_knows_its_line_and_column() {
        check(
            "a: 1\nä/ß:\n  - é: x\n  - { c: !t 3, c: [] }\n",
            &[
                "1:1 ",
                "1:1 /a",
                "1:4 /a",
                "2:1 /ä~1ß",
                "3:3 /ä~1ß",
                "3:5 /ä~1ß/0",
                "3:5 /ä~1ß/0/é",
                "3:8 /ä~1ß/0/é",
                "4:5 /ä~1ß/1",
                "4:7 /ä~1ß/1/c",
                "4:10 /ä~1ß/1/c",
                "4:16 /ä~1ß/1/c",
                "4:19 /ä~1ß/1/c",
            ],
        );
    }

    #[test]
    fn what_an_alias_repeats_stands_where_its_anchor_stands() {
        check(
            "a: &x\n  b: 1\nc: *x\n",
            &["1:1 ", "1:1 /a", "1:4 /a", "2:3 /a/b", "2:6 /a/b", "3:1 /c", "1:4 /c", "2:3 /c/b", "2:6 /c/b"],
        );
    }

    fn fails(text: &str) -> String {
        let SyntaxError { line, column, message, help } = parse(text).unwrap_err();
        format!("{line}:{column} {message} ({help})")
    }

    #[test]
    fn text_that_is_no_yaml_is_refused_with_a_place_and_a_hint() {
        assert!(fails("a:\n\tb: 1\n").starts_with("2:1 ") && fails("a:\n\tb: 1\n").contains("never with tabs"));
        assert!(fails("a: b: c").contains("quote a value"));
        assert!(fails("a: *x").contains("unknown anchor"));
        assert!(fails("a: \"x").contains("unexpected end"));
        assert!(fails("a: 1\nb: \u{7}").starts_with("2:4 control characters"), "{}", fails("a: 1\nb: \u{7}"));
        assert!(fails("a: 1\n---\nb: 2\n").contains("found a second one"), "{}", fails("a: 1\n---\nb: 2\n"));
        assert!(fails("a: 1\n...\n}").starts_with("3:1 "), "{}", fails("a: 1\n...\n}"));
    }

    #[test]
    fn bombs_and_endless_aliases_end() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for n in 1..9 {
            let before = format!("*a{}", n - 1);
            bomb += &format!("a{n}: &a{n} [{}]\n", [before.as_str(); 9].join(", "));
        }
        assert!(fails(&bomb).contains("limit exceeded"));
        assert!(fails("a: &a [*a]").contains("limit exceeded"));
        assert!(fails(&"[".repeat(5000)).contains("limit exceeded") || parse(&"[".repeat(5000)).is_err());
    }

    #[test]
    fn an_empty_file_is_nothing() {
        for text in ["", "\n", "# only a comment\n", "---\n"] {
            assert_eq!(parse(text).unwrap().value, Value::Null, "{text:?}");
        }
    }
}
