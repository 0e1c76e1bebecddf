//! Problems as code frames for a terminal: the line, a mark under the place, and what to do.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

use super::escape::{escape_terminal, push_safe};
use super::{Place, Problem, Severity};

/// Characters of a line shown before and after the place.
const BEFORE_MAX: usize = 40;
const AFTER_MAX: usize = 60;

/// Longest pointer that is shown, in characters.
const POINTER_MAX: usize = 200;

/// Whether to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Never,
    /// With ANSI colours.
    Always,
}

/// Draws `problems`, each with the line it stands in, as far as `sources` has the file. Whatever comes
/// from a file is escaped, and of a long line only the surroundings of the place are shown.
#[must_use]
pub fn render(problems: &[Problem], sources: &BTreeMap<String, Arc<[u8]>>, colour: Colour) -> String {
    let renderer = match colour {
        Colour::Never => Renderer::plain(),
        Colour::Always => Renderer::styled(),
    };
    let mut text = String::new();
    let mut cursor: Option<(&str, Cursor<'_>)> = None;
    for problem in problems {
        let file = problem.place.file.as_str();
        if cursor.as_ref().is_none_or(|(current, _)| *current != file) {
            cursor = sources.get(file).map(|source| (file, Cursor::new(source)));
        }
        let cursor = cursor.as_mut().filter(|(current, _)| *current == file);
        let frame = cursor.and_then(|(_, cursor)| Frame::new(cursor, &problem.place));
        text.push_str(&draw(problem, frame.as_ref(), &renderer));
        text.push_str("\n\n");
    }
    text
}

fn draw(problem: &Problem, frame: Option<&Frame>, renderer: &Renderer) -> String {
    let Problem { place, rule, severity, message, help } = problem;
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let origin = Origin::path(escape_terminal(&place.file)).line(place.line as usize);
    let mut group = level
        .primary_title(escape_terminal(message))
        .id(rule.as_str())
        .element(origin.char_column(place.column as usize));
    if let Some(Frame { line, mark }) = frame {
        let mark = AnnotationKind::Primary.span(mark.clone());
        group = group.element(Snippet::source(line.as_str()).line_start(place.line as usize).annotation(mark));
    }
    if !place.pointer.is_empty() {
        group = group.element(Level::NOTE.message(format!("at `{}`", shortened(&place.pointer))));
    }
    if !help.is_empty() {
        group = group.element(Level::HELP.message(escape_terminal(help)));
    }
    without_second_origin(&renderer.render(&[group]))
}

/// The place is given apart from the snippet, whose own columns are those of the piece shown; the line
/// that then announces a second, nameless file goes.
fn without_second_origin(drawn: &str) -> String {
    let is_nameless = |line: &&str| {
        let parts = line.split('\u{1b}').enumerate();
        let visible = parts
            .map(|(index, part)| if index == 0 { part } else { part.split_once('m').map_or("", |(_, text)| text) });
        visible.collect::<String>().trim() == ":::"
    };
    drawn.lines().filter(|line| !is_nameless(line)).collect::<Vec<_>>().join("\n")
}

/// A long pointer loses its middle: both ends say where it is.
fn shortened(pointer: &str) -> String {
    let n_characters = pointer.chars().count();
    if n_characters <= POINTER_MAX {
        return escape_terminal(pointer).into_owned();
    }
    let start: String = pointer.chars().take(POINTER_MAX / 2).collect();
    let end: String = pointer.chars().skip(n_characters - POINTER_MAX / 2).collect();
    format!("{}…{}", escape_terminal(&start), escape_terminal(&end))
}

/// A way through a text that goes on from the last place, so that sorted problems cost one reading.
struct Cursor<'a> {
    text: &'a [u8],
    offset: usize,
    line: u32,
    column: u32,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { text, offset: 0, line: 1, column: 1 }
    }

    /// The byte at a line and column; the end of the line where it is shorter.
    fn find(&mut self, line: u32, column: u32) -> usize {
        if (line, column) < (self.line, self.column) {
            *self = Self::new(self.text);
        }
        while let Some(&byte) = self.text.get(self.offset) {
            if self.line == line && (byte == b'\n' || self.column == column && byte & 0xc0 != 0x80) {
                break;
            }
            self.offset += 1;
            match byte {
                b'\n' => (self.line, self.column) = (self.line + 1, 1),
                // A character counts once its last byte is behind.
                _ if self.text.get(self.offset).is_some_and(|next| next & 0xc0 == 0x80) => {}
                _ => self.column += 1,
            }
        }
        self.offset
    }
}

/// A piece of a line, safe to print, and the part of it that is marked.
struct Frame {
    line: String,
    mark: Range<usize>,
}

impl Frame {
    fn new(cursor: &mut Cursor<'_>, place: &Place) -> Option<Self> {
        if place.line == 0 {
            return None;
        }
        let at = cursor.find(place.line, place.column);
        let text = cursor.text;
        // Four bytes are the longest character.
        let earliest = at.saturating_sub(BEFORE_MAX * 4);
        let start =
            text[earliest..at].iter().rposition(|byte| *byte == b'\n').map_or(earliest, |found| earliest + found + 1);
        let latest = text.len().min(at + AFTER_MAX * 4);
        let end = text[at..latest].iter().position(|byte| *byte == b'\n').map_or(latest, |found| at + found);
        let (before, after) = (String::from_utf8_lossy(&text[start..at]), String::from_utf8_lossy(&text[at..end]));
        let after = after.strip_suffix('\r').unwrap_or(&after);
        let n_skipped = before.chars().count().saturating_sub(BEFORE_MAX);
        let is_cut_before = n_skipped > 0 || start > 0 && text[start - 1] != b'\n';
        let is_cut_after = after.chars().count() > AFTER_MAX || end < text.len() && text[end] != b'\n';

        let mut line = String::from(if is_cut_before { "…" } else { "" });
        before.chars().skip(n_skipped).for_each(|character| push_shown(&mut line, character));
        let mark_start = line.len();
        let n_marked = token_characters(after);
        let mut mark_end = mark_start;
        for (index, character) in after.chars().take(AFTER_MAX).enumerate() {
            push_shown(&mut line, character);
            if index < n_marked {
                mark_end = line.len();
            }
        }
        if is_cut_after {
            line.push('…');
        }
        Some(Self { line, mark: mark_start..mark_end })
    }
}

/// A tab is as wide as it looks, not as it is spelt.
fn push_shown(line: &mut String, character: char) {
    if character == '\t' { line.push_str("    ") } else { push_safe(line, character) }
}

/// How many characters belong to the JSON token at the start of `text`.
fn token_characters(text: &str) -> usize {
    let mut characters = text.chars();
    match characters.next() {
        None => 0,
        Some('"') => {
            let mut is_escaped = false;
            let inside = characters.take_while(|character| {
                let goes_on = is_escaped || *character != '"';
                is_escaped = !is_escaped && *character == '\\';
                goes_on
            });
            2 + inside.count()
        }
        Some(first) if is_word(first) => 1 + characters.take_while(|character| is_word(*character)).count(),
        Some(_) => 1,
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '-' | '+' | '.' | '_')
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::*;

    fn drawn(source: &[u8], line: u32, column: u32, message: &str, colour: Colour) -> String {
        let place = Place { file: "flows/a.json".into(), line, column, pointer: "/name".into() };
        let problem = Problem {
            place,
            rule: Rule::WrongType,
            severity: Severity::Error,
            message: message.into(),
            help: "write a string".into(),
        };
        let sources = BTreeMap::from([("flows/a.json".to_owned(), Arc::from(source))]);
        render(&[problem], &sources, colour)
    }

    #[test]
    fn a_frame_shows_the_line_and_marks_the_place() {
        let text = drawn(b"{\n  \"name\": 12,\n}", 2, 11, "expected a string, found a number", Colour::Never);
        insta::assert_snapshot!(text, @r#"
        error[wrong-type]: expected a string, found a number
         --> flows/a.json:2:11
          |
        2 |   "name": 12,
          |           ^^
          |
          = note: at `/name`
          = help: write a string
        "#);
    }

    #[test]
    fn what_a_file_says_cannot_reach_the_terminal() {
        let source = "{\"name\": \"\u{1b}[2J\u{202e}x\u{9b}\", \"a\": 1}";
        let text = drawn(source.as_bytes(), 1, 10, "found `\u{1b}]0;title\u{7}`", Colour::Never);
        assert!(text.chars().all(|character| character == '\n' || !character.is_control()), "{text:?}");
        assert!(!text.contains('\u{202e}'));
        assert!(text.contains("\\u{1b}[2J"));
    }

    #[test]
    fn of_a_long_line_the_surroundings_are_shown() {
        let source =
            format!("{{\"a\": \"{}\", \"name\": 1, \"b\": \"{}\"}}", "ä".repeat(3_000_000), "€".repeat(2_000_000));
        let column = source[..source.find("1, \"b").unwrap()].chars().count() as u32 + 1;
        let text = drawn(source.as_bytes(), 1, column, "expected a string, found a number", Colour::Never);
        assert!(text.len() < 1500, "{}", text.len());
        assert!(text.contains("\"name\": 1, \"b\""));
        assert!(text.contains(&format!("flows/a.json:1:{column}")));
    }

    #[test]
    fn places_at_every_edge_are_drawn() {
        for source in ["", "\n", "a", "ä\r\n", "\"abc", "{\n", "\t\t{}\n\n"] {
            for (line, column) in [(1, 1), (1, 2), (1, 9), (2, 1), (3, 1), (9, 9), (0, 0)] {
                let text = drawn(source.as_bytes(), line, column, "x", Colour::Always);
                assert!(text.contains("wrong-type"));
            }
        }
        assert!(drawn(b"[\"\xff\xfe\"]", 1, 3, "x", Colour::Never).contains('\u{fffd}'));
    }

    #[test]
    fn a_missing_source_is_no_obstacle() {
        let problem = Problem {
            place: Place { file: "gone.json".into(), line: 3, column: 4, pointer: String::new() },
            rule: Rule::Schema,
            severity: Severity::Warning,
            message: "m".into(),
            help: String::new(),
        };
        insta::assert_snapshot!(render(&[problem], &BTreeMap::new(), Colour::Never), @r"
        warning[schema]: m
        --> gone.json:3:4
        ");
    }

    #[test]
    fn colour_is_asked_for() {
        let coloured = drawn(b"[1]", 1, 2, "x", Colour::Always);
        assert!(coloured.contains("\u{1b}[") && !coloured.contains(":::"), "{coloured:?}");
        assert!(!drawn(b"[1]", 1, 2, "x", Colour::Never).contains('\u{1b}'));
    }
}
