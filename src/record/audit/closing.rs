//! The record that closes a deployment, and what it says of the manifest.

use super::{EventKind, MANIFEST_MEMBER, from_end};
use crate::record::DeploymentId;

/// The end of an audit file, where it says that its deployment ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// Hash of the file's last record.
    pub hash: String,
    /// The digest of the manifest that it was committed with; older versions did not keep it.
    pub manifest: Option<String>,
}

/// How an ended deployment was closed; nothing where the file does not say that this deployment ended. A journal that
/// could not take the closing record says so behind it.
#[must_use]
pub fn closing(file: &[u8], deployment: &DeploymentId) -> Option<Closing> {
    let mut newest = from_end(file);
    let last = newest.next()?;
    let hash = last.hash.clone();
    let has_failed = last.text("event") == EventKind::JournalFailed.as_str();
    let record = if has_failed { newest.next()? } else { last };
    let ends = [EventKind::Ended, EventKind::Adopted].iter().any(|kind| kind.as_str() == record.text("event"));
    if !ends || record.text("deploymentId") != deployment.as_str() {
        return None;
    }
    let manifest = record.members.get(MANIFEST_MEMBER).and_then(serde_json::Value::as_str).map(str::to_owned);
    Some(Closing { hash, manifest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::audit::{Chain, Event};

    #[test]
    fn a_journal_that_failed_behind_the_closing_record_leaves_it_one() {
        let deployment: DeploymentId = "20261122T172257Z-b13a843e".parse().unwrap();
        let file = |events: &[Event]| {
            let mut chain = Chain::new("production", deployment.as_str(), None);
            events.iter().map(|event| chain.seal(jiff::Timestamp::UNIX_EPOCH, event)).collect::<String>()
        };
        let ended = || Event::new(EventKind::Ended).with(MANIFEST_MEMBER, "sha256:1");
        let failed = || Event::new(EventKind::JournalFailed);
        let read = |events: &[Event]| closing(file(events).as_bytes(), &deployment).map(|closing| closing.manifest);
        assert_eq!(read(&[ended()]), Some(Some("sha256:1".to_owned())));
        assert_eq!(read(&[ended(), failed()]), Some(Some("sha256:1".to_owned())));
        assert_eq!(read(&[failed()]), None);
        assert_eq!(read(&[ended(), Event::new(EventKind::Renewed)]), None);
    }
}
