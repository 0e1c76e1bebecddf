//! What a stand-in holds from the start, written as YAML or JSON: projects, locales, flows with their charts as trees.

mod chart;
mod identity;
mod plant;
mod written;

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::super::yaml::{self, ReadError};
use super::mint::Id;
use super::model::platform::{Moment, Platform};
use written::{Written, WrittenFlow};

/// Puts one flow, as a seed writes it, into a project that is there.
pub(super) fn put_flow(flow: &Value, project: &Id, platform: &mut Platform, now: Moment<'_>) -> Result<(), SeedError> {
    let written = WrittenFlow::deserialize(flow).map_err(|error| SeedError::Meaning(error.to_string()))?;
    plant::put_flow(&written, project, platform, now).map_err(SeedError::Meaning)
}

/// The id of the project that is there without a seed.
pub const PROJECT: &str = "64c0ffee0000000000000001";

/// What a stand-in holds from the start. The default is an empty project, [`PROJECT`].
#[derive(Debug, Clone, Default)]
pub struct Seed {
    written: Option<Written>,
}

/// A seed cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not written as it should be.
    #[error("the seed is not valid")]
    Content(#[from] ReadError),
    /// It contradicts itself.
    #[error("the seed is not valid: {0}")]
    Meaning(String),
}

impl Seed {
    /// Reads a seed file.
    pub fn read(path: &Path) -> Result<Self, SeedError> {
        let text = std::fs::read_to_string(path);
        Self::parse(&text.map_err(|source| SeedError::File { path: path.to_owned(), source })?)
    }

    /// Reads a seed, YAML or JSON.
    pub fn parse(text: &str) -> Result<Self, SeedError> {
        Ok(Self { written: Some(yaml::read(text)?) })
    }

    /// Puts everything into `platform`.
    pub(super) fn plant(self, platform: &mut Platform, now: Moment<'_>) -> Result<(), SeedError> {
        let written = match self.written {
            Some(written) => written,
            None => yaml::read(&format!("projects: [{{ name: Sandbox, id: {PROJECT} }}]"))?,
        };
        if written.projects.is_empty() {
            let reason = "expected `projects:` with at least one, found none: nothing can be made without a project";
            return Err(SeedError::Meaning(reason.to_owned()));
        }
        for project in written.projects {
            let name = project.name.clone();
            plant::project(project, platform, now)
                .map_err(|message| SeedError::Meaning(format!("project `{name}`: {message}")))?;
        }
        Ok(())
    }
}
