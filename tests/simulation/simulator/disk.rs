//! A machine's disk: it may be full, or lose the end of what was written when the power goes.

use std::path::PathBuf;
use std::sync::Arc;

use flowsync::local::{Guard, LocalError, LocalState, MemoryState, Room, Sighting, Unsent};

use super::broken::{Breakage, Broken};
use super::script::{Fault, Op, Script};

/// One process's way to it.
pub struct Disk {
    pub state: MemoryState,
    pub script: Arc<Script>,
    pub broken: Broken,
}

impl LocalState for Disk {
    fn holder(&self, random: u64) -> Result<String, LocalError> {
        self.state.holder(random)
    }

    fn lock(&self) -> Result<Guard, LocalError> {
        self.state.lock()
    }

    fn secure(&self, deployment: &str, room: Room) -> Result<(), LocalError> {
        self.state.secure(deployment, room)
    }

    async fn append_journal(&self, deployment: &str, lines: Vec<u8>) -> Result<(), LocalError> {
        let lines = self.broken.written(lines);
        match self.script.decide(Op::Journal) {
            Some(Fault::DiskFull) => {
                self.script.knows().unwritten.insert(deployment.to_owned());
                let source = std::io::Error::other("no space left");
                Err(LocalError::Io { doing: "append to", path: PathBuf::from("journal"), source })
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
        self.state.remove_journal(deployment)
    }

    fn keep_unsent(&self, unsent: &Unsent) -> Result<(), LocalError> {
        if self.broken.is(Breakage::LosesClosingRecords) { Ok(()) } else { self.state.keep_unsent(unsent) }
    }

    fn unsent(&self) -> Result<Option<Unsent>, LocalError> {
        self.state.unsent()
    }

    fn drop_unsent(&self) -> Result<(), LocalError> {
        self.state.drop_unsent()
    }

    fn keep_sighting(&self, sighting: &Sighting) -> Result<(), LocalError> {
        self.state.keep_sighting(sighting)
    }

    fn sighting(&self) -> Result<Option<Sighting>, LocalError> {
        self.state.sighting()
    }
}
