//! The audit trail: one line an event, append-only, each line sealed with the hash of the one before.
//!
//! A line is a JSON object whose last member is `hash`: the SHA-256 of the line's bytes up to that
//! member. `prev` is the hash of the line before, in the same file or in the file of the deployment
//! before; the very first is [`GENESIS`]. So any altered byte, lost line or changed order shows, and
//! `sha256sum` is all that a stranger needs to check it.

mod closing;
mod different;
mod sealed;
mod verify;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{DeploymentId, Status, hex_sha256};
pub use closing::{Closing, closing};
pub use different::different;
use sealed::HASH_MEMBER;
pub use sealed::{AuditFault, GENESIS, Record};
pub use verify::{Sealed, Sound, Verifier, from_end, parse};

/// The member of the record that closes a deployment which keeps the digest of its manifest.
pub const MANIFEST_MEMBER: &str = "manifest";

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
    /// The request that changes the flow of an intent is about to be sent, where others came before it.
    Sending,
    /// What came of it.
    Outcome,
    /// Something live that was neither the target nor the previous definition is about to be overwritten.
    Overwritten,
    /// What is live is not what was sent, and where.
    Different,
    /// A flow that was not written changed all the same.
    SideEffect,
    /// The lease was extended.
    Renewed,
    /// A final export showed every flow as sent.
    Verified,
    /// A release is about to be made, shown or removed.
    Releasing,
    /// What came of it.
    Released,
    /// Something failed; what was written is taken back.
    Restoring,
    /// The journal could not be written: what follows was in memory only until it was committed.
    JournalFailed,
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
            Self::Sending => "sending",
            Self::Outcome => "outcome",
            Self::Overwritten => "overwritten",
            Self::Different => "different",
            Self::SideEffect => "side-effect",
            Self::Renewed => "renewed",
            Self::Verified => "verified",
            Self::Releasing => "releasing",
            Self::Released => "released",
            Self::Restoring => "restoring",
            Self::JournalFailed => "journal-failed",
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
    pub fn resume(environment: &str, deployment: &str, file: &[u8]) -> Result<Self, AuditFault> {
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

/// What a manifest says of the trail, read without the rest of it, which may be large.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Named {
    /// The deployment.
    pub deployment_id: DeploymentId,
    /// The newest record when the manifest was committed.
    #[serde(default)]
    pub audit_head: Option<String>,
    /// Where the deployment stands.
    pub status: Status,
}

impl Named {
    /// Reads a manifest's text; nothing where it is none.
    #[must_use]
    pub fn read(manifest: &[u8]) -> Option<Self> {
        serde_json::from_slice(manifest).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resumed_chain_goes_on_where_the_file_ended() {
        let mut chain = Chain::new("production", "a", None);
        let content: String =
            (0..3).map(|_| chain.seal(Timestamp::UNIX_EPOCH, &Event::new(EventKind::Intent))).collect();
        let (content, head) = (content.into_bytes(), chain.head().to_owned());
        let mut chain = Chain::resume("production", "a", &content).unwrap();
        assert_eq!(chain.head(), head);
        let mut whole = content;
        whole.extend(chain.seal(Timestamp::UNIX_EPOCH, &Event::new(EventKind::Ended)).into_bytes());
        assert_eq!(parse(&whole).unwrap().len(), 4);
    }
}
