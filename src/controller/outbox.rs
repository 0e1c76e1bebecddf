//! A closing record that could not be pushed: kept on this machine, and sent by a later pass.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::sleep;

use super::{Engine, Kept, PassError, Records};
use crate::clock::Clock;
use crate::local::{LocalState, Unsent};
use crate::record::audit::Named;
use crate::record::{Manifest, Status};
use crate::revision::CommitId;
use crate::source::{PushError, RecordCommit, Source};
use crate::tenant::Tenant;

/// A lost race is run again this often: other environments may be writing to the same branch.
pub(super) const RACES_MAX: usize = 100;

/// What waits on this machine to be sent.
pub(super) struct Outbox<'a, S, L> {
    records: &'a Records<S>,
    local: &'a L,
    clock: &'a dyn Clock,
}

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    pub(super) fn outbox(&self) -> Outbox<'_, S, L> {
        Outbox { records: &self.records, local: &self.local, clock: &*self.clock }
    }
}

impl<S: Source, L: LocalState> Outbox<'_, S, L> {
    /// Keeps a record for a later pass.
    pub(super) fn keep(&self, manifest: &Manifest, change: RecordCommit, holder: &str) -> Kept {
        let text = |(path, content): (String, Option<Vec<u8>>)| match content.map(String::from_utf8).transpose() {
            Ok(text) => Ok((path, text)),
            Err(_) => Err(Kept::Not(format!("`{path}` is no text"))),
        };
        let files = match change.files.into_iter().map(text).collect() {
            Ok(files) => files,
            Err(not_kept) => return not_kept,
        };
        let unsent = Unsent {
            deployment_id: manifest.deployment_id.to_string(),
            holder: holder.to_owned(),
            message: change.message,
            time: change.time,
            files,
        };
        match self.local.keep_unsent(&unsent) {
            Ok(()) => {
                tracing::error!(deployment = %unsent.deployment_id, "the closing record could not be pushed; it is kept and sent later");
                Kept::ForALaterPass
            }
            Err(error) => Kept::Not(crate::error_chain(&error)),
        }
    }

    /// Sends a closing record that an earlier pass could not push, as long as the manifest in git
    /// still names its deployment and holder; otherwise somebody has recovered it, and it is dropped.
    pub(super) async fn send(&self) -> Result<(), PassError> {
        let Some(unsent) = self.local.unsent()? else {
            return Ok(());
        };
        let mut races = 0;
        loop {
            let tips = self.records.source.fetch().await?;
            let ours = match &tips.records {
                Some(tip) => self.records.still_names(tip, &unsent.deployment_id, &unsent.holder).await?,
                None => false,
            };
            if !ours {
                tracing::warn!(deployment = %unsent.deployment_id, "a kept record is out of date: the deployment was ended by somebody else");
                break;
            }
            let mut files = BTreeMap::new();
            if is_settled(&unsent) {
                files = self.records.spent_definitions(tips.records.as_ref()).await?;
                if let Some(manifest) = kept_manifest(&unsent) {
                    files.extend(self.records.used_up(tips.records.as_ref(), &manifest).await?);
                }
            }
            let bytes = |content: Option<String>| content.map(String::into_bytes);
            files.extend(unsent.files.clone().into_iter().map(|(path, content)| (path, bytes(content))));
            let change = RecordCommit { message: unsent.message.clone(), files, time: unsent.time };
            match self.records.source.commit_records(tips.records.as_ref(), &change).await {
                Ok(_) => {
                    tracing::info!(deployment = %unsent.deployment_id, "sent a record kept by an earlier pass");
                    break;
                }
                Err(PushError::Lost(_)) if races < RACES_MAX => {
                    races += 1;
                    race_pause(self.clock, races).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.local.remove_journal(&unsent.deployment_id)?;
        Ok(self.local.drop_unsent()?)
    }
}

/// Whether a kept record ends a deployment that nobody has to look at. Of any other, and of a record that cannot be
/// read, the previous definitions stay.
fn is_settled(unsent: &Unsent) -> bool {
    let manifest = unsent.files.iter().find(|(path, _)| path.ends_with("/manifest.json"));
    let named = manifest.and_then(|(_, text)| Named::read(text.as_deref()?.as_bytes()));
    named.is_some_and(|named| leaves_nothing_open(named.status))
}

/// The manifest of a kept record, where it can be read.
fn kept_manifest(unsent: &Unsent) -> Option<Manifest> {
    let (path, text) = unsent.files.iter().find(|(path, _)| path.ends_with("/manifest.json"))?;
    Manifest::from_text(text.as_deref()?.as_bytes(), path, &CommitId("not committed yet".into())).ok()
}

/// Whether a status is an end after which nobody has to look at the deployment.
pub(super) fn leaves_nothing_open(status: Status) -> bool {
    matches!(status, Status::Deployed | Status::RolledBack)
}

/// A moment's pause after so many lost races in a row, longer the more there were, and not the same for everybody.
pub(super) async fn race_pause(clock: &dyn Clock, races: usize) {
    let most = 20 * races.min(25) as u64;
    sleep(Duration::from_millis(clock.random() % most.max(1))).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_readable_and_whole_end_gives_previous_definitions_up() {
        let kept = |manifest: Option<&str>| {
            let text = manifest.map(str::to_owned);
            is_settled(&Unsent {
                deployment_id: "20261122T172257Z-b13a843e".to_owned(),
                holder: "holder".to_owned(),
                message: String::new(),
                time: jiff::Timestamp::UNIX_EPOCH,
                files: [("deployments/production/manifest.json".to_owned(), text)].into(),
            })
        };
        let manifest = |status: &str| format!(r#"{{"deploymentId":"20261122T172257Z-b13a843e","status":"{status}"}}"#);
        for (status, is_settled) in
            [("deployed", true), ("rolled-back", true), ("rollback-incomplete", false), ("restoring", false)]
        {
            assert_eq!(kept(Some(&manifest(status))), is_settled, "{status}");
        }
        for unreadable in [None, Some(""), Some("{"), Some(r#"{"status":"deployed"}"#), Some(&manifest("odd"))] {
            assert!(!kept(unreadable), "{unreadable:?}");
        }
    }
}
