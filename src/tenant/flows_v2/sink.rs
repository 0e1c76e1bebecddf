//! What is kept of the items of a list.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::super::{Export, ReadLive, Recognised};
use crate::flow::{Definition, FlowId, KnownFlow, LiveFlow};
use crate::parallel;

/// An item of a list: its id, and the bytes that came.
#[derive(Debug)]
pub(super) struct Item<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) text: &'a [u8],
}

/// Takes the items of the environment asked about, each once.
pub(super) trait Sink: Send {
    /// Takes what came of one page.
    fn take(&mut self, items: &[Item<'_>]);

    /// Takes an item that is larger than `bytes_max`, the most that is taken, and of which this is the beginning.
    fn take_beginning(&mut self, id: &str, beginning: &[u8], bytes_max: u64);

    /// Takes an item that has no id, shown by its beginning; false where that is no item at all.
    fn take_nameless(&mut self, beginning: &str) -> bool {
        let _ = beginning;
        false
    }

    /// The item of the environment that `text` begins with, where its bytes alone tell.
    fn recognise(&self, text: &[u8]) -> Option<Recognised> {
        let _ = text;
        None
    }

    /// Takes an item that was recognised.
    fn take_known(&mut self, flow: KnownFlow) {
        let _ = flow;
    }

    /// The list is read again.
    fn clear(&mut self);
}

/// Whole flows.
pub(super) struct Flows<'a> {
    pub(super) reader: &'a dyn ReadLive,
    pub(super) export: Export,
}

impl Flows<'_> {
    fn keep(&mut self, id: &str, read: Result<(FlowId, LiveFlow), String>) {
        match read {
            Ok((id, flow)) => _ = self.export.flows.insert(id, flow),
            Err(reason) => _ = self.export.foreign.insert(id.to_owned(), reason),
        }
    }
}

fn flow(id: &str, read: impl FnOnce() -> Result<LiveFlow, String>) -> Result<(FlowId, LiveFlow), String> {
    let id = id.parse::<FlowId>().map_err(|error| error.to_string())?;
    Ok((id, read()?))
}

impl Sink for Flows<'_> {
    fn take(&mut self, items: &[Item<'_>]) {
        let reader = self.reader;
        let read = parallel::map(items, |Item { id, text }| flow(id, || reader.read(text)));
        items.iter().zip(read).for_each(|(item, read)| self.keep(&item.id, read));
    }

    fn take_beginning(&mut self, id: &str, beginning: &[u8], bytes_max: u64) {
        let read =
            || Definition::from_beginning(beginning, bytes_max).map(LiveFlow::from).map_err(|error| error.to_string());
        self.keep(id, flow(id, read));
    }

    fn take_nameless(&mut self, beginning: &str) -> bool {
        tracing::warn!("a live item has no id and is nobody's flow: {beginning}");
        self.export.foreign.insert(format!("without an id: {beginning}"), "it has no id".to_owned());
        true
    }

    fn recognise(&self, text: &[u8]) -> Option<Recognised> {
        self.reader.recognise(text)
    }

    fn take_known(&mut self, flow: KnownFlow) {
        self.export.flows.insert(flow.id.clone(), LiveFlow::Recognised(flow));
    }

    fn clear(&mut self) {
        self.export = Export::default();
    }
}

/// The lists whose ids alone matter.
impl Sink for BTreeSet<String> {
    fn take(&mut self, items: &[Item<'_>]) {
        self.extend(items.iter().map(|item| item.id.clone().into_owned()));
    }

    fn take_beginning(&mut self, id: &str, _: &[u8], _: u64) {
        self.insert(id.to_owned());
    }

    fn clear(&mut self) {
        Self::clear(self);
    }
}
