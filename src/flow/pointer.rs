//! JSON pointers (RFC 6901).

use std::fmt::Write as _;

/// Appends a key.
pub(crate) fn push_key(pointer: &mut String, key: &str) {
    pointer.push('/');
    for character in key.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

/// Appends an index.
pub(crate) fn push_index(pointer: &mut String, index: usize) {
    // Writing to a string cannot fail.
    let _ = write!(pointer, "/{index}");
}

/// The text of one segment; `None` where a `~` is followed by neither `0` nor `1`.
pub(crate) fn unescape(segment: &str) -> Option<String> {
    let mut parts = segment.split('~');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (escaped, rest) = match part.as_bytes().first() {
            Some(b'0') => ('~', &part[1..]),
            Some(b'1') => ('/', &part[1..]),
            _ => return None,
        };
        text.push(escaped);
        text.push_str(rest);
    }
    Some(text)
}

/// The array index a segment names: digits without leading zeros.
pub(in crate::flow) fn index(segment: &str) -> Option<usize> {
    let canonical = segment == "0" || !segment.starts_with('0');
    let digits = !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
    if canonical && digits { segment.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_escaped_and_read_back() {
        for key in ["", "a/b", "m~n", "~1", "~01", "/", "ä"] {
            let mut pointer = String::new();
            push_key(&mut pointer, key);
            assert_eq!(unescape(&pointer[1..]).as_deref(), Some(key));
        }
        assert_eq!(unescape("~2"), None);
        assert_eq!(unescape("a~"), None);
    }

    #[test]
    fn an_index_is_plain_digits() {
        assert_eq!(index("0"), Some(0));
        assert_eq!(index("17"), Some(17));
        for wrong in ["", "01", "00", "-", "+1", "1a", "٣", "99999999999999999999999"] {
            assert_eq!(index(wrong), None, "{wrong}");
        }
    }
}
