//! One export, held against what a quiet pass had looked at.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::quiet::Quiet;
use crate::flow::{Comparison, ContentHash, Definition, FlowId, Keep, KnownFlow, LiveFlow, Reading};
use crate::tenant::{Export, ReadLive, Recognised};

/// Recognises the flows of a quiet pass, and notices anything else.
#[derive(Debug)]
pub struct QuietReader<'a> {
    quiet: &'a Quiet,
    n_recognised: AtomicUsize,
    is_changed: AtomicBool,
}

impl<'a> QuietReader<'a> {
    /// Reads one export against what a quiet pass had looked at.
    #[must_use]
    pub fn new(quiet: &'a Quiet) -> Self {
        Self { quiet, n_recognised: AtomicUsize::new(0), is_changed: AtomicBool::new(false) }
    }

    /// Whether everything was recognised that should be there, and nothing else came.
    #[must_use]
    pub fn is_same(&self, export: &Export) -> bool {
        let quiet = self.quiet;
        let is_known = |id: &&FlowId| export.flows.get(*id).is_some_and(|flow| *flow.reading() == Reading::Whole);
        let n_managed = quiet.flows.keys().filter(is_known).count();
        let n_others = quiet
            .others
            .iter()
            .filter(|id| {
                export.foreign.contains_key(*id) || id.parse::<FlowId>().is_ok_and(|id| export.flows.contains_key(&id))
            })
            .count();
        !self.is_changed.load(Ordering::Relaxed)
            && n_managed == quiet.flows.len()
            && n_others == quiet.others.len()
            && n_managed + n_others == export.flows.len() + export.foreign.len()
    }

    /// How many flows were known by their bytes.
    #[must_use]
    pub fn n_recognised(&self) -> usize {
        self.n_recognised.load(Ordering::Relaxed)
    }
}

impl ReadLive for QuietReader<'_> {
    fn read(&self, raw: &[u8]) -> Result<LiveFlow, String> {
        if let Some(id) = self.quiet.recognise(raw) {
            self.n_recognised.fetch_add(1, Ordering::Relaxed);
            return Ok(LiveFlow::Recognised(untold(id.clone())));
        }
        let flow = Definition::from_live_keeping(raw, &Comparison::default(), |_, _| Keep::Hashes);
        match flow.map(|flow| flow.id) {
            Ok(id) if self.quiet.others.contains(id.as_str()) => Ok(LiveFlow::Recognised(untold(id))),
            _ => {
                self.is_changed.store(true, Ordering::Relaxed);
                Err("changed".to_owned())
            }
        }
    }

    fn recognise(&self, text: &[u8]) -> Option<Recognised> {
        let (id, bytes) = self.quiet.at_beginning(text)?;
        self.n_recognised.fetch_add(1, Ordering::Relaxed);
        Some(Recognised { flow: untold(id.clone()), bytes })
    }
}

/// A flow of which nobody asks more than whether it is there.
fn untold(id: FlowId) -> KnownFlow {
    let nothing = ContentHash([0; 32]);
    KnownFlow { id, content_hash: nothing, equality_hash: nothing }
}
