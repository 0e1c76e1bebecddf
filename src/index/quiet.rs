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
use super::stored::StoredProblem;
use crate::flow::{EnvironmentId, FlowId, ReferenceKind, scan};
use crate::plan::Lookup;
use crate::problem::Problem;

/// What a quiet pass had looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
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

#[derive(Serialize, Deserialize)]
struct Stored {
    key: String,
    seed: u64,
    flows: Vec<(String, SeenLive)>,
    others: Vec<String>,
    needed: Vec<(ReferenceKind, String, Vec<String>)>,
    problems: Vec<StoredProblem>,
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
    let stored: Stored = file::read_sealed(&beside(path))?;
    let Stored { key, seed, flows, others, needed, problems } = stored;
    let lookup = |(kind, environment, ids): (ReferenceKind, String, Vec<String>)| {
        ((kind, EnvironmentId(environment)), ids.into_iter().collect())
    };
    Some(Quiet {
        key,
        seed,
        flows: flows.into_iter().map(|(id, seen)| Some((id.parse().ok()?, seen))).collect::<Option<_>>()?,
        others: others.into_iter().collect(),
        needed: needed.into_iter().map(lookup).collect(),
        problems: problems.into_iter().map(StoredProblem::back).collect::<Option<_>>()?,
    })
}

/// Writes it beside the index at `path`.
pub(super) fn write(path: &Path, quiet: &Quiet) -> std::io::Result<()> {
    let Quiet { key, flows, others, needed, problems, seed } = quiet;
    let stored = Stored {
        key: key.clone(),
        seed: *seed,
        flows: flows.iter().map(|(id, seen)| (id.to_string(), *seen)).collect(),
        others: others.iter().cloned().collect(),
        needed: needed
            .iter()
            .map(|((what, environment), ids)| (*what, environment.0.clone(), ids.iter().cloned().collect()))
            .collect(),
        problems: problems.iter().map(StoredProblem::of).collect(),
    };
    file::write_sealed(&beside(path), &stored)
}
