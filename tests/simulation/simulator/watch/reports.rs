//! A pass has ended and says how: that must be so.

use std::time::Duration;

use flowsync::controller::{EnvironmentReport, FlowReport, SyncResult};
use flowsync::local::LocalState;
use flowsync::record::{Manifest, Status};
use flowsync::shutdown::Stage;
use tokio::time::Instant;

use super::super::invariant::Invariant;
use super::super::script::Script;
use super::super::world::World;

/// Timers go off so late at most.
const TIMERS: Duration = Duration::from_millis(10);

impl World {
    /// A report says what git says, and a record that could not be pushed is kept.
    pub fn reported(&self, script: &Script, report: &EnvironmentReport) {
        if report.record_commit.is_none() && self.is_left_open(script, report) {
            return;
        }
        let ended = match report.result {
            SyncResult::Deployed => Status::Deployed,
            SyncResult::RolledBack => Status::RolledBack,
            SyncResult::RollbackIncomplete => Status::RollbackIncomplete,
            _ => return self.check_unwritten(script, report),
        };
        let recorded = report.record_commit.as_ref().and_then(|commit| self.manifest_at(commit));
        let Some(recorded) = recorded.filter(|manifest| {
            manifest.status() == ended && Some(manifest.deployment_id.as_str()) == report.deployment_id.as_deref()
        }) else {
            let found = self.manifest().map(|manifest| manifest.status());
            return self.violated(Invariant::ReportTrue, format!("{report:?} is reported, git has {found:?}"));
        };
        let mut of_record: Vec<FlowReport> = recorded.flows.iter().filter_map(FlowReport::of).collect();
        let mut of_report = report.flows.clone();
        of_record.sort_by(|a, b| a.id.cmp(&b.id));
        of_report.sort_by(|a, b| a.id.cmp(&b.id));
        if of_record != of_report {
            let how = format!("{} reports {of_report:?}, the record says {of_record:?}", report.result.as_str());
            self.violated(Invariant::ReportTrue, how);
        }
    }

    /// A pass has ended: in time, if somebody asked for that. Time asleep counts for nobody.
    pub fn check_grace(&self, script: &Script) {
        let Some(grace) = script.shutdown.asked().filter(|_| !script.has_slept()) else { return };
        let late = Instant::now().saturating_duration_since(grace.end_of(Stage::Close));
        if late > TIMERS {
            self.violated(Invariant::GraceKept, format!("{late:?} too late"));
        }
    }

    /// Whether nobody could write down how a deployment ended, or knows that it was: there was no time left, or no
    /// room. Where git says that it is under way, the next pass goes on; where somebody else has gone on with it, this
    /// process had no time to hear of that.
    fn is_left_open(&self, script: &Script, report: &EnvironmentReport) -> bool {
        let is_excused = script.shutdown.asked().is_some() || script.knows().is_unkept;
        let may_be = match report.result {
            SyncResult::RolledBack => Status::RolledBack,
            SyncResult::RollbackIncomplete => Status::RollbackIncomplete,
            SyncResult::Error if script.knows().is_unkept => Status::Deployed,
            _ => return false,
        };
        let is_it = |manifest: &Manifest| {
            Some(manifest.deployment_id.as_str()) == report.deployment_id.as_deref()
                && (manifest.status().is_under_way() || manifest.status() == may_be)
        };
        let has_gone_on = || {
            let notes = self.notes();
            let mut holders = notes.holders.iter();
            holders.any(|(id, holder)| Some(id.as_str()) == report.deployment_id.as_deref() && *holder != script.holder)
        };
        is_excused && (self.pushed_manifest().is_some_and(|manifest| is_it(&manifest)) || has_gone_on())
    }

    /// Every other result says that nothing was deployed by this pass, or where its record is.
    fn check_unwritten(&self, script: &Script, report: &EnvironmentReport) {
        let is_pending = report.result == SyncResult::Error && report.deployment_id.is_some();
        if is_pending && !matches!(script.disk.unsent(), Ok(Some(_))) {
            let how = format!("{:?} has no record in git, and none is kept", report.deployment_id);
            self.violated(Invariant::RecordKept, how);
        }
        let tells = |alarm: &String| alarm.contains("this pass first ended deployment");
        let is_told = report.alarms.iter().any(tells);
        let is_idle = matches!(report.result, SyncResult::InSync | SyncResult::Drifted);
        if is_idle && script.knows().n_writes > 0 && !(is_told && report.result == SyncResult::Drifted) {
            let how = format!("{} is reported, and the tenant was written to", report.result.as_str());
            self.violated(Invariant::ReportTrue, how);
        }
        if report.result == SyncResult::Refused && script.knows().n_writes > 0 && !is_told {
            self.violated(Invariant::ReportTrue, "refused, and the tenant was written to");
        }
    }
}
