//! Texts that other people wrote, made safe to print: what is not seen, or moves what is, is spelt out.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Spells out control characters (and with them every ANSI sequence), bidirectional controls and
/// characters without width, as `\n` or `\u{202e}`.
#[must_use]
pub fn escape_terminal(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find(is_unsafe) else { return Cow::Borrowed(text) };
    let mut safe = String::with_capacity(text.len() + 16);
    safe.push_str(&text[..first]);
    for character in text[first..].chars() {
        push_safe(&mut safe, character);
    }
    Cow::Owned(safe)
}

/// Appends one character, spelt out where it must be.
pub(super) fn push_safe(text: &mut String, character: char) {
    match character {
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        _ if is_unsafe(character) => {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\u{{{:x}}}", character as u32);
        }
        _ => text.push(character),
    }
}

fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_stays() {
        for text in ["", "flow_a", "Grüße 👋🏽 👩‍💻", "a\\nb", "日本"] {
            assert!(matches!(escape_terminal(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn what_moves_the_cursor_or_the_eye_is_spelt_out() {
        assert_eq!(escape_terminal("a\u{1b}[31mb\u{7}\r\n\t"), "a\\u{1b}[31mb\\u{7}\\r\\n\\t");
        assert_eq!(escape_terminal("x\u{202e}y\u{2066}\u{feff}\u{9b}2J"), "x\\u{202e}y\\u{2066}\\u{feff}\\u{9b}2J");
    }
}
