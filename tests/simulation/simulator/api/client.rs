//! A process's way to a tenant of either API. Calls are boxed: each may be a large machine, and stacks are small.

use std::collections::BTreeSet;

use flowsync::flow::{Defaults, Definition, EnvironmentId, FlowId};
use flowsync::tenant::memory::MemoryClient;
use flowsync::tenant::{
    CallLimits, Cost, Export, FlowStatus, Imported, ReadLive, Recorder, Reply, Tenant, TenantError,
};

use super::project::ProjectClient;

/// One of them.
pub enum Client {
    Memory(MemoryClient),
    Project(Box<ProjectClient>),
}

/// The same of whichever it is.
macro_rules! either {
    ($client:expr, $it:ident => $call:expr) => {
        match $client {
            Client::Memory($it) => $call,
            Client::Project($it) => $call,
        }
    };
}

type Ids = BTreeSet<String>;

impl Tenant for Client {
    async fn export(
        &self,
        environment: &EnvironmentId,
        reader: &dyn ReadLive,
        limits: &CallLimits,
    ) -> Result<Export, TenantError> {
        either!(self, it => Box::pin(it.export(environment, reader, limits)).await)
    }

    async fn intents(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<Ids, TenantError> {
        either!(self, it => Box::pin(it.intents(environment, limits)).await)
    }

    async fn entities(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<Ids, TenantError> {
        either!(self, it => Box::pin(it.entities(environment, limits)).await)
    }

    async fn variables(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<Option<Ids>, TenantError> {
        either!(self, it => Box::pin(it.variables(environment, limits)).await)
    }

    async fn import(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        body: &[u8],
        recorder: &dyn Recorder,
        limits: &CallLimits,
    ) -> Result<Reply<Imported>, TenantError> {
        either!(self, it => Box::pin(it.import(environment, id, body, recorder, limits)).await)
    }

    async fn status(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        limits: &CallLimits,
    ) -> Result<FlowStatus, TenantError> {
        either!(self, it => Box::pin(it.status(environment, id, limits)).await)
    }

    async fn rollback(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        version: &str,
        limits: &CallLimits,
    ) -> Result<Reply<()>, TenantError> {
        either!(self, it => Box::pin(it.rollback(environment, id, version, limits)).await)
    }

    fn writes_at_once(&self) -> bool {
        either!(self, it => it.writes_at_once())
    }

    fn defaults(&self) -> Defaults {
        either!(self, it => it.defaults())
    }

    fn note_defaults(&self, defaults: &Defaults) {
        either!(self, it => it.note_defaults(defaults));
    }

    fn note_deployment(&self, deployment: &str) {
        either!(self, it => it.note_deployment(deployment));
    }

    fn objection(&self, before: Option<&Definition>, after: Option<&Definition>) -> Option<String> {
        either!(self, it => it.objection(before, after))
    }

    fn estimate(&self, before: Option<&Definition>, after: Option<&Definition>) -> Option<Cost> {
        either!(self, it => it.estimate(before, after))
    }

    async fn settle(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<(), TenantError> {
        either!(self, it => Box::pin(it.settle(environment, limits)).await)
    }

    async fn tidy(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<(), TenantError> {
        either!(self, it => Box::pin(it.tidy(environment, limits)).await)
    }

    async fn delete(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        recorder: &dyn Recorder,
        limits: &CallLimits,
    ) -> Result<Reply<()>, TenantError> {
        either!(self, it => Box::pin(it.delete(environment, id, recorder, limits)).await)
    }
}
