//! Texts that other people wrote, made safe for services that look for links and mentions in everything.

use std::borrow::Cow;

use crate::problem::escape_terminal;

/// Takes no room and is no space: what stands on both sides of it belongs together for the eye only.
const JOINER: char = '\u{2060}';

/// At most so many characters of a text on one line, in which no service finds a link or a mention.
pub(super) fn plain(text: &str, n_chars: usize) -> String {
    let mut text = cut(&escape_terminal(text), n_chars).into_owned();
    for (found, apart) in [("://", ":\u{2060}//"), ("www.", "www\u{2060}."), ("@", "@\u{2060}")] {
        if text.contains(found) {
            text = text.replace(found, apart);
        }
    }
    debug_assert!(apart_from(&text), "{text}");
    text
}

/// Whether no link or mention is left.
fn apart_from(text: &str) -> bool {
    !text.contains("://") && text.match_indices('@').all(|(at, _)| text[at + 1..].starts_with(JOINER))
}

/// A beginning with a mark where it was cut. What keeps an `@` from being a mention may be what was cut off.
pub(super) fn ended(beginning: &str) -> String {
    format!("{}…", beginning.trim_end_matches('@'))
}

/// The beginning of a text, with a mark where it was cut.
pub(super) fn cut(text: &str, n_chars: usize) -> Cow<'_, str> {
    match text.char_indices().nth(n_chars) {
        Some((end, _)) => Cow::Owned(ended(&text[..end])),
        None => Cow::Borrowed(text),
    }
}
