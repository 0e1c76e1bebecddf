//! From a byte offset to a line and a column, without reading the text again for each question.

/// A place in a text. Lines and columns count from 1; columns count characters, not bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// A place this near to the beginning of a text is counted anew at each question, which is cheaper than
/// an index of the whole text where a flow's id and version are all that is asked for.
pub(super) const NEAR_BYTES: usize = 1024;

impl Position {
    /// The place after `before`, all that stands before it in its text.
    pub(super) fn after(before: &[u8]) -> Self {
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let n_breaks: u32 = before.iter().map(|byte| u32::from(*byte == b'\n')).sum();
        Self { line: n_breaks + 1, column: count_characters(&before[start..]) + 1 }
    }
}

/// Bytes between two counted places; what lies past the last one is counted when asked.
const STEP_BYTES: usize = 1024;

/// Where lines begin, and how many characters there are up to every [`STEP_BYTES`]th byte: a text of
/// one very long line is asked about as cheaply as any other.
#[derive(Debug, Clone)]
pub(super) struct LineIndex {
    line_starts: Vec<usize>,
    characters_before: Vec<u32>,
}

impl LineIndex {
    pub(super) fn new(text: &[u8]) -> Self {
        let breaks = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        let mut total = 0;
        let characters_before = text.chunks(STEP_BYTES).map(|step| {
            let before = total;
            total += count_characters(step);
            before
        });
        Self { characters_before: characters_before.collect(), line_starts: std::iter::once(0).chain(breaks).collect() }
    }

    /// The place of the byte at `offset` in the text the index was made from.
    pub(super) fn position(&self, text: &[u8], offset: usize) -> Position {
        let offset = offset.min(text.len());
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let column = self.characters(text, offset).saturating_sub(self.characters(text, start)) + 1;
        Position { line: u32::try_from(line).unwrap_or(u32::MAX), column }
    }

    /// Characters before the byte at `offset`.
    fn characters(&self, text: &[u8], offset: usize) -> u32 {
        let step = (offset / STEP_BYTES).min(self.characters_before.len().saturating_sub(1));
        let before = self.characters_before.get(step).copied().unwrap_or(0);
        before + count_characters(&text[step * STEP_BYTES..offset])
    }
}

/// Bytes that are no continuation of a character.
fn count_characters(bytes: &[u8]) -> u32 {
    bytes.iter().map(|byte| u32::from(byte & 0xc0 != 0x80)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters() {
        let text = "a\näö\r\n\n😀x".as_bytes();
        let index = LineIndex::new(text);
        let at = |offset| {
            let Position { line, column } = index.position(text, offset);
            (line, column)
        };
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(2), (2, 1));
        assert_eq!(at(4), (2, 2));
        assert_eq!(at(6), (2, 3));
        assert_eq!(at(8), (3, 1));
        assert_eq!(at(13), (4, 2));
        assert_eq!(at(14), (4, 3));
        assert_eq!(at(99), (4, 3));
    }

    #[test]
    fn every_offset_of_a_long_line_is_counted_the_same_way() {
        let text = "ä€😀x".repeat(500) + "\n" + &"é".repeat(1500);
        let index = LineIndex::new(text.as_bytes());
        for (offset, _) in text.char_indices().chain([(text.len(), ' ')]) {
            let before = &text[..offset];
            let line = before.matches('\n').count() as u32 + 1;
            let column = before.rsplit('\n').next().unwrap().chars().count() as u32 + 1;
            assert_eq!(index.position(text.as_bytes(), offset), Position { line, column });
            assert_eq!(Position::after(&text.as_bytes()[..offset]), Position { line, column });
        }
        assert_eq!(LineIndex::new(b"").position(b"", 5), Position { line: 1, column: 1 });
    }
}
