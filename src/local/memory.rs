//! A machine's memory that is no disk: for simulations, where crashing means dropping everything else, and
//! each write may fail.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Guard, LocalError, LocalState, Room, Sighting, Unsent};

/// Shared by every "process" of one simulated machine.
#[derive(Clone, Default)]
pub struct MemoryState {
    memory: Arc<Mutex<Memory>>,
    hook: Option<Arc<dyn StateHook>>,
}

impl std::fmt::Debug for MemoryState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.with(|memory| f.debug_tuple("MemoryState").field(memory).finish())
    }
}

#[derive(Debug, Default)]
struct Memory {
    holder: Option<String>,
    journals: BTreeMap<String, Journal>,
    unsent: Option<Unsent>,
    sighting: Option<Sighting>,
    lock: Arc<()>,
}

#[derive(Debug, Default)]
struct Journal {
    text: Vec<u8>,
    /// What lies behind it was left by a write that failed.
    end: usize,
}

/// A write to the state directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StateWrite {
    /// This machine's holder id.
    Holder,
    /// The lock file.
    Lock,
    /// Room for a deployment.
    Secure,
    /// Lines of a journal.
    Append,
    /// A journal that is let go.
    RemoveJournal,
    /// A record that could not be pushed.
    KeepUnsent,
    /// The same, once it is sent.
    DropUnsent,
    /// Somebody else's lease.
    KeepSighting,
}

/// What becomes of a write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StateFault {
    /// It is done.
    #[default]
    None,
    /// It fails, and nothing is changed.
    Fails(io::ErrorKind),
    /// Half of the lines are written, then it fails; other writes fail whole.
    Torn(io::ErrorKind),
}

/// Decides what becomes of each write.
pub trait StateHook: Send + Sync {
    /// What becomes of the write that is about to be made.
    fn next(&self, write: StateWrite) -> StateFault;
}

impl MemoryState {
    /// The same memory, written through `hook`.
    #[must_use]
    pub fn through(&self, hook: Arc<dyn StateHook>) -> Self {
        Self { memory: self.memory.clone(), hook: Some(hook) }
    }

    fn with<R>(&self, act: impl FnOnce(&mut Memory) -> R) -> R {
        act(&mut self.memory.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn fault(&self, write: StateWrite) -> StateFault {
        self.hook.as_ref().map_or(StateFault::None, |hook| hook.next(write))
    }

    fn write<R>(&self, write: StateWrite, act: impl FnOnce(&mut Memory) -> R) -> Result<R, LocalError> {
        match self.fault(write) {
            StateFault::None => Ok(self.with(act)),
            StateFault::Fails(kind) | StateFault::Torn(kind) => Err(failed(write, kind)),
        }
    }
}

fn failed(write: StateWrite, kind: io::ErrorKind) -> LocalError {
    let (path, source) = (PathBuf::from(format!("memory/{write:?}")), io::Error::from(kind));
    match write {
        StateWrite::Secure => LocalError::Room { what: "room".into(), path, source },
        _ => LocalError::Io { doing: "write", path, source },
    }
}

impl LocalState for MemoryState {
    fn holder(&self, random: u64) -> Result<String, LocalError> {
        match self.with(|memory| memory.holder.clone()) {
            Some(holder) => Ok(holder),
            None => self.write(StateWrite::Holder, |memory| {
                memory.holder.get_or_insert_with(|| format!("{random:016x}")).clone()
            }),
        }
    }

    fn lock(&self) -> Result<Guard, LocalError> {
        self.write(StateWrite::Lock, |memory| {
            if Arc::strong_count(&memory.lock) > 1 {
                return Err(LocalError::Held { environment: String::new(), path: PathBuf::from("memory") });
            }
            Ok(Box::new(memory.lock.clone()) as Guard)
        })?
    }

    fn secure(&self, deployment: &str, _: Room) -> Result<(), LocalError> {
        self.write(StateWrite::Secure, |memory| memory.journals.retain(|id, _| id == deployment))
    }

    async fn append_journal(&self, deployment: &str, lines: Vec<u8>) -> Result<(), LocalError> {
        let append = |lines: &[u8], counts: bool| {
            self.with(|memory| {
                let journal = memory.journals.entry(deployment.to_owned()).or_default();
                journal.text.truncate(journal.end);
                journal.text.extend(lines);
                if counts {
                    journal.end = journal.text.len();
                }
            });
        };
        match self.fault(StateWrite::Append) {
            StateFault::None => append(&lines, true),
            StateFault::Fails(kind) => return Err(failed(StateWrite::Append, kind)),
            StateFault::Torn(kind) => {
                append(&lines[..lines.len() / 2], false);
                return Err(failed(StateWrite::Append, kind));
            }
        }
        Ok(())
    }

    fn read_journal(&self, deployment: &str) -> Result<Option<Vec<u8>>, LocalError> {
        Ok(self.with(|memory| memory.journals.get(deployment).map(|journal| journal.text.clone())))
    }

    fn remove_journal(&self, deployment: &str) -> Result<(), LocalError> {
        self.write(StateWrite::RemoveJournal, |memory| _ = memory.journals.remove(deployment))
    }

    fn keep_unsent(&self, unsent: &Unsent) -> Result<(), LocalError> {
        self.write(StateWrite::KeepUnsent, |memory| memory.unsent = Some(unsent.clone()))
    }

    fn unsent(&self) -> Result<Option<Unsent>, LocalError> {
        Ok(self.with(|memory| memory.unsent.clone()))
    }

    fn drop_unsent(&self) -> Result<(), LocalError> {
        self.write(StateWrite::DropUnsent, |memory| memory.unsent = None)
    }

    fn keep_sighting(&self, sighting: &Sighting) -> Result<(), LocalError> {
        self.write(StateWrite::KeepSighting, |memory| memory.sighting = Some(sighting.clone()))
    }

    fn sighting(&self) -> Result<Option<Sighting>, LocalError> {
        Ok(self.with(|memory| memory.sighting.clone()))
    }
}
