//! The state file: everything the tenant holds, but neither tokens nor deployments under way.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::super::file::{self, StateFileError};
use super::world::{Live, Stored, World};
use crate::flow::ReferenceKind;

/// What stands at the top of every state file.
const FORMAT: &str = "flowsync-sandbox-1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: String,
    environments: BTreeMap<String, WrittenEnvironment>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEnvironment {
    intents: BTreeMap<String, String>,
    entities: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
    flows: BTreeMap<String, WrittenFlow>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFlow {
    definition: Box<RawValue>,
    /// Earlier definitions, oldest first.
    history: Vec<Box<RawValue>>,
}

/// The text of the state file for `world`.
pub(super) fn to_text(world: &World) -> Result<Vec<u8>, serde_json::Error> {
    let mut environments = BTreeMap::new();
    for (name, environment) in &world.environments {
        let names = |kind| environment.things(kind).map(|(id, thing)| (id.clone(), thing.name.clone())).collect();
        let flows = environment.flows().map(|(id, live)| Ok((id.clone(), written(live)?)));
        let written = WrittenEnvironment {
            intents: names(ReferenceKind::Intent),
            entities: names(ReferenceKind::Entity),
            variables: names(ReferenceKind::Variable),
            flows: flows.collect::<Result<_, serde_json::Error>>()?,
        };
        environments.insert(name.clone(), written);
    }
    serde_json::to_vec(&Written { format: FORMAT.to_owned(), environments })
}

fn written(live: &Live) -> Result<WrittenFlow, serde_json::Error> {
    let raw = |stored: &Stored| RawValue::from_string(stored.text().to_owned());
    let history = live.history.iter().map(|stored| raw(stored)).collect::<Result<_, _>>()?;
    Ok(WrittenFlow { definition: raw(&live.current)?, history })
}

/// Reads the file at `path` into `world`; whether there was one.
pub(super) fn load(path: &Path, world: &mut World) -> Result<bool, StateFileError> {
    let Some(text) = file::read(path)? else { return Ok(false) };
    let content = |detail: String| StateFileError::Content { path: path.to_owned(), detail };
    let Written { format, environments } = serde_json::from_str(&text).map_err(|error| content(error.to_string()))?;
    if format != FORMAT {
        return Err(content(format!("expected format `{FORMAT}`, found `{format}`")));
    }
    for (name, environment) in environments {
        restore(world, &name, environment).map_err(content)?;
    }
    Ok(true)
}

fn restore(world: &mut World, name: &str, environment: WrittenEnvironment) -> Result<(), String> {
    let WrittenEnvironment { intents, entities, variables, flows } = environment;
    world.add_environment(name);
    let kinds =
        [(ReferenceKind::Intent, intents), (ReferenceKind::Entity, entities), (ReferenceKind::Variable, variables)];
    for (kind, things) in kinds {
        things.iter().for_each(|(id, title)| world.add_thing(name, kind, id, title));
    }
    for (id, WrittenFlow { definition, history }) in flows {
        let read = |raw: &RawValue| Stored::read(name, raw.get()).map_err(|error| format!("flow `{id}`: {error}"));
        let history = history.iter().map(|raw| read(raw)).collect::<Result<_, _>>()?;
        world.restore(name, &id, read(&definition)?, history);
    }
    Ok(())
}
