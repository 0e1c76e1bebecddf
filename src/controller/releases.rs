//! What callers are to meet, by configuration, records and tenant: the release of a plan, and what its manifest says.

use std::collections::BTreeSet;

use super::{Engine, PassError, Prepared};
use crate::local::LocalState;
use crate::plan::{
    self, EndpointAction, LastRelease, PlannedEndpoint, ReleasePlan, ReleaseTarget, ToRelease, back_to_release,
};
use crate::record::{FlowStatus, Manifest, Release, Released, SwitchedEndpoint, made_by};
use crate::release::Serving;
use crate::source::Source;
use crate::tenant::{CallLimits, Tenant};

/// So many releases before a new one stay whatever happens.
const STAY: usize = 2;

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// What callers meet now; nothing where that is what is live.
    pub(super) async fn serving(&self) -> Result<Option<Serving>, PassError> {
        let Some(release) = &self.policy.release else { return Ok(None) };
        let limits = CallLimits::before_deployment();
        Ok(Some(Box::pin(self.tenant.serving(&self.records.target, &release.endpoints, &limits)).await?))
    }

    /// Works out what callers are to meet, from what was seen; anew where changes were taken out of the plan.
    pub(super) fn plan_release(&self, prepared: &mut Prepared, manifest: Option<&Manifest>) {
        let Some(serving) = &prepared.serving else { return };
        let known = manifest.map(Manifest::releases).unwrap_or_default();
        let to = ToRelease {
            flows_digest: plan::flows_digest(&prepared.desired),
            is_written: !prepared.plan.changes.is_empty(),
            unmanaged: prepared.others.clone(),
            stay: known.iter().take(STAY).filter_map(|release| release.name.clone()).collect(),
            ours: serving.releases.iter().filter(|name| made_by(name).is_some()).cloned().collect(),
        };
        let last = known.first().and_then(last_release);
        prepared.release = Some(plan::release(serving, last.as_ref(), to, self.policy.drift));
    }

    /// Plans that endpoints show a release again that is kept. Nothing where it is not.
    pub(super) fn plan_back(&self, prepared: &mut Prepared, manifest: Option<&Manifest>, to: &LastRelease) {
        let Some(serving) = &prepared.serving else { return };
        let known = manifest.map(Manifest::releases).unwrap_or_default();
        prepared.release = Some(back_to_release(serving, to, known.first().and_then(last_release).as_ref()));
    }

    /// What a manifest says of a planned release; nothing where callers meet what is live.
    pub(super) fn release_record(&self, prepared: &Prepared, earlier: Option<&Manifest>) -> Option<Release> {
        self.policy.release.as_ref()?;
        let known = earlier.map(Manifest::releases).unwrap_or_default();
        let Some(plan) = prepared.release.as_ref().filter(|plan| plan.is_due()) else {
            return Release::untouched(known);
        };
        let shown_by: BTreeSet<String> = plan.endpoints.iter().map(|planned| planned.endpoint.id.clone()).collect();
        let target = Released {
            name: match &plan.target {
                ReleaseTarget::New => None,
                ReleaseTarget::Kept(name) => Some(name.clone()),
            },
            flows_digest: plan.flows_digest.clone(),
            endpoints: shown_by,
            unmanaged: plan.beside.clone(),
        };
        Some(Release::showing(target, plan.endpoints.iter().filter_map(switched).collect(), known))
    }
}

fn switched(planned: &PlannedEndpoint) -> Option<SwitchedEndpoint> {
    let PlannedEndpoint { endpoint, action, is_drifted: _ } = planned;
    (*action == EndpointAction::Switch).then(|| SwitchedEndpoint {
        id: endpoint.id.clone(),
        name: endpoint.name.clone(),
        before: endpoint.shows.clone(),
        status: FlowStatus::Pending,
        error: None,
    })
}

/// A completed release, as planning sees it.
pub(super) fn last_release(release: &Released) -> Option<LastRelease> {
    let Released { name, flows_digest, endpoints, unmanaged } = release.clone();
    Some(LastRelease { name: name?, flows_digest, endpoints, unmanaged })
}

/// Why a release may not be made, in words: what is frozen is shown to callers.
pub(super) fn objection(plan: &ReleasePlan, reported: &[plan::Change]) -> Option<String> {
    if !plan.makes_one() {
        return None;
    }
    let left = || {
        let ids: Vec<&str> = reported.iter().map(|change| change.id.as_str()).collect();
        format!(
            "a release would show callers what git does not hold: {} drifted and left as live; put it right in the \
             tenant or in git (`flowsync adopt`), or set `drift: correct`",
            ids.join(", ")
        )
    };
    let because = plan.no_room.clone().or_else(|| (!reported.is_empty()).then(left))?;
    Some(format!("{because}; nothing was written"))
}
