//! Texts as people would hear them: word by word where they are talk, line by line where they are code.

use std::collections::HashMap;

use similar::{ChangeTag, TextDiff};

use crate::cli::plan::lines::{Line, Mark, Part, Tone};

/// Most characters of one stretch of a text.
const STRETCH_CHARS_MAX: usize = 240;
/// Characters around a change in a text that is not compared word by word.
const CONTEXT_CHARS: usize = 40;
/// Words of an unchanged stretch that are shown at each end of it.
const WORDS_AROUND: usize = 6;
/// Lines around a change of code.
const LINES_AROUND: usize = 2;
/// Most lines of one text.
const LINES_MAX: usize = 60;
/// A change that leaves less than this share of the words, in percent, is told as old and new.
const KEPT_PERCENT_MIN: usize = 34;
/// Texts with more words than this are not compared word by word.
const WORDS_MAX: usize = 4_000;

/// A text in quotes, shortened.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", shortened(text, STRETCH_CHARS_MAX))
}

/// The beginning of a text, with how much follows.
pub(in crate::cli::plan) fn shortened(text: &str, n_chars: usize) -> String {
    match text.char_indices().nth(n_chars) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}… ({} more characters)", &text[..end], text[end..].chars().count()),
    }
}

/// Two one-line texts as one, what went and what came marked in it; `None` where they have too little in common.
pub(super) fn word_diff(before: &str, after: &str) -> Option<Vec<Part>> {
    let n_words = |text: &str| text.split_whitespace().count();
    let (n_before, n_after) = (n_words(before), n_words(after));
    if n_before.max(n_after) < 3 || n_before.max(n_after) > WORDS_MAX {
        return None;
    }
    let kept_min = n_before.max(n_after) * KEPT_PERCENT_MIN;
    if n_common(before, after) * 100 < kept_min {
        return None;
    }
    let diff = TextDiff::from_words(before, after);
    let mut runs: Vec<(ChangeTag, String)> = Vec::new();
    for change in diff.iter_all_changes() {
        match runs.last_mut() {
            Some((tag, text)) if *tag == change.tag() => text.push_str(change.value()),
            _ => runs.push((change.tag(), change.value().to_owned())),
        }
    }
    join_over_blanks(&mut runs);
    let n_kept: usize = runs.iter().filter(|(tag, _)| *tag == ChangeTag::Equal).map(|(_, text)| n_words(text)).sum();
    if n_kept * 100 < kept_min {
        return None;
    }
    let n_runs = runs.len();
    let part = |(at, (tag, text)): (usize, (ChangeTag, String))| match tag {
        ChangeTag::Delete => Part::new(Tone::Old, &shortened(&text, STRETCH_CHARS_MAX)),
        ChangeTag::Insert => Part::new(Tone::New, &shortened(&text, STRETCH_CHARS_MAX)),
        ChangeTag::Equal => Part::new(Tone::Plain, &around(&text, at > 0, at + 1 < n_runs)),
    };
    let parts = runs.into_iter().enumerate().map(part);
    Some(parts.collect())
}

/// How many words stand in both texts, wherever they do: a quick look before the long one.
fn n_common(before: &str, after: &str) -> usize {
    let mut words: HashMap<&str, usize> = HashMap::new();
    before.split_whitespace().for_each(|word| *words.entry(word).or_default() += 1);
    let mut take =
        |word: &str| words.get_mut(word).is_some_and(|n_left| std::mem::replace(n_left, n_left.saturating_sub(1)) > 0);
    after.split_whitespace().filter(|word| take(word)).count()
}

/// Pieces of a text, in quotes.
pub(super) fn in_quotes(parts: Vec<Part>) -> Vec<Part> {
    let quote = || Part::new(Tone::Plain, "\"");
    std::iter::once(quote()).chain(parts).chain([quote()]).collect()
}

/// Two long texts as one, from where they begin to differ to where they end to.
pub(super) fn region_diff(before: &str, after: &str) -> Vec<Part> {
    let n_head: usize =
        before.chars().zip(after.chars()).take_while(|(a, b)| a == b).map(|(same, _)| same.len_utf8()).sum();
    let (old, new) = (&before[n_head..], &after[n_head..]);
    let n_tail: usize =
        old.chars().rev().zip(new.chars().rev()).take_while(|(a, b)| a == b).map(|(same, _)| same.len_utf8()).sum();
    let (head, tail) = (&before[..n_head], &before[before.len() - n_tail..]);
    let (old, new) = (&old[..old.len() - n_tail], &new[..new.len() - n_tail]);
    let start = head.char_indices().rev().nth(CONTEXT_CHARS - 1).map_or(0, |(at, _)| at);
    let end = tail.char_indices().nth(CONTEXT_CHARS).map_or(tail.len(), |(at, _)| at);
    let dots = |is_cut: bool| if is_cut { "…" } else { "" };
    let mut parts = vec![Part::new(Tone::Plain, &format!("{}{}", dots(start > 0), &head[start..]))];
    for (tone, text) in [(Tone::Old, old), (Tone::New, new)] {
        if !text.is_empty() {
            parts.push(Part::new(tone, &shortened(text, STRETCH_CHARS_MAX)));
        }
    }
    parts.push(Part::new(Tone::Plain, &format!("{}{}", &tail[..end], dots(end < tail.len()))));
    parts
}

/// A blank between two changes belongs to both: `[-a-] {+b+} [-c-]` reads worse than `[-a c-]{+b d+}`.
fn join_over_blanks(runs: &mut Vec<(ChangeTag, String)>) {
    let mut joined: Vec<(ChangeTag, String)> = Vec::with_capacity(runs.len());
    let mut rest = std::mem::take(runs).into_iter().peekable();
    let (mut old, mut new) = (String::new(), String::new());
    let flush = |joined: &mut Vec<_>, old: &mut String, new: &mut String| {
        for (tag, text) in [(ChangeTag::Delete, old), (ChangeTag::Insert, new)] {
            if !text.is_empty() {
                joined.push((tag, std::mem::take(text)));
            }
        }
    };
    while let Some((tag, text)) = rest.next() {
        match tag {
            ChangeTag::Delete => old.push_str(&text),
            ChangeTag::Insert => new.push_str(&text),
            ChangeTag::Equal
                if text.trim().is_empty() && !(old.is_empty() && new.is_empty()) && rest.peek().is_some() =>
            {
                old.push_str(&text);
                new.push_str(&text);
            }
            ChangeTag::Equal => {
                flush(&mut joined, &mut old, &mut new);
                joined.push((tag, text));
            }
        }
    }
    flush(&mut joined, &mut old, &mut new);
    *runs = joined;
}

/// An unchanged stretch: what stands next to a change, and where it is long no more.
fn around(text: &str, after_change: bool, before_change: bool) -> String {
    let words: Vec<&str> = text.split_inclusive(' ').collect();
    let (head, tail) = (if after_change { WORDS_AROUND } else { 0 }, if before_change { WORDS_AROUND } else { 0 });
    if words.len() <= head + tail + 2 {
        return shortened(text, 2 * STRETCH_CHARS_MAX);
    }
    let (head, tail) = (words[..head].concat(), words[words.len() - tail..].concat());
    format!("{}… {}", shortened(&head, STRETCH_CHARS_MAX), shortened(&tail, STRETCH_CHARS_MAX))
}

/// Two texts of several lines, as a patch.
pub(super) fn line_diff(before: &str, after: &str, depth: usize) -> Vec<Line> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    let mut n_left_out = 0;
    for (at, group) in diff.grouped_ops(LINES_AROUND).iter().enumerate() {
        if at > 0 && lines.len() < LINES_MAX {
            lines.push(Line::new(Mark::Plain, depth).and(Tone::Dim, "…"));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            if lines.len() >= LINES_MAX {
                n_left_out += 1;
                continue;
            }
            let mark = match change.tag() {
                ChangeTag::Delete => Mark::Removed,
                ChangeTag::Insert => Mark::Added,
                ChangeTag::Equal => Mark::Plain,
            };
            let text = change.value().trim_end_matches(['\n', '\r']);
            // Unmarked lines stand under the others.
            let indent = if mark == Mark::Plain { "  " } else { "" };
            let line = shortened(text, STRETCH_CHARS_MAX);
            let ending = ending(before, after, change.value(), mark);
            lines.push(Line::new(mark, depth).and(Tone::Plain, &format!("{indent}{line}")).and_all(ending));
        }
    }
    more_lines(&mut lines, n_left_out, depth);
    lines
}

/// What is not seen of a line and may be all that differs.
fn ending(before: &str, after: &str, line: &str, mark: Mark) -> Option<Part> {
    let uneven = before.contains('\r') != after.contains('\r') || before.ends_with('\n') != after.ends_with('\n');
    let said = match (uneven && mark != Mark::Plain, line.ends_with("\r\n"), line.ends_with('\n')) {
        (false, ..) => return None,
        (true, true, _) => " (ends with carriage return and line feed)",
        (true, false, false) => " (no line break at the end)",
        (true, false, true) => return None,
    };
    Some(Part::new(Tone::Dim, said))
}

/// A text of several lines that is new, or gone.
pub(super) fn all_lines(text: &str, mark: Mark, depth: usize) -> Vec<Line> {
    let line = |text: &str| Line::new(mark, depth).and(Tone::Plain, &shortened(text, STRETCH_CHARS_MAX));
    let mut lines: Vec<Line> = text.lines().take(LINES_MAX).map(line).collect();
    more_lines(&mut lines, text.lines().count().saturating_sub(LINES_MAX), depth);
    lines
}

fn more_lines(lines: &mut Vec<Line>, n_left_out: usize, depth: usize) {
    if n_left_out > 0 {
        lines.push(Line::new(Mark::Plain, depth).and(Tone::Dim, &format!("… {n_left_out} more line(s)")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(before: &str, after: &str) -> String {
        let line = |parts| Line::new(Mark::Plain, 0).and_all(in_quotes(parts)).painted(false, 0);
        word_diff(before, after).map_or("none".to_owned(), line).trim_end().to_owned()
    }

    #[test]
    fn what_went_and_what_came_stands_in_the_text() {
        assert_eq!(words("How can I help you?", "How may I help you?"), r#""How [-can-]{+may+} I help you?""#);
        assert_eq!(words("one two three", "one two three four"), r#""one two three{+ four+}""#);
        assert_eq!(words("a b c d e f", "a x y d e f"), r#""a [-b c-]{+x y+} d e f""#);
        assert_eq!(words("Hello there", "Good evening"), "none");
        assert_eq!(words("one two three four", "five six seven four"), "none");
    }

    #[test]
    fn a_long_text_is_shown_around_its_change() {
        let long = |word: &str| format!("{}{word}{}", "a ".repeat(100), " z".repeat(100));
        let shown = words(&long("old"), &long("new"));
        assert_eq!(shown, r#""… a a a a a a [-old-]{+new+} z z z z z … ""#);
    }

    #[test]
    fn texts_of_any_length_show_where_they_differ() {
        let line = |before: &str, after: &str| {
            Line::new(Mark::Plain, 0)
                .and_all(in_quotes(region_diff(before, after)))
                .painted(false, 0)
                .trim_end()
                .to_owned()
        };
        assert_eq!(line("äbc", "äxc"), r#""ä[-b-]{+x+}c""#);
        assert_eq!(line("aa", "aaa"), r#""aa{+a+}""#);
        let long = |word: &str| format!("{}{word}{}", "ab".repeat(9000), "yz".repeat(9000));
        let (a, z) = ("ab".repeat(20), "yz".repeat(20));
        assert_eq!(line(&long("Ö"), &long("Ü")), format!("\"…{a}[-Ö-]{{+Ü+}}{z}…\""));
    }

    #[test]
    fn code_is_told_line_by_line_and_no_line_ending_is_lost() {
        let show = |before: &str, after: &str| -> String {
            line_diff(before, after, 0).iter().map(|line| line.painted(false, 0)).collect()
        };
        assert_eq!(show("a\nb\nc\nd\ne\n", "a\nb\nc\nD\ne\n"), "  b\n  c\n- d\n+ D\n  e\n");
        assert_eq!(show("a\nb", "a\nb\n"), "  a\n- b (no line break at the end)\n+ b\n");
        assert_eq!(show("a\r\n", "a\n"), "- a (ends with carriage return and line feed)\n+ a\n");
        let long = |word: &str| word.to_owned() + "\n";
        let many = line_diff(&long("a").repeat(100), &long("b").repeat(100), 0);
        assert_eq!(many.len(), LINES_MAX + 1);
    }
}
