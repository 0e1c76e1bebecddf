//! The journal of a running deployment: sealed records, on the disk before the act they announce.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Mutex as TurnMutex;

use crate::clock::Clock;
use crate::local::{LocalError, LocalState};
use crate::record::audit::{Chain, Event, Fault, parse};

/// Seals events into one chain and writes them in groups: while one group is being synced, the next
/// gathers, so that many flows at once cost few syncs.
pub struct Journal<L> {
    local: Arc<L>,
    clock: Arc<dyn Clock>,
    deployment: String,
    state: Mutex<State>,
    turn: TurnMutex<()>,
}

struct State {
    chain: Chain,
    text: Vec<u8>,
    unwritten: Vec<u8>,
}

impl<L: LocalState> Journal<L> {
    /// The journal of a new deployment, after the audit record `head`.
    #[must_use]
    pub fn new(local: Arc<L>, clock: Arc<dyn Clock>, environment: &str, deployment: &str, head: Option<&str>) -> Self {
        let chain = Chain::new(environment, deployment, head);
        Self::with(local, clock, deployment, chain, Vec::new())
    }

    /// The journal of a deployment that another run began. `committed` is its audit file in git; the
    /// local journal is gone on from where it is longer than that and sound.
    pub fn resume(
        local: Arc<L>,
        clock: Arc<dyn Clock>,
        environment: &str,
        deployment: &str,
        committed: &[u8],
    ) -> Result<Self, Fault> {
        let on_disk = local.read_journal(deployment).ok().flatten().unwrap_or_default();
        let longer = whole_lines(&on_disk);
        let is_sound = longer.starts_with(committed) && Chain::resume(environment, deployment, longer).is_ok();
        let text = if is_sound { longer } else { committed }.to_vec();
        let chain = Chain::resume(environment, deployment, &text)?;
        let journal = Self::with(local, clock, deployment, chain, text);
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

    fn with(local: Arc<L>, clock: Arc<dyn Clock>, deployment: &str, chain: Chain, text: Vec<u8>) -> Self {
        let state = Mutex::new(State { chain, text, unwritten: Vec::new() });
        Self { local, clock, deployment: deployment.to_owned(), state, turn: TurnMutex::new(()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
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

    /// Records an event; it is on the disk when this returns.
    pub async fn record(&self, event: &Event) -> Result<(), LocalError> {
        self.note(event);
        let _turn = self.turn.lock().await;
        let lines = std::mem::take(&mut self.state().unwritten);
        if lines.is_empty() {
            return Ok(());
        }
        let written = self.local.append_journal(&self.deployment, lines.clone()).await;
        if written.is_err() {
            let mut state = self.state();
            let later = std::mem::replace(&mut state.unwritten, lines);
            state.unwritten.extend(later);
        }
        written
    }

    /// The whole audit file so far and the hash of its last record.
    #[must_use]
    pub fn snapshot(&self) -> (Vec<u8>, String) {
        let state = self.state();
        (state.text.clone(), state.chain.head().to_owned())
    }

    /// Flows of which a run that did not come to its end found that they were there before it created them.
    pub fn existed(&self) -> Result<BTreeSet<String>, Fault> {
        let records = parse(&self.state().text)?;
        let told = records.iter().filter(|record| record.members.get("existed") == Some(&true.into()));
        Ok(told.map(|record| record.text("flow").to_owned()).collect())
    }

    /// Forgets the file on this machine: the records are in git.
    pub fn forget(&self) -> Result<(), LocalError> {
        self.local.remove_journal(&self.deployment)
    }
}

/// The text up to and with its last line break: what a crash tore off is no record.
fn whole_lines(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |index| index + 1);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::local::MemoryState;
    use crate::record::audit::{EventKind, parse};

    #[tokio::test]
    async fn a_torn_journal_is_resumed_at_its_last_whole_record() {
        let local = Arc::new(MemoryState::default());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let journal = Journal::new(local.clone(), clock.clone(), "production", "d1", None);
        journal.record(&Event::new(EventKind::Begun)).await.unwrap();
        let committed = journal.snapshot().0;
        journal.record(&Event::new(EventKind::Intent)).await.unwrap();
        local.append_journal("d1", b"{\"torn".to_vec()).await.unwrap();
        let resumed = Journal::resume(local.clone(), clock, "production", "d1", &committed).unwrap();
        resumed.record(&Event::new(EventKind::Ended)).await.unwrap();
        assert_eq!(parse(&resumed.snapshot().0).unwrap().len(), 3);
        assert_eq!(local.read_journal("d1").unwrap().unwrap(), resumed.snapshot().0);
    }

    #[tokio::test]
    async fn a_journal_that_git_does_not_know_is_not_gone_on_with() {
        let local = Arc::new(MemoryState::default());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        local.append_journal("d1", b"something else\n".to_vec()).await.unwrap();
        let mut chain = Chain::new("production", "d1", None);
        let committed = chain.seal(clock.now(), &Event::new(EventKind::Begun)).into_bytes();
        let resumed = Journal::resume(local, clock, "production", "d1", &committed).unwrap();
        assert_eq!(resumed.snapshot().0, committed);
    }
}
