//! The seam: flowsync's own client, and what it is asked for above it.

use std::collections::BTreeSet;
use std::sync::Arc;

use flowsync::flow::{Defaults, Definition, EnvironmentId, FlowId};
use flowsync::tenant::{
    Call, CallLimits, Cost, Export, FlowStatus, Imported, ReadLive, Recorder, Reply, StartLimit, Tenant, TenantError,
};
use tokio::time::Instant;

use super::super::super::script::Script;
use super::super::{Desk, Noting};
use super::Process;
use super::line::Asked;

/// One run's way to a project.
pub struct ProjectClient {
    process: Arc<Process>,
    desk: Arc<Desk>,
    script: Arc<Script>,
    /// Whether the lease is none of its business.
    pub heeds_no_lease: bool,
}

impl ProjectClient {
    pub fn new(process: Arc<Process>, desk: Arc<Desk>, script: Arc<Script>) -> Self {
        Self { process, desk, script, heeds_no_lease: false }
    }

    fn limits(&self, limits: &CallLimits) -> CallLimits {
        if self.heeds_no_lease { CallLimits { lease: StartLimit::none(), ..limits.clone() } } else { limits.clone() }
    }

    fn begin(&self, call: Call, id: &FlowId, body: Option<&[u8]>) {
        self.process.line.begin(id, Asked { call, body: body.map(<[u8]>::to_vec), at: Instant::now() });
    }
}

/// The process goes on, and what it remembers with it.
impl Drop for ProjectClient {
    fn drop(&mut self) {
        *self.desk.kept.lock().unwrap() = Some(self.process.clone());
    }
}

type Ids = BTreeSet<String>;

impl Tenant for ProjectClient {
    async fn export(
        &self,
        environment: &EnvironmentId,
        reader: &dyn ReadLive,
        limits: &CallLimits,
    ) -> Result<Export, TenantError> {
        let asked = Instant::now();
        let noting = Noting::of(reader);
        let export = self.process.client.export(environment, &noting, limits).await?;
        self.script.world().shown_since(&self.script, asked, &noting.seen());
        Ok(export)
    }

    async fn intents(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<Ids, TenantError> {
        self.process.client.intents(environment, limits).await
    }

    async fn entities(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<Ids, TenantError> {
        self.process.client.entities(environment, limits).await
    }

    async fn variables(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<Option<Ids>, TenantError> {
        self.process.client.variables(environment, limits).await
    }

    async fn import(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        body: &[u8],
        recorder: &dyn Recorder,
        limits: &CallLimits,
    ) -> Result<Reply<Imported>, TenantError> {
        self.begin(Call::Import, id, Some(body));
        let reply = self.process.client.import(environment, id, body, recorder, &self.limits(limits)).await;
        let is_unwritten = self.process.line.end(id);
        if let Ok(reply) = &reply {
            if is_unwritten {
                self.script.world().found_as_wanted(id);
            }
            self.script.world().answered(&self.script, id, &reply.value);
        }
        reply
    }

    async fn status(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        limits: &CallLimits,
    ) -> Result<FlowStatus, TenantError> {
        self.script.world().asked_status(&self.script, id);
        self.process.client.status(environment, id, limits).await
    }

    async fn rollback(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        version: &str,
        limits: &CallLimits,
    ) -> Result<Reply<()>, TenantError> {
        self.process.client.rollback(environment, id, version, limits).await
    }

    fn writes_at_once(&self) -> bool {
        self.process.client.writes_at_once()
    }

    fn defaults(&self) -> Defaults {
        self.process.client.defaults()
    }

    fn note_defaults(&self, defaults: &Defaults) {
        self.process.client.note_defaults(defaults);
    }

    fn note_deployment(&self, deployment: &str) {
        self.process.client.note_deployment(deployment);
    }

    fn objection(&self, before: Option<&Definition>, after: Option<&Definition>) -> Option<String> {
        self.process.client.objection(before, after)
    }

    fn estimate(&self, before: Option<&Definition>, after: Option<&Definition>) -> Option<Cost> {
        self.process.client.estimate(before, after)
    }

    async fn settle(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<(), TenantError> {
        self.process.client.settle(environment, limits).await
    }

    async fn tidy(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<(), TenantError> {
        self.process.client.tidy(environment, limits).await
    }

    async fn delete(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        recorder: &dyn Recorder,
        limits: &CallLimits,
    ) -> Result<Reply<()>, TenantError> {
        self.begin(Call::Delete, id, None);
        let reply = self.process.client.delete(environment, id, recorder, &self.limits(limits)).await;
        self.process.line.end(id);
        reply
    }
}
