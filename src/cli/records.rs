//! What the records say, as far as the repository around the current directory knows them. Offline.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::context::Context;
use super::output::Failure;
use crate::config::{Config, Environment};
use crate::controller::{PassError, Recorded};
use crate::flow::{self, CheckedFlow, Comparison, Definition, FlowId};
use crate::problem::Problem;
use crate::record::{LastFlow, Manifest, paths};
use crate::revision::CommitId;
use crate::source::LocalRepository;

/// The newest manifest of an environment.
pub(super) fn last_recorded(
    repository: &LocalRepository,
    environment: &Environment,
) -> Result<Option<Recorded>, Failure> {
    let settings = &environment.repository;
    let path = paths::manifest(&environment.name);
    let Some(record) = repository.read_record(settings, &path)? else {
        return Ok(None);
    };
    let stands_in = record.commit.unwrap_or_else(|| CommitId("the work tree".into()));
    let manifest = Manifest::from_text(&record.content, &format!("{}/{path}", settings.records), &stands_in);
    let manifest = manifest.map_err(PassError::from)?;
    Ok(Some(Recorded { commit: stands_in, text: record.content, manifest }))
}

/// What was last deployed to one environment from the flows of a folder.
pub(super) struct Deployed {
    flows: BTreeMap<FlowId, LastFlow>,
    comparison: Comparison,
    /// Whether the hashes of the flows were made by the same comparison.
    is_comparable: bool,
}

/// What was last deployed to each environment whose flows folder is `folder`, or holds it, in the work tree at
/// `root`. Where there is no configuration, repository or record, or it cannot be read, there is nothing to say:
/// `plan` and `doctor` tell what is wrong with them.
pub(super) fn last_deployed(context: &Context, root: &Path, folder: &str) -> Vec<Deployed> {
    let (Ok(config), Ok(Some(repository))) = (Config::load(&context.config_path()), LocalRepository::find(root)) else {
        return Vec::new();
    };
    if repository.work_tree().is_none_or(|tree| tree.root() != root) {
        return Vec::new();
    }
    let holds = |outer: &str| folder.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let environments = config.environments.values().filter(|environment| holds(&environment.repository.flows));
    let deployed = |environment: &Environment| {
        let manifest = last_recorded(&repository, environment).ok().flatten()?.manifest;
        let comparison = Comparison::new(&environment.sync.ignore).ok()?;
        let is_comparable = manifest.ignore == comparison.ignored();
        Some(Deployed { flows: manifest.last_flows(), comparison, is_comparable })
    };
    environments.filter_map(deployed).collect()
}

impl Deployed {
    /// A warning where the flow's content changed and its version did not go up. `read` gives the file again.
    pub(super) fn version_not_raised(
        &self,
        flow: &CheckedFlow,
        read: impl FnOnce() -> Option<Arc<[u8]>>,
    ) -> Option<Problem> {
        let CheckedFlow { definition, version_place, .. } = flow;
        let before = self.flows.get(&definition.id)?;
        let place = version_place.clone();
        let problem = flow::version_not_raised(definition, place, &before.version, before.content_hash)?;
        // The flow was read without knowing what this environment ignores.
        let again = read().and_then(|content| Definition::from_file(content, &self.comparison).ok());
        let is_same = self.is_comparable && again.is_some_and(|again| again.equality_hash == before.equality_hash);
        (!is_same).then_some(problem)
    }
}
