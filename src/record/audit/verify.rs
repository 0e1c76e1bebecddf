//! Checking what was sealed: a file within itself, and a trail from file to file.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::sealed::{AuditFault, GENESIS, HASH_MEMBER, Record};
use crate::record::hex_sha256;

/// A record's place in the chain, as it states it.
#[derive(Debug, Clone, Deserialize)]
struct Link {
    seq: u64,
    prev: String,
}

/// A sound record of a file: its hash, and how many bytes of the file end with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Lower-case hex SHA-256.
    pub hash: String,
    /// The length of the file up to and with the record's line break.
    pub end: usize,
}

/// Reads one file and checks every seal and every link within it.
///
/// # Errors
/// The first line that is wrong.
pub fn parse(file: &[u8]) -> Result<Vec<Record>, AuditFault> {
    let mut records = Vec::new();
    check(file, |text, link, sealed| {
        let members: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| format!("the record is not JSON: {error}"))?;
        records.push(Record { seq: link.seq, prev: link.prev, hash: sealed.hash, members });
        Ok(())
    })?;
    Ok(records)
}

/// Checks a file line by line and hands each record over.
fn check(file: &[u8], mut each: impl FnMut(&str, Link, Sealed) -> Result<(), String>) -> Result<(), AuditFault> {
    if !file.is_empty() && file.last() != Some(&b'\n') {
        let line = file.split(|byte| *byte == b'\n').count();
        return Err(AuditFault::at(line, "the last record is cut off: it has no line break"));
    }
    let mut before: Option<(u64, String)> = None;
    let mut end = 0;
    for (index, line) in file.split_inclusive(|byte| *byte == b'\n').enumerate() {
        end += line.len();
        let wrong = |reason| AuditFault::at(index + 1, reason);
        let (text, link, hash) = read(&line[..line.len() - 1]).map_err(wrong)?;
        check_link(before.as_ref(), &link).map_err(wrong)?;
        before = Some((link.seq, hash.clone()));
        each(text, link, Sealed { hash, end }).map_err(wrong)?;
    }
    Ok(())
}

/// The records of a file from its end on, as far as they are whole and their own seals hold; the rest of the file is
/// not looked at.
pub fn from_end(file: &[u8]) -> impl Iterator<Item = Record> {
    let lines = file.strip_suffix(b"\n").into_iter().flat_map(|lines| lines.rsplit(|byte| *byte == b'\n'));
    lines.map_while(|line| {
        let (text, link, hash) = read(line).ok()?;
        Some(Record { seq: link.seq, prev: link.prev, hash, members: serde_json::from_str(text).ok()? })
    })
}

fn read(line: &[u8]) -> Result<(&str, Link, String), String> {
    let text = std::str::from_utf8(line).map_err(|_| "the record is not UTF-8".to_owned())?;
    let cut = text.rfind(HASH_MEMBER).ok_or("the record has no seal (`hash` as its last member)")?;
    let (body, seal) = text.split_at(cut);
    let stated = seal[HASH_MEMBER.len()..].strip_suffix("\"}").ok_or("the record has no seal (`hash`)")?;
    let hash = hex_sha256(body.as_bytes());
    if stated != hash {
        return Err(format!("the record was altered: its bytes hash to {hash}, its seal says {stated}"));
    }
    let link = serde_json::from_str(text).map_err(|error| format!("the record has no place in the chain: {error}"))?;
    Ok((text, link, hash))
}

fn check_link(before: Option<&(u64, String)>, record: &Link) -> Result<(), String> {
    let expected = before.map_or(1, |(seq, _)| seq.saturating_add(1));
    if record.seq != expected {
        return Err(format!("expected record {expected}, found record {}: missing, repeated or reordered", record.seq));
    }
    match before {
        Some((_, hash)) if record.prev != *hash => {
            Err("the record does not follow the one before it: missing, repeated or reordered".to_owned())
        }
        _ => Ok(()),
    }
}

/// Checks a whole trail, one file after the other in any order; nothing of a file is kept but its ends.
///
/// Every file must be sound, each must follow the end of another (or [`GENESIS`]), no two may follow the
/// same, and the chain must end where the newest manifest says.
#[derive(Debug, Clone, Default)]
pub struct Verifier {
    /// Name and last hash of each sound file, by the hash it follows.
    by_start: BTreeMap<String, (String, String)>,
    faults: Vec<AuditFault>,
    n_records: usize,
}

/// A trail that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    /// Its files in the order of the chain.
    pub order: Vec<String>,
    /// How many records they hold.
    pub n_records: usize,
}

impl Verifier {
    /// Checks a file within itself. Its records, or nothing where it is not sound.
    pub fn file(&mut self, name: &str, content: &[u8]) -> Vec<Sealed> {
        let (mut start, mut sealed) = (None, Vec::new());
        let checked = check(content, |_, link, record| {
            start.get_or_insert(link.prev);
            sealed.push(record);
            Ok(())
        });
        if let Err(fault) = checked {
            self.faults.push(AuditFault { file: name.to_owned(), ..fault });
            return Vec::new();
        }
        let (Some(start), Some(last)) = (start, sealed.last()) else {
            self.faults.push(AuditFault::of(name, 0, "the file has no record: it was cut off"));
            return Vec::new();
        };
        self.n_records += sealed.len();
        if let Some((other, _)) = self.by_start.insert(start, (name.to_owned(), last.hash.clone())) {
            let reason = format!("follows the same record as `{other}`: one of them is not part of the chain");
            self.faults.push(AuditFault::of(name, 1, reason));
        }
        sealed
    }

    /// A file that could not be read.
    pub fn unread(&mut self, name: &str) {
        self.faults.push(AuditFault::of(name, 0, "the file is not in git, or larger than any that flowsync writes"));
    }

    /// The sound files in the order of the chain, and then those that are no part of it.
    #[must_use]
    pub fn order(&self) -> Vec<String> {
        let (mut order, _) = follow(&self.by_start);
        let placed: BTreeSet<String> = order.iter().cloned().collect();
        order.extend(self.by_start.values().map(|(name, _)| name).filter(|name| !placed.contains(*name)).cloned());
        order
    }

    /// What is wrong with single files.
    #[must_use]
    pub fn faults(&self) -> &[AuditFault] {
        &self.faults
    }

    /// How many records the sound files hold.
    #[must_use]
    pub fn n_records(&self) -> usize {
        self.n_records
    }

    /// Holds the files against each other and against `head`, as the newest manifest states it.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn finish(self, head: Option<&str>) -> Result<Sound, Vec<AuditFault>> {
        let Self { by_start, mut faults, n_records } = self;
        let (order, end) = follow(&by_start);
        let placed: BTreeSet<&String> = order.iter().collect();
        for (name, _) in by_start.values().filter(|(name, _)| !placed.contains(name)) {
            let reason = "the record it follows is in no file: a file before it is missing or was altered";
            faults.push(AuditFault::of(name, 1, reason));
        }
        let head = head.unwrap_or(GENESIS);
        if faults.is_empty() && end != head {
            let reason = format!("the chain ends at {end}, the manifest names {head}: records were cut off or added");
            faults.push(AuditFault::of(order.last().map_or("", String::as_str), 0, reason));
        }
        if faults.is_empty() { Ok(Sound { order, n_records }) } else { Err(faults) }
    }
}

fn follow(by_start: &BTreeMap<String, (String, String)>) -> (Vec<String>, String) {
    let mut order = Vec::new();
    let mut end = GENESIS.to_owned();
    while let Some((name, last)) = by_start.get(&end) {
        if order.len() > by_start.len() {
            break;
        }
        order.push(name.clone());
        end.clone_from(last);
    }
    (order, end)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::record::audit::{Chain, Event, EventKind};

    fn file(deployment: &str, head: Option<&str>, n_records: usize) -> (Vec<u8>, String) {
        let mut chain = Chain::new("production", deployment, head);
        let text: String = (0..n_records)
            .map(|index| {
                chain.seal(
                    Timestamp::UNIX_EPOCH,
                    &Event::new(EventKind::Intent).with("flow", format!("flow_{index}\"\\")),
                )
            })
            .collect();
        (text.into_bytes(), chain.head().to_owned())
    }

    fn trail() -> (BTreeMap<String, Vec<u8>>, String) {
        let (first, head) = file("b", None, 3);
        let (second, head) = file("a", Some(&head), 4);
        let (third, head) = file("c", Some(&head), 2);
        (BTreeMap::from([("b".into(), first), ("a".into(), second), ("c".into(), third)]), head)
    }

    fn verify(files: &BTreeMap<String, Vec<u8>>, head: Option<&str>) -> Result<Vec<String>, Vec<AuditFault>> {
        let mut verifier = Verifier::default();
        for (name, content) in files {
            verifier.file(name, content);
        }
        verifier.finish(head).map(|sound| sound.order)
    }

    #[test]
    fn records_end_where_their_line_ends() {
        let (content, head) = file("a", None, 3);
        let mut verifier = Verifier::default();
        let sealed = verifier.file("a", &content);
        assert_eq!(sealed.last(), Some(&Sealed { hash: head, end: content.len() }));
        for Sealed { hash, end } in &sealed {
            assert_eq!(parse(&content[..*end]).unwrap().last().unwrap().hash, *hash);
        }
        assert_eq!((verifier.n_records(), verifier.faults()), (3, &[][..]));
    }

    #[test]
    fn files_that_are_no_part_of_the_chain_come_last() {
        let (mut files, _) = trail();
        files.remove("a");
        let mut verifier = Verifier::default();
        files.iter().for_each(|(name, content)| _ = verifier.file(name, content));
        assert_eq!(verifier.order(), ["b", "c"]);
    }

    #[test]
    fn a_sound_trail_is_read_in_its_own_order() {
        let (files, head) = trail();
        assert_eq!(verify(&files, Some(&head)).unwrap(), ["b", "a", "c"]);
    }

    #[test]
    fn every_altered_byte_is_found() {
        let (files, head) = trail();
        for name in ["a", "b", "c"] {
            for index in 0..files[name].len() {
                let mut altered = files.clone();
                altered.get_mut(name).unwrap()[index] ^= 1;
                let faults = verify(&altered, Some(&head)).unwrap_err();
                assert!(faults.iter().any(|fault| fault.file == name), "byte {index} of {name}: {faults:?}");
            }
        }
    }

    #[test]
    fn missing_repeated_reordered_and_cut_records_are_found() {
        let (files, head) = trail();
        let lines: Vec<&[u8]> = files["a"].split_inclusive(|byte| *byte == b'\n').collect();
        let edits: [Vec<&[u8]>; 5] = [
            vec![lines[0], lines[2], lines[3]],
            vec![lines[0], lines[1], lines[1], lines[2], lines[3]],
            vec![lines[1], lines[0], lines[2], lines[3]],
            vec![lines[0], lines[1], lines[2]],
            vec![],
        ];
        for edit in edits {
            let mut altered = files.clone();
            altered.insert("a".into(), edit.concat());
            assert!(verify(&altered, Some(&head)).is_err());
        }
        for name in ["a", "b", "c"] {
            let mut altered = files.clone();
            altered.remove(name);
            assert!(verify(&altered, Some(&head)).is_err(), "without {name}");
        }
    }
}
