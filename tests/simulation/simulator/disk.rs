//! A machine's disk: it may be full, or lose the end of what was written when the power goes.

use std::sync::Arc;

use flowsync::local::{
    Guard, LocalError, LocalState, MemoryState, Room, Sighting, StateFault, StateHook, StateWrite, Unsent,
};

use super::broken::{Breakage, Broken};
use super::faults::{Fault, Op};
use super::script::Script;

/// One process's way to it.
pub struct Disk {
    pub state: MemoryState,
    pub script: Arc<Script>,
    pub broken: Broken,
}

/// What becomes of the one write that is made through it.
struct Fails(StateFault);

impl StateHook for Fails {
    fn next(&self, _: StateWrite) -> StateFault {
        self.0
    }
}

impl Disk {
    /// The disk for one write; `lost` is told where that fails.
    fn writing(&self, write: StateWrite, lost: impl FnOnce()) -> MemoryState {
        match self.script.decide(Op::State(write)) {
            Some(Fault::State(fault)) => {
                lost();
                self.state.through(Arc::new(Fails(fault)))
            }
            _ => self.state.clone(),
        }
    }

    /// Without its journal a deployment goes back, and announces that in memory only.
    fn is_unwritten(&self, deployment: &str) {
        self.script.knows().unwritten.insert(deployment.to_owned());
    }
}

impl LocalState for Disk {
    fn holder(&self, random: u64) -> Result<String, LocalError> {
        self.state.holder(random)
    }

    fn lock(&self) -> Result<Guard, LocalError> {
        self.writing(StateWrite::Lock, || ()).lock()
    }

    fn secure(&self, deployment: &str, room: Room) -> Result<(), LocalError> {
        self.writing(StateWrite::Secure, || self.is_unwritten(deployment)).secure(deployment, room)
    }

    async fn append_journal(&self, deployment: &str, lines: Vec<u8>) -> Result<(), LocalError> {
        let lines = self.broken.written(lines);
        match self.script.decide(Op::State(StateWrite::Append)) {
            Some(Fault::State(fault)) => {
                self.is_unwritten(deployment);
                self.state.through(Arc::new(Fails(fault))).append_journal(deployment, lines).await
            }
            Some(Fault::CrashBefore) => std::future::pending().await,
            Some(Fault::Torn) => {
                self.state.append_journal(deployment, lines[..lines.len() / 2].to_vec()).await?;
                std::future::pending().await
            }
            Some(Fault::CrashAfter) => {
                self.state.append_journal(deployment, lines).await?;
                std::future::pending().await
            }
            _ => self.state.append_journal(deployment, lines).await,
        }
    }

    fn read_journal(&self, deployment: &str) -> Result<Option<Vec<u8>>, LocalError> {
        self.state.read_journal(deployment)
    }

    fn remove_journal(&self, deployment: &str) -> Result<(), LocalError> {
        self.writing(StateWrite::RemoveJournal, || ()).remove_journal(deployment)
    }

    fn keep_unsent(&self, unsent: &Unsent) -> Result<(), LocalError> {
        self.script.keeps(&unsent.deployment_id);
        let disk = self.writing(StateWrite::KeepUnsent, || self.script.knows().is_unkept = true);
        if self.broken.is(Breakage::LosesClosingRecords) { Ok(()) } else { disk.keep_unsent(unsent) }
    }

    fn unsent(&self) -> Result<Option<Unsent>, LocalError> {
        self.state.unsent()
    }

    fn drop_unsent(&self) -> Result<(), LocalError> {
        self.writing(StateWrite::DropUnsent, || ()).drop_unsent()
    }

    fn keep_sighting(&self, sighting: &Sighting) -> Result<(), LocalError> {
        self.writing(StateWrite::KeepSighting, || ()).keep_sighting(sighting)
    }

    fn sighting(&self) -> Result<Option<Sighting>, LocalError> {
        self.state.sighting()
    }
}
