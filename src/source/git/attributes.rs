//! `.gitattributes`, as far as it says that git changes a file on its way between a commit and a work tree.
//!
//! What stands in the commit and what a person sees and checks are then two texts. Read as git reads it
//! (`gitattributes(5)`), from the files of the commit or work tree alone: what a machine's own configuration says
//! besides is nobody else's.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use globset::{GlobBuilder, GlobMatcher};

use super::names::prefixes;
use crate::source::GitFilter;

/// A file of attributes has this many bytes at most; what is longer is not read. git's own bound is higher.
pub(super) const ATTRIBUTES_BYTES_MAX: u64 = 1024 * 1024;
/// A longer line is none, as in git.
const LINE_BYTES_MAX: usize = 2048;
/// Its name.
pub(super) const FILE: &str = ".gitattributes";

/// The attributes of a tree, as far as they were met.
#[derive(Default)]
pub(super) struct Attributes {
    /// Lines by the folder of their file, `""` for the root.
    lines: BTreeMap<String, Vec<Line>>,
    /// What each macro stands for.
    macros: HashMap<String, Vec<(String, AttributeState)>>,
}

struct Line {
    pattern: Pattern,
    states: Vec<(String, AttributeState)>,
}

struct Pattern {
    /// Whether the name alone is compared, in any folder below.
    is_name: bool,
    matcher: GlobMatcher,
}

#[derive(Clone, PartialEq, Eq)]
enum AttributeState {
    Set,
    /// `-name` or `!name`.
    Off,
    Value(String),
}

impl Attributes {
    /// Takes the file of one folder. Only the root's may define macros.
    pub(super) fn add(&mut self, folder: &str, text: &[u8]) {
        // Most repositories speak of line ends only.
        if !["filter", "working-tree-encoding", "ident", "[attr]"].iter().any(|word| holds(text, word.as_bytes())) {
            return;
        }
        let text = String::from_utf8_lossy(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text));
        for line in text.lines().filter(|line| line.len() <= LINE_BYTES_MAX) {
            self.add_line(folder, line);
        }
    }

    fn add_line(&mut self, folder: &str, line: &str) {
        let line = line.trim_matches(BLANKS);
        if line.is_empty() || line.starts_with('#') {
            return;
        }
        if let Some(rest) = line.strip_prefix("[attr]") {
            let mut words = rest.split(BLANKS).filter(|word| !word.is_empty());
            if let (Some(name), true) = (words.next(), folder.is_empty()) {
                self.macros.insert(name.to_owned(), words.map(state).collect());
            }
            return;
        }
        let Some((pattern, rest)) = first_word(line) else { return };
        let states: Vec<_> = rest.split(BLANKS).filter(|word| !word.is_empty()).map(state).collect();
        if let (Some(pattern), false) = (Pattern::new(&pattern), states.is_empty()) {
            self.lines.entry(folder.to_owned()).or_default().push(Line { pattern, states });
        }
    }

    /// What changes the file at a path from the root, if anything does.
    pub(super) fn filter_of(&self, path: &str) -> Option<GitFilter> {
        if self.lines.is_empty() {
            return None;
        }
        let mut found: HashMap<&str, &AttributeState> = HashMap::new();
        let folders: Vec<&str> = std::iter::once("").chain(prefixes(path)).collect();
        // The nearest folder and the last line count first.
        for folder in folders.iter().rev().filter(|folder| **folder != path) {
            let below = path.strip_prefix(*folder).unwrap_or(path).trim_start_matches('/');
            for line in self.lines.get(*folder).into_iter().flatten().rev() {
                if line.pattern.matches(below) {
                    self.fill(&mut found, &line.states);
                }
            }
        }
        match (found.get("filter"), found.get("working-tree-encoding"), found.get("ident")) {
            (Some(AttributeState::Value(name)), ..) if name == "lfs" => Some(GitFilter::Lfs),
            (Some(AttributeState::Value(name)), ..) if !name.is_empty() => Some(GitFilter::Filter),
            (_, Some(AttributeState::Value(name)), _) if !name.is_empty() && !is_utf8(name) => {
                Some(GitFilter::Encoding)
            }
            (.., Some(AttributeState::Set)) => Some(GitFilter::Ident),
            _ => None,
        }
    }

    fn fill<'a>(&'a self, found: &mut HashMap<&'a str, &'a AttributeState>, states: &'a [(String, AttributeState)]) {
        let mut waiting: Vec<&(String, AttributeState)> = states.iter().collect();
        while let Some((name, state)) = waiting.pop() {
            if found.contains_key(name.as_str()) {
                continue;
            }
            found.insert(name, state);
            if *state == AttributeState::Set {
                waiting.extend(self.macros.get(name).into_iter().flatten());
            }
        }
    }
}

const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

fn holds(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|found| found == word)
}

fn is_utf8(encoding: &str) -> bool {
    encoding.eq_ignore_ascii_case("utf-8") || encoding.eq_ignore_ascii_case("utf8")
}

fn state(word: &str) -> (String, AttributeState) {
    match (word.strip_prefix(['-', '!']), word.split_once('=')) {
        (Some(name), _) => (name.to_owned(), AttributeState::Off),
        (None, Some((name, value))) => (name.to_owned(), AttributeState::Value(value.to_owned())),
        (None, None) => (word.to_owned(), AttributeState::Set),
    }
}

/// The pattern of a line, out of its quotes, and what follows.
fn first_word(line: &str) -> Option<(Cow<'_, str>, &str)> {
    let Some(quoted) = line.strip_prefix('"') else {
        let end = line.find(BLANKS).unwrap_or(line.len());
        return Some((Cow::Borrowed(&line[..end]), &line[end..]));
    };
    let mut word = Vec::new();
    let mut bytes = quoted.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Some((Cow::Owned(String::from_utf8_lossy(&word).into_owned()), &quoted[at + 1..])),
            b'\\' => match bytes.next()?.1 {
                b'n' => word.push(b'\n'),
                b't' => word.push(b'\t'),
                b'r' => word.push(b'\r'),
                first @ b'0'..=b'3' => {
                    let (second, third) = (bytes.next()?.1, bytes.next()?.1);
                    word.push(
                        first.wrapping_sub(b'0') << 6 | second.wrapping_sub(b'0') << 3 | third.wrapping_sub(b'0'),
                    );
                }
                other => word.push(other),
            },
            other => word.push(other),
        }
    }
    None
}

impl Pattern {
    /// `None` for one that never matches a file, or that git ignores too.
    fn new(pattern: &str) -> Option<Self> {
        // One that ends with a slash means a folder, and attributes are those of files.
        if pattern.starts_with('!') || pattern.ends_with('/') {
            return None;
        }
        let is_name = !pattern.contains('/');
        let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
        let glob =
            GlobBuilder::new(&without_braces(pattern)).literal_separator(true).backslash_escape(true).build().ok()?;
        Some(Self { is_name, matcher: glob.compile_matcher() })
    }

    fn matches(&self, below: &str) -> bool {
        let name = if self.is_name { below.rsplit('/').next().unwrap_or(below) } else { below };
        self.matcher.is_match(name)
    }
}

/// Braces have no meaning to git.
fn without_braces(pattern: &str) -> String {
    let mut plain = String::with_capacity(pattern.len());
    let mut is_escaped = false;
    for character in pattern.chars() {
        if matches!(character, '{' | '}') && !is_escaped {
            plain.push('\\');
        }
        plain.push(character);
        is_escaped = character == '\\' && !is_escaped;
    }
    plain
}
