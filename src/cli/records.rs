//! What the records say, as far as the repository around the current directory knows them. Offline.

use super::output::Failure;
use crate::config::Environment;
use crate::controller::PassError;
use crate::record::{Manifest, paths};
use crate::revision::CommitId;
use crate::source::LocalRepository;

/// The newest manifest of an environment.
pub(super) fn last_manifest(
    repository: &LocalRepository,
    environment: &Environment,
) -> Result<Option<Manifest>, Failure> {
    let settings = &environment.repository;
    let path = paths::manifest(&environment.name);
    let Some(record) = repository.read_record(settings, &path)? else {
        return Ok(None);
    };
    let stands_in = record.commit.unwrap_or_else(|| CommitId("the work tree".into()));
    let manifest = Manifest::from_text(&record.content, &format!("{}/{path}", settings.records), &stands_in);
    Ok(Some(manifest.map_err(PassError::from)?))
}
