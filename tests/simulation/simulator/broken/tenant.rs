//! The seam to the tenant.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use flowsync::flow::{Defaults, Definition, EnvironmentId, FlowId};
use flowsync::tenant::{
    Call, CallLimits, Cost, Export, Failure, FlowStatus, Imported, ReadLive, Recorder, Reply, Tenant, TenantError,
};
use tokio::time::{Instant, sleep};

use super::super::api::{Client, Noting};
use super::super::script::Script;
use super::{Breakage, Broken};

/// A look is remembered for so long.
const REMEMBERED: Duration = Duration::from_secs(2 * 60);

/// One process's way to the tenant.
pub struct BrokenTenant {
    pub client: Client,
    pub script: Arc<Script>,
    pub broken: Broken,
}

fn answered<T>(value: T) -> Result<Reply<T>, TenantError> {
    Ok(Reply { value, attempts: 1 })
}

impl BrokenTenant {
    /// A machine does not fall asleep over one request; a call may take many.
    async fn under_way<R>(&self, write: impl Future<Output = R>) -> R {
        match self.client {
            Client::Memory(_) => self.script.under_way(write).await,
            Client::Project(_) => write.await,
        }
    }

    fn given_up(&self, call: Call, environment: &EnvironmentId, flow: &FlowId) -> Result<(), TenantError> {
        if !self.broken.is(Breakage::GivesUp) || !self.broken.memory().has_failed {
            return Ok(());
        }
        let failure = Failure::Refused { status: 400, message: "not asked".into() };
        Err(TenantError { call, environment: environment.to_string(), flow: Some(flow.clone()), attempts: 0, failure })
    }

    /// The first import waits for the second.
    async fn import_swapped(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        body: &[u8],
        recorder: &dyn Recorder,
        limits: &CallLimits,
    ) -> Result<Reply<Imported>, TenantError> {
        if !self.broken.memory().has_swapped {
            self.broken.memory().has_swapped = true;
            self.broken.memory().imports.insert(id.clone(), body.to_vec());
            return answered(Imported::Updated);
        }
        let reply = self.client.import(environment, id, body, recorder, limits).await;
        let first = self.broken.memory().imports.pop_first();
        if let Some((id, body)) = first {
            self.client.import(environment, &id, &body, recorder, limits).await?;
        }
        reply
    }
}

impl Tenant for BrokenTenant {
    async fn export(
        &self,
        environment: &EnvironmentId,
        reader: &dyn ReadLive,
        limits: &CallLimits,
    ) -> Result<Export, TenantError> {
        if self.broken.is(Breakage::RemembersTheLook) {
            let known = self.broken.memory().look.clone();
            if let Some((_, flows)) = known.filter(|(at, _)| at.elapsed() < REMEMBERED) {
                let flows = flows.iter().map(|(id, raw)| (id.clone(), reader.read(raw).unwrap()));
                return Ok(Export { flows: flows.collect(), ..Export::default() });
            }
        }
        let noting = Noting::of(reader);
        let mut export = self.client.export(environment, &noting, limits).await?;
        let mut memory = self.broken.memory();
        for (id, body) in &memory.imports {
            export.flows.insert(id.clone(), reader.read(body).unwrap());
        }
        export.flows.retain(|id, _| !memory.deletes.contains(id));
        memory.look = Some((Instant::now(), noting.seen()));
        Ok(export)
    }

    async fn intents(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<BTreeSet<String>, TenantError> {
        self.client.intents(environment, limits).await
    }

    async fn entities(
        &self,
        environment: &EnvironmentId,
        limits: &CallLimits,
    ) -> Result<BTreeSet<String>, TenantError> {
        self.client.entities(environment, limits).await
    }

    async fn variables(
        &self,
        environment: &EnvironmentId,
        limits: &CallLimits,
    ) -> Result<Option<BTreeSet<String>>, TenantError> {
        self.client.variables(environment, limits).await
    }

    async fn import(
        &self,
        environment: &EnvironmentId,
        flow: &FlowId,
        body: &[u8],
        recorder: &dyn Recorder,
        limits: &CallLimits,
    ) -> Result<Reply<Imported>, TenantError> {
        self.given_up(Call::Import, environment, flow)?;
        match self.broken.how {
            Some(Breakage::BelievesAnImport) if *flow == self.script.world().id("b") => {
                self.broken.memory().imports.insert(flow.clone(), body.to_vec());
                return answered(Imported::Updated);
            }
            Some(Breakage::SwapsWrites) => return self.import_swapped(environment, flow, body, recorder, limits).await,
            Some(Breakage::DeletesFirst) => _ = self.client.delete(environment, flow, recorder, limits).await?,
            Some(Breakage::RenamesFlows) => {
                let renamed = String::from_utf8_lossy(body).replace(r#""name":""#, r#""name":"The "#);
                return self.client.import(environment, flow, renamed.as_bytes(), recorder, limits).await;
            }
            _ => {}
        }
        let reply = self.under_way(self.client.import(environment, flow, body, recorder, limits)).await?;
        if self.broken.is(Breakage::TakesAllForCreated) {
            return Ok(Reply { value: Imported::Created, ..reply });
        }
        Ok(reply)
    }

    async fn status(
        &self,
        environment: &EnvironmentId,
        flow: &FlowId,
        limits: &CallLimits,
    ) -> Result<FlowStatus, TenantError> {
        if self.broken.memory().imports.contains_key(flow) {
            return Ok(FlowStatus::Deployed);
        }
        let mut status = self.client.status(environment, flow, limits).await?;
        while self.broken.is(Breakage::WaitsForEver) && status != FlowStatus::Deployed {
            sleep(Duration::from_secs(10)).await;
            status = self.client.status(environment, flow, limits).await?;
        }
        self.broken.memory().has_failed |= matches!(status, FlowStatus::Failed { .. });
        Ok(status)
    }

    async fn rollback(
        &self,
        environment: &EnvironmentId,
        flow: &FlowId,
        version: &str,
        limits: &CallLimits,
    ) -> Result<Reply<()>, TenantError> {
        self.given_up(Call::Rollback, environment, flow)?;
        self.under_way(self.client.rollback(environment, flow, version, limits)).await
    }

    fn writes_at_once(&self) -> bool {
        self.client.writes_at_once()
    }

    fn defaults(&self) -> Defaults {
        self.client.defaults()
    }

    fn note_defaults(&self, defaults: &Defaults) {
        self.client.note_defaults(defaults);
    }

    fn note_deployment(&self, deployment: &str) {
        self.client.note_deployment(deployment);
    }

    fn objection(&self, before: Option<&Definition>, after: Option<&Definition>) -> Option<String> {
        self.client.objection(before, after)
    }

    fn estimate(&self, before: Option<&Definition>, after: Option<&Definition>) -> Option<Cost> {
        self.client.estimate(before, after)
    }

    async fn settle(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<(), TenantError> {
        self.client.settle(environment, limits).await
    }

    async fn tidy(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<(), TenantError> {
        self.client.tidy(environment, limits).await
    }

    async fn delete(
        &self,
        environment: &EnvironmentId,
        flow: &FlowId,
        recorder: &dyn Recorder,
        limits: &CallLimits,
    ) -> Result<Reply<()>, TenantError> {
        match self.broken.how {
            Some(Breakage::BelievesDeletes) => {
                self.broken.memory().deletes.insert(flow.clone());
                return answered(());
            }
            Some(Breakage::DeletesWhatIsUnknown) => {
                self.client.delete(environment, &self.script.world().id("zz"), recorder, limits).await?;
            }
            _ => {}
        }
        self.under_way(self.client.delete(environment, flow, recorder, limits)).await
    }
}
