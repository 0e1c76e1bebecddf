//! The state file: everything the platform holds, but neither tokens nor download links.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::file::{self, StateFileError};
use super::model::platform::Platform;

/// What stands at the top of every state file.
const FORMAT: &str = "flowsync-cognigy-sandbox-1";

#[derive(Serialize)]
struct Writing<'a> {
    format: &'a str,
    platform: &'a Platform,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: String,
    platform: Platform,
}

/// The text of the state file for `platform`.
pub(super) fn to_text(platform: &Platform) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Writing { format: FORMAT, platform })
}

/// What the file at `path` holds; none where there is no such file.
pub(super) fn load(path: &Path) -> Result<Option<Platform>, StateFileError> {
    let Some(text) = file::read(path)? else { return Ok(None) };
    let content = |detail: String| StateFileError::Content { path: path.to_owned(), detail };
    let Written { format, platform } = serde_json::from_str(&text).map_err(|error| content(error.to_string()))?;
    if format != FORMAT {
        return Err(content(format!("expected format `{FORMAT}`, found `{format}`")));
    }
    Ok(Some(platform))
}
