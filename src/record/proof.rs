//! Whether git proves what a manifest says. Pure: a manifest and what is known of git, in; doubts, out.
//!
//! Whoever can commit can write a manifest, and a merge can garble one. So none is gone on with, and no flow counted
//! as owned, on its word alone. What git proves is what the flows folder held, commit by commit: a deployment carries
//! exactly the flows of its commit, deletes only what an earlier deployment brought, and was begun by a commit that
//! touches records alone. What was live before is all that git cannot prove; it is taken for flows that are proven.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::approval::Missing;
use super::{FlowAction, Kind, Manifest, ManifestFlow, Status};
use crate::flow::{ContentHash, FlowId};
use crate::revision::{BlobId, CommitId, Origin};

/// A flow as the flows of a commit hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldFlow {
    /// Its file.
    pub path: String,
    /// Of what it is made: that file and, where there is one, its overlay.
    pub origin: Origin,
    /// Its hash, composed.
    pub content_hash: ContentHash,
}

/// What git knows of the commit that a deployment says it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceFacts {
    /// The manifest names none.
    Unnamed,
    /// It is not in the history of the tracked branch.
    NotOnBranch,
    /// Its flows do not pass the checks: so many errors.
    Invalid(usize),
    /// It does not follow what was deployed before.
    Rewound {
        /// What was deployed before.
        before: CommitId,
    },
    /// Its flows.
    Flows(BTreeMap<FlowId, HeldFlow>),
}

/// What git knows of the commit that began a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BegunFacts {
    /// No commit did.
    Nowhere,
    /// A merge did: two manifests became one.
    ByMerge(CommitId),
    /// The commit touches more than records.
    WithMore {
        /// The commit.
        commit: CommitId,
        /// Something else it touches.
        path: String,
    },
    /// The commit touches records alone; this is the manifest as it was then.
    Alone {
        /// The commit.
        commit: CommitId,
        /// As it was begun.
        manifest: Box<Manifest>,
    },
}

/// What is known of a blob that a manifest names as a previous definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreviousFacts {
    /// git does not hold it.
    Gone,
    /// It has so many bytes, more than any previous definition, and was not read.
    TooLarge(u64),
    /// It is no flow.
    NoFlow,
    /// The flow it holds.
    Flow {
        /// Whose it is.
        id: FlowId,
        /// Its hash, as of what is live.
        content_hash: ContentHash,
    },
}

/// Whether live flows that left git may be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pruning {
    /// The environment does so.
    On,
    /// It does not.
    Off,
    /// It was settled when the deployment began, by somebody who is trusted: this machine, or whoever has the key.
    Settled,
}

/// The flows of a completed deployment, each with its origin and hash, as git proves them.
pub type ProvenState = BTreeMap<FlowId, (Origin, ContentHash)>;

/// Everything that git knows of a deployment that was begun and not ended.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The tracked branch.
    pub branch: String,
    /// Of the commit it carries.
    pub source: SourceFacts,
    /// Of the commit that began it.
    pub begun: BegunFacts,
    /// The flows that the completed deployment before it left, as far as git proves them.
    pub owned: BTreeMap<FlowId, Option<Origin>>,
    /// The manifest that counted before it names this as the last completed deployment.
    pub last_deployed: Option<super::LastDeployed>,
    /// Of each blob it names as a previous definition.
    pub previous: BTreeMap<BlobId, PreviousFacts>,
    /// For a rollback: the state it goes back to, or why that is not proven.
    pub wanted: Option<Result<ProvenState, String>>,
    /// Whether deletes are the environment's policy.
    pub pruning: Pruning,
    /// Of each change that is to be approved and was not: why.
    pub unapproved: BTreeMap<FlowId, Missing>,
    /// The names of the releases that the manifest before it says are kept.
    pub releases: BTreeSet<String>,
}

/// Something that a manifest says and git does not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// The source is unnamed.
    #[error("it names no commit")]
    NoCommit,
    /// The commit is not on the branch.
    #[error("its commit {commit} is not in the history of branch `{branch}`")]
    NotOnBranch {
        /// The commit.
        commit: CommitId,
        /// The branch.
        branch: String,
    },
    /// The commit's flows are not valid.
    #[error("the flows of its commit {commit} do not pass the checks ({n_errors} errors)")]
    Invalid {
        /// The commit.
        commit: CommitId,
        /// So many.
        n_errors: usize,
    },
    /// The commit does not follow the one deployed before.
    #[error("its commit {commit} does not follow {before}, which was deployed before it")]
    Rewound {
        /// The commit.
        commit: CommitId,
        /// The one before.
        before: CommitId,
    },
    /// No commit, or the wrong kind of commit, began it.
    #[error("{0}")]
    Begun(Beginning),
    /// It is not as it was begun.
    #[error("it is not as commit {commit} began it: {what} differs")]
    Altered {
        /// The commit.
        commit: CommitId,
        /// A member, or a flow.
        what: String,
    },
    /// It names another last deployment than the manifest before it.
    #[error("`lastDeployed` is not that of the manifest before it")]
    OtherLast,
    /// A release that nobody made.
    #[error("no deployment before it has made the release {0:?} that it names")]
    OtherRelease(String),
    /// A flow of it.
    #[error("`{id}`: {doubt}")]
    Flow {
        /// The flow.
        id: FlowId,
        /// What is doubted.
        doubt: FlowDoubt,
    },
    /// The state a rollback goes back to.
    #[error("the state it goes back to is not proven: {0}")]
    Wanted(String),
}

/// How a deployment began, where that is doubted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beginning {
    /// No commit began it.
    Nowhere,
    /// A merge did.
    ByMerge(CommitId),
    /// The commit touches more.
    WithMore(CommitId, String),
    /// Its first manifest is not `deploying`.
    As(CommitId, Status),
}

impl fmt::Display for Beginning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("no commit began it"),
            Self::ByMerge(commit) => write!(f, "the merge {commit} brought it"),
            Self::WithMore(commit, path) => {
                write!(f, "the commit {commit} that began it touches more than records: `{path}`")
            }
            Self::As(commit, status) => write!(f, "the commit {commit} began it as `{status}`"),
        }
    }
}

/// What is doubted of a flow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlowDoubt {
    /// The commit does not hold it.
    #[error("the flows of its commit do not hold it")]
    NotHeld,
    /// The commit holds another blob, path or hash.
    #[error("`{0}` is not as in the flows of its commit")]
    Other(&'static str),
    /// The commit holds it, the manifest does not list it.
    #[error("the flows of its commit hold it, and it is not listed")]
    Unlisted,
    /// It is to be deleted, and the commit holds it.
    #[error("it is to be deleted, and the flows of its commit hold it")]
    StillHeld,
    /// No deployment brought it.
    #[error("no completed deployment that git proves has brought it")]
    NotManaged,
    /// It is to be deleted, and the environment deletes nothing.
    #[error("it is to be deleted, and `prune` is off")]
    PruneOff,
    /// It is to be approved, and was not when the deployment began.
    #[error("it was not approved: {0}")]
    Unapproved(Missing),
    /// The state that a rollback goes back to is another.
    #[error("the state that it goes back to has it otherwise")]
    OtherState,
    /// A create that names a previous definition, or a change that names none.
    #[error("`before` and `previousHash` do not go with its action")]
    Shape,
    /// The previous definition is not in git.
    #[error("its previous definition (blob {0}) is not in git")]
    Gone(BlobId),
    /// The previous definition is too large.
    #[error("its previous definition (blob {blob}) has {bytes} bytes and was not read")]
    TooLarge {
        /// The blob.
        blob: BlobId,
        /// Its size.
        bytes: u64,
    },
    /// The previous definition is another flow's, or none.
    #[error("its previous definition (blob {0}) is not that flow")]
    OtherFlow(BlobId),
    /// The previous definition has another hash.
    #[error("its previous definition (blob {0}) does not hash to `previousHash`")]
    OtherHash(BlobId),
}

/// What git does not prove of a deployment that was begun and not ended; nothing where all of it is proven.
#[must_use]
pub fn doubts(manifest: &Manifest, facts: &Facts) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let source = source_doubts(manifest, facts, &mut doubts);
    doubts.extend(begun_doubts(manifest, facts));
    if manifest.last_deployed != facts.last_deployed {
        doubts.push(Doubt::OtherLast);
    }
    let named = manifest.release.iter().flat_map(|release| release.names());
    let unknown = named.filter(|name| !facts.releases.contains(*name));
    doubts.extend(unknown.map(|name| Doubt::OtherRelease(name.to_owned())));
    let wanted = match (&facts.wanted, manifest.kind) {
        (Some(Ok(wanted)), Kind::Rollback) => Some(wanted),
        (Some(Err(reason)), Kind::Rollback) => {
            doubts.push(Doubt::Wanted(reason.clone()));
            None
        }
        (None, Kind::Rollback) | (_, Kind::Adoption) => {
            doubts.push(Doubt::Wanted(format!("a deployment of kind `{:?}` is not gone on with", manifest.kind)));
            None
        }
        (_, Kind::Sync) => None,
    };
    let mut doubt = |id: &FlowId, doubt: FlowDoubt| doubts.push(Doubt::Flow { id: id.clone(), doubt });
    let (held, rest): (Vec<&ManifestFlow>, Vec<&ManifestFlow>) =
        manifest.flows.iter().partition(|flow| flow.action != FlowAction::Delete && !flow.orphaned);
    let listed: BTreeSet<&FlowId> = held.iter().map(|flow| &flow.id).collect();
    for flow in &held {
        let found = match (wanted, source) {
            (Some(wanted), _) => in_state(flow, wanted),
            (None, Some(source)) if manifest.kind == Kind::Sync => in_source(flow, source),
            _ => None,
        };
        found.into_iter().for_each(|found| doubt(&flow.id, found));
    }
    let all: BTreeSet<&FlowId> = match (wanted, source) {
        (Some(wanted), _) => wanted.keys().collect(),
        (None, Some(source)) if manifest.kind == Kind::Sync => source.keys().collect(),
        _ => BTreeSet::new(),
    };
    all.iter().filter(|id| !listed.contains(**id)).for_each(|id| doubt(id, FlowDoubt::Unlisted));
    for flow in &rest {
        let is_held = all.contains(&flow.id);
        let found = if flow.orphaned { orphaned(flow, facts) } else { deleted(flow, manifest, facts, is_held) };
        found.into_iter().for_each(|found| doubt(&flow.id, found));
    }
    facts.unapproved.iter().for_each(|(id, missing)| doubt(id, FlowDoubt::Unapproved(missing.clone())));
    for flow in &manifest.flows {
        previous(flow, facts).into_iter().for_each(|found| doubt(&flow.id, found));
    }
    doubts
}

fn source_doubts<'a>(
    manifest: &Manifest,
    facts: &'a Facts,
    doubts: &mut Vec<Doubt>,
) -> Option<&'a BTreeMap<FlowId, HeldFlow>> {
    let Some(commit) = manifest.source.commit.clone() else {
        doubts.push(Doubt::NoCommit);
        return None;
    };
    doubts.push(match &facts.source {
        SourceFacts::Flows(flows) => return Some(flows),
        SourceFacts::Unnamed => Doubt::NoCommit,
        SourceFacts::NotOnBranch => Doubt::NotOnBranch { commit, branch: facts.branch.clone() },
        SourceFacts::Invalid(n_errors) => Doubt::Invalid { commit, n_errors: *n_errors },
        SourceFacts::Rewound { before } => Doubt::Rewound { commit, before: before.clone() },
    });
    None
}

fn begun_doubts(manifest: &Manifest, facts: &Facts) -> Option<Doubt> {
    let (commit, begun) = match &facts.begun {
        BegunFacts::Nowhere => return Some(Doubt::Begun(Beginning::Nowhere)),
        BegunFacts::ByMerge(commit) => return Some(Doubt::Begun(Beginning::ByMerge(commit.clone()))),
        BegunFacts::WithMore { commit, path } => {
            return Some(Doubt::Begun(Beginning::WithMore(commit.clone(), path.clone())));
        }
        BegunFacts::Alone { commit, manifest } => (commit.clone(), manifest),
    };
    if begun.status != Status::Deploying {
        return Some(Doubt::Begun(Beginning::As(commit, begun.status)));
    }
    alteration(begun, manifest).map(|what| Doubt::Altered { commit, what })
}

fn in_source(flow: &ManifestFlow, source: &BTreeMap<FlowId, HeldFlow>) -> Option<FlowDoubt> {
    let Some(held) = source.get(&flow.id) else { return Some(FlowDoubt::NotHeld) };
    let ManifestFlow { blob, composed, path, content_hash, .. } = flow;
    if blob.as_ref() != Some(&held.origin.blob) {
        return Some(FlowDoubt::Other("blob"));
    }
    if *composed != held.origin.composed {
        return Some(FlowDoubt::Other("composed"));
    }
    if path.as_ref().is_some_and(|path| *path != held.path) {
        return Some(FlowDoubt::Other("path"));
    }
    (*content_hash != Some(held.content_hash)).then_some(FlowDoubt::Other("contentHash"))
}

fn in_state(flow: &ManifestFlow, wanted: &ProvenState) -> Option<FlowDoubt> {
    let is_so = |(origin, hash): &(Origin, ContentHash)| {
        flow.origin().as_ref() == Some(origin) && flow.content_hash == Some(*hash)
    };
    (!wanted.get(&flow.id).is_some_and(is_so)).then_some(FlowDoubt::OtherState)
}

fn orphaned(flow: &ManifestFlow, facts: &Facts) -> Option<FlowDoubt> {
    let is_owned =
        flow.action == FlowAction::None && facts.owned.get(&flow.id).is_some_and(|origin| *origin == flow.origin());
    (!is_owned).then_some(FlowDoubt::NotManaged)
}

fn deleted(flow: &ManifestFlow, manifest: &Manifest, facts: &Facts, is_held: bool) -> Option<FlowDoubt> {
    if is_held {
        return Some(FlowDoubt::StillHeld);
    }
    if !facts.owned.contains_key(&flow.id) {
        return Some(FlowDoubt::NotManaged);
    }
    let goes_forward = manifest.status == Status::Deploying && manifest.kind == Kind::Sync;
    (goes_forward && facts.pruning == Pruning::Off).then_some(FlowDoubt::PruneOff)
}

fn previous(flow: &ManifestFlow, facts: &Facts) -> Option<FlowDoubt> {
    let has_one = matches!(flow.action, FlowAction::Update | FlowAction::Delete);
    let (blob, hash) = match (&flow.before, flow.previous_hash) {
        (Some(blob), Some(hash)) if has_one => (blob.clone(), hash),
        (None, None) if !has_one => return None,
        _ => return Some(FlowDoubt::Shape),
    };
    match facts.previous.get(&blob) {
        None | Some(PreviousFacts::Gone) => Some(FlowDoubt::Gone(blob)),
        Some(PreviousFacts::TooLarge(bytes)) => Some(FlowDoubt::TooLarge { blob, bytes: *bytes }),
        Some(PreviousFacts::NoFlow) => Some(FlowDoubt::OtherFlow(blob)),
        Some(PreviousFacts::Flow { id, .. }) if *id != flow.id => Some(FlowDoubt::OtherFlow(blob)),
        Some(PreviousFacts::Flow { content_hash, .. }) if *content_hash != hash => Some(FlowDoubt::OtherHash(blob)),
        Some(PreviousFacts::Flow { .. }) => None,
    }
}

/// What of a deployment was decided when it began and is another thing now.
fn alteration(begun: &Manifest, now: &Manifest) -> Option<String> {
    let (begun, now) = (decided(begun), decided(now));
    if begun == now {
        return None;
    }
    let named = |is_same: bool, member: &str| (!is_same).then(|| format!("`{member}`"));
    named(begun.source == now.source, "source")
        .or_else(|| named(begun.kind == now.kind, "kind"))
        .or_else(|| named(begun.plan_digest == now.plan_digest, "planDigest"))
        .or_else(|| named(begun.target_environment == now.target_environment, "targetEnvironment"))
        .or_else(|| named(begun.last_deployed == now.last_deployed, "lastDeployed"))
        .or_else(|| named(begun.previous_deployment == now.previous_deployment, "previousDeployment"))
        .or_else(|| named(begun.rollback == now.rollback, "rollback"))
        .or_else(|| named(begun.release == now.release, "release"))
        .or_else(|| {
            let theirs: BTreeMap<&FlowId, &ManifestFlow> = begun.flows.iter().map(|flow| (&flow.id, flow)).collect();
            let ours: BTreeMap<&FlowId, &ManifestFlow> = now.flows.iter().map(|flow| (&flow.id, flow)).collect();
            let ids: BTreeSet<&FlowId> = theirs.keys().chain(ours.keys()).copied().collect();
            ids.into_iter().find(|id| theirs.get(id) != ours.get(id)).map(|id| format!("the flow `{id}`"))
        })
        .or_else(|| Some("a member".to_owned()))
}

/// The manifest without what changes while a deployment runs.
fn decided(manifest: &Manifest) -> Manifest {
    let mut manifest = manifest.clone();
    manifest.status = Status::Pending;
    manifest.generated_at = jiff::Timestamp::UNIX_EPOCH;
    (manifest.holder, manifest.audit_head) = (None, None);
    (manifest.failure, manifest.quarantine) = (None, None);
    for flow in &mut manifest.flows {
        flow.status = super::FlowStatus::Pending;
        (flow.existed, flow.error) = (false, None);
    }
    manifest
}

#[cfg(test)]
mod tests;
