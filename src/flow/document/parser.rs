//! From text to tape: RFC 8259, and what the contract refuses beyond it.
//!
//! One pass and an explicit stack, so that no text, however deep, reaches the end of ours. What hides
//! nothing behind it is noted and reading goes on; anything else ends the reading.

use super::cell::{Cell, Kind, Tape};
use super::error::{ParseError, RawFault, found};
use super::keys::{self, Member};
use super::limits::DEPTH_MAX;
use super::text::unescaped;
use crate::flow::pointer;
use crate::problem::Rule;

/// Reads a text whose size and encoding were checked. There is a tape wherever the text is well-formed, faults or not.
pub(super) fn parse(text: &[u8]) -> (Option<Tape>, Vec<RawFault>) {
    let mut parser = Parser::new(text);
    match parser.document() {
        Ok(()) => (Some(Tape { cells: parser.cells, order: parser.order }), parser.faults),
        Err(last) => {
            parser.faults.push(*last);
            (None, parser.faults)
        }
    }
}

/// A container whose end has not come yet.
struct Open {
    cell: u32,
    is_object: bool,
    /// Objects: the key being read. Arrays: how many elements came before.
    step: u32,
    /// Objects: where its keys begin in `members`.
    members: u32,
    /// Objects: whether each key so far comes after the one before it.
    is_rising: bool,
}

pub(super) struct Parser<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
    cells: Vec<Cell>,
    order: Vec<u32>,
    open: Vec<Open>,
    members: Vec<Member>,
    faults: Vec<RawFault>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            at: 0,
            cells: Vec::with_capacity(text.len() / 7 + 8),
            order: vec![0],
            open: Vec::with_capacity(16),
            members: Vec::with_capacity(32),
            faults: Vec::new(),
        }
    }

    /// The whole text: values, and after each of them what may follow.
    fn document(&mut self) -> Result<(), Box<RawFault>> {
        loop {
            if self.value()? {
                continue;
            }
            while let Some(is_object) = self.open.last().map(|open| open.is_object) {
                if self.separator(is_object)? {
                    break;
                }
            }
            if self.open.is_empty() {
                return self.end();
            }
        }
    }

    /// Reads a scalar or opens a container. `true` when what comes next is a value inside of it.
    fn value(&mut self) -> Result<bool, Box<RawFault>> {
        match self.next() {
            Some(b'"') => self.string()?,
            Some(b'{') => return self.open(Kind::Object),
            Some(b'[') => return self.open(Kind::Array),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word(b"true", Kind::Bool)?,
            Some(b'f') => self.word(b"false", Kind::Bool)?,
            Some(b'n') => self.word(b"null", Kind::Null)?,
            _ => return Err(self.no_value()),
        }
        Ok(false)
    }

    fn open(&mut self, kind: Kind) -> Result<bool, Box<RawFault>> {
        if self.open.len() == DEPTH_MAX {
            return Err(self.fault(
                Rule::TooDeep,
                self.at,
                format!("expected at most {DEPTH_MAX} nested arrays and objects, found more"),
                "flatten the document",
            ));
        }
        let cell = self.push(kind, self.at, false, false);
        let is_object = kind == Kind::Object;
        self.at += 1;
        self.open.push(Open { cell, is_object, step: 0, members: self.members.len() as u32, is_rising: true });
        match (self.next(), is_object) {
            (Some(b'}'), true) | (Some(b']'), false) => {
                self.close();
                Ok(false)
            }
            (_, true) => self.key().map(|()| true),
            (_, false) => Ok(true),
        }
    }

    /// After a value in a container: `true` when another value follows, `false` when the container
    /// ended and what follows belongs to the one around it.
    fn separator(&mut self, is_object: bool) -> Result<bool, Box<RawFault>> {
        match (self.next(), is_object) {
            (Some(b','), true) => {
                self.at += 1;
                self.key()?;
                Ok(true)
            }
            (Some(b','), false) => {
                self.at += 1;
                if let Some(open) = self.open.last_mut() {
                    open.step += 1;
                }
                if self.next() == Some(b']') { Err(self.trailing_comma()) } else { Ok(true) }
            }
            (Some(b'}'), true) | (Some(b']'), false) => {
                self.close();
                Ok(false)
            }
            _ => Err(self.no_separator(is_object)),
        }
    }

    /// A key and its colon.
    #[inline]
    fn key(&mut self) -> Result<(), Box<RawFault>> {
        // What is wrong with a key is the object's, not that of the member before it.
        if let Some(open) = self.open.last_mut() {
            open.step = 0;
        }
        match self.next() {
            Some(b'"') => {}
            Some(b'}') => return Err(self.trailing_comma()),
            _ => return Err(self.no_key()),
        }
        let key = self.cells.len() as u32;
        self.string()?;
        let member = Member::new(self.text, &self.cells, key);
        if let Some(open) = self.open.last_mut() {
            open.step = key;
            if let Some(before) = self.members.get(open.members as usize..).and_then(<[Member]>::last).copied() {
                open.is_rising = open.is_rising && keys::rises(self.text, &self.cells, before, member);
            }
        }
        self.members.push(member);
        if self.next() != Some(b':') {
            return Err(self.expected("`:` after a key", "write `\"key\": value`"));
        }
        self.at += 1;
        Ok(())
    }

    /// Ends the innermost container at the bracket that stands here.
    fn close(&mut self) {
        self.at += 1;
        let Some(Open { cell, is_object, members, is_rising, .. }) = self.open.pop() else { return };
        let (cell, members) = (cell as usize, members as usize);
        self.cells[cell].end = self.at as u32;
        self.cells[cell].after = self.cells.len() as u32;
        if !is_object {
            return;
        }
        if !is_rising {
            self.cells[cell].order = self.order.len() as u32;
            self.put_in_order(members);
        }
        self.members.truncate(members);
    }

    /// Writes down the canonical order of the innermost object's keys.
    fn put_in_order(&mut self, members: usize) {
        let own = &mut self.members[members..];
        let is_unique = keys::sort(self.text, &self.cells, own);
        self.order.push(own.len() as u32);
        self.order.extend(own.iter().map(|member| member.key()));
        if !is_unique {
            self.note_duplicates(members);
        }
    }

    #[cold]
    fn note_duplicates(&mut self, members: usize) {
        let limit = ParseError::FAULTS_MAX.saturating_sub(self.faults.len());
        let duplicates = keys::duplicates(self.text, &self.cells, &self.members[members..], limit);
        for (first, again) in duplicates {
            let (first, again) = (self.cells[first as usize], self.cells[again as usize]);
            let key = unescaped(keys::inside(self.text, &again), again.escaped).into_owned();
            let line = 1 + self.text[..first.start as usize].iter().filter(|byte| **byte == b'\n').count();
            let mut pointer = self.pointer_to(self.open.len());
            pointer::push_key(&mut pointer, &key);
            self.faults.push(RawFault {
                rule: Rule::DuplicateKey,
                offset: again.start as usize,
                pointer,
                message: format!("expected each key once, found `{}` again (first in line {line})", shortened(&key)),
                help: "remove one of the two: readers disagree on which one counts",
            });
        }
    }

    /// After the outermost value nothing may follow.
    fn end(&mut self) -> Result<(), Box<RawFault>> {
        match self.next() {
            None => Ok(()),
            Some(_) => Err(self.trailing_text()),
        }
    }

    #[inline]
    pub(super) fn push(&mut self, kind: Kind, start: usize, escaped: bool, verbatim: bool) -> u32 {
        let index = self.cells.len() as u32;
        let (start, end) = (start as u32, self.at as u32);
        self.cells.push(Cell { start, end, after: index + 1, order: 0, kind, escaped, verbatim });
        index
    }

    /// Skips white space; the byte after it.
    #[inline]
    pub(super) fn next(&mut self) -> Option<u8> {
        match self.text.get(self.at) {
            Some(byte) if *byte > b' ' => Some(*byte),
            _ => self.next_after_space(),
        }
    }

    fn next_after_space(&mut self) -> Option<u8> {
        const INDENT: [u8; 8] = [b' '; 8];
        loop {
            match self.text.get(self.at)? {
                b' ' => {
                    self.at += 1;
                    while self.text.get(self.at..self.at + INDENT.len()) == Some(&INDENT) {
                        self.at += INDENT.len();
                    }
                }
                b'\n' | b'\r' | b'\t' => self.at += 1,
                other => return Some(*other),
            }
        }
    }

    /// Notes something that hides nothing behind it.
    pub(super) fn note(&mut self, fault: RawFault) {
        if self.faults.len() < ParseError::FAULTS_MAX {
            self.faults.push(fault);
        }
    }

    #[cold]
    pub(super) fn fault(&self, rule: Rule, offset: usize, message: String, help: &'static str) -> Box<RawFault> {
        Box::new(RawFault { rule, offset, pointer: self.pointer_to(self.open.len()), message, help })
    }

    /// The pointer to what is being read, `depth` containers deep.
    fn pointer_to(&self, depth: usize) -> String {
        let mut text = String::new();
        for open in self.open.iter().take(depth) {
            if !open.is_object {
                pointer::push_index(&mut text, open.step as usize);
            } else if let Some(key) = self.cells.get(open.step as usize).filter(|_| open.step > open.cell) {
                pointer::push_key(&mut text, &unescaped(keys::inside(self.text, key), key.escaped));
            }
        }
        text
    }

    /// The pointer to the innermost container.
    #[cold]
    pub(super) fn pointer_to_container(&self) -> String {
        self.pointer_to(self.open.len().saturating_sub(1))
    }

    pub(super) fn expected(&self, what: &str, help: &'static str) -> Box<RawFault> {
        let rule = if self.at >= self.text.len() { Rule::UnexpectedEnd } else { Rule::InvalidJson };
        self.fault(rule, self.at, format!("expected {what}, found {}", found(self.text, self.at)), help)
    }
}

/// The beginning of a long text, for messages.
fn shortened(text: &str) -> String {
    let mut start: String = text.chars().take(60).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}
