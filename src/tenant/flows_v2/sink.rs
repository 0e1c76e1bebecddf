//! What is kept of the items of a list.

use std::collections::BTreeSet;

use super::super::{Export, ReadLive};
use crate::flow::{Definition, FlowId};

/// Takes the items of the environment asked about, each once.
pub(super) trait Sink: Send {
    fn take(&mut self, id: &str, item: &[u8]);

    /// Takes an item that is larger than `bytes_max`, the most that is taken, and of which this is the beginning.
    fn take_beginning(&mut self, id: &str, beginning: &[u8], bytes_max: u64);

    /// Takes an item that has no id, shown by its beginning; false where that is no item at all.
    fn take_nameless(&mut self, beginning: &str) -> bool {
        let _ = beginning;
        false
    }

    /// The id of an item of the environment, where its bytes alone tell.
    fn recognise(&self, item: &[u8]) -> Option<FlowId> {
        let _ = item;
        None
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
    fn keep(&mut self, id: &str, read: impl FnOnce() -> Result<Definition, String>) {
        let read = id.parse::<FlowId>().map_err(|error| error.to_string()).and_then(|id| Ok((id, read()?)));
        match read {
            Ok((id, definition)) => _ = self.export.flows.insert(id, definition),
            Err(reason) => _ = self.export.foreign.insert(id.to_owned(), reason),
        }
    }
}

impl Sink for Flows<'_> {
    fn take(&mut self, id: &str, item: &[u8]) {
        let reader = self.reader;
        self.keep(id, || reader.read(item));
    }

    fn take_beginning(&mut self, id: &str, beginning: &[u8], bytes_max: u64) {
        self.keep(id, || Definition::from_beginning(beginning, bytes_max).map_err(|error| error.to_string()));
    }

    fn take_nameless(&mut self, beginning: &str) -> bool {
        tracing::warn!("a live item has no id and is nobody's flow: {beginning}");
        self.export.foreign.insert(format!("without an id: {beginning}"), "it has no id".to_owned());
        true
    }

    fn recognise(&self, item: &[u8]) -> Option<FlowId> {
        self.reader.recognise(item)
    }

    fn clear(&mut self) {
        self.export = Export::default();
    }
}

/// The lists whose ids alone matter.
impl Sink for BTreeSet<String> {
    fn take(&mut self, id: &str, _: &[u8]) {
        self.insert(id.to_owned());
    }

    fn take_beginning(&mut self, id: &str, _: &[u8], _: u64) {
        self.insert(id.to_owned());
    }

    fn clear(&mut self) {
        Self::clear(self);
    }
}
