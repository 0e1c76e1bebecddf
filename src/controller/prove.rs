//! Proving a deployment that was begun and not ended, before it is gone on with.

use std::collections::{BTreeMap, BTreeSet};

use super::named::Named;
use super::{Engine, PassError, PassOptions, Recorded, Records, Seen};
use crate::config::{MaxDeletes, Prune};
use crate::flow::{Definition, FlowId};
use crate::local::LocalState;
use crate::plan;
use crate::record::proof::{self, BegunFacts, Doubt, Facts, FlowDoubt, PreviousFacts, Pruning, SourceFacts};
use crate::record::{DEFINITION_BYTES_MAX, FlowAction, Kind, MANIFEST_BYTES_MAX, Manifest, Status, audit, paths};
use crate::revision::{BlobId, CommitId, Origin};
use crate::source::{HistoryEntry, Source, Touched};
use crate::tenant::Tenant;

/// So many doubts are told; the first is reason enough.
const TOLD_MAX: usize = 5;

/// The commit that began a deployment is looked for behind so many versions of the manifest that are not its own.
const FOREIGN_VERSIONS_MAX: usize = 64;

/// What is known of a deployment beyond what its newest manifest says.
pub(super) struct Proven {
    /// Flows to be created that somebody else had created.
    pub(super) existed: BTreeSet<FlowId>,
    /// Why it may not be gone on with all the same: it deletes more than it may.
    pub(super) settled: Result<(), String>,
}

/// Who, besides the manifest, says how a deployment was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Witness {
    /// Nobody.
    Nobody,
    /// This machine's own journal, or the seal.
    Trusted,
}

/// The versions of a deployment's manifest, and what stood there before.
struct Past {
    begun: BegunFacts,
    existed: BTreeSet<FlowId>,
    previous: Option<Recorded>,
}

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// Holds an unfinished deployment against git.
    ///
    /// # Errors
    ///
    /// Something of it is not proven. Nothing was written.
    pub(super) async fn prove(
        &self,
        seen: &Seen,
        manifest: &Manifest,
        options: &PassOptions,
    ) -> Result<Proven, PassError> {
        let Some(records) = &seen.tips.records else {
            return Ok(Proven { existed: BTreeSet::new(), settled: Ok(()) });
        };
        let witness = self.witness(seen, manifest)?;
        let Past { begun, mut existed, mut previous } = self.records.past_of(records, manifest).await?;
        if let Some(previous) = &mut previous {
            self.records.keep_what_is_proven(&seen.tips.flows, &mut previous.manifest, options).await?;
        }
        let before = previous.as_ref().map(|previous| &previous.manifest);
        let owned: BTreeMap<FlowId, Option<Origin>> = before
            .map(|manifest| manifest.last_flows().into_iter().map(|(id, last)| (id, last.origin())).collect())
            .unwrap_or_default();
        let facts = Facts {
            branch: self.records.branch.clone(),
            source: self.records.source_of(seen, manifest, before, witness, options).await?,
            begun,
            last_deployed: before.and_then(|manifest| manifest.last_deployed.clone()),
            previous: self.records.previous_of(manifest).await?,
            wanted: match manifest.kind {
                Kind::Rollback => Some(self.records.state_of(seen, manifest, options).await?),
                Kind::Sync | Kind::Adoption => None,
            },
            pruning: match (witness, self.policy.prune) {
                (Witness::Trusted, _) => Pruning::Settled,
                (Witness::Nobody, Prune::Remove) => Pruning::On,
                (Witness::Nobody, Prune::Keep) => Pruning::Off,
            },
            unapproved: match witness {
                Witness::Trusted => BTreeMap::new(),
                Witness::Nobody => self.unapproved_in(seen, manifest, before).await?,
            },
            releases: before
                .map(|manifest| manifest.releases().into_iter().filter_map(|release| release.name).collect())
                .unwrap_or_default(),
            owned,
        };
        let doubts = proof::doubts(manifest, &facts);
        if !doubts.is_empty() {
            return Err(self.records.unproven(records, manifest, &doubts, previous.as_ref()));
        }
        if witness == Witness::Trusted {
            return Ok(Proven { existed, settled: Ok(()) });
        }
        existed.extend(created_again(manifest, &facts.owned));
        let settled = match self.check_still_signed(manifest, before).await {
            Ok(()) => self.judge_deletes(manifest, &facts, options),
            Err(PassError::Refused { reason, .. }) => Err(reason),
            Err(error) => return Err(error),
        };
        Ok(Proven { existed, settled })
    }

    /// Whether what a deployment takes from git is signed, as far as it goes forward.
    async fn check_still_signed(&self, manifest: &Manifest, before: Option<&Manifest>) -> Result<(), PassError> {
        match (manifest.kind, manifest.status(), &manifest.source.commit) {
            (Kind::Sync, Status::Deploying, Some(commit)) => {
                self.records.check_signed(self.policy.verify.as_ref(), commit, before).await
            }
            _ => Ok(()),
        }
    }

    /// Whether somebody who can be trusted says that this deployment was begun as it stands.
    fn witness(&self, seen: &Seen, manifest: &Manifest) -> Result<Witness, PassError> {
        // A wrong seal has been refused by now, unless a person takes it.
        if self.records.seal_key.is_some() && !seen.adopts {
            return Ok(Witness::Trusted);
        }
        let journal = self.local.read_journal(manifest.deployment_id.as_str())?.unwrap_or_default();
        let end = journal.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let first = audit::parse(&journal[..end]).unwrap_or_default();
        let is_ours = first.first().is_some_and(|record| {
            record.text("event") == audit::EventKind::Begun.as_str()
                && record.text("planDigest") == manifest.plan_digest
        });
        Ok(if is_ours { Witness::Trusted } else { Witness::Nobody })
    }

    /// Deletes that nobody trusted has settled keep to `maxDeletes`, those of a restoration among them.
    fn judge_deletes(&self, manifest: &Manifest, facts: &Facts, options: &PassOptions) -> Result<(), String> {
        let is_delete = |action| manifest.flows.iter().filter(|flow| flow.action == action).count();
        let (found, policy) = match (manifest.kind, manifest.status()) {
            (Kind::Rollback, Status::Deploying) => return Ok(()),
            (_, Status::Deploying) => (is_delete(FlowAction::Delete), self.policy.max_deletes),
            (_, _) if self.policy.prune == Prune::Keep => (created_again(manifest, &facts.owned).len(), NONE),
            (_, _) => (created_again(manifest, &facts.owned).len(), self.policy.max_deletes),
        };
        let begun_elsewhere = |error: &dyn std::error::Error| {
            let (deployment_id, status) = (&manifest.deployment_id, manifest.status());
            format!("deployment {deployment_id} (`{status}`) was begun by somebody else: {error}")
        };
        if manifest.status() == Status::Deploying {
            let deletes = manifest.flows.iter().filter(|flow| flow.action == FlowAction::Delete).map(|flow| &flow.id);
            plan::check_protected(deletes, &self.policy.protect, &options.allow_delete_protected)
                .map_err(|error| begun_elsewhere(&error))?;
        }
        let is_empty = matches!(&facts.source, SourceFacts::Flows(flows) if flows.is_empty());
        plan::check_deletes(found, facts.owned.len(), is_empty, policy, options.allow_deletes)
            .map_err(|error| begun_elsewhere(&error))
    }
}

impl<S: Source> Records<S> {
    /// What git's history says of how a deployment began, and which manifest counted before it.
    async fn past_of(&self, records: &CommitId, manifest: &Manifest) -> Result<Past, PassError> {
        let history = self.source.record_history(records, &paths::manifest(&self.environment)).await?;
        let mut past = Past { begun: BegunFacts::Nowhere, existed: BTreeSet::new(), previous: None };
        let (mut first, mut n_foreign) = (None, 0);
        for (index, entry) in history.iter().enumerate() {
            match self.version(entry).await? {
                Some(version) if version.manifest.deployment_id == manifest.deployment_id => {
                    let existed = version.manifest.flows.iter().filter(|flow| flow.existed);
                    past.existed.extend(existed.map(|flow| flow.id.clone()));
                    first = Some((index, version));
                }
                _ => n_foreign += 1,
            }
            if n_foreign > FOREIGN_VERSIONS_MAX || (n_foreign > 0 && first.is_some() && is_begun(&first)) {
                break;
            }
        }
        let Some((index, Recorded { commit, manifest, .. })) = first else { return Ok(past) };
        past.begun = match self.source.touched(&commit).await? {
            Touched::RecordsOnly => BegunFacts::Alone { commit, manifest: Box::new(manifest) },
            Touched::Merge => BegunFacts::ByMerge(commit),
            Touched::More(path) => BegunFacts::WithMore { commit, path },
        };
        let mut is_brought_back = false;
        for entry in &history[index + 1..] {
            match self.version(entry).await? {
                Some(version) if version.manifest.status().is_ended() => {
                    past.previous = Some(version);
                    break;
                }
                // It was removed: nothing counted, unless a deployment that had ended was brought back since.
                None if entry.blob.is_none() && !is_brought_back => break,
                Some(_) => is_brought_back = true,
                None => {}
            }
        }
        Ok(past)
    }

    /// Whether a tip's manifest names a deployment and a holder as under way, and nobody else has had that deployment:
    /// where a revert brought the manifest back, its history says who went on with it or ended it.
    pub(super) async fn still_names(&self, tip: &CommitId, deployment: &str, holder: &str) -> Result<bool, PassError> {
        let is_ours = |manifest: &Manifest| {
            manifest.status().is_under_way() && manifest.holder.as_ref().is_some_and(|it| it.id == holder)
        };
        let now = self.manifest_at(tip).await?;
        if !now.is_some_and(|now| now.deployment_id.as_str() == deployment && is_ours(&now)) {
            return Ok(false);
        }
        let mut n_foreign = 0;
        for entry in self.source.record_history(tip, &paths::manifest(&self.environment)).await? {
            match self.version(&entry).await? {
                Some(version) if version.manifest.deployment_id.as_str() == deployment => {
                    if !is_ours(&version.manifest) {
                        return Ok(false);
                    }
                }
                _ => n_foreign += 1,
            }
            if n_foreign > FOREIGN_VERSIONS_MAX {
                break;
            }
        }
        Ok(true)
    }

    /// A version of the manifest; nothing where it was removed or cannot be read.
    pub(super) async fn version(&self, entry: &HistoryEntry) -> Result<Option<Recorded>, PassError> {
        let HistoryEntry { commit, blob: Some(blob), .. } = entry else { return Ok(None) };
        let texts = self.read_named(std::iter::once(blob), MANIFEST_BYTES_MAX).await?;
        let Some(text) = texts.get(blob).and_then(Named::text).cloned() else { return Ok(None) };
        let manifest = Manifest::from_text(&text, &self.manifest_path(), commit).ok();
        Ok(manifest.map(|manifest| Recorded { commit: commit.clone(), text, manifest }))
    }

    async fn source_of(
        &self,
        seen: &Seen,
        manifest: &Manifest,
        before: Option<&Manifest>,
        witness: Witness,
        options: &PassOptions,
    ) -> Result<SourceFacts, PassError> {
        let Some(commit) = &manifest.source.commit else { return Ok(SourceFacts::Unnamed) };
        if !self.is_on_branch(&seen.tips.flows, commit, options).await? {
            return Ok(SourceFacts::NotOnBranch);
        }
        let on_branch = before.filter(|before| before.source.branch == self.branch);
        let earlier = on_branch.and_then(|before| before.source.commit.as_ref());
        if let Some(earlier) = earlier.filter(|_| witness == Witness::Nobody && !options.allow_rewind)
            && !self.source.contains(commit, earlier).await?
        {
            return Ok(SourceFacts::Rewound { before: earlier.clone() });
        }
        let holding = self.holding(commit).await?;
        Ok(match holding.n_errors {
            0 => SourceFacts::Flows(holding.flows),
            n_errors => SourceFacts::Invalid(n_errors),
        })
    }

    async fn previous_of(&self, manifest: &Manifest) -> Result<BTreeMap<BlobId, PreviousFacts>, PassError> {
        let blobs = manifest.flows.iter().filter_map(|flow| flow.before.as_ref());
        let texts = self.read_named(blobs, DEFINITION_BYTES_MAX).await?;
        let fact = |named: Named| match named {
            Named::Gone => PreviousFacts::Gone,
            Named::TooLarge(bytes) => PreviousFacts::TooLarge(bytes),
            Named::Text(text) => match Definition::from_live(&text, &self.index.comparison()) {
                Ok(Definition { id, content_hash, .. }) => PreviousFacts::Flow { id, content_hash },
                Err(_) => PreviousFacts::NoFlow,
            },
        };
        Ok(texts.into_iter().map(|(blob, named)| (blob, fact(named))).collect())
    }

    fn unproven(
        &self,
        tip: &CommitId,
        manifest: &Manifest,
        doubts: &[Doubt],
        previous: Option<&Recorded>,
    ) -> PassError {
        let (deployment_id, status) = (&manifest.deployment_id, manifest.status());
        let path = self.manifest_path();
        let told: Vec<String> = doubts.iter().take(TOLD_MAX).map(ToString::to_string).collect();
        let more = doubts.len() - told.len();
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let way = match previous {
            Some(Recorded { commit, .. }) => {
                format!("restore that of the deployment before (`git checkout {commit} -- {path}`)")
            }
            None => format!("remove it (`git rm {path}`)"),
        };
        self.refuse(format!(
            "deployment {deployment_id} (`{status}`) is not gone on with, because git does not prove what `{path}` at {tip} \
             says of it: {}{more}; nothing was written. A person must look: `git log -p -- {path}` shows who wrote it. To \
             set it aside, {way}, commit and push: the next pass plans anew from what is live{}",
            told.join("; "),
            hint(doubts)
        ))
    }
}

/// No delete by itself.
const NONE: MaxDeletes = MaxDeletes::Count(0);

/// What else may be right, for a deployment that was ours and whose ground has changed since.
fn hint(doubts: &[Doubt]) -> &'static str {
    let is = |doubt: &Doubt| match doubt {
        Doubt::Flow { doubt: FlowDoubt::PruneOff, .. } => Some(". Or turn `prune` on until it has ended"),
        Doubt::Rewound { .. } | Doubt::NotOnBranch { .. } => {
            Some(". Or, if the branch was rewound on purpose, pass --allow-rewind once")
        }
        _ => None,
    };
    doubts.iter().find_map(is).unwrap_or_default()
}

/// Creates of flows that the deployment before had brought: taking them back deletes what was managed, and that they
/// were gone meanwhile is the manifest's word alone.
fn created_again(manifest: &Manifest, owned: &BTreeMap<FlowId, Option<Origin>>) -> BTreeSet<FlowId> {
    let creates = manifest.flows.iter().filter(|flow| flow.action == FlowAction::Create);
    creates.filter(|flow| owned.contains_key(&flow.id)).map(|flow| flow.id.clone()).collect()
}

fn is_begun(first: &Option<(usize, Recorded)>) -> bool {
    first.as_ref().is_some_and(|(_, version)| version.manifest.status() == Status::Deploying)
}
