//! Strings inside the source: finding their end eight bytes at a time, and reading their escapes.

use std::borrow::Cow;

const EACH: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// What a stretch of plain string text was like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    /// Where it ended: at a quote, a backslash, a control character or the end of the text.
    pub(super) end: usize,
    /// Whether all of it was printable ASCII.
    pub(super) printable: bool,
}

/// Reads from `at` to the next quote, backslash or control character.
#[inline(always)]
pub(super) fn plain_stretch(text: &[u8], mut at: usize) -> Stretch {
    let mut seen = 0;
    while let Some(chunk) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let stops = stops(word);
        if stops != 0 {
            let n_bits = stops.trailing_zeros() & !7;
            let before = word & ((1 << n_bits) - 1);
            seen |= before | before.wrapping_add(EACH);
            return Stretch { end: at + (n_bits / 8) as usize, printable: seen & HIGH == 0 };
        }
        seen |= word | word.wrapping_add(EACH);
        at += 8;
    }
    let mut printable = seen & HIGH == 0;
    while let Some(&byte) = text.get(at) {
        if byte < b' ' || byte == b'"' || byte == b'\\' {
            break;
        }
        printable &= byte < 0x7f;
        at += 1;
    }
    Stretch { end: at, printable }
}

/// The high bit of each byte that ends a stretch; the lowest one set is exact.
#[inline]
fn stops(word: u64) -> u64 {
    let quote = word ^ (EACH * b'"' as u64);
    let backslash = word ^ (EACH * b'\\' as u64);
    let is_quote = quote.wrapping_sub(EACH) & !quote;
    let is_backslash = backslash.wrapping_sub(EACH) & !backslash;
    let is_control = word.wrapping_sub(EACH * b' ' as u64) & !word;
    (is_quote | is_backslash | is_control) & HIGH
}

/// The value of four hexadecimal digits at `at`.
pub(in crate::flow) fn hex4(text: &[u8], at: usize) -> Option<u32> {
    let digits = text.get(at..at + 4)?;
    digits.iter().try_fold(0, |value, &digit| Some(value << 4 | (digit as char).to_digit(16)?))
}

/// Whether a UTF-16 code unit is the first half of a pair.
pub(in crate::flow) fn is_high_surrogate(unit: u32) -> bool {
    (0xd800..0xdc00).contains(&unit)
}

/// Whether a UTF-16 code unit is the second half of a pair.
pub(in crate::flow) fn is_low_surrogate(unit: u32) -> bool {
    (0xdc00..0xe000).contains(&unit)
}

/// The character that `pair` of surrogates stands for.
fn joined(high: u32, low: u32) -> u32 {
    0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
}

/// The code point at the start of valid UTF-8, and its length in bytes.
pub(in crate::flow) fn code_point(bytes: &[u8]) -> Option<(u32, usize)> {
    let low = |byte: u8| u32::from(byte & 0x3f);
    Some(match *bytes {
        [a, ..] if a < 0x80 => (u32::from(a), 1),
        [a, b, ..] if a < 0xe0 => (u32::from(a & 0x1f) << 6 | low(b), 2),
        [a, b, c, ..] if a < 0xf0 => (u32::from(a & 0x0f) << 12 | low(b) << 6 | low(c), 3),
        [a, b, c, d, ..] => (u32::from(a & 0x07) << 18 | low(b) << 12 | low(c) << 6 | low(d), 4),
        _ => return None,
    })
}

/// Code points of a string's inside, escapes read; a lone surrogate comes out as itself.
pub(super) struct CodePoints<'a>(&'a [u8]);

impl<'a> CodePoints<'a> {
    /// `inside` is what stands between the quotes, its escapes already checked.
    pub(super) fn new(inside: &'a [u8]) -> Self {
        Self(inside)
    }

    fn escape(&mut self) -> Option<u32> {
        let letter = *self.0.get(1)?;
        let simple = match letter {
            b'b' => 8,
            b't' => 9,
            b'n' => 10,
            b'f' => 12,
            b'r' => 13,
            b'u' => return self.unicode_escape(),
            other => u32::from(other),
        };
        self.0 = self.0.get(2..)?;
        Some(simple)
    }

    fn unicode_escape(&mut self) -> Option<u32> {
        let unit = hex4(self.0, 2)?;
        let low = if is_high_surrogate(unit) && self.0.get(6..8) == Some(br"\u") { hex4(self.0, 8) } else { None };
        let (value, length) = match low {
            Some(low) if is_low_surrogate(low) => (joined(unit, low), 12),
            _ => (unit, 6),
        };
        self.0 = self.0.get(length..)?;
        Some(value)
    }
}

impl Iterator for CodePoints<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if self.0.first()? == &b'\\' {
            return self.escape();
        }
        let (value, length) = code_point(self.0)?;
        self.0 = self.0.get(length..)?;
        Some(value)
    }
}

/// The text of a string's inside.
pub(super) fn unescaped(inside: &[u8], escaped: bool) -> Cow<'_, str> {
    if escaped {
        let readable = |value| char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
        Cow::Owned(CodePoints::new(inside).map(readable).collect())
    } else {
        String::from_utf8_lossy(inside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_ends_at_every_byte_that_may_not_stand_in_a_string() {
        for length in 0..40 {
            for stop in (0..0x20).chain([b'"', b'\\']) {
                let mut text = vec![b'a'; length];
                text.push(stop);
                text.extend_from_slice(b"\"\\\x01 rest of the text");
                let stretch = plain_stretch(&text, 0);
                assert_eq!((stretch.end, stretch.printable), (length, true), "{stop:#x} after {length}");
            }
        }
    }

    #[test]
    fn every_other_byte_belongs_to_a_stretch() {
        for byte in (0x20..=0xff_u8).filter(|byte| !matches!(byte, b'"' | b'\\')) {
            for at in 0..20 {
                let mut text = [b'z'; 24];
                text[at] = byte;
                text[20] = b'"';
                let stretch = plain_stretch(&text, 0);
                assert_eq!((stretch.end, stretch.printable), (20, byte < 0x7f), "{byte:#x} at {at}");
            }
        }
    }

    #[test]
    fn escapes_are_read() {
        let read = |inside: &str| unescaped(inside.as_bytes(), true).into_owned();
        assert_eq!(read(r#"\"\\\/\b\f\n\r\t"#), "\"\\/\u{8}\u{c}\n\r\t");
        assert_eq!(read(r"\u00e4\uD83D\uDE00ä😀"), "ä😀ä😀");
        assert_eq!(read(r"\ud83dx"), "\u{fffd}x");
    }
}
