//! A machine's memory that is no disk: for simulations, where crashing means dropping everything else.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Guard, LocalError, LocalState, Unsent};

/// Shared by every "process" of one simulated machine.
#[derive(Debug, Clone, Default)]
pub struct MemoryState(Arc<Mutex<Memory>>);

#[derive(Debug, Default)]
struct Memory {
    holder: Option<String>,
    journals: BTreeMap<String, Vec<u8>>,
    unsent: Option<Unsent>,
    lock: Arc<()>,
}

impl MemoryState {
    fn with<R>(&self, act: impl FnOnce(&mut Memory) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl LocalState for MemoryState {
    fn holder(&self, random: u64) -> Result<String, LocalError> {
        Ok(self.with(|memory| memory.holder.get_or_insert_with(|| format!("{random:016x}")).clone()))
    }

    fn lock(&self) -> Result<Guard, LocalError> {
        self.with(|memory| {
            if Arc::strong_count(&memory.lock) > 1 {
                return Err(LocalError::Held { environment: String::new(), path: PathBuf::from("memory") });
            }
            Ok(Box::new(memory.lock.clone()) as Guard)
        })
    }

    async fn append_journal(&self, deployment: &str, lines: Vec<u8>) -> Result<(), LocalError> {
        self.with(|memory| memory.journals.entry(deployment.to_owned()).or_default().extend(lines));
        Ok(())
    }

    fn read_journal(&self, deployment: &str) -> Result<Option<Vec<u8>>, LocalError> {
        Ok(self.with(|memory| memory.journals.get(deployment).cloned()))
    }

    fn remove_journal(&self, deployment: &str) -> Result<(), LocalError> {
        self.with(|memory| memory.journals.remove(deployment));
        Ok(())
    }

    fn keep_unsent(&self, unsent: &Unsent) -> Result<(), LocalError> {
        self.with(|memory| memory.unsent = Some(unsent.clone()));
        Ok(())
    }

    fn unsent(&self) -> Result<Option<Unsent>, LocalError> {
        Ok(self.with(|memory| memory.unsent.clone()))
    }

    fn drop_unsent(&self) -> Result<(), LocalError> {
        self.with(|memory| memory.unsent = None);
        Ok(())
    }
}
