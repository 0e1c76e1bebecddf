//! `/sandbox/...`: looking in, and reaching in behind everyone's back. No credentials; never logged, limited
//! or struck by a fault.

use axum::http::Method;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::super::wire::{Incoming, Reply};
use super::super::super::yaml::{self, ReadError};
use super::super::fault::{FaultPlan, Faults};
use super::super::shared::Inner;
use super::super::world::{Environment, Live, Stored};
use crate::flow::ReferenceKind;

/// Answers a control request; `segments` are those after `sandbox`.
pub(super) fn answer(inner: &mut Inner, incoming: &Incoming, segments: &[String]) -> Reply {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let done = match (segments.as_slice(), incoming.method.as_str()) {
        (["state"], "GET") => Ok(state(inner, incoming)),
        (["state"], "DELETE") => {
            inner.reset();
            Ok(Reply::no_content())
        }
        (["flows", environment, id], _) => flow(inner, incoming, environment, id),
        ([kind @ ("intents" | "entities" | "variables"), environment, id], _) => {
            thing(inner, incoming, kind_of(kind), environment, id)
        }
        (["requests"], "GET") => serde_json::to_vec(&inner.log).map(|log| Reply::bytes(200, log)).map_err(broken),
        (["requests"], "DELETE") => {
            inner.log = Default::default();
            Ok(Reply::no_content())
        }
        (["faults"], _) => faults(inner, incoming),
        (["settings"], "GET") => Ok(Reply::bytes(200, inner.behaviour.to_json())),
        (["settings"], "PUT") => settings(inner, incoming),
        (["tokens"], "DELETE") => {
            inner.access.revoke_all();
            Ok(Reply::no_content())
        }
        (["state" | "requests" | "settings" | "tokens"], _) => Err(wrong_method(&incoming.method)),
        _ => Err(Reply::error(404, "not_found", "there is no such path under /sandbox")),
    };
    done.unwrap_or_else(|error| error)
}

fn kind_of(plural: &str) -> ReferenceKind {
    match plural {
        "intents" => ReferenceKind::Intent,
        "entities" => ReferenceKind::Entity,
        _ => ReferenceKind::Variable,
    }
}

fn wrong_method(method: &Method) -> Reply {
    Reply::error(405, "method_not_allowed", format!("{method} is not possible here"))
}

fn broken(error: serde_json::Error) -> Reply {
    Reply::error(500, "internal", error.to_string())
}

fn unreadable(error: ReadError) -> Reply {
    Reply::error(400, "malformed", error.to_string())
}

fn state(inner: &Inner, incoming: &Incoming) -> Reply {
    let whole = incoming.query("flows") == Some("full");
    let now = Instant::now();
    let environments = inner.world.environments.iter().map(|(name, environment)| {
        let flows: Vec<Value> =
            environment.flows().map(|(id, live)| flow_summary(inner, name, id, live, now)).collect();
        let mut summary = json!({
            "flows": flows,
            "intents": names(environment, ReferenceKind::Intent),
            "entities": names(environment, ReferenceKind::Entity),
            "variables": names(environment, ReferenceKind::Variable),
        });
        if whole {
            // Through a value: numbers are shown rounded to doubles here; an export gives the true bytes.
            let flows =
                environment.flows().map(|(_, live)| serde_json::from_str(live.current.text()).unwrap_or(Value::Null));
            summary["flows"] = flows.collect();
        }
        (name.clone(), summary)
    });
    Reply::json(200, &json!({ "environments": environments.collect::<serde_json::Map<_, _>>() }))
}

fn flow_summary(inner: &Inner, environment: &str, id: &str, live: &Live, now: Instant) -> Value {
    let status = inner.world.status(environment, id, inner.behaviour.status_delay, now);
    let Stored { name, version, .. } = &*live.current;
    let history: Vec<&str> = live.history.iter().map(|stored| stored.version.as_str()).collect();
    json!({
        "id": id,
        "name": name,
        "version": version,
        "history": history,
        "status": status.ok().map(|verdict| verdict.status),
    })
}

fn names(environment: &Environment, kind: ReferenceKind) -> Value {
    environment.things(kind).map(|(id, thing)| (id.clone(), Value::from(thing.name.as_str()))).collect()
}

fn flow(inner: &mut Inner, incoming: &Incoming, environment: &str, id: &str) -> Result<Reply, Reply> {
    match incoming.method.as_str() {
        "GET" => Ok(Reply::bytes(200, inner.world.flow(environment, id)?.current.item.clone())),
        "PUT" => {
            let text = incoming.text()?;
            let raw: &RawValue =
                serde_json::from_str(text).map_err(|error| Reply::error(400, "malformed", error.to_string()))?;
            let stored = Stored::read(environment, raw.get())
                .map_err(|error| Reply::error(400, "malformed", error.to_string()))?;
            inner.world.put(environment, id, stored);
            Ok(Reply::no_content())
        }
        "DELETE" => {
            inner.world.flow(environment, id)?;
            inner.world.remove(environment, id);
            Ok(Reply::no_content())
        }
        _ => Err(wrong_method(&incoming.method)),
    }
}

fn thing(
    inner: &mut Inner,
    incoming: &Incoming,
    kind: ReferenceKind,
    environment: &str,
    id: &str,
) -> Result<Reply, Reply> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Named {
        name: String,
    }
    match incoming.method.as_str() {
        "PUT" => {
            let text = incoming.text()?;
            let name = match text.trim() {
                "" => id.to_owned(),
                text => yaml::read::<Named>(text).map_err(unreadable)?.name,
            };
            inner.world.add_thing(environment, kind, id, &name);
            Ok(Reply::no_content())
        }
        "DELETE" if inner.world.remove_thing(environment, kind, id) => Ok(Reply::no_content()),
        "DELETE" => {
            let text = format!("there is no {} `{id}` in `{environment}`", kind.as_str());
            Err(Reply::error(404, "not_found", text))
        }
        _ => Err(wrong_method(&incoming.method)),
    }
}

fn faults(inner: &mut Inner, incoming: &Incoming) -> Result<Reply, Reply> {
    match incoming.method.as_str() {
        "GET" => Ok(Reply::json(200, &inner.faults.to_json())),
        "PUT" => {
            inner.faults = Faults::new(FaultPlan::parse(incoming.text()?).map_err(unreadable)?);
            Ok(Reply::json(200, &inner.faults.to_json()))
        }
        "DELETE" => {
            inner.faults = Faults::default();
            Ok(Reply::no_content())
        }
        _ => Err(wrong_method(&incoming.method)),
    }
}

fn settings(inner: &mut Inner, incoming: &Incoming) -> Result<Reply, Reply> {
    let behaviour = inner.behaviour.changed_by(incoming.text()?).map_err(unreadable)?;
    inner.behave(behaviour);
    Ok(Reply::bytes(200, inner.behaviour.to_json()))
}
