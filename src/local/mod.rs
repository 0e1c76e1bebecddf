//! What one machine remembers between two passes: who it is, the journal of a running deployment,
//! and records that could not be pushed yet. Losing all of it loses no promise: git holds the rest.

mod file;
mod memory;
mod room;

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::record::Holder;

pub use file::FileState;
pub use memory::{MemoryState, StateFault, StateHook, StateWrite};

/// The state directory failed.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// A file operation failed.
    #[error("cannot {doing} `{}`", path.display())]
    Io {
        /// Present-tense words.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What a deployment will need on this machine cannot be had.
    #[error(
        "nothing was begun: cannot secure {what} in `{}` before the tenant is written to; make room, raise the limit \
         (`ulimit -f`, `ulimit -n`), or name another folder with --state-dir",
        path.display()
    )]
    Room {
        /// What, and how much of it.
        what: String,
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process of this machine works on this environment.
    #[error("another flowsync process on this machine is working on `{environment}` (lock `{}`)", path.display())]
    Held {
        /// The environment.
        environment: String,
        /// The lock file.
        path: PathBuf,
    },
}

/// A closing record that could not be pushed, kept until a later pass sends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unsent {
    /// The deployment it closes.
    pub deployment_id: String,
    /// The holder that wrote it: it is sent only while the manifest in git still names it.
    pub holder: String,
    /// Commit message.
    pub message: String,
    /// Commit time.
    pub time: Timestamp,
    /// Files below the records folder; `None` removes one.
    pub files: BTreeMap<String, Option<String>>,
}

/// Somebody else's lease as this machine first saw it: a lease that is renewed is another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sighting {
    /// The deployment it is for.
    pub deployment_id: String,
    /// Who holds it, and until when.
    pub holder: Holder,
    /// When it was first seen, by this machine's wall clock.
    pub first_seen: Timestamp,
}

/// What a deployment will need on this machine, whatever becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes of journal.
    pub journal_bytes: u64,
    /// Bytes of a closing record that cannot be pushed.
    pub closing_bytes: u64,
    /// Files and connections open at once, beside those that are.
    pub n_descriptors: usize,
}

/// Keeps the kernel lock of an environment for as long as it lives.
pub type Guard = Box<dyn Send + Sync>;

/// One environment's share of the state directory.
pub trait LocalState: Send + Sync + 'static {
    /// This machine's holder id; made and kept at the first call.
    fn holder(&self, random: u64) -> Result<String, LocalError>;

    /// Takes the kernel lock that keeps two writing processes off one environment, or says it is held.
    fn lock(&self) -> Result<Guard, LocalError>;

    /// Secures what a deployment will need, after what its journal holds already, and lets go of the journals
    /// of deployments that ended. Whatever fails later, it is not for want of this room.
    fn secure(&self, deployment: &str, room: Room) -> Result<(), LocalError>;

    /// Appends to the journal of a deployment; on the disk when this returns. After an error the same lines
    /// may be appended again, whatever became of them.
    fn append_journal(&self, deployment: &str, lines: Vec<u8>) -> impl Future<Output = Result<(), LocalError>> + Send;

    /// The journal of a deployment, if this machine has one.
    fn read_journal(&self, deployment: &str) -> Result<Option<Vec<u8>>, LocalError>;

    /// Forgets the journal of a deployment whose records are in git, and the room secured for it.
    fn remove_journal(&self, deployment: &str) -> Result<(), LocalError>;

    /// Keeps a record that could not be pushed.
    fn keep_unsent(&self, unsent: &Unsent) -> Result<(), LocalError>;

    /// The record kept, if there is one.
    fn unsent(&self) -> Result<Option<Unsent>, LocalError>;

    /// Forgets it.
    fn drop_unsent(&self) -> Result<(), LocalError>;

    /// Remembers somebody else's lease, instead of any other.
    fn keep_sighting(&self, sighting: &Sighting) -> Result<(), LocalError>;

    /// The lease remembered, if there is one.
    fn sighting(&self) -> Result<Option<Sighting>, LocalError>;
}
