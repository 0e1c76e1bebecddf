//! Same inputs, same answer: what a pass that found nothing to do had looked at.
//!
//! A pass is a function of git's flows, this environment's records, the policy, and what the tenant
//! holds. Where all of them are what they were when the answer was "nothing to do", it is so again, and
//! neither manifest nor flow files need be read. Kept in a file of its own, so that this costs little.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::ahead::id_ahead;
use super::file;
use crate::flow::{FlowId, scan};
use crate::plan::Lookup;
use crate::problem::Problem;

/// What a quiet pass had looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    /// Digest over flows, records and policy.
    pub key: String,
    /// Managed flows, with their live bytes.
    pub flows: HashMap<FlowId, SeenLive>,
    /// Whatever else was live, by id; its content does not matter.
    pub others: BTreeSet<String>,
    /// What flows refer to: it must be there again.
    pub needed: Vec<(Lookup, BTreeSet<String>)>,
    /// What the pass had to say of the flows.
    pub problems: Vec<Problem>,
    /// Of the digests.
    pub(super) seed: u64,
}

/// The bytes of a live flow, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenLive {
    /// A digest over them.
    pub digest: u128,
    /// How many they are.
    pub bytes: usize,
}

impl Quiet {
    /// The flow whose item a text begins with, and how long that is.
    #[must_use]
    pub fn at_beginning(&self, text: &[u8]) -> Option<(&FlowId, usize)> {
        let (id, seen) = self.flows.get_key_value(&*id_ahead(text)?)?;
        (xxh3_128_with_seed(text.get(..seen.bytes)?, self.seed) == seen.digest).then_some((id, seen.bytes))
    }

    /// Whose flow an item is, wherever in it the id stands.
    #[must_use]
    pub fn recognise(&self, item: &[u8]) -> Option<&FlowId> {
        let id = scan::members(item)?.filter(|member| member.key == "id").last()?.value.as_str()?;
        let (id, seen) = self.flows.get_key_value(&*id)?;
        (seen.bytes == item.len() && xxh3_128_with_seed(item, self.seed) == seen.digest).then_some(id)
    }
}

fn beside(path: &Path) -> PathBuf {
    path.with_extension("quiet")
}

/// What was written beside the index at `path`.
pub(super) fn read(path: &Path) -> Option<Quiet> {
    file::read_sealed(&beside(path))
}

/// Writes it beside the index at `path`.
pub(super) fn write(path: &Path, quiet: &Quiet) -> std::io::Result<()> {
    file::write_sealed(&beside(path), quiet)
}
