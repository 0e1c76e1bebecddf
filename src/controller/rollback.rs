//! Going back on purpose: to the state before the newest deployment, or after a named one, as a
//! deployment of its own. What was left is quarantined, so that the loop does not bring it back until
//! the flows in git change.

use std::sync::Arc;

use tracing::{Instrument as _, info_span};

use super::approval::Warrant;
use super::carry::Work;
use super::judge::check_references;
use super::named::Named;
use super::pass::{Attempt, STARTS_MAX};
use super::releases::{last_release, objection};
use super::report::{EnvironmentReport, SyncResult};
use super::states::{BackTo, State, WantedFlow};
use super::{Engine, PassError, PassOptions, Prepared, Recorded, Seen, read_desired};
use crate::config::{Drift, Prune};
use crate::flow::Definition;
use crate::local::LocalState;
use crate::plan::{self, Desired, DesiredFlow, Last, LastRelease, Policy, ReleasePlan};
use crate::record::{DEFINITION_BYTES_MAX, Kind, Manifest, Quarantine, QuarantineCause, RollbackState, RollbackTo};
use crate::source::Source;
use crate::tenant::Tenant;

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// Goes back. `to` is the id of the deployment whose state is wanted; without it, the state before
    /// the newest completed one.
    pub async fn rollback(&self, to: Option<&str>, options: &PassOptions) -> EnvironmentReport {
        let mut attempt = Attempt::default();
        let span = self.records.span("rollback");
        let ended = attempt.rollback(self, to, options).instrument(span.clone()).await;
        let report = attempt.report(self, ended);
        report.end_span(&span);
        report
    }

    /// The state that is to be live, and what callers met in it.
    async fn wanted_state(&self, seen: &Seen, to: Option<&str>, options: &PassOptions) -> Result<Wanted, PassError> {
        let (Some(newest), Some(records)) = (&seen.manifest, &seen.tips.records) else {
            return Err(PassError::NotFound(format!(
                "`{}` has no deployment to go back from",
                self.records.environment
            )));
        };
        let newest = newest.last_deployed.as_ref().map(|last| last.deployment_id.as_str()).unwrap_or_default();
        let (id, state) = match to {
            Some(to) => (to, RollbackState::After),
            None => (newest, RollbackState::Before),
        };
        let Some(recorded) = self.records.completed(records, id).await? else {
            return Err(self.records.unknown(records, id).await?);
        };
        if state == RollbackState::Before && recorded.manifest.kind == Kind::Adoption {
            return Err(PassError::NotFound(format!(
                "deployment {id} only wrote down what was live; there is no state before it"
            )));
        }
        let release = match state {
            RollbackState::After => recorded.manifest.releases().first().and_then(last_release),
            RollbackState::Before => {
                recorded.manifest.release.as_ref().and_then(|release| release.before()).and_then(last_release)
            }
        };
        let flows = self.proven_state(seen, &recorded, state, options).await?;
        let to = RollbackTo { deployment_id: recorded.manifest.deployment_id, state };
        Ok(Wanted { flows, to, release })
    }

    async fn proven_state(
        &self,
        seen: &Seen,
        recorded: &Recorded,
        state: RollbackState,
        options: &PassOptions,
    ) -> Result<State, PassError> {
        let proven = self.records.state(&seen.tips.flows, recorded, state, options).await?;
        let id = recorded.manifest.deployment_id.as_str();
        proven.map_err(|reason| {
            self.records
                .refuse(format!("the state {} is not proven by git: {reason}; nothing was written", words(state, id)))
        })
    }

    /// Plans that callers meet an earlier release again, which is kept: no flow is written, so that the newest
    /// deployment's stay as they are. Nothing where it is not kept.
    async fn prepare_release(
        &self,
        seen: &Seen,
        wanted: &Wanted,
        options: &PassOptions,
    ) -> Result<Option<(Prepared, Wanted)>, PassError> {
        let (Some(release), Some(serving)) = (&wanted.release, self.serving().await?) else { return Ok(None) };
        let newest = seen.manifest.as_ref().and_then(|manifest| manifest.last_deployed.as_ref());
        let (Some(newest), Some(records)) = (newest, &seen.tips.records) else { return Ok(None) };
        let newest = newest.deployment_id.clone();
        let Some(recorded) = self.records.completed(records, newest.as_str()).await? else { return Ok(None) };
        let known = seen.manifest.as_ref().map(Manifest::releases).unwrap_or_default();
        let is_known = known.iter().any(|known| known.name.as_ref() == Some(&release.name));
        if !is_known || !serving.releases.contains(&release.name) {
            return Ok(None);
        }
        let flows = self.proven_state(seen, &recorded, RollbackState::After, options).await?;
        let mut prepared = self.prepare_state(seen, &flows).await?;
        prepared.plan.changes.clear();
        prepared.plan.reported.clear();
        prepared.plan.bind(&self.records.target);
        self.plan_back(&mut prepared, seen.manifest.as_ref(), release);
        let to = RollbackTo { deployment_id: newest, state: RollbackState::After };
        Ok(Some((prepared, Wanted { flows, to, release: Some(release.clone()) })))
    }

    /// Plans the way to a state. Limits on deletes do not apply; references must hold all the same.
    async fn prepare_state(&self, seen: &Seen, wanted: &State) -> Result<Prepared, PassError> {
        self.leave_out_defaults(seen.manifest.as_ref());
        let desired = self.read_state(wanted).await?;
        let mut last: Last = self.records.last(seen.manifest.as_ref()).await?;
        // What only the state before held counts as managed: it may be created, updated or deleted.
        let zero = crate::flow::ContentHash([0; 32]);
        wanted.keys().for_each(|id| _ = last.flows.entry(id.clone()).or_insert(zero));
        let policy = Policy { target: &self.records.target, drift: Drift::Correct, prune: Prune::Remove };
        self.prepare_with(Arc::new(desired), &last, policy).await
    }

    /// A plan back to a state that may be carried out.
    async fn prepare_return(&self, seen: &Seen, wanted: &State) -> Result<Prepared, PassError> {
        let mut prepared = self.look(self.prepare_state(seen, wanted).instrument(info_span!("prepare"))).await?;
        check_references(&prepared)?;
        self.check_time(&prepared)?;
        self.plan_release(&mut prepared, seen.manifest.as_ref());
        match prepared.release.as_ref().and_then(|release| objection(release, &[])) {
            Some(reason) => Err(self.records.refuse(reason)),
            None => Ok(prepared),
        }
    }

    async fn read_state(&self, wanted: &State) -> Result<Desired, PassError> {
        let origins = wanted.values().map(|flow| flow.origin.clone());
        let texts = self.records.read_documents(origins, DEFINITION_BYTES_MAX).await?;
        let mut desired = Desired::default();
        for (id, WantedFlow { origin, path, .. }) in wanted {
            let blob = &origin.blob;
            let text = texts.get(origin).and_then(Named::text).cloned().ok_or_else(|| {
                PassError::NotFound(format!("the earlier definition of `{id}` (blob {blob}) is not in git any more"))
            })?;
            // A previous definition may be one that nobody could read: it goes back as the bytes it was.
            let read = Definition::from_file(Arc::clone(&text), &self.reader.comparison())
                .or_else(|_| Definition::from_live(&text, &self.reader.comparison()));
            let definition = read.map_err(|error| {
                PassError::NotFound(format!("the earlier definition of `{id}` (blob {blob}) cannot be read: {error}"))
            })?;
            let (definition, path, origin) = (Arc::new(definition), path.clone(), Some(origin.clone()));
            let flow = DesiredFlow { definition, path, origin, overlay: None };
            desired.flows.insert(id.clone(), flow);
        }
        Ok(desired)
    }

    /// Puts what git holds now into quarantine, in the manifest the rollback will be based on.
    async fn quarantine_git(&self, mut seen: Seen, back_to: &str) -> Result<Seen, PassError> {
        let reading = read_desired(&*self.records.source, &seen.tips.flows, self.reader.index(), &self.records.target);
        let (desired, _) = reading.await?;
        if let Some(manifest) = &mut seen.manifest {
            let key = plan::flows_digest(&desired);
            let earlier = manifest.quarantine.take().filter(|earlier| earlier.key == key);
            manifest.quarantine = Some(Quarantine {
                cause: QuarantineCause::Rollback,
                key,
                drift_only: false,
                // None where git was free: it is again, should the rollback fail.
                attempts: earlier.map_or(0, |earlier| earlier.attempts),
                until: None,
                flows: Vec::new(),
                reason: format!("went back to the state {back_to}"),
            });
        }
        Ok(seen)
    }
}

/// What a person wants back.
struct Wanted {
    /// The flows that are to be live, and where they come from.
    flows: State,
    /// Of which deployment.
    to: RollbackTo,
    /// What callers met then.
    release: Option<LastRelease>,
}

impl Attempt {
    /// Goes back, from a start that git may move under.
    async fn rollback<T: Tenant, S: Source, L: LocalState>(
        &mut self,
        engine: &Engine<T, S, L>,
        to: Option<&str>,
        options: &PassOptions,
    ) -> Result<EnvironmentReport, PassError> {
        let _guard = engine.local.lock()?;
        engine.look(engine.outbox().send().instrument(info_span!("send"))).await?;
        let mut options = options.clone();
        for start in 0..STARTS_MAX {
            let tips = engine.look(engine.records.source.fetch().instrument(info_span!("fetch"))).await?;
            self.commit = Some(tips.flows.clone());
            let seen = engine.look(engine.records.seen_at(tips, &options).instrument(info_span!("observe"))).await?;
            options.take_over &= start == 0;
            if seen.interrupted {
                if let Some(report) = engine.recover(&seen, &options).await? {
                    self.recovered = Some(report);
                }
                continue;
            }
            let wanted = engine.look(engine.wanted_state(&seen, to, &options)).await?;
            let switching = engine.look(Box::pin(engine.prepare_release(&seen, &wanted, &options))).await?;
            let (mut prepared, Wanted { flows: wanted, to: back_to, release: shown }) = match switching {
                Some(switching) => switching,
                None => (engine.prepare_return(&seen, &wanted.flows).await?, Wanted { release: None, ..wanted }),
            };
            if prepared.plan.changes.is_empty() && !prepared.release.as_ref().is_some_and(ReleasePlan::is_due) {
                let mut report = EnvironmentReport::new(&engine.records.environment, SyncResult::InSync);
                report.commit = Some(seen.tips.flows.clone());
                return Ok(report);
            }
            let state = match shown {
                Some(release) => format!("of the release `{}`", release.name),
                None => words(back_to.state, back_to.deployment_id.as_str()),
            };
            let seen = engine.look(engine.quarantine_git(seen, &state)).await?;
            // The commit that this rollback names as its source holds the rest.
            let git = engine.look(engine.records.holding(&seen.tips.flows)).await?.flows;
            let elsewhere = wanted.into_iter().filter(|(id, _)| !git.contains_key(id));
            let held = elsewhere.filter_map(|(id, flow)| Some((id, flow.held?))).collect();
            prepared.back_to = Some(BackTo { to: back_to, held });
            let mut plan = prepared.plan.clone();
            if let Some(quarantine) = seen.manifest.as_ref().and_then(|manifest| manifest.quarantine.as_ref()) {
                plan.flows_digest.clone_from(&quarantine.key);
            }
            if let Some(deployment) = engine.begin(&seen, &plan, &prepared, Kind::Rollback, Warrant::default()).await? {
                let work = Work::new(plan.changes, prepared.looked, prepared.beside);
                return Box::pin(deployment.carry_out(work)).await;
            }
        }
        Err(PassError::Unsettled(format!("branch `{}` moves faster than it can be read", engine.records.branch)))
    }
}

/// A state, in words.
fn words(state: RollbackState, id: &str) -> String {
    match state {
        RollbackState::Before => format!("before deployment {id}"),
        RollbackState::After => format!("after deployment {id}"),
    }
}
