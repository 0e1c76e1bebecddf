//! What stood where something else should have been, in words that help.

use super::error::{RawFault, found};
use super::parser::Parser;
use crate::problem::Rule;

impl Parser<'_> {
    /// No value begins here.
    pub(super) fn no_value(&mut self) -> Box<RawFault> {
        let word = self.word_here();
        match (word, self.text.get(self.at)) {
            ("NaN" | "Infinity", _) => self.not_a_number(self.at, word),
            ("True" | "False" | "None" | "TRUE" | "FALSE" | "NULL" | "undefined", _) => {
                let message = format!("expected a value, found `{word}`");
                self.fault(Rule::InvalidJson, self.at, message, "JSON knows `true`, `false` and `null`")
            }
            (_, Some(b'/')) => self.comment(),
            (_, Some(b'\'')) => self.expected("a value", "strings stand in double quotes"),
            (_, Some(b'.' | b'+')) => self.expected("a value", "a number begins with a digit or a minus"),
            (_, Some(b'a'..=b'z' | b'A'..=b'Z')) => self.expected("a value", "strings stand in double quotes"),
            (_, None) if self.text.iter().all(u8::is_ascii_whitespace) => {
                self.expected("a JSON object", "write a flow")
            }
            (_, None) => self.expected("a value", "the text breaks off; is the file complete?"),
            _ => self.expected("a value", "write a string, a number, an object, an array, true, false or null"),
        }
    }

    /// A minus, and no digit after it.
    pub(super) fn no_number(&mut self, start: usize) -> Box<RawFault> {
        match self.word_here() {
            word @ ("Infinity" | "NaN") => self.not_a_number(start, word),
            _ => self.expected("a digit after `-`", "write `-1`"),
        }
    }

    fn not_a_number(&self, start: usize, word: &str) -> Box<RawFault> {
        let message = format!("expected a number, found `{word}`");
        self.fault(Rule::NotANumber, start, message, "JSON has no such number; write null or a string")
    }

    fn comment(&self) -> Box<RawFault> {
        let message = "expected JSON, found a comment".to_owned();
        self.fault(Rule::Comment, self.at, message, "JSON has no comments; remove it, or make it a member")
    }

    /// The comma before this bracket is one too many.
    pub(super) fn trailing_comma(&mut self) -> Box<RawFault> {
        let closing = found(self.text, self.at);
        let comma = self.text[..self.at].iter().rposition(|byte| *byte == b',').unwrap_or(self.at);
        let message = format!("expected another entry after `,`, found {closing}");
        let mut fault = self.fault(Rule::TrailingComma, comma, message, "remove the comma");
        fault.pointer = self.pointer_to_container();
        fault
    }

    /// No key begins here.
    pub(super) fn no_key(&mut self) -> Box<RawFault> {
        match self.text.get(self.at) {
            Some(b'/') => self.comment(),
            Some(b'\'') => self.expected("a key", "keys stand in double quotes"),
            Some(byte) if byte.is_ascii_alphanumeric() || *byte == b'_' => {
                self.expected("a key", "keys stand in double quotes")
            }
            None => self.expected("a key", "the text breaks off; is the file complete?"),
            _ => self.expected("a key", "write `\"key\": value`"),
        }
    }

    /// After a value in a container stands neither a comma nor its end.
    pub(super) fn no_separator(&mut self, is_object: bool) -> Box<RawFault> {
        let what = if is_object { "`,` or `}` after a member" } else { "`,` or `]` after an element" };
        match self.text.get(self.at) {
            Some(b'/') => self.comment(),
            None => self.expected(what, "the text breaks off; is the file complete?"),
            Some(b'"' | b'{' | b'[' | b'-' | b'0'..=b'9') => self.expected(what, "is there a comma missing?"),
            _ => self.expected(what, "close the brackets in the order they were opened"),
        }
    }

    /// Something follows the document.
    pub(super) fn trailing_text(&mut self) -> Box<RawFault> {
        if self.text.get(self.at) == Some(&b'/') {
            return self.comment();
        }
        let message = format!("expected the end of the text after the document, found {}", found(self.text, self.at));
        self.fault(Rule::TrailingText, self.at, message, "one file holds one flow; remove what follows")
    }

    /// The letters that stand here.
    fn word_here(&self) -> &'static str {
        const WORDS: [&str; 9] = ["NaN", "Infinity", "True", "False", "None", "TRUE", "FALSE", "NULL", "undefined"];
        let rest = self.text.get(self.at..).unwrap_or_default();
        let begins = |word: &&&str| rest.starts_with(word.as_bytes());
        WORDS.iter().find(begins).copied().unwrap_or_default()
    }
}
