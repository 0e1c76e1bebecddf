//! The part of a deployment that callers see: endpoints show what was written and read back, or again what they showed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tracing::{Instrument as _, info_span};

use super::deployment::Deployment;
use crate::clock::in_future;
use crate::config::{Release as ReleasePolicy, SmokeTest};
use crate::deploy::{Deployer, EndpointSwitch, FlowFailure, Meant, PushReport, Restored, ShownRelease};
use crate::local::LocalState;
use crate::plan::{self, Change};
use crate::record::audit::{Event, EventKind};
use crate::record::{FlowAction, FlowStatus, Manifest, ManifestFlow, Status, SwitchedEndpoint, made_by};
use crate::shutdown::Stage;
use crate::smoke;
use crate::source::Source;
use crate::tenant::{Blame, CallLimits, Tenant};

/// Removing releases after a deployment gets so long: what is left then, the next one removes.
const TIDY_PATIENCE: Duration = Duration::from_secs(60);

impl<T: Tenant, S: Source, L: LocalState> Deployment<'_, T, S, L> {
    /// What this deployment is to have endpoints show, as its manifest says; nothing where it has nothing to do with that.
    fn meant(&self) -> Option<Meant> {
        let manifest = self.ledger.manifest();
        let release = manifest.release.as_ref()?;
        let target = release.target.as_ref()?;
        let switch = |endpoint: &SwitchedEndpoint| EndpointSwitch {
            id: endpoint.id.clone(),
            name: endpoint.name.clone(),
            before: endpoint.before.clone(),
        };
        let is_managed = |flow: &&ManifestFlow| flow.action != FlowAction::Delete && !flow.orphaned;
        Some(Meant {
            deployment: manifest.deployment_id.clone(),
            kept: target.name.clone(),
            switches: release.endpoints.iter().map(switch).collect(),
            endpoints: self.engine.policy.release.as_ref().map(|it| it.endpoints.clone()).unwrap_or_default(),
            stay: release.after(true).into_iter().filter_map(|release| release.name).collect(),
            managed: manifest.flows.iter().filter(is_managed).map(|flow| flow.id.clone()).collect(),
        })
    }

    /// Has endpoints show the release and tries it out. Nothing where there is none.
    ///
    /// # Errors
    /// Endpoints may have been switched by then.
    pub(super) async fn release(
        &self,
        deployer: &Deployer<'_, T, L>,
        changes: &[Change],
        pushed: &PushReport,
    ) -> Result<Option<ShownRelease>, FlowFailure> {
        let Some(meant) = self.meant() else { return Ok(None) };
        let releasing = async {
            let shown = deployer.release(&meant, changes, pushed).await?;
            let policy = self.engine.policy.release.as_ref();
            if let Some((policy, test)) = policy.and_then(|policy| Some((policy, policy.smoke_test.as_ref()?))) {
                self.try_out(policy, test, &shown, deployer).await?;
            }
            Ok(shown)
        };
        releasing.instrument(info_span!("release")).await.map(Some)
    }

    /// Runs the smoke test, as long as there is time for it.
    async fn try_out(
        &self,
        policy: &ReleasePolicy,
        test: &SmokeTest,
        shown: &ShownRelease,
        deployer: &Deployer<'_, T, L>,
    ) -> Result<(), FlowFailure> {
        let given = self.given(policy, shown);
        let time = test.timeout.min(deployer.limits.give_up_at.saturating_duration_since(in_future(Duration::ZERO)));
        let SmokeTest { command, folder, withheld, .. } = test;
        let event = |kind| Event::new(kind).with("what", "smoke-test").with("shows", shown.name.as_str());
        self.ledger.journal.note(&event(EventKind::Releasing));
        let running = smoke::run(smoke::Run { command, folder, time, withheld, given: &given });
        let ended = tokio::select! {
            biased;
            ended = running => ended.map_err(|message| (Blame::Flow, message)),
            grace = self.engine.shutdown.end_of(Stage::Forward) => {
                Err((Blame::Nobody, format!("{}: this deployment was asked to end during its smoke test", grace.by)))
            }
        };
        self.ledger.journal.note(&match &ended {
            Ok(()) => event(EventKind::Released).with("result", "ok"),
            Err((_, message)) => event(EventKind::Released).with("result", "failed").with("error", message.as_str()),
        });
        ended.map_err(|(blame, message)| FlowFailure { blame, message, existed: false })
    }

    /// What a smoke test is told, by environment variables.
    fn given(&self, policy: &ReleasePolicy, shown: &ShownRelease) -> BTreeMap<&'static str, String> {
        let tokens: Vec<&str> = shown.endpoints.iter().map(|it| it.token.as_deref().unwrap_or_default()).collect();
        let mut given = BTreeMap::from([
            ("FLOWSYNC_ENVIRONMENT", self.engine.records.environment.clone()),
            ("FLOWSYNC_DEPLOYMENT", self.ledger.manifest().deployment_id.to_string()),
            ("FLOWSYNC_SNAPSHOT", shown.name.clone()),
            ("FLOWSYNC_ENDPOINT_TOKENS", tokens.join("\n")),
        ]);
        given.extend(shown.id.clone().map(|id| ("FLOWSYNC_SNAPSHOT_ID", id)));
        given.extend(policy.endpoint_url.as_ref().map(|base| {
            let base = base.as_str().trim_end_matches('/');
            let urls: Vec<String> = tokens.iter().map(|token| format!("{base}/{token}")).collect();
            ("FLOWSYNC_ENDPOINT_URLS", urls.join("\n"))
        }));
        given
    }

    /// Has endpoints show again what they showed before, where this deployment has switched any, or may have where its
    /// trail is lost: by id.
    pub(super) async fn switch_back(
        &self,
        deployer: &Deployer<'_, T, L>,
        trail_is_lost: bool,
    ) -> BTreeMap<String, Restored> {
        let has_switched = self.ledger.journal.has_switched().unwrap_or(true);
        match self.meant() {
            Some(meant) if has_switched || trail_is_lost => deployer.switch_back(&meant).await,
            _ => BTreeMap::new(),
        }
    }

    /// The same once the flows are put back: a request that was lost on its way may have come to its end meanwhile.
    pub(super) async fn still_back(
        &self,
        deployer: &Deployer<'_, T, L>,
        endpoints: BTreeMap<String, Restored>,
    ) -> BTreeMap<String, Restored> {
        let is_back = !endpoints.is_empty() && !endpoints.values().any(|end| matches!(end, Restored::Not(_)));
        let Some(meant) = self.meant().filter(|_| is_back) else { return endpoints };
        let mut last = deployer.switch_back(&meant).await;
        for (id, end) in &mut last {
            if *end == Restored::Untouched && endpoints.get(id) == Some(&Restored::Done) {
                *end = Restored::Done;
            }
        }
        last
    }

    /// Removes releases that nobody needs any more: our own, but for the newest. What cannot be removed now goes later.
    pub(super) async fn tidy_releases(&self) {
        let manifest = self.ledger.manifest();
        let has_target = manifest.release.as_ref().is_some_and(|release| release.target.is_some());
        let Some(policy) = self.engine.policy.release.as_ref().filter(|_| has_target) else { return };
        if manifest.status() == Status::RollbackIncomplete {
            return;
        }
        let limits = CallLimits { lease: self.ledger.lease.limit(), give_up_at: in_future(TIDY_PATIENCE) };
        let (tenant, target) = (&self.engine.tenant, &self.engine.records.target);
        let tidied = async {
            let serving = tenant.serving(target, &policy.endpoints, &limits).await?;
            let stay = manifest.releases().into_iter().filter_map(|release| release.name).collect();
            let ours = serving.releases.iter().filter(|name| made_by(name).is_some()).cloned().collect();
            let spent = plan::spent(&serving, &stay, &ours).cloned().collect::<BTreeSet<_>>();
            if spent.is_empty() { Ok(()) } else { tenant.discard(target, &spent, &limits).await }
        };
        if let Err(error) = tidied.await {
            tracing::debug!(error = %crate::error_chain(&error), "releases that nobody needs any more stay for now");
        }
    }
}

/// Writes into a manifest that endpoints show the release.
pub(super) fn enter_shown(manifest: &mut Manifest, shown: Option<&ShownRelease>) {
    let (Some(release), Some(shown)) = (&mut manifest.release, shown) else { return };
    if let Some(target) = &mut release.target {
        target.name = Some(shown.name.clone());
    }
    release.endpoints.iter_mut().for_each(|endpoint| endpoint.status = FlowStatus::Deployed);
}

/// Writes into a manifest how each endpoint was taken back.
pub(super) fn enter_taken_back(manifest: &mut Manifest, restored: &BTreeMap<String, Restored>) {
    for endpoint in manifest.release.iter_mut().flat_map(|release| &mut release.endpoints) {
        (endpoint.status, endpoint.error) = match restored.get(&endpoint.id) {
            None => (FlowStatus::NotAttempted, None),
            Some(Restored::Done | Restored::Untouched) => (FlowStatus::RolledBack, None),
            Some(Restored::Not(reason)) => (FlowStatus::NotRestored, Some(reason.clone())),
        };
    }
}
