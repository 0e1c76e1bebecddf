//! What is said again and again is said once, and then at the 2nd, 4th, 8th … time, with the count.

use std::collections::HashMap;
use std::fmt::Write as _;

/// So many different lines of one environment are counted; what comes beyond them is always said.
const LINES_MAX: usize = 1_000;

/// Lines of one environment, and how often each came lately.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    /// Passes so far.
    n_passes: u64,
    lines: HashMap<String, Seen>,
}

#[derive(Debug)]
struct Seen {
    n_times: u64,
    /// The pass that said it last.
    last: u64,
}

impl Repeats {
    /// A pass begins: what the last one did not say is new when it comes again.
    pub(super) fn begin_pass(&mut self) {
        let last = self.n_passes;
        self.lines.retain(|_, seen| seen.last >= last);
        self.n_passes += 1;
    }

    /// How often a line came, this time included, where it is to be said.
    pub(super) fn say(&mut self, line: &str) -> Option<u64> {
        let (shape, last) = (shape(line), self.n_passes);
        if self.lines.len() >= LINES_MAX && !self.lines.contains_key(&shape) {
            return Some(1);
        }
        let seen = self.lines.entry(shape).or_insert(Seen { n_times: 0, last });
        *seen = Seen { n_times: seen.n_times + 1, last };
        seen.n_times.is_power_of_two().then_some(seen.n_times)
    }
}

/// A text without its numbers: how long something took, or until when it waits, makes it no other message. Digits that belong
/// to a word, such as those of ids, stay.
pub(super) fn shape(text: &str) -> String {
    let mut shape = String::with_capacity(text.len());
    let mut before = ' ';
    let mut is_number = false;
    for c in text.chars() {
        // A point in time is numbers joined by such letters.
        let is_joined = matches!(before, '-' | 'T') && shape.strip_suffix(before).is_some_and(|it| it.ends_with('#'));
        let is_in_a_word = before.is_alphanumeric() || matches!(before, '_' | '-');
        is_number = c.is_ascii_digit() && (is_number || is_joined || !is_in_a_word);
        if !is_number {
            shape.push(c);
        } else if !shape.ends_with('#') {
            shape.push('#');
        }
        before = c;
    }
    shape
}

/// `(4 times)`, where it was more than once.
pub(super) fn times(n_times: u64) -> String {
    let mut text = String::new();
    if n_times > 1 {
        // A string takes whatever is written.
        _ = write!(text, " ({n_times} times)");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_line_of_pass_after_pass_is_said_at_powers_of_two() {
        let mut repeats = Repeats::default();
        let mut said = Vec::new();
        for n in 0..100 {
            repeats.begin_pass();
            said.extend(repeats.say(&format!("no answer after {n} s")));
        }
        assert_eq!(said, [1, 2, 4, 8, 16, 32, 64]);
        assert_eq!(repeats.say("no answer at all"), Some(1), "another line is another");
        repeats.begin_pass();
        repeats.begin_pass();
        assert_eq!(repeats.say("no answer after 7 s"), Some(1), "a pass without it ends it");
    }

    #[test]
    fn more_lines_than_are_counted_are_said() {
        let mut repeats = Repeats::default();
        (0..LINES_MAX).for_each(|n| assert_eq!(repeats.say(&format!("flow_{n}")), Some(1)));
        (0..8).for_each(|_| assert_eq!(repeats.say("one more"), Some(1)));
        assert_eq!(repeats.lines.len(), LINES_MAX);
    }

    #[test]
    fn a_number_is_no_difference_and_an_id_is() {
        for (text, expected) in [
            ("still limited (429) after 31 s", "still limited (#) after # s"),
            ("waits until 2026-01-02T03:04:05.678Z", "waits until #-#-#T#:#:#.#Z"),
            ("`flow_12` and a-7 and v1", "`flow_12` and a-7 and v1"),
            ("commit 3cb89f6a87", "commit #cb89f6a87"),
        ] {
            assert_eq!(shape(text), expected);
        }
        assert_ne!(shape("flow_1"), shape("flow_2"));
        assert_eq!((times(1), times(4)), (String::new(), " (4 times)".to_owned()));
    }
}
