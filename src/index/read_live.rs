//! Live flows, read the way git's are compared, keeping no more of each than somebody will need.

use std::collections::HashMap;
use std::sync::Arc;

use super::FlowIndex;
use crate::flow::{Comparison, ContentHash, Definition, FlowId, Keep, KnownFlow, LiveFlow};
use crate::plan::{Desired, Last};
use crate::tenant::{ReadLive, Recognised};

/// Reads live flows. Clones share one index.
#[derive(Debug, Clone)]
pub struct LiveReader {
    index: FlowIndex,
    /// The flows that matter, each with the equality hash that makes its text superfluous; without it
    /// every text is kept.
    managed: Option<Arc<HashMap<FlowId, Option<ContentHash>>>>,
    others: Others,
}

/// What is to be read of flows that are not among those that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Others {
    /// Everything: what they refer to counts.
    Whole,
    /// Their hashes; bytes that were seen before tell them.
    Hashes,
    /// The same, in another environment than the one whose flows the index knows: no bytes tell anything there.
    HashesElsewhere,
}

impl LiveReader {
    /// Keeps every text.
    #[must_use]
    pub fn new(index: FlowIndex) -> Self {
        Self { index, managed: None, others: Others::Whole }
    }

    /// Keeps the texts of managed flows that are not live as git has them: those that may have to be
    /// put back.
    #[must_use]
    pub fn unlike(&self, desired: &Desired, last: &Last) -> Self {
        let left = last.flows.keys().map(|id| (id.clone(), None));
        let held = desired.flows.iter().map(|(id, flow)| (id.clone(), Some(flow.definition.equality_hash)));
        Self { managed: Some(Arc::new(left.chain(held).collect())), ..Self::new(self.index.clone()) }
    }

    /// Keeps the texts of these flows only; of others only their hashes matter.
    #[must_use]
    pub fn only<'a>(&self, flows: impl Iterator<Item = &'a FlowId>) -> Self {
        let managed = Some(Arc::new(flows.map(|id| (id.clone(), None)).collect()));
        Self { index: self.index.clone(), managed, others: Others::Hashes }
    }

    /// Keeps no text, and reads another environment than the one whose flows the index knows.
    #[must_use]
    pub fn elsewhere(&self) -> Self {
        Self { index: self.index.clone(), managed: Some(Arc::default()), others: Others::HashesElsewhere }
    }

    /// How flows are compared.
    #[must_use]
    pub fn comparison(&self) -> Arc<Comparison> {
        self.index.comparison()
    }

    /// What is known of flows already.
    #[must_use]
    pub fn index(&self) -> &FlowIndex {
        &self.index
    }

    /// Whether a flow's text is superfluous.
    fn is_expected(&self, id: &FlowId, equality: ContentHash) -> bool {
        self.managed.as_ref().is_some_and(|managed| managed.get(id) == Some(&Some(equality)))
    }

    fn keeps_text(&self, id: &FlowId) -> bool {
        self.managed.as_ref().is_none_or(|managed| managed.contains_key(id))
    }
}

impl LiveReader {
    /// A flow whose bytes were seen before, as far as nobody will ask for more of it than they tell.
    fn known(&self, known: Option<Recognised>) -> Option<Recognised> {
        known.filter(|Recognised { flow: KnownFlow { id, equality_hash, .. }, .. }| match self.others {
            Others::Whole => self.is_expected(id, *equality_hash),
            Others::Hashes => !self.keeps_text(id),
            Others::HashesElsewhere => false,
        })
    }
}

impl ReadLive for LiveReader {
    fn recognise(&self, text: &[u8]) -> Option<Recognised> {
        let seen = self.index.live_at_beginning(text).or_else(|| self.index.live_as_in_git(text));
        let recognised = self.known(seen)?;
        self.index.count_recognised(1);
        Some(recognised)
    }

    fn read(&self, raw: &[u8]) -> Result<LiveFlow, String> {
        let (digest, known) = self.index.live(raw);
        if let Some(Recognised { flow, bytes: _ }) = self.known(known) {
            self.index.count_recognised(1);
            return Ok(LiveFlow::Recognised(flow));
        }
        if matches!(self.others, Others::Whole | Others::Hashes) {
            self.index.note_environment(raw);
        }
        let definition = Definition::from_live_keeping(raw, &self.comparison(), |id, equality| {
            let is_wanted = !self.is_expected(id, equality) && self.keeps_text(id);
            if is_wanted { Keep::Text } else { Keep::Hashes }
        });
        let definition = definition.map_err(|error| error.to_string())?;
        let Definition { id, content_hash, equality_hash, text, .. } = &definition;
        self.index.count_parsed(raw.len(), text.is_some());
        if self.is_expected(id, *equality_hash) {
            let flow = KnownFlow { id: id.clone(), content_hash: *content_hash, equality_hash: *equality_hash };
            self.index.keep_live(digest, Recognised { flow: flow.clone(), bytes: raw.len() });
            return Ok(LiveFlow::Recognised(flow));
        }
        Ok(definition.into())
    }
}
