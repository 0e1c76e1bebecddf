//! The journal of a running deployment: sealed records, on the disk before the act they announce.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Mutex as TurnMutex;

use super::asked::{Asked, Before};
use crate::clock::Clock;
use crate::local::{LocalError, LocalState, Room};
use crate::plan::Change;
use crate::record::audit::{AuditFault, Chain, Event, EventKind, parse};

/// A record, without the names of flow and version in it.
const RECORD_BYTES: u64 = 512;
/// Records of one flow: intent and outcome, there and back twice; and room for the beginnings of the changes, where those
/// are records of their own, in what is left of all of these.
const RECORDS_A_FLOW: u64 = 7;
/// Records of the deployment itself, with their errors.
const RECORDS_BYTES: u64 = 16 * 1024;
/// What a manifest holds of one flow.
const MANIFEST_FLOW_BYTES: u64 = 1024;
/// Files and connections beside those to the tenant: git, the journal, what is being written.
const DESCRIPTORS: usize = 16;

/// What a deployment will need on this machine: the journal of `changes`, the closing record of `n_managed`
/// flows, and as many connections as may be in flight. More than that is needed where much of what is live
/// has to be kept, or a restoration is tried again and again.
#[must_use]
pub fn room_for(changes: &[Change], n_managed: usize, concurrency: usize) -> Room {
    let records = |change: &Change| {
        let definition = change.definition();
        let names = (definition.id.as_str().len() + definition.version.len()) as u64;
        RECORDS_A_FLOW.saturating_mul(RECORD_BYTES.saturating_add(names))
    };
    let journal_bytes = changes.iter().map(records).fold(RECORDS_BYTES, u64::saturating_add);
    let manifest_bytes = (n_managed as u64).saturating_mul(MANIFEST_FLOW_BYTES);
    // Both are texts in a text.
    let closing_bytes = journal_bytes.saturating_add(manifest_bytes).saturating_mul(3) / 2;
    Room { journal_bytes, closing_bytes, n_descriptors: concurrency.saturating_add(DESCRIPTORS) }
}

/// Seals events into one chain and writes them in groups: while one group is being synced, the next
/// gathers, so that many flows at once cost few syncs.
///
/// A journal that cannot be written has failed for good: no flow is begun after that. What is taken back
/// then is announced in memory only ([`Journal::record_if_possible`]), and the closing record says so.
pub struct Journal<L> {
    local: Arc<L>,
    clock: Arc<dyn Clock>,
    deployment: String,
    /// What was found on this machine of an earlier run's; of a new deployment there is no other.
    before: Before,
    state: Mutex<JournalState>,
    turn: TurnMutex<()>,
}

struct JournalState {
    chain: Chain,
    text: Vec<u8>,
    unwritten: Vec<u8>,
    /// Why it could not be written, once it could not.
    failure: Option<String>,
}

/// Whose run a deployment was last, as its manifest says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastRun {
    /// This machine's.
    Ours,
    /// Another one's.
    Others,
}

impl<L: LocalState> Journal<L> {
    /// The journal of a new deployment, after the audit record `head`.
    #[must_use]
    pub fn new(local: Arc<L>, clock: Arc<dyn Clock>, environment: &str, deployment: &str, head: Option<&str>) -> Self {
        let chain = Chain::new(environment, deployment, head);
        Self::with(local, clock, deployment, Before::Whole, chain, Vec::new())
    }

    /// The journal of a deployment that another run began. `committed` is its audit file in git; the
    /// local journal is gone on from where it is longer than that and sound.
    pub fn resume(
        local: Arc<L>,
        clock: Arc<dyn Clock>,
        environment: &str,
        deployment: &str,
        committed: &[u8],
        last: LastRun,
    ) -> Result<Self, AuditFault> {
        let on_disk = local.read_journal(deployment).ok().flatten().unwrap_or_default();
        let longer = whole_lines(&on_disk);
        let is_sound = longer.starts_with(committed) && Chain::resume(environment, deployment, longer).is_ok();
        let text = if is_sound { longer } else { committed }.to_vec();
        // A file that holds what git has and no more may be left of a try to write down that nothing was found.
        let is_ours = longer.len() > committed.len() || (last == LastRun::Ours && !longer.is_empty());
        let before = if is_sound && is_ours { Before::Whole } else { Before::Lost };
        let chain = Chain::resume(environment, deployment, &text)?;
        let journal = Self::with(local, clock, deployment, before, chain, text);
        if journal.state().text != on_disk {
            journal.write_anew();
        }
        Ok(journal)
    }

    /// The file on this machine is torn, or lacks what git has: the next record is written with everything
    /// before it, so that a second crash finds a sound journal.
    fn write_anew(&self) {
        if self.local.remove_journal(&self.deployment).is_ok() {
            let mut state = self.state();
            state.unwritten = state.text.clone();
        }
    }

    fn with(
        local: Arc<L>,
        clock: Arc<dyn Clock>,
        deployment: &str,
        before: Before,
        chain: Chain,
        text: Vec<u8>,
    ) -> Self {
        let state = Mutex::new(JournalState { chain, text, unwritten: Vec::new(), failure: None });
        Self { local, clock, deployment: deployment.to_owned(), before, state, turn: TurnMutex::new(()) }
    }

    /// What was found on this machine of the journal of the run before.
    #[must_use]
    pub fn before(&self) -> Before {
        self.before
    }

    fn state(&self) -> MutexGuard<'_, JournalState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seals an event; it reaches the disk with the next one that is recorded. For what has happened
    /// already: an outcome that a crash loses is found again by looking at what is live.
    pub fn note(&self, event: &Event) {
        let mut state = self.state();
        let line = state.chain.seal(self.clock.now(), event);
        state.text.extend_from_slice(line.as_bytes());
        state.unwritten.extend_from_slice(line.as_bytes());
    }

    /// Secures room on this machine before the first record.
    pub fn secure(&self, room: Room) -> Result<(), LocalError> {
        let unwritten = self.state().unwritten.len() as u64;
        let room = Room { journal_bytes: room.journal_bytes.saturating_add(unwritten), ..room };
        self.local.secure(&self.deployment, room)
    }

    /// Records an event; it is on the disk when this returns.
    ///
    /// # Errors
    /// It could not be written, now or earlier; the record stands in memory.
    pub async fn record(&self, event: &Event) -> Result<(), JournalFailed> {
        self.note(event);
        let _turn = self.turn.lock().await;
        let lines = std::mem::take(&mut self.state().unwritten);
        if lines.is_empty() {
            return self.failure().map_or(Ok(()), Err);
        }
        match self.local.append_journal(&self.deployment, lines.clone()).await {
            Ok(()) => self.failure().map_or(Ok(()), Err),
            Err(error) => {
                let mut state = self.state();
                let later = std::mem::replace(&mut state.unwritten, lines);
                state.unwritten.extend(later);
                drop(state);
                Err(self.fail(&error))
            }
        }
    }

    /// Records an event as far as that can be done: for what must go on without the journal.
    pub async fn record_if_possible(&self, event: &Event) {
        // The failure is known already, and told at the end.
        _ = self.record(event).await;
    }

    /// From now on the journal counts as failed.
    pub fn fail(&self, error: &LocalError) -> JournalFailed {
        if let Some(failure) = self.failure() {
            return failure;
        }
        let reason = crate::error_chain(error);
        tracing::error!(reason, "the journal cannot be written; what was written to the tenant is taken back");
        self.state().failure = Some(reason.clone());
        self.note(&Event::new(EventKind::JournalFailed).with("error", reason.as_str()));
        JournalFailed(reason)
    }

    /// Why the journal could not be written, once it could not.
    #[must_use]
    pub fn failure(&self) -> Option<JournalFailed> {
        self.state().failure.clone().map(JournalFailed)
    }

    /// The whole audit file so far and the hash of its last record.
    #[must_use]
    pub fn snapshot(&self) -> (Vec<u8>, String) {
        let state = self.state();
        (state.text.clone(), state.chain.head().to_owned())
    }

    /// Flows of which a run that did not come to its end found that they were there before it created them.
    pub fn existed(&self) -> Result<BTreeSet<String>, AuditFault> {
        let records = parse(&self.state().text)?;
        let told = records.iter().filter(|record| record.members.get("existed") == Some(&true.into()));
        Ok(told.map(|record| record.text("flow").to_owned()).collect())
    }

    /// The flows for which this deployment has made requests so far.
    pub fn asked(&self) -> Result<Asked, AuditFault> {
        parse(&self.state().text).map(|records| Asked::of(&records))
    }

    /// Whether this deployment has switched an endpoint, as far as its trail tells.
    pub fn has_switched(&self) -> Result<bool, AuditFault> {
        let is_switch = |record: &crate::record::audit::Record| {
            record.text("event") == EventKind::Releasing.as_str() && !record.text("endpoint").is_empty()
        };
        parse(&self.state().text).map(|records| records.iter().any(is_switch))
    }

    /// Forgets the file on this machine: the records are in git. What cannot be removed is in nobody's way.
    pub fn forget(&self) {
        if let Err(error) = self.local.remove_journal(&self.deployment) {
            tracing::warn!(error = %crate::error_chain(&error), "a journal that is not needed any more stays");
        }
    }
}

/// The journal could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the journal could not be written: {0}")]
pub struct JournalFailed(pub String);

/// The text up to and with its last line break: what a crash tore off is no record.
fn whole_lines(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |index| index + 1);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::local::{MemoryState, StateFault, StateHook, StateWrite};
    use crate::record::audit::parse;

    /// A disk of which the `n`-th append fails, or tears.
    struct Failing(std::sync::atomic::AtomicUsize, StateFault);

    impl StateHook for Failing {
        fn next(&self, write: StateWrite) -> StateFault {
            let is_due = write == StateWrite::Append && self.0.fetch_sub(1, std::sync::atomic::Ordering::Relaxed) == 1;
            if is_due { self.1 } else { StateFault::None }
        }
    }

    #[tokio::test]
    async fn a_journal_that_failed_once_begins_nothing_more_and_loses_no_record() {
        let full = std::io::ErrorKind::StorageFull;
        for fault in [StateFault::Fails(full), StateFault::Torn(full)] {
            let disk = MemoryState::default().through(Arc::new(Failing(2.into(), fault)));
            let journal = Journal::new(Arc::new(disk.clone()), Arc::new(SystemClock), "production", "d1", None);
            journal.record(&Event::new(EventKind::Begun)).await.unwrap();
            let failed = journal.record(&Event::new(EventKind::Intent)).await.unwrap_err();
            assert_eq!(journal.failure(), Some(failed.clone()));
            assert_eq!(journal.record(&Event::new(EventKind::Intent)).await, Err(failed), "the disk has room again");
            journal.record_if_possible(&Event::new(EventKind::Ended)).await;
            let on_disk = disk.read_journal("d1").unwrap().unwrap();
            assert_eq!(on_disk, journal.snapshot().0);
            let events: Vec<_> =
                parse(&on_disk).unwrap().iter().map(|record| record.text("event").to_owned()).collect();
            assert_eq!(events, ["begun", "intent", "journal-failed", "intent", "ended"]);
        }
    }

    #[test]
    fn room_grows_with_what_there_is_to_do_and_never_overflows() {
        let room = room_for(&[], 0, 8);
        assert_eq!((room.journal_bytes, room.n_descriptors), (RECORDS_BYTES, 8 + DESCRIPTORS));
        assert!(room_for(&[], 1_000, 8).closing_bytes > room.closing_bytes + 1_000_000);
        assert_eq!(room_for(&[], usize::MAX, usize::MAX).n_descriptors, usize::MAX);
    }

    #[tokio::test]
    async fn a_torn_journal_is_resumed_at_its_last_whole_record() {
        let local = Arc::new(MemoryState::default());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let journal = Journal::new(local.clone(), clock.clone(), "production", "d1", None);
        journal.record(&Event::new(EventKind::Begun)).await.unwrap();
        let committed = journal.snapshot().0;
        journal.record(&Event::new(EventKind::Intent)).await.unwrap();
        local.append_journal("d1", b"{\"torn".to_vec()).await.unwrap();
        let resumed = Journal::resume(local.clone(), clock, "production", "d1", &committed, LastRun::Ours).unwrap();
        resumed.record(&Event::new(EventKind::Ended)).await.unwrap();
        assert_eq!(parse(&resumed.snapshot().0).unwrap().len(), 3);
        assert_eq!(local.read_journal("d1").unwrap().unwrap(), resumed.snapshot().0);
        assert_eq!(resumed.before(), Before::Whole, "a request is made when its whole line is on the disk");
    }

    #[tokio::test]
    async fn a_journal_that_says_what_git_says_is_anothers_unless_the_last_run_was_ours() {
        for (last, more, before) in [
            (LastRun::Ours, "", Before::Whole),
            (LastRun::Others, "", Before::Lost),
            (LastRun::Others, "{\"torn", Before::Lost),
        ] {
            let local = Arc::new(MemoryState::default());
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let journal = Journal::new(local.clone(), clock.clone(), "production", "d1", None);
            journal.record(&Event::new(EventKind::Begun)).await.unwrap();
            let committed = journal.snapshot().0;
            local.append_journal("d1", more.as_bytes().to_vec()).await.unwrap();
            let resumed = Journal::resume(local, clock, "production", "d1", &committed, last).unwrap();
            assert_eq!(resumed.before(), before, "{last:?} {more}");
        }
    }

    #[tokio::test]
    async fn a_journal_that_git_does_not_know_is_not_gone_on_with() {
        let local = Arc::new(MemoryState::default());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        local.append_journal("d1", b"something else\n".to_vec()).await.unwrap();
        let mut chain = Chain::new("production", "d1", None);
        let committed = chain.seal(clock.now(), &Event::new(EventKind::Begun)).into_bytes();
        let resumed = Journal::resume(local, clock, "production", "d1", &committed, LastRun::Ours).unwrap();
        assert_eq!((resumed.snapshot().0, resumed.before()), (committed, Before::Lost));
    }
}
