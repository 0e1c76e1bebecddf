//! Lines for people: made once, painted for a terminal, fenced for a pull request.

use crate::problem::escape_terminal;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// What it says of its subject.
    pub(super) mark: Mark,
    /// How far it is set in, in steps.
    pub(super) depth: usize,
    /// What it says.
    pub(super) parts: Vec<Part>,
}

/// What happened to the subject of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// Nothing: a title, or what stands around a change.
    Plain,
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another.
    Changed,
    /// It stands elsewhere.
    Moved,
}

/// A piece of a line, in which nothing moves the cursor or the eye.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    tone: Tone,
    text: String,
}

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// What stands on both sides, or says something itself.
    Plain,
    /// A name.
    Strong,
    /// What was, within a text that is.
    Old,
    /// What is new within it.
    New,
    /// What explains.
    Dim,
    /// A whole line that was, its sign included.
    Went,
    /// A whole line that is new, its sign included.
    Came,
}

impl Part {
    pub(super) fn new(tone: Tone, text: &str) -> Self {
        let text = escape_terminal(text);
        // In what went or came, a blank that is none may be all there is.
        let text = if matches!(tone, Tone::Old | Tone::New) { odd_blanks(&text) } else { text.into_owned() };
        Self { tone, text }
    }
}

/// The text with every blank but the usual one spelt out.
fn odd_blanks(text: &str) -> String {
    let spelt = |c: char| if c.is_whitespace() && c != ' ' { c.escape_unicode().to_string() } else { c.to_string() };
    text.chars().map(spelt).collect()
}

impl Line {
    pub(super) fn new(mark: Mark, depth: usize) -> Self {
        Self { mark, depth, parts: Vec::new() }
    }

    /// The line with one more piece.
    pub(super) fn and(mut self, tone: Tone, text: &str) -> Self {
        self.parts.push(Part::new(tone, text));
        self
    }

    /// The line with more pieces.
    pub(super) fn and_all(mut self, parts: impl IntoIterator<Item = Part>) -> Self {
        self.parts.extend(parts);
        self
    }

    /// About how many bytes it takes, in whatever form.
    pub(super) fn cost(&self) -> usize {
        const AROUND_PART: usize = 16;
        self.parts.iter().map(|part| part.text.len() + AROUND_PART).sum::<usize>() + 2 * self.depth + AROUND_PART
    }

    /// For a terminal, `depth` steps further in.
    pub(super) fn painted(&self, color: bool, depth: usize) -> String {
        let (mark, code) = self.mark.painted();
        let indent = "  ".repeat(depth + self.depth);
        let mut text = paint(color, code, &format!("{indent}{mark}"));
        for Part { tone, text: words } in &self.parts {
            let (open, close) = tone.marks();
            let code = tone.code().unwrap_or(if self.mark.colours_all() { code } else { "" });
            text.push_str(&paint(color, code, &format!("{open}{words}{close}")));
        }
        text.push('\n');
        text
    }

    /// For a fence in which `+`, `-` and `!` at the beginning colour the line.
    pub(super) fn fenced(&self) -> String {
        let (mark, _) = self.mark.painted();
        let first = match self.mark {
            Mark::Plain => ' ',
            Mark::Added => '+',
            Mark::Removed => '-',
            Mark::Changed | Mark::Moved => '!',
        };
        let mark = if self.mark == Mark::Moved { mark } else { "" };
        let words: String = self.parts.iter().map(Part::plain).collect();
        format!("{first} {}{mark}{words}\n", "  ".repeat(self.depth))
    }
}

impl Part {
    fn plain(&self) -> String {
        let (open, close) = self.tone.marks();
        format!("{open}{}{close}", self.text)
    }
}

impl Mark {
    /// The mark on a terminal, and its colour.
    fn painted(self) -> (&'static str, &'static str) {
        match self {
            Self::Plain => ("", ""),
            Self::Added => ("+ ", "32"),
            Self::Removed => ("- ", "31"),
            Self::Changed => ("~ ", "33"),
            Self::Moved => ("> ", "36"),
        }
    }
}

impl Mark {
    /// Whether all of the line is in the colour of its mark.
    fn colours_all(self) -> bool {
        matches!(self, Self::Added | Self::Removed)
    }
}

impl Tone {
    /// What stands around a piece, so that it is told by more than colour.
    fn marks(self) -> (&'static str, &'static str) {
        match self {
            Self::Old => ("[-", "-]"),
            Self::New => ("{+", "+}"),
            Self::Plain | Self::Strong | Self::Dim | Self::Went | Self::Came => ("", ""),
        }
    }

    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Strong => Some("1"),
            Self::Old | Self::Went => Some("31"),
            Self::New | Self::Came => Some("32"),
            Self::Dim => Some("2"),
        }
    }
}

/// Text in a colour; without one where `code` is empty.
pub(super) fn paint(color: bool, code: &str, text: &str) -> String {
    if !color || code.is_empty() || text.is_empty() { text.to_owned() } else { format!("\x1b[{code}m{text}\x1b[0m") }
}

/// Lines that are collected while there is room for them.
#[derive(Debug)]
pub(super) struct Room {
    /// What was collected.
    pub(super) lines: Vec<Line>,
    n_bytes: usize,
    is_full: bool,
}

impl Room {
    /// Room for about so many bytes.
    pub(super) fn of(n_bytes: usize) -> Self {
        Self { lines: Vec::new(), n_bytes, is_full: false }
    }

    /// Takes lines that belong together, all or none; whether it took them. Once something did not fit, nothing does.
    pub(super) fn take(&mut self, lines: impl FnOnce() -> Vec<Line>) -> bool {
        if self.is_full {
            return false;
        }
        let lines = lines();
        let cost: usize = lines.iter().map(Line::cost).sum();
        self.is_full = cost > self.n_bytes;
        if !self.is_full {
            self.n_bytes -= cost;
            self.lines.extend(lines);
        }
        !self.is_full
    }

    /// Adds a line that has to stand there.
    pub(super) fn insist(&mut self, line: Line) {
        self.lines.push(line);
    }
}
