//! What changes inside a flow, as a unified diff of its JSON with sorted keys.

use similar::{ChangeTag, TextDiff};

use super::lines::{Line, Mark, Room, Tone};
use super::tell::shortened;
use crate::flow::{Keys, indented};

/// Most characters of one line.
const LINE_CHARS_MAX: usize = 4_000;

/// The diff of two JSON texts, in about so many bytes; a text that is no JSON is compared as it stands.
pub(super) fn unified(before: &[u8], after: &[u8], n_bytes: usize) -> Vec<Line> {
    let pretty =
        |text: &[u8]| indented(text, Keys::Sorted).unwrap_or_else(|| String::from_utf8_lossy(text).into_owned());
    let (before, after) = (pretty(before), pretty(after));
    let diff = TextDiff::from_lines(&before, &after);
    let mut room = Room::of(n_bytes);
    let mut n_left_out = 0;
    for hunk in diff.unified_diff().context_radius(2).iter_hunks() {
        room.take(|| vec![Line::new(Mark::Plain, 0).and(Tone::Dim, hunk.header().to_string().trim_end())]);
        for change in hunk.iter_changes() {
            let (tone, sign) = match change.tag() {
                ChangeTag::Delete => (Tone::Went, '-'),
                ChangeTag::Insert => (Tone::Came, '+'),
                ChangeTag::Equal => (Tone::Plain, ' '),
            };
            let line = format!("{sign}{}", shortened(change.value().trim_end_matches('\n'), LINE_CHARS_MAX));
            n_left_out += usize::from(!room.take(|| vec![Line::new(Mark::Plain, 0).and(tone, &line)]));
        }
    }
    if n_left_out > 0 {
        let said = format!("… {n_left_out} more line(s) left out for length");
        room.insist(Line::new(Mark::Plain, 0).and(Tone::Dim, &said));
    }
    room.lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(before: &[u8], after: &[u8], n_bytes: usize) -> String {
        unified(before, after, n_bytes).iter().map(|line| line.painted(false, 0)).collect()
    }

    #[test]
    fn only_what_changed_is_shown_and_key_order_is_no_change() {
        let before = br#"{"b": 1, "a": {"x": [1, 2]}}"#;
        assert_eq!(show(before, br#"{"a":{"x":[1,2]},"b":1}"#, 10_000), "");
        let diff = show(before, br#"{"a":{"x":[1,3]},"b":1}"#, 10_000);
        assert!(diff.contains("-      2\n+      3\n"), "{diff}");
        assert!(show(b"{\"a\": \"\\ud800\"}", b"{}", 10_000).contains("-{\"a\": \"\\ud800\"}\n"));
    }

    #[test]
    fn colours_and_control_characters_of_a_flow_do_not_reach_the_terminal() {
        let diff = show(b"{}", "{\"a\": \"\u{202e}\u{9b}31m\"}".as_bytes(), 10_000);
        assert!(!diff.contains('\u{202e}') && !diff.contains('\u{9b}'));
    }

    #[test]
    fn what_is_too_long_is_counted() {
        let list = |word: &str| format!("[{}]", vec![format!("\"{word}\""); 50_000].join(","));
        let diff = show(list("a").as_bytes(), list("b").as_bytes(), 5_000);
        assert!(diff.len() < 6_000 && diff.contains("more line(s) left out for length"), "{diff}");
        let long = format!("{{\"a\": \"{}\"}}", "x".repeat(1_000_000));
        assert!(show(b"{}", long.as_bytes(), 100_000).len() < 10_000);
    }
}
