//! A request as far as it can be checked without looking at what there is: route, ids, query, body.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::super::wire::Incoming;
use super::super::call::Call;
use super::super::mint::Id;
use super::super::model::body::through_javascript;
use super::super::refusal::Refusal;
use super::super::rules::Behaviour;
use super::list;
use super::multipart;
use super::route;

/// The largest upload (vendor's reference: 256 MB).
pub(super) const UPLOAD_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A request whose form is right.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) call: Call,
    /// The ids in the path.
    pub(super) ids: Vec<Id>,
    /// The first segment of the path below the base.
    pub(super) collection: String,
    pub(super) query: Vec<(String, String)>,
    /// A JSON object; empty where none was sent.
    pub(super) body: Map<String, Value>,
    /// The parts of an upload.
    pub(super) parts: BTreeMap<String, Vec<u8>>,
    pub(super) is_patch: bool,
    /// `Host`, for links.
    pub(super) host: String,
}

impl Asked {
    /// Checks a request for `call`, whose path below the base is `below`.
    pub(super) fn read(incoming: &Incoming, call: Call, below: &[&str], rules: &Behaviour) -> Result<Self, Refusal> {
        let method = incoming.method.as_str();
        let n_bytes = incoming.body().map_err(|_| Refusal::too_large(rules.body_bytes_max))?.len();
        if method == "GET" && n_bytes > 0 && !rules.get_bodies {
            return Err(Refusal::forbidden("a GET request must not have a body"));
        }
        let has_json = method != "GET" && !call.is_upload();
        let body = if has_json { json_body(incoming, rules)? } else { Map::new() };
        let parts = if call.is_upload() { upload(incoming)? } else { BTreeMap::new() };
        let ids = route::ids(below)?;
        list::check_names(&incoming.query, call.is_list(), call.query())?;
        Ok(Self {
            call,
            ids,
            collection: below.first().copied().unwrap_or_default().to_owned(),
            query: incoming.query.clone(),
            body,
            parts,
            is_patch: method == "PATCH",
            host: incoming.header("host").unwrap_or_default().to_owned(),
        })
    }

    /// The id at a place in the path.
    pub(super) fn id(&self, at: usize) -> Result<&Id, Refusal> {
        self.ids.get(at).ok_or_else(Refusal::no_path)
    }

    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().rfind(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// An internal id in the query.
    pub(super) fn id_in_query(&self, name: &str) -> Result<Option<Id>, Refusal> {
        let id = self.query(name).map(str::parse).transpose();
        id.map_err(|error| Refusal::invalid(format!("`{name}`: {error}")))
    }

    /// A part of an upload, as text.
    pub(super) fn part(&self, name: &str) -> Result<String, Refusal> {
        let bytes = self.parts.get(name).ok_or_else(|| Refusal::missing(name))?;
        String::from_utf8(bytes.clone()).map_err(|_| Refusal::invalid(format!("`{name}` is not UTF-8")))
    }

    /// The flow and the project it is about, as far as the request names them.
    pub(super) fn subject(&self) -> (Option<String>, Option<String>) {
        let first = self.ids.first().map(Id::to_string);
        let project = self.query("projectId").or_else(|| self.body.get("projectId").and_then(Value::as_str));
        match self.collection.as_str() {
            "flows" => (first, project.map(str::to_owned)),
            "projects" => (None, first),
            _ => (None, project.map(str::to_owned)),
        }
    }

    /// Whether a switch in the query is on.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.query(name) == Some("true")
    }
}

fn upload(incoming: &Incoming) -> Result<BTreeMap<String, Vec<u8>>, Refusal> {
    let bytes = incoming.body().map_err(|_| Refusal::too_large(UPLOAD_BYTES_MAX))?;
    let content_type = incoming.header("content-type").unwrap_or_default();
    multipart::parts(content_type, bytes)
        .ok_or_else(|| Refusal::invalid("expected a body of type `multipart/form-data`"))
}

fn json_body(incoming: &Incoming, rules: &Behaviour) -> Result<Map<String, Value>, Refusal> {
    let bytes = incoming.body().map_err(|_| Refusal::too_large(rules.body_bytes_max))?;
    if bytes.len() > rules.body_bytes_max {
        return Err(Refusal::too_large(rules.body_bytes_max));
    }
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    let text = incoming.json_text().map_err(|_| Refusal::invalid("expected a body of type `application/json`"))?;
    let mut value: Value =
        serde_json::from_str(text).map_err(|error| Refusal::invalid(format!("the body is no JSON: {error}")))?;
    through_javascript(&mut value);
    match value {
        Value::Object(body) => Ok(body),
        _ => Err(Refusal::invalid("expected a JSON object")),
    }
}
