//! Strings as Python's `json.dumps` writes them with `ensure_ascii`.

use super::Sink;
use crate::flow::document::{code_point, hex4};

/// Writes a JSON string, quotes included, whose canonical form is not its source text.
pub(super) fn put(sink: &mut impl Sink, text: &[u8]) {
    let mut rest = text.get(1..text.len() - 1).unwrap_or_default();
    sink.put(b"\"");
    while !rest.is_empty() {
        let plain = rest.iter().position(|byte| *byte == b'\\' || *byte >= 0x7f).unwrap_or(rest.len());
        sink.put(&rest[..plain]);
        rest = &rest[plain..];
        let length = put_special(sink, rest);
        rest = rest.get(length..).unwrap_or_default();
    }
    sink.put(b"\"");
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
