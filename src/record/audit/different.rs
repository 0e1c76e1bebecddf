//! The record of a flow that is not live as it was sent.

use serde_json::{Map, Value};

use super::{Event, EventKind};
use crate::flow::diff::{Place, ReadBack};
use crate::flow::{ContentHash, FlowId};

/// A flow with the equality hashes of what was sent and of what was found; `null` is an absent flow.
#[must_use]
pub fn different(flow: &FlowId, sent: Option<ContentHash>, found: Option<ContentHash>) -> Event {
    let hash = |hash: Option<ContentHash>| hash.map_or(Value::Null, |hash| hash.to_string().into());
    Event::new(EventKind::Different).with("flow", flow.as_str()).with("sent", hash(sent)).with("found", hash(found))
}

impl Event {
    /// With the first places that differ; their values are JSON texts.
    #[must_use]
    pub fn with_places(self, ReadBack { places, n_more, respelled: _ }: &ReadBack) -> Self {
        self.with("places", places.iter().map(member).collect::<Vec<_>>()).with("more", *n_more)
    }
}

fn member(Place { path, sent, found }: &Place) -> Value {
    let sides = [("path", Some(path)), ("sent", sent.as_ref()), ("found", found.as_ref())];
    let members = sides.into_iter().filter_map(|(key, side)| Some((key.to_owned(), side?.as_str().into())));
    Value::Object(members.collect::<Map<_, _>>())
}
