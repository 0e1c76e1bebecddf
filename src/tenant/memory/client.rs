//! One process's way to the tenant, with everything that can happen to a call on it.

use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::world::{Status, Written, migrated};
use super::{MemoryTenant, TenantFault, TenantHook};
use crate::flow::{Comparison, Definition, EnvironmentId, FlowId};
use crate::tenant::{
    Call, CallLimits, Export, Failure, FlowStatus, Imported, NotRecorded, ReadLive, Recorder, Reply, Tenant,
    TenantError,
};

/// Retries of an unavailable tenant last this long.
const RETRIES: Duration = Duration::from_secs(2 * 60);

/// A list that moves is read again within one export for this long.
const READINGS: Duration = Duration::from_secs(3);

/// A process's client.
pub struct MemoryClient {
    tenant: MemoryTenant,
    hook: Arc<dyn TenantHook>,
}

/// Which call, about what.
#[derive(Clone, Copy)]
struct Request<'a> {
    call: Call,
    environment: &'a EnvironmentId,
    flow: Option<&'a FlowId>,
    limits: &'a CallLimits,
}

impl Request<'_> {
    fn error(&self, failure: Failure) -> TenantError {
        TenantError {
            call: self.call,
            environment: self.environment.to_string(),
            flow: self.flow.cloned(),
            attempts: 1,
            failure,
        }
    }

    async fn recorded(&self, recorder: &dyn Recorder) -> Result<(), TenantError> {
        let recorded = recorder.before_change().await;
        recorded.map_err(|NotRecorded(reason)| self.error(Failure::NotRecorded { reason }))
    }

    fn unavailable(&self, maybe_took_effect: bool) -> TenantError {
        self.error(Failure::Unavailable { detail: "503, to the last try".into(), maybe_took_effect })
    }

    fn garbage(&self) -> TenantError {
        self.error(Failure::Garbage { excerpt: "<html>".into() })
    }

    /// Retrying ends where any of the limits does.
    async fn retry_in_vain(&self) {
        let end = (Instant::now() + RETRIES).min(self.limits.give_up_at);
        sleep_until(self.limits.lease.get().map_or(end, |lease| end.min(lease))).await;
    }
}

impl MemoryClient {
    /// A client.
    #[must_use]
    pub fn new(tenant: MemoryTenant, hook: Arc<dyn TenantHook>) -> Self {
        Self { tenant, hook }
    }

    /// Asks the hook and suffers what happens before a call could take effect; the rest is the caller's.
    async fn begin(&self, request: Request<'_>, body: Option<&[u8]>) -> Result<TenantFault, TenantError> {
        let Request { limits, .. } = request;
        if !limits.lease.holds().await {
            return Err(request.error(Failure::LeaseEnded));
        }
        let fault = self.hook.next(request.call, request.flow, body);
        let latency = self.hook.latency();
        if !latency.is_zero() {
            sleep(latency).await;
        }
        match fault {
            TenantFault::CrashBefore => pending().await,
            TenantFault::Slow(time) => sleep(time).await,
            TenantFault::Storm(time) => self.wait_out(request, time).await?,
            TenantFault::Unavailable => {
                request.retry_in_vain().await;
                return Err(request.unavailable(false));
            }
            TenantFault::Refused => {
                return Err(request.error(Failure::Refused { status: 400, message: "no, thank you".into() }));
            }
            TenantFault::Unsupported => return Err(request.error(Failure::Unsupported { status: 405 })),
            _ => {}
        }
        Ok(fault)
    }

    /// 429 for a while: the wait ends early where patience or the lease does.
    async fn wait_out(&self, request: Request<'_>, time: Duration) -> Result<(), TenantError> {
        let CallLimits { lease, give_up_at } = request.limits;
        let over = Instant::now() + time;
        sleep_until(over.min(*give_up_at)).await;
        if over > *give_up_at {
            return Err(request.error(Failure::Throttled { waited: time }));
        }
        if lease.holds().await { Ok(()) } else { Err(request.error(Failure::LeaseEnded)) }
    }

    /// What happens to the answer of a call that took effect.
    async fn answer<V>(&self, request: Request<'_>, fault: TenantFault, value: V) -> Result<V, TenantError> {
        match fault {
            TenantFault::CrashAfter => pending().await,
            TenantFault::LostAnswer => {
                request.retry_in_vain().await;
                Err(request.unavailable(true))
            }
            TenantFault::Garbage => Err(request.garbage()),
            _ => Ok(value),
        }
    }

    async fn list(&self, request: Request<'_>, ids: BTreeSet<String>) -> Result<BTreeSet<String>, TenantError> {
        let fault = self.begin(request, None).await?;
        self.answer(request, fault, ids).await
    }

    fn store(&self, request: Request<'_>, definition: &Definition, fault: TenantFault) -> Written {
        let status = match fault {
            TenantFault::StatusFailed => Some(Status::Failed),
            TenantFault::StatusStuck => Some(Status::Stuck),
            _ => None,
        };
        let corrupt = (fault == TenantFault::Corrupt).then(|| corrupted(definition));
        let written = self.tenant.import(request.environment, corrupt.as_ref().unwrap_or(definition), status);
        self.hook.wrote(request.call, &definition.id, definition.text.as_deref());
        if fault == TenantFault::Neighbour {
            self.tenant.change_neighbour(request.environment, &definition.id);
        }
        written
    }
}

/// The flow with one more member.
fn corrupted(definition: &Definition) -> Definition {
    let text = migrated(definition.text.as_deref().unwrap_or_default());
    Definition { text: Some(text.into()), ..definition.clone() }
}

impl Tenant for MemoryClient {
    async fn export(
        &self,
        environment: &EnvironmentId,
        reader: &dyn ReadLive,
        limits: &CallLimits,
    ) -> Result<Export, TenantError> {
        let request = Request { call: Call::Export, environment, flow: None, limits };
        let fault = self.begin(request, None).await?;
        let incomplete = || request.error(Failure::Incomplete { detail: "expected 8 flows, found 7".into() });
        if let Some(instant) = self.tenant.moves_until() {
            let patience_ends = Instant::now() + READINGS;
            sleep_until(instant.min(patience_ends)).await;
            if instant > patience_ends {
                return Err(incomplete());
            }
        }
        let flows = match fault {
            TenantFault::Incomplete => return Err(incomplete()),
            TenantFault::Stale(age) => self.tenant.flows_before(environment, age),
            _ => self.tenant.flows(environment),
        };
        let mut export = Export::default();
        for (id, raw) in &flows {
            match reader.read(raw) {
                Ok(flow) => _ = export.flows.insert(id.clone(), flow),
                Err(reason) => _ = export.foreign.insert(id.to_string(), reason),
            }
        }
        let export = self.answer(request, fault, export).await?;
        self.hook.exported(&flows);
        Ok(export)
    }

    async fn intents(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<BTreeSet<String>, TenantError> {
        let request = Request { call: Call::Intents, environment, flow: None, limits };
        self.list(request, self.tenant.intents(environment)).await
    }

    async fn entities(
        &self,
        environment: &EnvironmentId,
        limits: &CallLimits,
    ) -> Result<BTreeSet<String>, TenantError> {
        let request = Request { call: Call::Entities, environment, flow: None, limits };
        self.list(request, self.tenant.entities(environment)).await
    }

    async fn variables(
        &self,
        environment: &EnvironmentId,
        limits: &CallLimits,
    ) -> Result<Option<BTreeSet<String>>, TenantError> {
        let request = Request { call: Call::Variables, environment, flow: None, limits };
        self.begin(request, None).await.map(|_| None)
    }

    async fn import(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        body: &[u8],
        recorder: &dyn Recorder,
        limits: &CallLimits,
    ) -> Result<Reply<Imported>, TenantError> {
        let request = Request { call: Call::Import, environment, flow: Some(id), limits };
        request.recorded(recorder).await?;
        let fault = self.begin(request, Some(body)).await?;
        let refuse = |message: String| request.error(Failure::Refused { status: 400, message });
        let definition =
            Definition::from_live(body, &Comparison::default()).map_err(|error| refuse(error.to_string()))?;
        if let Some(missing) = self.tenant.missing(&definition) {
            self.hook.dangled(id, &missing);
            return Err(refuse(format!("`{missing}` does not exist")));
        }
        let first = self.store(request, &definition, fault);
        if fault == TenantFault::LostOnce {
            sleep(Duration::from_secs(1)).await;
            self.store(request, &definition, fault);
            let value = Imported::UpdatedAfterUnknown;
            self.hook.imported(id, &value);
            return Ok(Reply { value, attempts: 2 });
        }
        let value = if first == Written::Created { Imported::Created } else { Imported::Updated };
        let reply = self.answer(request, fault, Reply { value, attempts: 1 }).await?;
        self.hook.imported(id, &reply.value);
        Ok(reply)
    }

    async fn status(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        limits: &CallLimits,
    ) -> Result<FlowStatus, TenantError> {
        let request = Request { call: Call::Status, environment, flow: Some(id), limits };
        let fault = self.begin(request, None).await?;
        match self.tenant.status(environment, id) {
            Some(status) => self.answer(request, fault, status).await,
            None => {
                request.retry_in_vain().await;
                Err(request.unavailable(false))
            }
        }
    }

    async fn rollback(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        version: &str,
        limits: &CallLimits,
    ) -> Result<Reply<()>, TenantError> {
        let request = Request { call: Call::Rollback, environment, flow: Some(id), limits };
        let fault = self.begin(request, None).await?;
        let refuse = || request.error(Failure::Refused { status: 404, message: "no such version".into() });
        let raw = self.tenant.earlier(environment, id, version).ok_or_else(refuse)?;
        let definition = Definition::from_live(&raw, &Comparison::default()).map_err(|_| refuse())?;
        self.store(request, &definition, fault);
        self.answer(request, fault, Reply { value: (), attempts: 1 }).await
    }

    /// Nothing is left here, but whoever takes something away looks at the lease first.
    async fn tidy(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<(), TenantError> {
        let request = Request { call: Call::Delete, environment, flow: None, limits };
        if limits.lease.holds().await { Ok(()) } else { Err(request.error(Failure::LeaseEnded)) }
    }

    async fn delete(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        recorder: &dyn Recorder,
        limits: &CallLimits,
    ) -> Result<Reply<()>, TenantError> {
        let request = Request { call: Call::Delete, environment, flow: Some(id), limits };
        request.recorded(recorder).await?;
        let fault = self.begin(request, None).await?;
        self.tenant.delete(environment, id);
        self.hook.wrote(Call::Delete, id, None);
        self.answer(request, fault, Reply { value: (), attempts: 1 }).await
    }
}
