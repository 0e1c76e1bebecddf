//! The audit trail: one line an event, append-only, each line sealed with the hash of the one before.
//!
//! A line is a JSON object whose last member is `hash`: the SHA-256 of the line's bytes up to that
//! member. `prev` is the hash of the line before, in the same file or in the file of the deployment
//! before; the very first is [`GENESIS`]. So any altered byte, lost line or changed order shows, and
//! `sha256sum` is all that a stranger needs to check it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::hex_sha256;

/// What the first record of an environment follows.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The member of the record that closes a deployment which keeps the digest of its manifest.
pub const MANIFEST_MEMBER: &str = "manifest";

const HASH_MEMBER: &str = r#","hash":""#;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// Git and tenant were found equal; ownership was written down.
    Adopted,
    /// The deployment was planned and its manifest committed.
    Begun,
    /// Another process took the deployment over, or the same one came back to it.
    Continued,
    /// Recovery found this live.
    Found,
    /// A request that changes the tenant is about to be made.
    Intent,
    /// What came of it.
    Outcome,
    /// Something live that was neither the target nor the previous definition is about to be overwritten.
    Overwritten,
    /// The lease was extended.
    Renewed,
    /// A final export showed every flow as sent.
    Verified,
    /// Something failed; what was written is taken back.
    Restoring,
    /// The deployment ended.
    Ended,
}

impl EventKind {
    /// The word in the record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Adopted => "adopted",
            Self::Begun => "begun",
            Self::Continued => "continued",
            Self::Found => "found",
            Self::Intent => "intent",
            Self::Outcome => "outcome",
            Self::Overwritten => "overwritten",
            Self::Renewed => "renewed",
            Self::Verified => "verified",
            Self::Restoring => "restoring",
            Self::Ended => "ended",
        }
    }
}

/// An event before it is sealed. `members` are more members of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The rest: `call`, `flow`, `error` …
    pub members: Map<String, Value>,
}

impl Event {
    /// An event with nothing more to say.
    #[must_use]
    pub fn new(kind: EventKind) -> Self {
        Self { kind, members: Map::new() }
    }

    /// With one more member.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.members.insert(key.to_owned(), value.into());
        self
    }
}

/// Where a chain stands: seals one event after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    environment: String,
    deployment: String,
    head: String,
    seq: u64,
}

impl Chain {
    /// The chain of a new deployment, after `head` (or [`GENESIS`]).
    #[must_use]
    pub fn new(environment: &str, deployment: &str, head: Option<&str>) -> Self {
        Self {
            environment: environment.to_owned(),
            deployment: deployment.to_owned(),
            head: head.unwrap_or(GENESIS).to_owned(),
            seq: 0,
        }
    }

    /// The chain after the records of a file that was begun earlier.
    pub fn resume(environment: &str, deployment: &str, file: &[u8]) -> Result<Self, Fault> {
        let records = parse(file)?;
        let Some(last) = records.last() else {
            return Ok(Self::new(environment, deployment, None));
        };
        Ok(Self {
            environment: environment.to_owned(),
            deployment: deployment.to_owned(),
            head: last.hash.clone(),
            seq: last.seq,
        })
    }

    /// Hash of the newest record.
    #[must_use]
    pub fn head(&self) -> &str {
        &self.head
    }

    /// Seals an event: the line, with its line break.
    pub fn seal(&mut self, now: Timestamp, event: &Event) -> String {
        self.seq += 1;
        let mut body = Map::new();
        body.insert("seq".into(), self.seq.into());
        body.insert("time".into(), now.to_string().into());
        body.insert("environment".into(), self.environment.clone().into());
        body.insert("deploymentId".into(), self.deployment.clone().into());
        body.insert("event".into(), event.kind.as_str().into());
        body.insert("prev".into(), self.head.clone().into());
        body.extend(event.members.clone());
        let mut line = Value::Object(body).to_string();
        line.pop();
        self.head = hex_sha256(line.as_bytes());
        line.push_str(HASH_MEMBER);
        line.push_str(&self.head);
        line.push_str("\"}\n");
        line
    }
}

/// A sealed record, read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number in the file, from 1.
    pub seq: u64,
    /// Hash of the record before.
    pub prev: String,
    /// Its own hash, as recomputed from its bytes.
    pub hash: String,
    /// Every member.
    pub members: Map<String, Value>,
}

impl Record {
    /// A member's text; empty where it has none.
    #[must_use]
    pub fn text(&self, key: &str) -> &str {
        self.members.get(key).and_then(Value::as_str).unwrap_or_default()
    }
}

/// What is wrong with a trail, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {reason}", if file.is_empty() { "audit" } else { file.as_str() })]
pub struct Fault {
    /// The file, or empty where only one is read.
    pub file: String,
    /// The line, from 1; 0 where the fault is the file's as a whole.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

impl Fault {
    fn at(line: usize, reason: impl Into<String>) -> Self {
        Self { file: String::new(), line, reason: reason.into() }
    }

    fn of(file: &str, line: usize, reason: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, reason: reason.into() }
    }
}

/// Reads one file and checks every seal and every link within it.
pub fn parse(file: &[u8]) -> Result<Vec<Record>, Fault> {
    if !file.is_empty() && file.last() != Some(&b'\n') {
        let line = file.split(|byte| *byte == b'\n').count();
        return Err(Fault::at(line, "the last record is cut off: it has no line break"));
    }
    let Some(lines) = file.strip_suffix(b"\n") else {
        return Ok(Vec::new());
    };
    let mut records: Vec<Record> = Vec::new();
    for (index, line) in lines.split(|byte| *byte == b'\n').enumerate() {
        let record = parse_line(line).map_err(|reason| Fault::at(index + 1, reason))?;
        check_link(records.last(), &record).map_err(|reason| Fault::at(index + 1, reason))?;
        records.push(record);
    }
    Ok(records)
}

fn parse_line(line: &[u8]) -> Result<Record, String> {
    let text = std::str::from_utf8(line).map_err(|_| "the record is not UTF-8".to_owned())?;
    let cut = text.rfind(HASH_MEMBER).ok_or("the record has no seal (`hash` as its last member)")?;
    let (body, seal) = text.split_at(cut);
    let stated = seal[HASH_MEMBER.len()..].strip_suffix("\"}").ok_or("the record has no seal (`hash`)")?;
    let hash = hex_sha256(body.as_bytes());
    if stated != hash {
        return Err(format!("the record was altered: its bytes hash to {hash}, its seal says {stated}"));
    }
    let members: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| format!("the record is not JSON: {error}"))?;
    let seq = members.get("seq").and_then(Value::as_u64).ok_or("the record has no `seq`")?;
    let prev = members.get("prev").and_then(Value::as_str).ok_or("the record has no `prev`")?.to_owned();
    Ok(Record { seq, prev, hash, members })
}

fn check_link(before: Option<&Record>, record: &Record) -> Result<(), String> {
    let expected = before.map_or(1, |before| before.seq + 1);
    if record.seq != expected {
        return Err(format!("expected record {expected}, found record {}: missing, repeated or reordered", record.seq));
    }
    match before {
        Some(before) if record.prev != before.hash => {
            Err("the record does not follow the one before it: missing, repeated or reordered".to_owned())
        }
        _ => Ok(()),
    }
}

/// Checks a whole trail: `files` by name, `head` as the newest manifest states it.
///
/// Every file must be sound, each must follow the end of another (or [`GENESIS`]), no two may follow
/// the same, and the chain must end at `head`. Returns the files in the order of the chain.
pub fn verify(files: &BTreeMap<String, Vec<u8>>, head: Option<&str>) -> Result<Vec<String>, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut by_start: BTreeMap<String, (String, String)> = BTreeMap::new();
    for (name, content) in files {
        match parse(content) {
            Err(fault) => faults.push(Fault { file: name.clone(), ..fault }),
            Ok(records) => {
                let (Some(first), Some(last)) = (records.first(), records.last()) else {
                    faults.push(Fault::of(name, 0, "the file has no record: it was cut off"));
                    continue;
                };
                if let Some((other, _)) = by_start.insert(first.prev.clone(), (name.clone(), last.hash.clone())) {
                    faults.push(Fault::of(
                        name,
                        1,
                        format!("follows the same record as `{other}`: one of them is not part of the chain"),
                    ));
                }
            }
        }
    }
    let (order, end) = follow(&by_start);
    let placed: BTreeSet<&String> = order.iter().collect();
    for (name, _) in by_start.values().filter(|(name, _)| !placed.contains(name)) {
        faults.push(Fault::of(
            name,
            1,
            "the record it follows is in no file: a file before it is missing or was altered",
        ));
    }
    let head = head.unwrap_or(GENESIS);
    if faults.is_empty() && end != head {
        faults.push(Fault::of(
            order.last().map_or("", String::as_str),
            0,
            format!("the chain ends at {end}, the manifest names {head}: records were cut off or added"),
        ));
    }
    if faults.is_empty() { Ok(order) } else { Err(faults) }
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
    use super::*;

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

    #[test]
    fn a_resumed_chain_goes_on_where_the_file_ended() {
        let (content, head) = file("a", None, 3);
        let mut chain = Chain::resume("production", "a", &content).unwrap();
        assert_eq!(chain.head(), head);
        let mut whole = content;
        whole.extend(chain.seal(Timestamp::UNIX_EPOCH, &Event::new(EventKind::Ended)).into_bytes());
        assert_eq!(parse(&whole).unwrap().len(), 4);
    }
}
