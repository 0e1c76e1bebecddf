//! How a file spells the characters of its strings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::flow::document::hex4;

/// Which characters stand as they are, and which are escaped and how.
#[derive(Debug, Default)]
pub(super) struct Spelling {
    escaped: BTreeMap<char, Box<str>>,
    plain: BTreeSet<char>,
    is_plain_ascii: u128,
    has_upper_hex: bool,
}

impl Spelling {
    /// Learns from a string with its quotes.
    pub(super) fn learn(&mut self, raw: &[u8]) {
        let text = std::str::from_utf8(raw).unwrap_or_default();
        let inside = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default();
        let mut rest = inside;
        while let Some(first) = rest.chars().next() {
            let n_bytes = if first == '\\' { self.learn_escape(rest) } else { self.learn_plain(first) };
            rest = rest.get(n_bytes..).unwrap_or_default();
        }
    }

    fn learn_plain(&mut self, found: char) -> usize {
        if found.is_ascii() {
            self.is_plain_ascii |= 1 << found as u32;
        } else {
            self.plain.insert(found);
        }
        found.len_utf8()
    }

    /// The length of the escape that `text` begins with.
    fn learn_escape(&mut self, text: &str) -> usize {
        let (found, n_bytes) = match text.as_bytes().get(1) {
            Some(b'u') => {
                let unit = |at| hex4(text.as_bytes(), at).unwrap_or_default();
                let (first, second) = (unit(2), unit(8));
                match char::from_u32(first) {
                    Some(found) => (Some(found), 6),
                    None => (char::decode_utf16([first as u16, second as u16]).next().and_then(Result::ok), 12),
                }
            }
            Some(short) => (short_meaning(*short), 2),
            None => (None, 1),
        };
        if let (Some(found), Some(spelt)) = (found, text.get(..n_bytes)) {
            self.has_upper_hex |= n_bytes > 2 && spelt.bytes().any(|byte| byte.is_ascii_uppercase());
            self.escaped.entry(found).or_insert_with(|| spelt.into());
        }
        n_bytes
    }

    fn is_plain(&self, wanted: char) -> bool {
        if wanted.is_ascii() { self.is_plain_ascii >> wanted as u32 & 1 == 1 } else { self.plain.contains(&wanted) }
    }

    /// How one character is spelt, as far as that is known.
    fn known(&self, wanted: char) -> Option<String> {
        if self.is_plain(wanted) {
            return Some(wanted.into());
        }
        self.escaped.get(&wanted).map(|spelt| spelt.to_string())
    }

    /// Whether characters beyond ASCII are escaped; `None` where there are none, or both ways are used.
    fn escapes_others(&self) -> Option<bool> {
        let escapes = self.escaped.keys().any(|escaped| !escaped.is_ascii());
        (escapes == self.plain.is_empty()).then_some(escapes)
    }

    /// A string, spelt as `model`, and else as the file does.
    pub(super) fn quoted(&self, text: &str, model: Option<&[u8]>) -> Vec<u8> {
        let mut own = Self::default();
        own.learn(model.unwrap_or_default());
        let escapes_others = own.escapes_others().or(self.escapes_others()).unwrap_or(false);
        let has_upper_hex = own.has_upper_hex || self.has_upper_hex;
        let mut out = String::with_capacity(text.len() + 2);
        out.push('"');
        for wanted in text.chars() {
            match own.known(wanted).or_else(|| self.known(wanted)) {
                Some(spelt) => out.push_str(&spelt),
                None => match wanted {
                    '"' => out.push_str("\\\""),
                    '\\' => out.push_str("\\\\"),
                    wanted if wanted < ' ' => control(&mut out, wanted, has_upper_hex),
                    wanted if wanted.is_ascii() || !escapes_others => out.push(wanted),
                    wanted => {
                        let mut units = [0; 2];
                        wanted.encode_utf16(&mut units).iter().for_each(|unit| hex(&mut out, *unit, has_upper_hex));
                    }
                },
            }
        }
        out.push('"');
        out.into_bytes()
    }
}

fn short_meaning(short: u8) -> Option<char> {
    Some(match short {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'"' | b'\\' | b'/' => short.into(),
        _ => return None,
    })
}

fn control(out: &mut String, wanted: char, has_upper_hex: bool) {
    match wanted {
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        wanted => hex(out, wanted as u16, has_upper_hex),
    }
}

fn hex(out: &mut String, unit: u16, has_upper_hex: bool) {
    let _ = if has_upper_hex { write!(out, "\\u{unit:04X}") } else { write!(out, "\\u{unit:04x}") };
}
