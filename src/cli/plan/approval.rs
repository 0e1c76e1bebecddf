//! Which changes of a plan were approved, and the file by which they are proposed.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::ground::{Ground, What};
use crate::address::RepositoryUrl;
use crate::cli::context::{Context, RealEngine, RealRecords};
use crate::cli::output::{Failure, REFUSED};
use crate::config::{self, ApprovalPolicy, Environment};
use crate::controller::{Approvals, PassError, Prepared, Records, Seen, entry, left_live};
use crate::problem::{any_error, escape_terminal};
use crate::record::approval::{Approval, ApprovalVerdict, Entry, judge};
use crate::record::{Kind, Manifest, paths};
use crate::revision::CommitId;
use crate::source::{
    GitOptions, GitSource, LocalRepository, OUR_TRAILER, Proposal, ProposeError, Rest, Source as _, SourceError, Tips,
};

/// What is known of the approvals of a plan.
#[derive(Default)]
pub(super) struct Judged {
    /// Of each change, in their order; absent where nobody asks for approvals.
    pub(super) verdicts: Option<Vec<ApprovalVerdict>>,
    /// The unused files that approve any of the changes.
    uses: Vec<String>,
    /// What a person should know.
    pub(super) alarms: Vec<String>,
}

/// Holds the changes of a plan against the approvals where it stands. A shallow clone does not tell of files that were
/// brought back; whoever writes looks again.
pub(super) async fn judged(
    records: &RealRecords,
    environment: &Environment,
    ground: &Ground,
    prepared: &Prepared,
) -> Result<Judged, Failure> {
    let changes: Vec<Entry> = prepared.plan.changes.iter().map(entry).collect();
    let manifest = ground.manifest.as_ref();
    let (mut files, mut alarms): (Vec<Approval>, Vec<String>) = (Vec::new(), Vec::new());
    for commit in &ground.reviewed {
        let tips = |records: Option<&CommitId>| Tips { flows: commit.clone(), records: records.cloned() };
        let found = match records.approvals(commit, &tips(ground.records.as_ref()), manifest, &changes).await {
            Err(PassError::Source(SourceError::Shallow { .. })) => {
                records.approvals(commit, &tips(None), manifest, &changes).await?
            }
            found => found?,
        };
        let Approvals { files: more, alarms: said } = found;
        files.extend(more.into_iter().filter(|file| !files.contains(file)).collect::<Vec<_>>());
        alarms.extend(said.into_iter().filter(|alarm| !alarms.contains(alarm)).collect::<Vec<_>>());
    }
    let left = manifest.map(left_live).unwrap_or_default();
    let judgement = judge(&changes, &left, &files);
    let is_asked = environment.sync.approval == ApprovalPolicy::Manifest;
    Ok(Judged {
        uses: judgement.uses.iter().map(|approval| approval.file.clone()).collect(),
        verdicts: is_asked.then_some(judgement.verdicts),
        alarms: if is_asked { alarms } else { Vec::new() },
    })
}

/// The records of an environment as the repository around the current directory holds them.
pub(super) fn records_here(
    context: &Context,
    engine: &RealEngine,
    environment: &Environment,
    repository: &LocalRepository,
) -> Result<RealRecords, Failure> {
    let url = RepositoryUrl::Local(PathBuf::from(repository.shown()));
    let settings = config::Repository { url, credentials: None, ca_file: None, ..environment.repository.clone() };
    let source = GitSource::open(&settings, &context.cache_dir()?, GitOptions { allow_rewind: true })?;
    Ok(Records { source: Arc::new(source), ..engine.records.clone() })
}

/// A plan, and what it stands on.
pub(super) struct Standing<'a> {
    /// What a person asked to be planned.
    pub(super) what: What<'a>,
    pub(super) seen: &'a Seen,
    pub(super) ground: &'a Ground,
    pub(super) prepared: &'a Prepared,
    pub(super) judged: &'a Judged,
}

/// Proposes a plan: writes the file that approves it into the work tree, unless it stands there already and nobody
/// has used it. Its path from the root of the repository; nothing where nothing changes. Each has an id of its own, so
/// that a new proposal is another file than one that was used, under the same name.
///
/// # Errors
///
/// What is planned is not committed, or would be refused for what its flows refer to.
pub(super) async fn propose(
    engine: &RealEngine,
    environment: &Environment,
    repository: Option<&LocalRepository>,
    standing: &Standing<'_>,
    push: Option<&str>,
) -> Result<Option<String>, Failure> {
    let Standing { what, seen, ground, prepared, judged } = standing;
    if repository.is_none() && push.is_none() {
        return Err(Failure::other("`--propose` writes into a git work tree: run it in one"));
    }
    if let Some(repository) = repository.filter(|it| what.reference.is_none() && it.work_dir().is_some()) {
        check_committed(repository, environment)?;
    }
    if let Some(branch) = push.filter(|branch| is_tracked(&environment.repository, branch)) {
        let refused = ProposeError::Tracked(branch.to_owned());
        return Err(Failure { code: REFUSED, ..Failure::of(&refused) });
    }
    if prepared.plan.changes.is_empty() {
        return Ok(None);
    }
    if any_error(&prepared.problems) {
        let message = "nothing is proposed: there are problems in what the flows refer to or replace".to_owned();
        return Err(Failure { code: REFUSED, message, problems: prepared.problems.clone() });
    }
    let mut manifest = engine.new_manifest(seen, &prepared.plan, prepared, Kind::Sync).await?;
    manifest.source.commit.clone_from(&ground.planned);
    let folder = paths::approved_folder(&engine.records.environment);
    let digits = manifest.plan_digest.trim_start_matches("sha256:");
    let file = format!("{}/{folder}/{digits}.json", engine.records.folder);
    if judged.uses.contains(&file) {
        return Ok(Some(file));
    }
    match (push, repository) {
        (Some(branch), _) => commit(engine, branch, &file, &manifest).await?,
        (None, Some(repository)) => write(repository, &file, &manifest)?,
        (None, None) => {}
    }
    Ok(Some(file))
}

/// Whether nothing is proposed on this branch, whatever changes.
fn is_tracked(repository: &config::Repository, branch: &str) -> bool {
    repository.branch == *branch || repository.records_branch.as_deref() == Some(branch)
}

/// Commits a proposal, and nothing else, to a branch of the configured repository.
async fn commit(engine: &RealEngine, branch: &str, file: &str, manifest: &Manifest) -> Result<(), Failure> {
    let Some(base) = manifest.source.commit.clone() else {
        return Err(Failure::other("there is no commit yet to propose anything on"));
    };
    let (environment, digest) = (&manifest.environment, &manifest.plan_digest);
    let subject = format!("flowsync: propose a plan of {environment}\n\nMerged, it approves plan {digest}.\n\n");
    let message = [&subject, OUR_TRAILER, ": ", environment, "\n"].concat();
    let proposal = Proposal {
        branch: branch.to_owned(),
        base,
        rest: Rest::Stays,
        message,
        files: [(file.to_owned(), Some(manifest.to_text()))].into(),
        time: manifest.generated_at,
    };
    match engine.records.source.propose(&proposal).await {
        Ok(_) => Ok(()),
        Err(error @ (ProposeError::Tracked(_) | ProposeError::Occupied { .. })) => {
            Err(Failure { code: REFUSED, ..Failure::of(&error) })
        }
        Err(error) => Err(Failure::of(&error)),
    }
}

/// Whether what is planned is what a commit holds: nobody can approve what is on a disk only.
///
/// # Errors
///
/// Flows are not committed.
fn check_committed(repository: &LocalRepository, environment: &Environment) -> Result<(), Failure> {
    let config::Repository { flows, overlays, .. } = &environment.repository;
    let open = repository.uncommitted(&[flows, overlays])?;
    let Some(first) = open.first() else { return Ok(()) };
    let message = format!(
        "nothing is proposed: {} file(s) of the flows or overlays are not committed, `{}` first; commit them, or plan a commit with \
         `--ref`",
        open.len(),
        escape_terminal(first)
    );
    Err(Failure { code: REFUSED, message, problems: Vec::new() })
}

/// Writes a proposal into the work tree. Whatever stood there is replaced, and no link is followed.
fn write(repository: &LocalRepository, file: &str, manifest: &Manifest) -> Result<(), Failure> {
    let Some(root) = repository.work_dir() else {
        return Err(Failure::other("`--propose` writes into a work tree, and this repository has none"));
    };
    let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
    if let Some(bad) = repository.work_tree()?.map(|tree| tree.bad_on_the_way(folder)).transpose()?.flatten() {
        return Err(Failure::other(format!("cannot write `{file}`: `{}` is a link or submodule", bad.path)));
    }
    let failed = |error: std::io::Error| Failure::other(format!("cannot write `{file}`: {error}"));
    let folder = root.join(folder);
    fs::create_dir_all(&folder).map_err(failed)?;
    let unfinished = folder.join(format!(".{name}.{}", std::process::id()));
    let done = fs::write(&unfinished, manifest.to_text()).and_then(|()| fs::rename(&unfinished, folder.join(name)));
    if done.is_err() {
        _ = fs::remove_file(&unfinished);
    }
    done.map_err(failed)
}
