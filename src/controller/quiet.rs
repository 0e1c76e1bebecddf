//! The shortest pass: everything is as it was when there was nothing to do.

use std::collections::BTreeSet;

use futures_util::future::try_join;

use super::report::{EnvironmentReport, FlowCounts, SyncResult};
use super::{Engine, PassError, Prepared};
use crate::index::QuietReader;
use crate::local::LocalState;
use crate::plan::Lookup;
use crate::record::hex_sha256;
use crate::release::Serving;
use crate::source::{Source, Tips};
use crate::tenant::{CallLimits, Tenant};

impl<T: Tenant, S: Source, L: LocalState> Engine<T, S, L> {
    /// Whether the answer of the last quiet pass is the answer now. `None`: it has to be worked out.
    pub(super) async fn still_quiet(&self, tips: &Tips) -> Result<Option<EnvironmentReport>, PassError> {
        let serving = self.serving().await?;
        let Some(key) = self.inputs_key(tips, serving.as_ref()).await? else {
            return Ok(None);
        };
        let Some(quiet) = self.reader.index().quiet(&key) else {
            return Ok(None);
        };
        let limits = CallLimits::before_deployment();
        let reader = QuietReader::new(&quiet);
        let export = async { Ok(self.tenant.export(&self.records.target, &reader, &limits).await?) };
        let lookups = quiet.needed.iter().map(|(lookup, _)| lookup.clone()).collect();
        let (export, present) = try_join(export, self.present(lookups, &limits)).await?;
        let is_there = |(lookup, ids): &(Lookup, BTreeSet<String>)| match present.get(lookup) {
            Some(Some(found)) => ids.is_subset(found),
            Some(None) => true,
            None => false,
        };
        if !reader.is_same(&export) || !quiet.needed.iter().all(is_there) {
            return Ok(None);
        }
        self.reader.index().count_recognised(reader.n_recognised());
        let mut report = EnvironmentReport::new(&self.records.environment, SyncResult::InSync);
        report.commit = Some(tips.flows.clone());
        report.problems.clone_from(&quiet.problems);
        report.counts = Some(FlowCounts { managed: quiet.flows.len(), drifted: 0 });
        Ok(Some(report))
    }

    /// Remembers that there was nothing to do.
    pub(super) async fn remember_quiet(&self, tips: &Tips, prepared: &Prepared) -> Result<(), PassError> {
        let Some(key) = self.inputs_key(tips, prepared.serving.as_ref()).await? else {
            return Ok(());
        };
        let plan = &prepared.plan;
        let others = plan.unmanaged.iter().cloned().chain(plan.orphaned.iter().map(ToString::to_string)).collect();
        let mut needed: std::collections::BTreeMap<Lookup, BTreeSet<String>> = std::collections::BTreeMap::new();
        let wanted = crate::plan::lookups(&prepared.desired, &self.records.target);
        for reference in prepared.desired.flows.values().flat_map(|flow| &flow.definition.references) {
            let lookup = crate::plan::lookup(reference, &self.records.target);
            if wanted.contains(&lookup) {
                needed.entry(lookup).or_default().insert(reference.id.clone());
            }
        }
        let n_flows = prepared.desired.flows.len();
        let problems = prepared.problems.clone();
        self.reader.index().keep_quiet(key, n_flows, others, needed.into_iter().collect(), problems);
        Ok(())
    }

    /// Digest over everything that a pass depends on but what is live; what callers meet is part of it.
    async fn inputs_key(&self, tips: &Tips, serving: Option<&Serving>) -> Result<Option<String>, PassError> {
        let Some(records) = &tips.records else {
            return Ok(None);
        };
        let flows = self.records.source.flows_tree(&tips.flows).await?;
        let records = self.records.source.records_tree(records, &self.records.environment).await?;
        let (Some(flows), Some(records)) = (flows, records) else {
            return Ok(None);
        };
        let seal = self.records.seal_key()?.map(|key| key.fingerprint());
        let identity = (&self.records.branch, &self.records.target, &self.records.tenant_url, seal);
        let policy = (&self.policy, identity, self.reader.comparison().rules());
        Ok(Some(hex_sha256(format!("{}\n{}\n{policy:?}\n{serving:?}", flows.0, records.0).as_bytes())))
    }
}
