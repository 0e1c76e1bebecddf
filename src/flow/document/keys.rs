//! Keys of an object: their order, and the ones that stand twice.

use std::cmp::Ordering;

use super::cell::Cell;
use super::text::CodePoints;

/// A key of an object that is still open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    /// The first eight bytes of the key, so that most comparisons need no second look;
    /// says nothing of a key with escapes.
    pub(super) prefix: u64,
    /// The cell of the key, and in bit 32 whether there is a backslash in it. Two words pass through
    /// registers; three fields would not.
    tag: u64,
}

const ESCAPED: u64 = 1 << 32;

impl Member {
    #[inline]
    pub(super) fn new(text: &[u8], cells: &[Cell], key: u32) -> Self {
        let cell = &cells[key as usize];
        let tag = u64::from(key) | if cell.escaped { ESCAPED } else { 0 };
        Self { prefix: prefix(text, cell, inside(text, cell)), tag }
    }

    /// The cell of the key.
    #[inline]
    pub(super) fn key(self) -> u32 {
        self.tag as u32
    }
}

/// What stands between the quotes of a string.
#[inline]
pub(super) fn inside<'a>(text: &'a [u8], string: &Cell) -> &'a [u8] {
    text.get(string.start as usize + 1..string.end as usize - 1).unwrap_or_default()
}

/// The bytes of a prefix that belong to a key of 0 to 8 bytes.
const PREFIX_MASKS: [u64; 9] = {
    let mut masks = [0; 9];
    let mut n_bytes = 1;
    while n_bytes <= 8 {
        masks[n_bytes] = u64::MAX << (64 - 8 * n_bytes);
        n_bytes += 1;
    }
    masks
};

/// The first eight bytes as a number that compares as they do; shorter keys are filled up with zeros.
#[inline]
fn prefix(text: &[u8], cell: &Cell, inside: &[u8]) -> u64 {
    let start = cell.start as usize + 1;
    if let Some(chunk) = text.get(start..).and_then(|rest| rest.first_chunk::<8>()) {
        return u64::from_be_bytes(*chunk) & PREFIX_MASKS[inside.len().min(8)];
    }
    inside.iter().take(8).enumerate().fold(0, |word, (at, byte)| word | u64::from(*byte) << (56 - 8 * at))
}

/// Order by code point, after reading escapes.
#[inline]
fn compare(text: &[u8], cells: &[Cell], a: Member, b: Member) -> Ordering {
    let is_plain = (a.tag | b.tag) & ESCAPED == 0;
    if a.prefix != b.prefix && is_plain { a.prefix.cmp(&b.prefix) } else { compare_all(text, cells, a, b) }
}

#[cold]
fn compare_all(text: &[u8], cells: &[Cell], a: Member, b: Member) -> Ordering {
    let is_plain = (a.tag | b.tag) & ESCAPED == 0;
    let (a, b) = (inside(text, &cells[a.key() as usize]), inside(text, &cells[b.key() as usize]));
    if is_plain { a.cmp(b) } else { CodePoints::new(a).cmp(CodePoints::new(b)) }
}

/// Whether `after` comes after `before`, and is not the same.
#[inline]
pub(super) fn rises(text: &[u8], cells: &[Cell], before: Member, after: Member) -> bool {
    compare(text, cells, before, after) == Ordering::Less
}

/// Most members that are sorted by insertion.
const FEW: usize = 24;

/// Sorts the members of one object, equal ones in the order of the text. `false` when a key stands twice.
pub(super) fn sort(text: &[u8], cells: &[Cell], members: &mut [Member]) -> bool {
    if members.len() > FEW {
        members.sort_unstable_by(|a, b| compare(text, cells, *a, *b).then(a.key().cmp(&b.key())));
        return members.windows(2).all(|pair| rises(text, cells, pair[0], pair[1]));
    }
    let mut is_unique = true;
    for end in 1..members.len() {
        let member = members[end];
        let mut at = end;
        while at > 0 {
            match compare(text, cells, members[at - 1], member) {
                Ordering::Greater => members[at] = members[at - 1],
                Ordering::Equal => {
                    is_unique = false;
                    break;
                }
                Ordering::Less => break,
            }
            at -= 1;
        }
        members[at] = member;
    }
    is_unique
}

/// Keys that stand twice in `members`, sorted by [`sort`]: the first of its kind, and the one too many.
pub(super) fn duplicates(text: &[u8], cells: &[Cell], members: &[Member], limit: usize) -> Vec<(u32, u32)> {
    let equal = |a: &Member, b: &Member| compare(text, cells, *a, *b) == Ordering::Equal;
    let groups = members.chunk_by(equal);
    groups.flat_map(|group| group[1..].iter().map(|again| (group[0].key(), again.key()))).take(limit).collect()
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
