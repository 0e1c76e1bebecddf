//! Strings as Python's `json.dumps` writes them with `ensure_ascii`.

use super::Sink;
use crate::flow::document::{code_point, hex4};

/// Writes the JSON string at `source[start..end]`, quotes included, whose canonical form is not its source text.
pub(super) fn put(sink: &mut impl Sink, source: &[u8], start: usize, end: usize) {
    let text = source.get(..end.saturating_sub(1)).unwrap_or_default();
    let mut at = start + 1;
    sink.put(b"\"");
    while at < text.len() {
        let plain = at;
        at = plain_end(text, at);
        sink.put_part(source, plain, at);
        at += match text.get(at..) {
            None | Some([]) => 0,
            // Most of what is not ASCII in European texts.
            Some(&[lead @ 0xc2..=0xdf, next, ..]) => {
                put_escape(sink, u32::from(lead & 0x1f) << 6 | u32::from(next & 0x3f));
                2
            }
            Some(rest) => put_special(sink, rest),
        };
    }
    sink.put(b"\"");
}

/// Where from `at` on a backslash or a byte beyond printable ASCII stands, eight bytes at a time; control
/// characters stand in no string.
#[inline]
fn plain_end(text: &[u8], mut at: usize) -> usize {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    while let Some(chunk) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let backslash = word ^ (EACH * b'\\' as u64);
        // The lowest bit set is exact: what carries comes from a byte below that is itself one.
        let stops = (word | word.wrapping_add(EACH) | backslash.wrapping_sub(EACH) & !backslash) & HIGH;
        if stops != 0 {
            return at + (stops.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let is_special = |byte: &u8| *byte == b'\\' || *byte >= 0x7f;
    text.get(at..).and_then(|rest| rest.iter().position(is_special)).map_or(text.len(), |length| at + length)
}

/// Writes an escape or a character beyond printable ASCII; how many bytes of the source it took.
fn put_special(sink: &mut impl Sink, rest: &[u8]) -> usize {
    match rest {
        [b'\\', b'u', ..] => {
            put_unit(sink, hex4(rest, 2).unwrap_or_default());
            6
        }
        [b'\\', b'/', ..] => {
            sink.put(b"/");
            2
        }
        [b'\\', ..] => {
            sink.put(rest.get(..2).unwrap_or_default());
            2
        }
        _ => match code_point(rest) {
            Some((value, length)) => {
                put_code_point(sink, value);
                length
            }
            None => rest.len(),
        },
    }
}

fn put_code_point(sink: &mut impl Sink, value: u32) {
    match value.checked_sub(0x10000) {
        None => put_escape(sink, value),
        Some(value) => {
            put_escape(sink, 0xd800 + (value >> 10));
            put_escape(sink, 0xdc00 + (value & 0x3ff));
        }
    }
}

/// Writes what was escaped as one UTF-16 code unit; halves of a pair come one after the other.
fn put_unit(sink: &mut impl Sink, unit: u32) {
    match unit {
        0x08 => sink.put(br"\b"),
        0x09 => sink.put(br"\t"),
        0x0a => sink.put(br"\n"),
        0x0c => sink.put(br"\f"),
        0x0d => sink.put(br"\r"),
        0x22 => sink.put(br#"\""#),
        0x5c => sink.put(br"\\"),
        0x20..0x7f => sink.put(&[unit as u8]),
        _ => put_escape(sink, unit),
    }
}

#[inline]
fn put_escape(sink: &mut impl Sink, unit: u32) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |shift: u32| DIGITS[(unit >> shift & 15) as usize];
    sink.put(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_stretch_ends_at_every_byte_that_is_not() {
        for byte in (b' '..=0xff).filter(|byte| *byte != b'"') {
            for at in 0..20 {
                for after in [b'z', b'~', 0x7f, 0xff, b'\\', b' '] {
                    let mut text = [b'~'; 24];
                    text[at] = byte;
                    text[at + 1..].fill(after);
                    let naive = text.iter().position(|byte| *byte == b'\\' || *byte >= 0x7f);
                    assert_eq!(plain_end(&text, 0), naive.unwrap_or(24), "{byte:#x} at {at}, then {after:#x}");
                }
            }
        }
    }
}
