//! Ways in which a live flow cannot be parsed, although a tenant holds it and gives it out.

/// One way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Garble {
    /// A key stands twice.
    KeyTwice,
    /// Half a surrogate pair.
    LoneSurrogate,
    /// A control character inside a string.
    ControlCharacter,
    /// A number beyond a double.
    NumberOutOfRange,
    /// Arrays deeper than any parser of ours goes.
    TooDeep,
    /// Bytes that are no UTF-8.
    InvalidUtf8,
}

impl Garble {
    /// Every way.
    pub const ALL: [Self; 6] = [
        Self::KeyTwice,
        Self::LoneSurrogate,
        Self::ControlCharacter,
        Self::NumberOutOfRange,
        Self::TooDeep,
        Self::InvalidUtf8,
    ];

    /// A flow's text with a member more, which nobody parses.
    #[must_use]
    pub fn applied_to(self, text: &[u8]) -> Vec<u8> {
        const DEPTH: usize = 200;
        let member = match self {
            Self::KeyTwice => br#""odd":1,"odd":2"#.to_vec(),
            Self::LoneSurrogate => br#""odd":"\ud83d""#.to_vec(),
            Self::ControlCharacter => b"\"odd\":\"\x01\"".to_vec(),
            Self::NumberOutOfRange => br#""odd":1e999"#.to_vec(),
            Self::TooDeep => [br#""odd":"#.as_slice(), &[b'['; DEPTH], &[b']'; DEPTH]].concat(),
            Self::InvalidUtf8 => b"\"odd\":\"\xff\"".to_vec(),
        };
        let inside = text.iter().position(|byte| *byte == b'{').map_or(0, |brace| brace + 1);
        let (start, rest) = text.split_at(inside);
        let comma: &[u8] = if rest.trim_ascii_start().starts_with(b"}") { b"" } else { b"," };
        [start, &member, comma, rest].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Comparison, Definition, Reading};

    #[test]
    fn a_garbled_flow_is_the_same_flow_and_cannot_be_parsed() {
        for how in Garble::ALL {
            for text in [r#"{"id":"flow_a","version":"1.0.0"}"#, r#" { "version":"1.0.0", "id":"flow_a" }"#] {
                let flow = Definition::from_live(&how.applied_to(text.as_bytes()), &Comparison::default()).unwrap();
                assert_eq!((flow.id.as_str(), &*flow.version), ("flow_a", "1.0.0"), "{how:?}");
                assert!(matches!(flow.reading, Reading::Raw(_)), "{how:?}");
            }
        }
        assert_eq!(Garble::KeyTwice.applied_to(b"{}"), br#"{"odd":1,"odd":2}"#);
    }
}
