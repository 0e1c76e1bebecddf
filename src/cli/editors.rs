//! What ties our schemas to files in editors: the schemas themselves, and the settings of VS Code.
//!
//! The schemas are ours and are written anew, so that they follow an upgrade; settings that are there belong to whoever
//! made them, and stay.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::context::shown;
use super::output::Failure;
use crate::config::{CONFIG_SCHEMA, Config, FILE_NAME};
use crate::flow::FLOW_SCHEMA;

/// Where the schemas lie, from the root of the repository.
const FOLDER: &str = ".flowsync";
const FLOW_FILE: &str = "flow.schema.json";
const CONFIG_FILE: &str = "config.schema.json";

/// Writes them below a folder and says what was done, a line each.
pub(super) fn write(root: &Path) -> Result<String, Failure> {
    // A configuration that cannot be read is told of before anything is written.
    let flows = flows_folders(root)?;
    let schemas = root.join(FOLDER);
    create_folder(&schemas)?;
    for (name, schema) in [(FLOW_FILE, FLOW_SCHEMA), (CONFIG_FILE, CONFIG_SCHEMA)] {
        let path = schemas.join(name);
        fs::write(&path, schema).map_err(|error| failed("write", &path, &error))?;
    }
    let mut said = format!("{} holds the schemas of flows and configuration, for editors\n", shown(&schemas));
    let path = root.join(".vscode").join("settings.json");
    create_folder(&root.join(".vscode"))?;
    let settings = format!("{:#}\n", settings(&flows));
    match fs::OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(mut file) => {
            file.write_all(settings.as_bytes()).map_err(|error| failed("write", &path, &error))?;
            said.push_str(&format!("{} ties them to the files\n", shown(&path)));
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            said.push_str(&format!("{} is there already and was left; what it needs:\n{settings}", shown(&path)));
        }
        Err(error) => return Err(failed("create", &path, &error)),
    }
    Ok(said)
}

fn create_folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|error| failed("create", path, &error))
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::other(format!("cannot {what} `{}`: {error}", path.display()))
}

/// The flows folders of the configuration; the one by default where there is none yet.
fn flows_folders(root: &Path) -> Result<Vec<String>, Failure> {
    let path = root.join(FILE_NAME);
    if !path.exists() {
        return Ok(vec!["flows".to_owned()]);
    }
    let config = Config::load(&path)?;
    let mut folders: Vec<String> =
        config.environments.into_values().map(|environment| environment.repository.flows.to_string()).collect();
    folders.sort();
    folders.dedup();
    Ok(folders)
}

fn settings(flows: &[String]) -> Value {
    let below = |folder: &String| match folder.as_str() {
        "" => "/**/*.json".to_owned(),
        folder => format!("/{folder}/**/*.json"),
    };
    let files: Vec<String> = flows.iter().map(below).collect();
    let mut yaml = serde_json::Map::new();
    yaml.insert(format!("./{FOLDER}/{CONFIG_FILE}"), Value::from(FILE_NAME));
    json!({
        "json.schemas": [{ "fileMatch": files, "url": format!("./{FOLDER}/{FLOW_FILE}") }],
        "yaml.schemas": yaml,
    })
}
