//! What a sandbox holds from the start: written as YAML, or filled in by the program that embeds it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::Error;
use serde_json::Value;

use super::super::yaml::{self, Loose, ReadError, Worded};
use super::world::{Stored, World};
use crate::flow::{Comparison, Definition, ReferenceKind};

/// Environments by name.
#[derive(Debug, Clone, Default)]
pub struct Seed {
    /// What each environment holds.
    pub environments: BTreeMap<String, SeedEnvironment>,
}

/// What one environment holds. Nothing is checked: what refers to what need not be there.
#[derive(Debug, Clone, Default)]
pub struct SeedEnvironment {
    /// Intents: names by id.
    pub intents: BTreeMap<String, String>,
    /// Entities: names by id.
    pub entities: BTreeMap<String, String>,
    /// Variables: names by id.
    pub variables: BTreeMap<String, String>,
    /// Flows, each the JSON text of an object with an `id`.
    pub flows: Vec<String>,
}

/// A seed cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// A file or folder cannot be read.
    #[error("cannot read `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The seed is not written as it should be.
    #[error("the seed `{}` is not valid", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ReadError,
    },
    /// A flow is no JSON object with an `id`.
    #[error("a flow of `{environment}` in the seed is no JSON object with an `id`: {detail}")]
    Flow {
        /// The environment it belongs to.
        environment: String,
        /// What is wrong with it.
        detail: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    environments: BTreeMap<String, Option<WrittenEnvironment>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenEnvironment {
    intents: Vec<Loose<WrittenThing>>,
    entities: Vec<Loose<WrittenThing>>,
    variables: Vec<Loose<WrittenThing>>,
    flows: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenThing {
    id: String,
    name: Option<String>,
}

impl Worded for WrittenThing {
    fn from_word<E: Error>(word: &str) -> Result<Self, E> {
        Ok(Self { id: word.to_owned(), name: None })
    }
}

impl Seed {
    /// Reads a seed file. Flows are written out in it or named by path, from the folder the file is in; a
    /// folder stands for every `*.json` below it.
    pub fn read(path: &Path) -> Result<Self, SeedError> {
        let text = read_text(path)?;
        let written: Written =
            yaml::read(&text).map_err(|source| SeedError::Content { path: path.to_owned(), source })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut environments = BTreeMap::new();
        for (name, environment) in written.environments {
            let WrittenEnvironment { intents, entities, variables, flows } = environment.unwrap_or_default();
            let mut texts = Vec::new();
            for flow in flows {
                match flow {
                    Value::String(path) => read_flows(&folder.join(path), &mut texts)?,
                    flow => texts.push(flow.to_string()),
                }
            }
            let (intents, entities, variables) = (named(intents), named(entities), named(variables));
            environments.insert(name, SeedEnvironment { intents, entities, variables, flows: texts });
        }
        Ok(Self { environments })
    }

    /// Puts everything into `world`.
    pub(super) fn plant(self, world: &mut World) -> Result<(), SeedError> {
        for (name, environment) in self.environments {
            let SeedEnvironment { intents, entities, variables, flows } = environment;
            world.add_environment(&name);
            let kinds = [
                (ReferenceKind::Intent, intents),
                (ReferenceKind::Entity, entities),
                (ReferenceKind::Variable, variables),
            ];
            for (kind, things) in kinds {
                things.iter().for_each(|(id, title)| world.add_thing(&name, kind, id, title));
            }
            for text in flows {
                let (id, stored) =
                    identified(&name, &text).map_err(|detail| SeedError::Flow { environment: name.clone(), detail })?;
                world.put(&name, &id, stored);
            }
        }
        Ok(())
    }
}

/// A flow's id and what is to be kept of it.
pub(super) fn identified(environment: &str, text: &str) -> Result<(String, Stored), String> {
    let stored = Stored::read(environment, text).map_err(|error| error.to_string())?;
    let id = match serde_json::from_str::<Value>(text) {
        Ok(value) => value.get("id").and_then(Value::as_str).map(str::to_owned),
        Err(_) => Definition::from_live(text.as_bytes(), &Comparison::default()).ok().map(|flow| flow.id.to_string()),
    };
    Ok((id.ok_or("expected an `id`, found none")?, stored))
}

fn named(things: Vec<Loose<WrittenThing>>) -> BTreeMap<String, String> {
    let pair = |Loose(WrittenThing { id, name })| (id.clone(), name.unwrap_or(id));
    things.into_iter().map(pair).collect()
}

fn read_flows(path: &Path, texts: &mut Vec<String>) -> Result<(), SeedError> {
    if !path.is_dir() {
        texts.push(read_text(path)?);
        return Ok(());
    }
    let unreadable = |source| SeedError::File { path: path.to_owned(), source };
    let entries = std::fs::read_dir(path).map_err(unreadable)?;
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>().map_err(unreadable)?;
    paths.sort();
    for path in paths {
        if path.is_dir() || path.extension().is_some_and(|extension| extension == "json") {
            read_flows(&path, texts)?;
        }
    }
    Ok(())
}

fn read_text(path: &Path) -> Result<String, SeedError> {
    std::fs::read_to_string(path).map_err(|source| SeedError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_names_things_shortly_or_fully_and_flows_by_path_or_content() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("flows/deep")).unwrap();
        std::fs::write(folder.path().join("flows/deep/a.json"), r#"{"id":"flow_a","n":1.50}"#).unwrap();
        std::fs::write(folder.path().join("flows/notes.txt"), "not a flow").unwrap();
        let path = folder.path().join("seed.yaml");
        let text = "environments:\n  env:\n    intents: [hello, {id: bye, name: Good bye}]\n    flows: [flows, {id: flow_b}]\n  empty:\n";
        std::fs::write(&path, text).unwrap();
        let seed = Seed::read(&path).unwrap();
        assert_eq!(seed.environments["env"].intents["bye"], "Good bye");
        let mut world = World::default();
        seed.plant(&mut world).unwrap();
        assert!(world.flow("env", "flow_b").is_ok());
        assert!(world.flow("env", "flow_a").unwrap().current.text().ends_with(r#""n":1.50}"#));
        assert!(world.environment("empty").is_ok());
    }

    #[test]
    fn a_wrong_seed_is_explained() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seed.yaml");
        std::fs::write(&path, "environments:\n  env:\n    intnets: []\n").unwrap();
        let Err(SeedError::Content { source, .. }) = Seed::read(&path) else { panic!("expected an error") };
        assert!(source.to_string().contains("did you mean `intents`?"), "{source}");
        std::fs::write(&path, "environments: {env: {flows: [gone.json]}}").unwrap();
        assert!(matches!(Seed::read(&path), Err(SeedError::File { .. })));
        std::fs::write(&path, "environments: {env: {flows: [{name: x}]}}").unwrap();
        let planted = Seed::read(&path).unwrap().plant(&mut World::default());
        assert!(matches!(planted, Err(SeedError::Flow { .. })));
    }
}
