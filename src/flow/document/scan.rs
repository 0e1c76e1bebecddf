//! What can be found in a text without parsing it: members and elements, told apart by quotes and brackets
//! alone. For texts that the parser refuses, or of which only the beginning is there.
//!
//! Nothing inside a value is checked. Where a key stands twice both come out, in the order of the text: most
//! readers of JSON take the last one.

use std::borrow::Cow;
use std::ops::Range;

use super::text::{plain_stretch, unescaped};

/// A value that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value<'a> {
    /// Its text, up to the end of the whole text where it has no end of its own.
    pub text: &'a [u8],
    /// Where that stands, in bytes.
    pub span: Range<usize>,
    /// Whether its end was found.
    pub is_whole: bool,
}

/// One member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its key, escapes read.
    pub key: Cow<'a, str>,
    /// The first byte of its key, in bytes.
    pub start: usize,
    /// Its value.
    pub value: Value<'a>,
}

/// The members of the outermost object of a text, as far as they can be told apart.
#[derive(Debug, Clone)]
pub struct Members<'a>(Walk<'a>);

/// The elements of the outermost array of a text, as far as they can be told apart.
#[derive(Debug, Clone)]
pub struct Elements<'a>(Walk<'a>);

/// The members of an object; `None` where the text is none.
#[must_use]
pub fn members(text: &[u8]) -> Option<Members<'_>> {
    Walk::into(text, b'{', b'}').map(Members)
}

/// The elements of an array; `None` where the text is none.
#[must_use]
pub fn elements(text: &[u8]) -> Option<Elements<'_>> {
    Walk::into(text, b'[', b']').map(Elements)
}

impl<'a> Value<'a> {
    /// The text of a whole string, escapes read.
    #[must_use]
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        let inside = self.text.strip_prefix(b"\"")?.strip_suffix(b"\"").filter(|_| self.is_whole)?;
        Some(unescaped(inside, inside.contains(&b'\\')))
    }

    /// A whole number that is not negative.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        std::str::from_utf8(self.text).ok().filter(|_| self.is_whole)?.parse().ok()
    }
}

impl<'a> Members<'a> {
    /// Whether the object came to its end, and nothing follows it. To be asked when no more come.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.0.is_whole()
    }

    /// One past the closing bracket of the object. To be asked when no more come.
    #[must_use]
    pub fn end(&self) -> Option<usize> {
        self.0.end
    }

    /// The next member, where somebody may know by its key and the text from its value on how long the value is.
    pub fn next_of_length(&mut self, length: impl FnOnce(&str, &'a [u8]) -> Option<usize>) -> Option<Member<'a>> {
        let walk = &mut self.0;
        let start = walk.begin()?;
        let key = walk.value(start, |_| None).filter(|key| key.text.starts_with(b"\""))?;
        let colon = space_end(walk.text, key.span.end);
        if walk.text.get(colon) != Some(&b':') {
            walk.at = None;
            return None;
        }
        let key = key.as_str()?;
        let value = walk.value(space_end(walk.text, colon + 1), |rest| length(&key, rest))?;
        walk.after(&value);
        Some(Member { key, start, value })
    }
}

impl<'a> Elements<'a> {
    /// Whether the array came to its end, and nothing follows it. To be asked when no more come.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.0.is_whole()
    }

    /// One past the closing bracket of the array. To be asked when no more come.
    #[must_use]
    pub fn end(&self) -> Option<usize> {
        self.0.end
    }

    /// The next element, where somebody may know by the text from there on how long it is.
    pub fn next_of_length(&mut self, length: impl FnOnce(&'a [u8]) -> Option<usize>) -> Option<Value<'a>> {
        let walk = &mut self.0;
        let start = walk.begin()?;
        let value = walk.value(start, length)?;
        walk.after(&value);
        Some(value)
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        self.next_of_length(|_, _| None)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        self.next_of_length(|_| None)
    }
}

/// A walk through one container.
#[derive(Debug, Clone)]
struct Walk<'a> {
    text: &'a [u8],
    /// Where the next item is looked for; nowhere once the walk is over.
    at: Option<usize>,
    close: u8,
    is_first: bool,
    /// One past the closing bracket, once it was met.
    end: Option<usize>,
}

impl<'a> Walk<'a> {
    fn into(text: &'a [u8], open: u8, close: u8) -> Option<Self> {
        let start = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let at = space_end(text, start);
        let walk = Self { text, at: Some(at + 1), close, is_first: true, end: None };
        (text.get(at) == Some(&open)).then_some(walk)
    }

    /// Where the next item begins; `None` when none does.
    fn begin(&mut self) -> Option<usize> {
        let at = space_end(self.text, self.at.take()?);
        if self.text.get(at) == Some(&self.close) {
            self.end = Some(at + 1);
            return None;
        }
        match (std::mem::take(&mut self.is_first), self.text.get(at)) {
            (true, _) => Some(at),
            (false, Some(b',')) => Some(space_end(self.text, at + 1)),
            (false, _) => None,
        }
    }

    fn is_whole(&self) -> bool {
        self.end.is_some_and(|end| space_end(self.text, end) == self.text.len())
    }

    fn value(&self, start: usize, length: impl FnOnce(&'a [u8]) -> Option<usize>) -> Option<Value<'a>> {
        if matches!(self.text.get(start)?, b'}' | b']' | b',' | b':') {
            return None;
        }
        let known = self.text.get(start..).and_then(length).map(|length| start + length);
        let end = known.filter(|end| *end <= self.text.len()).or_else(|| value_end(self.text, start));
        let span = start..end.unwrap_or(self.text.len());
        let text = self.text.get(span.clone()).filter(|text| !text.is_empty())?;
        Some(Value { text, span, is_whole: end.is_some() })
    }

    fn after(&mut self, value: &Value<'_>) {
        self.at = value.is_whole.then_some(value.span.end);
    }
}

fn space_end(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| **byte <= b' ').count()
}

/// One past the value that begins at `at`; `None` where the text ends first.
fn value_end(text: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match *text.get(at)? {
            b'"' => at = string_end(text, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            _ if depth > 0 => at += 1,
            _ => return scalar_end(text, at),
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

/// A scalar goes on to the next separator, whatever it looks like; blanks at its end are not part of it.
fn scalar_end(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let length = rest.iter().position(|byte| matches!(byte, b',' | b'{' | b'}' | b'[' | b']' | b':' | b'"'))?;
    let n_blanks = rest[..length].iter().rev().take_while(|byte| **byte <= b' ').count();
    Some(at + length - n_blanks)
}

/// One past the closing quote of the string that opens at `at`.
fn string_end(text: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at = plain_stretch(text, at).end;
        match *text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The text with every blank outside of strings taken out, in pieces.
pub(in crate::flow) fn solid_pieces(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at = space_end(text, at);
        let start = at;
        while let Some(byte) = text.get(at).filter(|byte| **byte > b' ') {
            at = if *byte == b'"' { string_end(text, at).unwrap_or(text.len()) } else { at + 1 };
        }
        text.get(start..at).filter(|piece| !piece.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &[u8]) -> (Vec<String>, bool) {
        let mut members = members(text).unwrap();
        let show = |member: Member<'_>| {
            let end = if member.value.is_whole { "" } else { "…" };
            format!("{}={}{end}", member.key, String::from_utf8_lossy(member.value.text))
        };
        (members.by_ref().map(show).collect(), members.is_whole())
    }

    #[track_caller]
    fn check(text: impl AsRef<[u8]>, expected: &[&str], is_whole: bool) {
        assert_eq!(shown(text.as_ref()), (expected.iter().map(ToString::to_string).collect(), is_whole));
    }

    #[test]
    fn members_are_told_apart_whatever_stands_in_their_values() {
        check("{}", &[], true);
        check(" { } ", &[], true);
        check(r#"{"a":1,"a" : "x,\"}" , "b":[{"c":"]"}]}"#, &["a=1", r#"a="x,\"}""#, r#"b=[{"c":"]"}]"#], true);
        check("{\"a\":\"\u{1}\n\",\"\\u0062\":1e999}", &["a=\"\u{1}\n\"", "b=1e999"], true);
        check(b"{\"a\":\"\xff\",\"b\":0}", &["a=\"\u{fffd}\"", "b=0"], true);
        check("\u{feff}{\"a\":1}", &["a=1"], true);
        let deep = format!("{{\"a\":{}{},\"b\":1}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(shown(deep.as_bytes()).0.len(), 2);
    }

    #[test]
    fn a_text_that_breaks_off_gives_what_came_before() {
        check("{", &[], false);
        check(r#"{"a":1"#, &["a=1…"], false);
        check(r#"{"a":1,"b"#, &["a=1"], false);
        check(r#"{"a":1,"b":"x"#, &["a=1", "b=\"x…"], false);
        check(r#"{"a":1,"b":[{"x":2},"#, &["a=1", r#"b=[{"x":2},…"#], false);
        check(r#"{"a":1,"b":2} x"#, &["a=1", "b=2"], false);
        check(r#"{"a":1 "b":2}"#, &["a=1"], false);
        check(r#"{"a":1,b:2}"#, &["a=1"], false);
        check(r#"{"a":}"#, &[], false);
        check(r#"{"a"}"#, &[], false);
        assert!(members(b"[1]").is_none() && members(b"").is_none() && elements(b"{}").is_none());
    }

    #[test]
    fn every_beginning_of_a_text_is_walked_through() {
        let text = br#" {"a":{"b":["\"",1]},"c":"\\","d":-0.5e1,"e":null } "#;
        for end in 0..=text.len() {
            let is_whole = members(&text[..end]).is_some_and(|mut members| {
                let n_members = members.by_ref().count();
                members.is_whole() && n_members == 4
            });
            assert_eq!(is_whole, end + 1 >= text.len(), "{end}");
        }
    }

    #[test]
    fn elements_are_values() {
        let mut walk = elements(br#"[ {"a":"]"} , 2,"x" ]"#).unwrap();
        let texts: Vec<_> = walk.by_ref().map(|value| String::from_utf8_lossy(value.text).into_owned()).collect();
        assert_eq!((texts, walk.is_whole()), (vec![r#"{"a":"]"}"#.to_owned(), "2".into(), "\"x\"".into()], true));
        let last = elements(br#"[{"id":"flow_a"},{"id":"flow_b","#).unwrap().last().unwrap();
        assert!(!last.is_whole);
        assert_eq!(members(last.text).unwrap().next().unwrap().value.as_str().as_deref(), Some("flow_b"));
    }

    #[test]
    fn numbers_and_strings_are_read_where_they_are_whole() {
        let value = |text: &'static str| elements(text.as_bytes()).unwrap().next().unwrap();
        assert_eq!(value("[12]").as_u64(), Some(12));
        assert_eq!((value("[12").as_u64(), value("[-1]").as_u64(), value("[1.0]").as_u64()), (None, None, None));
        assert_eq!(value(r#"["\u0061\/"]"#).as_str().as_deref(), Some("a/"));
        assert_eq!((value(r#"["a"#).as_str(), value("[1]").as_str()), (None, None));
    }

    #[test]
    fn blanks_outside_of_strings_are_left_out() {
        let solid = |text: &str| String::from_utf8(solid_pieces(text.as_bytes()).collect::<Vec<_>>().concat()).unwrap();
        assert_eq!(solid(" { \"a b\" : [ 1 ,\n\"\\\" \" ] } "), "{\"a b\":[1,\"\\\" \"]}");
        assert_eq!(solid("{\"a b"), "{\"a b");
        assert_eq!(solid(" \n"), "");
    }
}
