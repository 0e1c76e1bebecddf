//! What a request asks for: route and parameters, checked for their form only.

use std::collections::BTreeMap;

use axum::http::Method;
use axum::http::header::ALLOW;
use serde::Deserialize;
use serde_json::value::RawValue;
use url::form_urlencoded;

use super::super::super::wire::{Incoming, Reply};
use super::super::settings::Behaviour;
use super::super::world::Collection;
use crate::tenant::Call;

/// Items a page holds when the request does not say.
const LIMIT_DEFAULT: usize = 100;

/// A route of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    Token,
    List(Collection),
    Import,
    Status(String),
    Rollback(String),
    Delete(String),
}

/// A request whose parameters could be read.
#[derive(Debug)]
pub(super) enum Asked {
    Token(BTreeMap<String, String>),
    List { collection: Collection, environment: Option<String>, limit: usize, offset: usize },
    Import { environment: String, flow: Box<RawValue> },
    Status { environment: String, id: String },
    Rollback { environment: String, id: String, version: String },
    Delete { environment: String, id: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportBody {
    flow: Box<RawValue>,
    #[serde(rename = "environmentId")]
    environment: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RollbackBody {
    target_version: String,
    environment_id: String,
}

impl Route {
    /// The route of a request, or 404, or 405.
    pub(super) fn of(incoming: &Incoming, behaviour: &Behaviour) -> Result<Self, Reply> {
        let segments: Vec<&str> = incoming.segments.iter().map(String::as_str).collect();
        let (expected, route) = match segments.as_slice() {
            ["oauth", "token"] => (Method::POST, Self::Token),
            ["api", "v2", "flows"] => (Method::GET, Self::List(Collection::Flows)),
            ["api", "v2", "intents"] => (Method::GET, Self::List(Collection::Intents)),
            ["api", "v2", "entities"] => (Method::GET, Self::List(Collection::Entities)),
            ["api", "v2", "variables"] if behaviour.has_variables => (Method::GET, Self::List(Collection::Variables)),
            ["api", "v2", "flows", "import"] => (Method::POST, Self::Import),
            ["api", "v2", "flows", id, "status"] => (Method::GET, Self::Status((*id).to_owned())),
            ["api", "v2", "flows", id, "rollback"] => (Method::POST, Self::Rollback((*id).to_owned())),
            ["api", "v2", "flows", id] if !id.is_empty() => (Method::DELETE, Self::Delete((*id).to_owned())),
            _ => return Err(Reply::error(404, "not_found", "there is no such path")),
        };
        if incoming.method != expected {
            return Err(not_allowed(&format!("expected the method {expected}, found {}", incoming.method), &expected));
        }
        if matches!(route, Self::Delete(_)) && !behaviour.can_delete {
            return Err(not_allowed("flows cannot be deleted", &Method::GET));
        }
        Ok(route)
    }

    pub(super) fn call(&self) -> Call {
        match self {
            Self::Token => Call::Token,
            Self::List(Collection::Flows) => Call::Export,
            Self::List(Collection::Intents) => Call::Intents,
            Self::List(Collection::Entities) => Call::Entities,
            Self::List(Collection::Variables) => Call::Variables,
            Self::Import => Call::Import,
            Self::Status(_) => Call::Status,
            Self::Rollback(_) => Call::Rollback,
            Self::Delete(_) => Call::Delete,
        }
    }

    /// Reads the parameters.
    pub(super) fn asked(&self, incoming: &Incoming) -> Result<Asked, Reply> {
        match self {
            Self::Token => Ok(Asked::Token(form(incoming)?)),
            Self::List(collection) => Ok(Asked::List {
                collection: *collection,
                environment: incoming.query("environmentId").map(str::to_owned),
                limit: number(incoming, "limit", LIMIT_DEFAULT, 1)?,
                offset: number(incoming, "offset", 0, 0)?,
            }),
            Self::Import => {
                let ImportBody { flow, environment } = body(incoming)?;
                Ok(Asked::Import { environment, flow })
            }
            Self::Status(id) => Ok(Asked::Status { environment: environment(incoming)?, id: id.clone() }),
            Self::Rollback(id) => {
                let RollbackBody { target_version: version, environment_id: environment } = body(incoming)?;
                Ok(Asked::Rollback { environment, id: id.clone(), version })
            }
            Self::Delete(id) => Ok(Asked::Delete { environment: environment(incoming)?, id: id.clone() }),
        }
    }
}

impl Asked {
    /// The flow and the environment it is about.
    pub(super) fn subject(&self) -> (Option<String>, Option<String>) {
        match self {
            Self::Token(_) => (None, None),
            Self::List { environment, .. } => (None, environment.clone()),
            Self::Import { environment, flow } => (flow_id(flow), Some(environment.clone())),
            Self::Status { environment, id }
            | Self::Rollback { environment, id, .. }
            | Self::Delete { environment, id } => (Some(id.clone()), Some(environment.clone())),
        }
    }
}

fn flow_id(flow: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Identified {
        id: String,
    }
    serde_json::from_str::<Identified>(flow.get()).ok().map(|Identified { id }| id)
}

fn not_allowed(message: &str, allowed: &Method) -> Reply {
    Reply::error(405, "method_not_allowed", message).with(ALLOW, allowed.as_str())
}

fn form(incoming: &Incoming) -> Result<BTreeMap<String, String>, Reply> {
    if incoming.content_type() != "application/x-www-form-urlencoded" {
        let description = "expected the content type `application/x-www-form-urlencoded`";
        let error = serde_json::json!({ "error": "invalid_request", "error_description": description });
        return Err(Reply::json(400, &error));
    }
    let pairs = form_urlencoded::parse(incoming.body()?);
    Ok(pairs.map(|(key, value)| (key.into_owned(), value.into_owned())).collect())
}

fn body<T: for<'de> Deserialize<'de>>(incoming: &Incoming) -> Result<T, Reply> {
    serde_json::from_str(incoming.json_text()?).map_err(|error| Reply::error(400, "malformed", error.to_string()))
}

fn environment(incoming: &Incoming) -> Result<String, Reply> {
    let missing = || Reply::error(400, "bad_request", "the query parameter `environmentId` is missing");
    incoming.query("environmentId").map(str::to_owned).ok_or_else(missing)
}

/// A number in the query, at least `least`.
fn number(incoming: &Incoming, name: &str, default: usize, least: usize) -> Result<usize, Reply> {
    let Some(text) = incoming.query(name) else { return Ok(default) };
    let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    number.filter(|number| *number >= least).ok_or_else(|| {
        let message = format!("expected `{name}` to be a whole number of at least {least}, found `{text}`");
        Reply::error(400, "bad_request", message)
    })
}
