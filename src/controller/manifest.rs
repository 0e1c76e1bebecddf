//! The manifest of a plan: what is to be done, and what is needed to take it back.

use std::collections::BTreeMap;

use super::{Engine, PassError, Prepared, Seen};
use crate::flow::{ContentHash, FlowId};
use crate::local::LocalState;
use crate::plan::{Action, Change, DesiredFlow, Plan};
use crate::record::{
    DEFINITION_BYTES_MAX, DeploymentId, FlowAction, FlowStatus, Held, Kind, LastFlow, Manifest, ManifestFlow,
    ManifestSource, Planned, is_inner_path, paths,
};
use crate::revision::{BlobId, Origin};
use crate::source::Source;
use crate::tenant::Tenant;

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// The manifest of a plan, status `pending`.
    pub async fn new_manifest(
        &self,
        seen: &Seen,
        plan: &Plan,
        prepared: &Prepared,
        kind: Kind,
    ) -> Result<Manifest, PassError> {
        let (now, comparison) = (self.now(), self.reader.comparison());
        let earlier = seen.manifest.as_ref();
        let flows = manifest_flows(plan, prepared, earlier);
        let planned = Planned {
            now,
            environment: self.records.environment.clone(),
            target_environment: self.records.target.clone(),
            tenant_digest: self.records.identity().tenant_digest(),
            deployment_id: DeploymentId::new(now, self.clock.random()),
            kind,
            source: ManifestSource {
                branch: self.records.branch.clone(),
                commit: Some(seen.tips.flows.clone()),
                flows_digest: plan.flows_digest.clone(),
            },
            plan_digest: plan.digest.clone(),
            rollback: prepared.back_to.as_ref().map(|back_to| back_to.to.clone()),
            ignore: comparison.ignored().to_vec(),
            defaults: comparison.defaults().clone(),
            release: self.release_record(prepared, earlier),
            flows,
            dependency_graph: plan.graph.clone(),
        };
        Ok(Manifest::planned(planned, earlier))
    }

    /// Fills in where each previous definition can be read from git, and returns the files to add for
    /// those that git does not hold yet.
    pub(super) async fn store_previous(
        &self,
        manifest: &mut Manifest,
        changes: &[Change],
    ) -> Result<BTreeMap<String, Option<Vec<u8>>>, PassError> {
        let mut stored = BTreeMap::new();
        let before: BTreeMap<&FlowId, _> =
            changes.iter().filter_map(|change| Some((&change.id, change.before()?))).collect();
        let known =
            self.blobs_of(manifest, &before.iter().map(|(id, d)| ((*id).clone(), d.content_hash)).collect()).await?;
        for flow in &mut manifest.flows {
            let Some(definition) = before.get(&flow.id) else { continue };
            if let Some(blob) = known.get(&flow.id) {
                flow.before = Some(blob.clone());
                continue;
            }
            let body = definition.body()?;
            if body.len() as u64 > DEFINITION_BYTES_MAX {
                return Err(too_large(&flow.id, body.len()));
            }
            flow.before = Some(self.records.source.blob_id(body));
            stored.insert(paths::before(&self.records.environment, &definition.content_hash), Some(body.to_vec()));
        }
        Ok(stored)
    }

    /// Blobs of earlier flow files whose content is exactly what is live.
    async fn blobs_of(
        &self,
        manifest: &Manifest,
        live: &BTreeMap<FlowId, ContentHash>,
    ) -> Result<BTreeMap<FlowId, BlobId>, PassError> {
        let candidates: Vec<(FlowId, BlobId)> = manifest
            .flows
            .iter()
            .filter_map(|flow| {
                let last = flow.last_flow()?;
                // What was composed stands in no blob.
                let blob = last.blob.clone().filter(|_| last.composed.is_none())?;
                (live.get(&flow.id) == Some(&last.content_hash)).then(|| (flow.id.clone(), blob))
            })
            .collect();
        let blobs: Vec<BlobId> = candidates.iter().map(|(_, blob)| blob.clone()).collect();
        let present = self.records.source.blob_sizes(&blobs).await?;
        Ok(candidates.into_iter().zip(present).filter_map(|(found, bytes)| bytes.map(|_| found)).collect())
    }
}

/// What cannot be kept cannot be put back, so it is not overwritten.
fn too_large(id: &FlowId, bytes: usize) -> PassError {
    let reason = format!(
        "`{id}` is live with {bytes} bytes, and a previous definition may have {DEFINITION_BYTES_MAX}: \
         it could not be put back; make it smaller in the tenant first"
    );
    PassError::Refused { reason, problems: Vec::new(), quarantined: false }
}

/// One entry for every flow git holds, every flow to be deleted, and every flow git once held.
fn manifest_flows(plan: &Plan, prepared: &Prepared, earlier: Option<&Manifest>) -> Vec<ManifestFlow> {
    let last = earlier.map(Manifest::last_flows).unwrap_or_default();
    let changes: BTreeMap<&FlowId, &Change> = plan.changes.iter().map(|change| (&change.id, change)).collect();
    let mut flows: BTreeMap<FlowId, ManifestFlow> = BTreeMap::new();
    for (id, flow) in &prepared.desired.flows {
        flows.insert(id.clone(), held(id, flow, changes.get(id).copied()));
    }
    for change in plan.deletes() {
        flows.insert(change.id.clone(), deleted(change, last.get(&change.id)));
    }
    if let Some(earlier) = earlier {
        for flow in earlier.flows.iter().filter(|flow| plan.orphaned.contains(&flow.id)) {
            if let Some(last) = last.get(&flow.id) {
                flows.insert(flow.id.clone(), orphaned(flow, last, earlier));
            }
        }
    }
    let mut flows: Vec<ManifestFlow> = flows.into_values().collect();
    for flow in &mut flows {
        // The commit that is the source of a rollback need not hold what comes back.
        let back_to = || prepared.back_to.as_ref()?.held.get(&flow.id).cloned();
        flow.held = flow.held.take().or_else(back_to);
        flow.set_last(last.get(&flow.id).cloned());
    }
    flows
}

fn held(id: &FlowId, flow: &DesiredFlow, change: Option<&Change>) -> ManifestFlow {
    let DesiredFlow { definition, path, origin, overlay: _ } = flow;
    let (blob, composed) = match origin {
        Some(Origin { blob, composed }) => (Some(blob.clone()), composed.clone()),
        None => (None, None),
    };
    let before = change.and_then(Change::before);
    let action = match change.map(Change::action) {
        Some(Action::Create) => FlowAction::Create,
        Some(Action::Update) => FlowAction::Update,
        Some(Action::Delete) | None => FlowAction::None,
    };
    ManifestFlow {
        id: id.clone(),
        name: definition.name.clone(),
        version: definition.version.clone(),
        content_hash: Some(definition.content_hash),
        status: if action == FlowAction::None { FlowStatus::Deployed } else { FlowStatus::Pending },
        action,
        cause: change.map(|change| change.cause.as_str().to_owned()),
        previous_version: before.map(|before| before.version.clone()),
        previous_hash: before.map(|before| before.content_hash),
        before: None,
        path: Some(path.clone()).filter(|path| is_inner_path(path)),
        blob,
        composed,
        held: None,
        equality_hash: other(definition.equality_hash, definition.content_hash),
        previous_equality_hash: before.and_then(|before| other(before.equality_hash, before.content_hash)),
        last: None,
        orphaned: false,
        existed: false,
        error: None,
    }
}

fn deleted(change: &Change, last: Option<&LastFlow>) -> ManifestFlow {
    let definition = change.definition();
    ManifestFlow {
        id: change.id.clone(),
        name: definition.name.clone(),
        version: definition.version.clone(),
        content_hash: None,
        status: FlowStatus::Pending,
        action: FlowAction::Delete,
        cause: Some(change.cause.as_str().to_owned()),
        previous_version: Some(definition.version.clone()),
        previous_hash: Some(definition.content_hash),
        before: None,
        path: last.and_then(|last| last.path.clone()),
        blob: None,
        composed: None,
        held: None,
        equality_hash: None,
        previous_equality_hash: other(definition.equality_hash, definition.content_hash),
        last: None,
        orphaned: false,
        existed: false,
        error: None,
    }
}

/// What the last completed deployment left of it: a failed one since then may have meant something else.
fn orphaned(flow: &ManifestFlow, last: &LastFlow, earlier: &Manifest) -> ManifestFlow {
    let LastFlow { content_hash, equality_hash, version, blob, composed, path, held } = last.clone();
    let held = held.or_else(|| {
        let (commit, path) = (earlier.last_deployed.as_ref()?.commit.clone()?, path.clone()?);
        Some(Held { commit, path, blob: blob.clone()? })
    });
    ManifestFlow {
        path,
        version,
        content_hash: Some(content_hash),
        equality_hash: other(equality_hash, content_hash),
        blob,
        composed,
        status: FlowStatus::Deployed,
        action: FlowAction::None,
        cause: None,
        previous_version: None,
        previous_hash: None,
        before: None,
        previous_equality_hash: None,
        held,
        orphaned: true,
        existed: false,
        error: None,
        ..flow.clone()
    }
}

fn other(equality: ContentHash, content: ContentHash) -> Option<ContentHash> {
    (equality != content).then_some(equality)
}
