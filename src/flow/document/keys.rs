//! Keys of an object: their order, and the ones that stand twice.

use std::cmp::Ordering;

use super::cell::Cell;
use super::text::CodePoints;

/// A key of an object that is still open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    /// The first eight bytes of the key, so that most comparisons need no second look.
    pub(super) prefix: u64,
    /// The cell of the key.
    pub(super) key: u32,
    /// Whether there is a backslash in it; then `prefix` says nothing.
    escaped: bool,
}

impl Member {
    pub(super) fn new(text: &[u8], cells: &[Cell], key: u32) -> Self {
        let cell = &cells[key as usize];
        Self { prefix: prefix(text, cell, inside(text, cell)), key, escaped: cell.escaped }
    }
}

/// What stands between the quotes of a string.
pub(super) fn inside<'a>(text: &'a [u8], string: &Cell) -> &'a [u8] {
    text.get(string.start as usize + 1..string.end as usize - 1).unwrap_or_default()
}

/// The first eight bytes as a number that compares as they do; shorter keys are filled up with zeros.
fn prefix(text: &[u8], cell: &Cell, inside: &[u8]) -> u64 {
    let start = cell.start as usize + 1;
    if let Some(chunk) = text.get(start..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_be_bytes(*chunk);
        let n_spare_bits = 64_usize.saturating_sub(inside.len() * 8) as u32;
        return word & u64::MAX.checked_shl(n_spare_bits).unwrap_or(0);
    }
    inside.iter().take(8).enumerate().fold(0, |word, (at, byte)| word | u64::from(*byte) << (56 - 8 * at))
}

/// Order by code point, after reading escapes. `quick` says that no key of the object has any.
#[inline]
pub(super) fn compare(text: &[u8], cells: &[Cell], quick: bool, a: Member, b: Member) -> Ordering {
    if quick && a.prefix != b.prefix {
        return a.prefix.cmp(&b.prefix);
    }
    let (a, b) = (&cells[a.key as usize], &cells[b.key as usize]);
    if quick {
        inside(text, a).cmp(inside(text, b))
    } else {
        CodePoints::new(inside(text, a)).cmp(CodePoints::new(inside(text, b)))
    }
}

fn is_quick(members: &[Member]) -> bool {
    members.iter().all(|member| !member.escaped)
}

/// Sorts the members of one object. `false` when they stood in strictly rising order already.
pub(super) fn sort(text: &[u8], cells: &[Cell], members: &mut [Member]) -> bool {
    let quick = is_quick(members);
    let rising = |pair: &[Member]| compare(text, cells, quick, pair[0], pair[1]) == Ordering::Less;
    if members.windows(2).all(rising) {
        return false;
    }
    members.sort_unstable_by(|a, b| compare(text, cells, quick, *a, *b).then(a.key.cmp(&b.key)));
    true
}

/// Keys that stand twice in `members`, sorted by [`sort`]: the first of its kind, and the one too many.
pub(super) fn duplicates(text: &[u8], cells: &[Cell], members: &[Member], limit: usize) -> Vec<(u32, u32)> {
    let quick = is_quick(members);
    let equal = |a: &Member, b: &Member| compare(text, cells, quick, *a, *b) == Ordering::Equal;
    let groups = members.chunk_by(equal);
    groups.flat_map(|group| group[1..].iter().map(|again| (group[0].key, again.key))).take(limit).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Document;

    fn sorted_keys(text: &str) -> Vec<String> {
        let document = Document::parse(text.as_bytes()).unwrap();
        let canonical = document.canonical();
        let again = Document::parse(canonical).unwrap();
        again.root().entries().map(|(key, _)| key.into_owned()).collect()
    }

    #[test]
    fn keys_sort_by_code_point_whatever_their_length() {
        let keys =
            ["", "\u{0}", "a", "a\u{0}", "aaaaaaaa", "aaaaaaaaa", "aaaaaaaab", "b", "ä", "\u{ffff}", "\u{10000}"];
        let mut shuffled = keys.to_vec();
        shuffled.reverse();
        let members: Vec<String> =
            shuffled.iter().map(|key| format!("{}:1", serde_json::to_string(key).unwrap())).collect();
        assert_eq!(sorted_keys(&format!("{{{}}}", members.join(","))), keys);
    }

    #[test]
    fn escaped_and_plain_keys_sort_together() {
        assert_eq!(sorted_keys(r#"{"c":1,"\u0062":2,"a":3}"#), ["a", "b", "c"]);
        assert_eq!(sorted_keys(r#"{"\ud83d\ude00":1,"\uffff":2}"#), ["\u{ffff}", "😀"]);
    }
}
