//! `/sandbox/...`: looking in, and reaching in behind everyone's back. No credentials; never logged, limited or struck
//! by a fault.

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::super::span::Span;
use super::super::super::wire::{BodyError, Incoming, Reply};
use super::super::super::yaml::{self, ReadError};
use super::super::fault::{FaultPlan, Faults};
use super::super::model::platform::Moment;
use super::super::reach_in;
use super::super::refusal::Refusal;
use super::super::shared::Inner;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Upgrade {
    #[serde(rename = "type")]
    kind: String,
    key: String,
    default: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance: Span,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Doom {
    reason: String,
}

/// Why a control request is not answered well.
enum Wrong {
    Text(ReadError),
    Body,
    Call(Refusal),
    Method(Method),
    Path,
}

impl From<ReadError> for Wrong {
    fn from(error: ReadError) -> Self {
        Self::Text(error)
    }
}

impl From<BodyError> for Wrong {
    fn from(_: BodyError) -> Self {
        Self::Body
    }
}

impl From<Refusal> for Wrong {
    fn from(refusal: Refusal) -> Self {
        Self::Call(refusal)
    }
}

impl Wrong {
    fn reply(self) -> Reply {
        let (status, message) = match self {
            Self::Text(error) => (400, error.to_string()),
            Self::Body => (400, "the body is too large, or not UTF-8".to_owned()),
            Self::Call(refusal) => (refusal.status, refusal.detail),
            Self::Method(method) => (405, format!("{method} is not possible here")),
            Self::Path => (404, "there is no such path under /sandbox".to_owned()),
        };
        Reply::json(status, &json!({ "message": message }))
    }
}

/// Answers a control request; `segments` are those after `sandbox`.
pub(super) fn answer(inner: &mut Inner, incoming: &Incoming, segments: &[&str]) -> Reply {
    done(inner, incoming, segments).unwrap_or_else(Wrong::reply)
}

fn done(inner: &mut Inner, incoming: &Incoming, segments: &[&str]) -> Result<Reply, Wrong> {
    let rules = inner.behaviour.clone();
    let now = Moment { ms: inner.clock.ms(), rules: &rules };
    inner.platform.settle(now);
    match (segments, incoming.method.as_str()) {
        ([what @ ("requests" | "faults" | "settings" | "tokens")], method) => {
            of_the_stand_in(inner, incoming, what, method)
        }
        (["state"], "GET") => Ok(Reply::json(200, &reach_in::overview(&inner.platform, now.ms))),
        (["nodes", flow, node], "PATCH") => {
            let fields: Map<String, Value> = yaml::read(incoming.text()?)?;
            reach_in::edit(&mut inner.platform, flow, node, fields, now)?;
            Ok(Reply::no_content())
        }
        (["upgrade"], "POST") => {
            let Upgrade { kind, key, default } = yaml::read(incoming.text()?)?;
            reach_in::upgrade(&mut inner.platform, &kind, &key, default);
            Ok(Reply::no_content())
        }
        (["clock"], "POST") => {
            let Advance { advance: Span(span) } = yaml::read(incoming.text()?)?;
            inner.clock.advance(span);
            Ok(Reply::no_content())
        }
        (["tasks", "fail"], "POST") => {
            let Doom { reason } = yaml::read(incoming.text()?)?;
            inner.platform.dooms.insert(0, reason);
            Ok(Reply::no_content())
        }
        (["state" | "upgrade" | "clock"] | ["nodes", _, _] | ["tasks", "fail"], _) => {
            Err(Wrong::Method(incoming.method.clone()))
        }
        _ => Err(Wrong::Path),
    }
}

/// What is asked of the stand-in itself: its log, its faults, its settings, the tokens it gave out.
fn of_the_stand_in(inner: &mut Inner, incoming: &Incoming, what: &str, method: &str) -> Result<Reply, Wrong> {
    match (what, method) {
        ("requests", "GET") => Ok(Reply::json(200, &serde_json::to_value(&inner.log).unwrap_or_default())),
        ("requests", "DELETE") => {
            inner.log = Default::default();
            Ok(Reply::no_content())
        }
        ("faults", "GET") => Ok(Reply::json(200, &inner.faults.to_json())),
        ("faults", "PUT") => {
            inner.faults = Faults::new(FaultPlan::parse(incoming.text()?)?);
            Ok(Reply::json(200, &inner.faults.to_json()))
        }
        ("faults", "DELETE") => {
            inner.faults = Faults::default();
            Ok(Reply::no_content())
        }
        ("settings", "GET") => Ok(Reply::json(200, &inner.behaviour.to_json())),
        ("settings", "PUT") => {
            inner.behaviour = inner.behaviour.changed_by(incoming.text()?)?;
            Ok(Reply::json(200, &inner.behaviour.to_json()))
        }
        ("tokens", "DELETE") => {
            inner.access.revoke_all();
            Ok(Reply::no_content())
        }
        _ => Err(Wrong::Method(incoming.method.clone())),
    }
}
