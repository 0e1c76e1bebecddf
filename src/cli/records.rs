//! What the records say, as far as the repository around the current directory knows them. Offline.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::output::Failure;
use crate::config::{self, Config, ConfigError, Environment};
use crate::controller::{PassError, Recorded};
use crate::flow::{self, CheckedFlow, Comparison, Definition, FlowId};
use crate::problem::{Problem, Rule};
use crate::record::{Claim, Held, LastFlow, Manifest, paths};
use crate::revision::{BlobId, CommitId, Origin};
use crate::source::{FlowSelection, LocalRepository};

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

/// Lets go of flows that a manifest claims as deployed and that the repository around here does not hold so. In
/// words: what that was. A clone may be shallow: of commits it does not have nothing is said, because a plan writes
/// nothing, and whoever does proves it all.
pub(super) fn keep_what_is_proven(
    repository: &LocalRepository,
    environment: &Environment,
    manifest: &mut Manifest,
) -> Option<String> {
    // What is left out of the folder today may have been deployed from it.
    let config::Repository { flows, format, .. } = &environment.repository;
    let folder = FlowSelection::whole(flows).in_format(*format);
    let deployed = manifest.last_deployed.as_ref()?.commit.clone()?;
    let entries = repository.list_flows(&deployed, &folder).ok()?.entries;
    let blobs: BTreeSet<&BlobId> = entries.iter().map(|entry| &entry.blob).collect();
    let paths: BTreeSet<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
    let orphaned: BTreeSet<FlowId> =
        manifest.flows.iter().filter(|flow| flow.orphaned).map(|flow| flow.id.clone()).collect();
    let holds = |held: &Held| match repository.list_flows(&held.commit, &folder) {
        Ok(listing) => listing.entries.iter().any(|entry| entry.path == held.path && entry.blob == held.blob),
        Err(_) => true,
    };
    let is_proven = |claim: &Claim| match (&claim.origin, &claim.held) {
        (Some(Origin { blob, .. }), _) if blobs.contains(blob) => true,
        (_, Some(held)) => holds(held),
        // Older versions did not say where git held what it holds no more.
        (_, None) => orphaned.contains(&claim.id) || claim.path.as_deref().is_some_and(|path| paths.contains(path)),
    };
    let doubted: BTreeSet<FlowId> =
        manifest.claims().into_iter().filter(|claim| !is_proven(claim)).map(|claim| claim.id).collect();
    let first = doubted.first()?.to_string();
    manifest.disown(&doubted);
    Some(format!(
        "the manifest lists {} flow(s) as deployed that git does not hold so, `{first}` among them; they are not counted \
         as managed",
        doubted.len()
    ))
}

/// What was last deployed to one environment from the flows of a folder.
pub(super) struct Deployed {
    environment: String,
    flows: BTreeMap<FlowId, LastFlow>,
    comparison: Comparison,
    /// Whether the hashes of the flows were made by the same comparison.
    is_comparable: bool,
}

/// A flows folder whose versions could not be compared with what was deployed, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct NotJudged {
    rule: Rule,
    environment: Option<String>,
    reason: String,
}

impl NotJudged {
    pub(super) fn new(environment: Option<&str>, reason: impl Into<String>) -> Self {
        Self { rule: Rule::VersionNotRaised, environment: environment.map(str::to_owned), reason: reason.into() }
    }
}

impl fmt::Display for NotJudged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let environment = self.environment.as_ref().map(|name| format!(" for `{name}`")).unwrap_or_default();
        write!(f, "`{}` was not judged{environment}: {}", self.rule, self.reason)
    }
}

/// What was last deployed to each environment whose flows folder is `folder`, or holds it, in the work tree at
/// `root`; and which environments cannot be compared with. That is no error of the flows: `plan` and `doctor` tell
/// what is wrong.
pub(super) fn last_deployed(
    config: &Result<Config, ConfigError>,
    root: Option<&Path>,
    folder: &str,
) -> (Vec<Deployed>, Vec<NotJudged>) {
    let none = |reason: &str| (Vec::new(), vec![NotJudged::new(None, reason)]);
    let config = match config {
        Ok(config) => config,
        Err(error) if error.is_absence() => return none("there is no configuration"),
        Err(_) => return none("the configuration cannot be used"),
    };
    let Some(root) = root else { return none("the flows are not in the work tree of the current directory") };
    let repository = match LocalRepository::find(root) {
        Ok(Some(repository)) if repository.work_dir() == Some(root) => repository,
        Ok(_) => return none("the flows are in no git work tree"),
        Err(_) => return none("the repository cannot be opened"),
    };
    let holds = |outer: &str| folder.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let mut environments = config.environments.values().filter(|it| holds(&it.repository.flows)).peekable();
    if environments.peek().is_none() {
        return none("no environment of the configuration has its flows here");
    }
    let (mut deployed, mut not_judged) = (Vec::new(), Vec::new());
    for environment in environments {
        match deployed_to(&repository, environment) {
            Ok(found) => deployed.push(found),
            Err(reason) => not_judged.push(NotJudged::new(Some(&environment.name), reason)),
        }
    }
    (deployed, not_judged)
}

fn deployed_to(repository: &LocalRepository, environment: &Environment) -> Result<Deployed, String> {
    let config::Repository { branch, records, records_branch, .. } = &environment.repository;
    let branch = records_branch.as_ref().unwrap_or(branch);
    let recorded = last_recorded(repository, environment).map_err(|failure| failure.message)?;
    let recorded = recorded.ok_or_else(|| {
        let path = paths::manifest(&environment.name);
        format!(
            "`{records}/{path}` is neither on branch `{branch}` as last fetched nor in the work tree; where something \
             was deployed, fetch that branch"
        )
    })?;
    let comparison = Comparison::new(&environment.sync.ignore).map_err(|error| error.to_string())?;
    let is_comparable = recorded.manifest.ignore == comparison.ignored();
    Ok(Deployed {
        environment: environment.name.clone(),
        flows: recorded.manifest.last_flows(),
        comparison,
        is_comparable,
    })
}

impl Deployed {
    /// The environment that it was deployed to.
    pub(super) fn environment(&self) -> &str {
        &self.environment
    }

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
