//! What one machine remembers between two passes: who it is, the journal of a running deployment,
//! and records that could not be pushed yet. Losing all of it loses no promise: git holds the rest.

mod file;
mod memory;

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use file::FileState;
pub use memory::MemoryState;

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

/// Keeps the kernel lock of an environment for as long as it lives.
pub type Guard = Box<dyn Send + Sync>;

/// One environment's share of the state directory.
pub trait LocalState: Send + Sync + 'static {
    /// This machine's holder id; made and kept at the first call.
    fn holder(&self, random: u64) -> Result<String, LocalError>;

    /// Takes the kernel lock that keeps two writing processes off one environment, or says it is held.
    fn lock(&self) -> Result<Guard, LocalError>;

    /// Appends to the journal of a deployment; on the disk when this returns.
    fn append_journal(&self, deployment: &str, lines: Vec<u8>) -> impl Future<Output = Result<(), LocalError>> + Send;

    /// The journal of a deployment, if this machine has one.
    fn read_journal(&self, deployment: &str) -> Result<Option<Vec<u8>>, LocalError>;

    /// Forgets the journal of a deployment whose records are in git.
    fn remove_journal(&self, deployment: &str) -> Result<(), LocalError>;

    /// Keeps a record that could not be pushed.
    fn keep_unsent(&self, unsent: &Unsent) -> Result<(), LocalError>;

    /// The record kept, if there is one.
    fn unsent(&self) -> Result<Option<Unsent>, LocalError>;

    /// Forgets it.
    fn drop_unsent(&self) -> Result<(), LocalError>;
}
