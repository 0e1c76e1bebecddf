//! Endpoints: where conversations come in, and what they meet there.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::mint::{Id, RefId};
use super::meta::Meta;

/// An endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) id: Id,
    pub(crate) reference: RefId,
    pub(crate) name: String,
    pub(crate) channel: String,
    /// A flow's reference id (vendor's reference).
    pub(crate) flow: String,
    pub(crate) locale: String,
    /// The project (live), or one of its snapshots (frozen).
    pub(crate) entrypoint: Id,
    pub(crate) meta: Meta,
}

/// What `PATCH /endpoints/{e}` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct EndpointFields {
    pub(crate) name: Option<String>,
    pub(crate) entrypoint: Option<Id>,
    pub(crate) flow_id: Option<RefId>,
    pub(crate) locale_id: Option<String>,
}

impl Endpoint {
    pub(crate) fn to_json(&self) -> Value {
        let Self { id, reference, name, channel, flow, locale, entrypoint, meta } = self;
        meta.on(json!({
            "_id": id,
            "referenceId": reference,
            "name": name,
            "channel": channel,
            "URLToken": reference.as_str().replace('-', ""),
            "flowId": flow,
            "localeId": locale,
            "entrypoint": entrypoint,
        }))
    }
}
