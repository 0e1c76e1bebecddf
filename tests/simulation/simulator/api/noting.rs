//! A reader that notes what it is given.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use flowsync::flow::{FlowId, LiveFlow};
use flowsync::tenant::{ReadLive, Recognised};

/// Notes every flow that an export shows, byte for byte.
pub struct Noting<'a> {
    reader: &'a dyn ReadLive,
    flows: Mutex<BTreeMap<FlowId, Arc<[u8]>>>,
}

impl<'a> Noting<'a> {
    pub fn of(reader: &'a dyn ReadLive) -> Self {
        Self { reader, flows: Mutex::default() }
    }

    /// What was shown.
    pub fn seen(self) -> BTreeMap<FlowId, Arc<[u8]>> {
        self.flows.into_inner().unwrap()
    }
}

impl ReadLive for Noting<'_> {
    fn read(&self, raw: &[u8]) -> Result<LiveFlow, String> {
        let read = self.reader.read(raw)?;
        self.flows.lock().unwrap().insert(read.id().clone(), raw.into());
        Ok(read)
    }

    fn recognise(&self, text: &[u8]) -> Option<Recognised> {
        self.reader.recognise(text)
    }
}
