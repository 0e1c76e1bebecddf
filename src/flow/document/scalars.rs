//! Strings, numbers and the three words.

use super::cell::Kind;
use super::error::RawFault;
use super::limits::INTEGER_DIGITS_MAX;
use super::parser::Parser;
use super::text::{hex4, is_high_surrogate, is_low_surrogate, plain_stretch};
use crate::problem::Rule;

/// Longest float, in bytes, that without an exponent is surely within a double.
const SURELY_FINITE_BYTES: usize = 300;

impl Parser<'_> {
    /// A string; its opening quote stands here.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<(), Box<RawFault>> {
        let start = self.at;
        let stretch = plain_stretch(self.text, start + 1);
        self.at = stretch.end;
        if self.text.get(self.at) != Some(&b'"') {
            return self.string_with_escapes(start, stretch.printable);
        }
        self.at += 1;
        self.push(Kind::String, start, false, stretch.printable);
        Ok(())
    }

    /// The rest of a string from its first backslash.
    #[inline(never)]
    fn string_with_escapes(&mut self, start: usize, mut verbatim: bool) -> Result<(), Box<RawFault>> {
        loop {
            match self.text.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => verbatim &= self.escape()?,
                Some(_) => return Err(self.control_character()),
                None => {
                    let message = "expected `\"` at the end of a string, found the end of the text".to_owned();
                    return Err(self.fault(Rule::UnexpectedEnd, start, message, "close the string"));
                }
            }
            let stretch = plain_stretch(self.text, self.at);
            self.at = stretch.end;
            verbatim &= stretch.printable;
        }
        self.at += 1;
        self.push(Kind::String, start, true, verbatim);
        Ok(())
    }

    /// An escape; its backslash stands here. Whether it is written as canonical JSON writes it.
    fn escape(&mut self) -> Result<bool, Box<RawFault>> {
        match self.text.get(self.at + 1) {
            Some(b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(true)
            }
            Some(b'/') => {
                self.at += 2;
                Ok(false)
            }
            Some(b'u') => self.unicode_escape().map(|()| false),
            _ => Err(self.invalid_escape()),
        }
    }

    fn unicode_escape(&mut self) -> Result<(), Box<RawFault>> {
        let Some(unit) = hex4(self.text, self.at + 2) else {
            return Err(self.invalid_escape());
        };
        if is_high_surrogate(unit)
            && self.text.get(self.at + 6..self.at + 8) == Some(br"\u")
            && hex4(self.text, self.at + 8).is_some_and(is_low_surrogate)
        {
            self.at += 12;
            return Ok(());
        }
        if is_high_surrogate(unit) || is_low_surrogate(unit) {
            let message = format!("expected a pair of surrogates, found `\\u{unit:04x}` alone");
            let help = "write the character itself, or both halves of its pair";
            self.note(*self.fault(Rule::LoneSurrogate, self.at, message, help));
        }
        self.at += 6;
        Ok(())
    }

    fn control_character(&self) -> Box<RawFault> {
        let byte = self.text.get(self.at).copied().unwrap_or_default();
        let message = format!("expected `\\u{byte:04x}`, found the control character itself in a string");
        let help = match byte {
            b'\n' | b'\r' => "write a line break as `\\n`, or close the string",
            b'\t' => "write a tab as `\\t`",
            _ => "escape it",
        };
        self.fault(Rule::ControlCharacter, self.at, message, help)
    }

    fn invalid_escape(&self) -> Box<RawFault> {
        let help = "one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t, or \\u and four hexadecimal digits";
        let end = self.text.len().min(self.at + 6);
        let found = String::from_utf8_lossy(&self.text[self.at..end]);
        let stop = found.char_indices().skip(2).find(|(_, c)| !c.is_ascii_hexdigit()).map_or(found.len(), |(at, _)| at);
        let found = found[..stop].escape_debug().to_string().replace("\\\\", "\\");
        self.fault(Rule::InvalidEscape, self.at, format!("expected an escape, found `{found}`"), help)
    }

    /// A number; its sign or first digit stands here.
    pub(super) fn number(&mut self) -> Result<(), Box<RawFault>> {
        let start = self.at;
        self.at += usize::from(self.text.get(self.at) == Some(&b'-'));
        let whole = self.at;
        let n_digits = self.digits();
        if n_digits == 0 {
            return Err(self.no_number(start));
        }
        if n_digits > 1 && self.text.get(whole) == Some(&b'0') {
            let message = "expected a number without leading zeros, found one".to_owned();
            return Err(self.fault(Rule::LeadingZero, whole, message, "remove the zeros, or quote the text"));
        }
        let has_fraction = self.fraction()?;
        let has_exponent = self.exponent()?;
        if has_fraction || has_exponent {
            self.check_range(start, has_exponent);
            let verbatim = !has_exponent && is_repr(&self.text[whole..self.at], n_digits);
            self.push(Kind::Float, start, false, verbatim);
            return Ok(());
        }
        if n_digits > INTEGER_DIGITS_MAX {
            let message = format!("expected an integer of at most {INTEGER_DIGITS_MAX} digits, found {n_digits}");
            let help = "write it as a string: Python, whose canonical form is hashed, reads no longer ones";
            self.note(*self.fault(Rule::IntegerTooLong, start, message, help));
        }
        let is_minus_zero = self.text.get(start..self.at) == Some(b"-0");
        self.push(Kind::Integer, start, false, !is_minus_zero);
        Ok(())
    }

    /// Skips digits; how many there were.
    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        self.at - start
    }

    fn fraction(&mut self) -> Result<bool, Box<RawFault>> {
        if self.text.get(self.at) != Some(&b'.') {
            return Ok(false);
        }
        self.at += 1;
        if self.digits() == 0 {
            return Err(self.expected("a digit after the decimal point", "write `1.0` or `1`"));
        }
        Ok(true)
    }

    fn exponent(&mut self) -> Result<bool, Box<RawFault>> {
        if !matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            return Ok(false);
        }
        self.at += 1;
        self.at += usize::from(matches!(self.text.get(self.at), Some(b'+' | b'-')));
        if self.digits() == 0 {
            return Err(self.expected("a digit in the exponent", "write `1e5`"));
        }
        Ok(true)
    }

    fn check_range(&mut self, start: usize, has_exponent: bool) {
        if !has_exponent && self.at - start < SURELY_FINITE_BYTES {
            return;
        }
        let text = std::str::from_utf8(&self.text[start..self.at]).unwrap_or_default();
        if text.parse::<f64>().is_ok_and(f64::is_finite) {
            return;
        }
        let message = "expected a number within a double (about 1.8e308), found a larger one".to_owned();
        self.note(*self.fault(Rule::NumberOutOfRange, start, message, "write it as a string"));
    }

    /// `true`, `false` or `null`.
    pub(super) fn word(&mut self, word: &[u8], kind: Kind) -> Result<(), Box<RawFault>> {
        let start = self.at;
        let end = start + word.len();
        let ends = !self.text.get(end).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        if self.text.get(start..end) != Some(word) || !ends {
            return Err(self.no_value());
        }
        self.at = end;
        self.push(kind, start, false, true);
        Ok(())
    }
}

/// Whether a decimal without sign and exponent, `n_whole` digits before its point, is what Python's `repr`
/// gives: up to fifteen digits survive the way to a double and back, none shorter stands for the same double,
/// and no exponent is called for.
fn is_repr(text: &[u8], n_whole: usize) -> bool {
    let (whole, fraction) = (&text[..n_whole], &text[n_whole + 1..]);
    let is_tiny = whole == b"0" && fraction.iter().take(4).all(|digit| *digit == b'0');
    fraction == b"0" && n_whole <= 15 || text.len() <= 16 && !fraction.ends_with(b"0") && !is_tiny
}
