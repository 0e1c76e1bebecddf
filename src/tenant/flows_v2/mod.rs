//! `api: flows-v2`, the dialect of Cognigy's flow API that flowsync speaks over HTTP.
//!
//! `list` or the methods below make `request`s, which the client of all dialects (`tenant/http`) carries;
//! `endpoint` is the failure table. A list is read in `page`s that `fit`, and `count`ed; `sink` keeps its items.
//!
//! Deliberately absent: any cache of flows, and any decision about what to deploy.

mod count;
mod endpoint;
mod fit;
mod list;
mod page;
mod request;
mod sink;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;

use serde::Deserialize;

use super::http::{Asked, Caller, Settled, UNRECORDED};
use super::{
    Call, CallLimits, Export, Failure, FlowStatus, Imported, ReadLive, Recorder, Reply, RequestObserver, Tenant,
    TenantError,
};
use crate::config::TenantAddress;
use crate::flow::{EnvironmentId, FlowId};
use endpoint::FLOWS_V2;
use list::List;
use request::Requests;
use sink::Flows;

pub use super::http::Connections;
#[doc(hidden)]
pub use super::http::Tuning;
pub use crate::web::ConnectError;

/// A tenant that speaks `flows-v2`. One for an environment; the connections, the token and what was learned of the
/// tenant's limits may be shared: see [`Connections`].
#[derive(Debug)]
pub struct Client {
    caller: Arc<Caller>,
    concurrency: NonZeroUsize,
    observer: RequestObserver,
}

#[derive(Deserialize)]
struct StatusBody {
    status: String,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    error: Option<serde_json::Value>,
}

impl Client {
    /// Makes a client of the tenant at `address` with at most `concurrency` requests in flight. No
    /// request is made yet.
    ///
    /// # Errors
    /// Where `caFile` is no good or the TLS library does not start.
    pub fn connect(address: &TenantAddress, concurrency: NonZeroUsize) -> Result<Self, ConnectError> {
        Self::connect_tuned(address, concurrency, Tuning::default())
    }

    /// [`Client::connect`] with other numbers, for tests.
    #[doc(hidden)]
    pub fn connect_tuned(
        address: &TenantAddress,
        concurrency: NonZeroUsize,
        tuning: Tuning,
    ) -> Result<Self, ConnectError> {
        Connections::default().connect_tuned(address, concurrency, tuning)
    }

    /// The same, telling of its requests.
    #[must_use]
    pub fn telling(self, observer: RequestObserver) -> Self {
        Self { observer, ..self }
    }

    fn requests(&self) -> Requests<'_> {
        Requests { base: &self.caller.base, tuning: &self.caller.post.tuning }
    }

    fn list<'a>(&'a self, call: Call, environment: &'a EnvironmentId, limits: &'a CallLimits) -> List<'a> {
        List::new(
            &self.caller,
            Asked { call, environment, flow: None, limits, observer: &self.observer, recorder: UNRECORDED },
            self.concurrency.get(),
        )
    }

    async fn ids(
        &self,
        call: Call,
        environment: &EnvironmentId,
        limits: &CallLimits,
    ) -> Result<BTreeSet<String>, TenantError> {
        Ok(list::ids(self.list(call, environment, limits)).await?.unwrap_or_default())
    }

    /// A 2xx to a call that changes the tenant must be JSON where it is anything: a login page is no yes.
    fn must_be_json(&self, asked: &Asked<'_>, settled: &Settled) -> Result<(), TenantError> {
        let body = settled.answer.body.trim_ascii();
        if body.is_empty() || serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() {
            return Ok(());
        }
        Err(self.garbage(asked, settled))
    }

    fn garbage(&self, asked: &Asked<'_>, settled: &Settled) -> TenantError {
        let excerpt = self.caller.post.mask.excerpt(&settled.answer.body);
        asked.error(settled.attempts, Failure::Garbage { excerpt })
    }

    /// A 2xx that the specification does not know: what it did is not known either.
    fn unexpected(&self, asked: &Asked<'_>, settled: &Settled) -> TenantError {
        let excerpt = self.caller.post.mask.excerpt(&settled.answer.body);
        asked.error(
            settled.attempts,
            Failure::Garbage { excerpt: format!("status {}: {excerpt}", settled.answer.status) },
        )
    }

    fn flow_status(&self, body: StatusBody) -> FlowStatus {
        let StatusBody { status, message, error } = body;
        match status.as_str() {
            "deployed" => FlowStatus::Deployed,
            "pending" | "deploying" | "importing" | "queued" => FlowStatus::InProgress(status),
            _ => {
                let mask = &self.caller.post.mask;
                let error = error.map(|error| error.as_str().map_or_else(|| error.to_string(), str::to_owned));
                let message = message.or(error).unwrap_or_default();
                FlowStatus::Failed { status: mask.clean(&status), message: mask.clean(&message) }
            }
        }
    }
}

impl Connections {
    /// A client of the tenant at `address` with at most `concurrency` requests in flight, those of other clients of
    /// the same tenant included. No request is made yet.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub fn connect(&self, address: &TenantAddress, concurrency: NonZeroUsize) -> Result<Client, ConnectError> {
        self.connect_tuned(address, concurrency, Tuning::default())
    }

    /// [`Connections::connect`] with other numbers, for tests.
    #[doc(hidden)]
    pub fn connect_tuned(
        &self,
        address: &TenantAddress,
        concurrency: NonZeroUsize,
        tuning: Tuning,
    ) -> Result<Client, ConnectError> {
        let caller = self.open(address, concurrency, tuning, &FLOWS_V2)?;
        Ok(Client { caller, concurrency, observer: RequestObserver::default() })
    }
}

impl Tenant for Client {
    async fn export(
        &self,
        environment: &EnvironmentId,
        reader: &dyn ReadLive,
        limits: &CallLimits,
    ) -> Result<Export, TenantError> {
        let mut flows = Flows { reader, export: Export::default() };
        self.list(Call::Export, environment, limits).read(&mut flows).await?;
        Ok(flows.export)
    }

    async fn intents(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<BTreeSet<String>, TenantError> {
        self.ids(Call::Intents, environment, limits).await
    }

    async fn entities(
        &self,
        environment: &EnvironmentId,
        limits: &CallLimits,
    ) -> Result<BTreeSet<String>, TenantError> {
        self.ids(Call::Entities, environment, limits).await
    }

    async fn variables(
        &self,
        environment: &EnvironmentId,
        limits: &CallLimits,
    ) -> Result<Option<BTreeSet<String>>, TenantError> {
        list::ids(self.list(Call::Variables, environment, limits)).await
    }

    async fn import(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        body: &[u8],
        recorder: &dyn Recorder,
        limits: &CallLimits,
    ) -> Result<Reply<Imported>, TenantError> {
        let observer = &self.observer;
        let asked = Asked { call: Call::Import, environment, flow: Some(id), limits, observer, recorder };
        let settled = self.caller.call(&asked, &self.requests().import(environment, body)).await?;
        self.must_be_json(&asked, &settled)?;
        let value = match settled.answer.status {
            201 => Imported::Created,
            200 if settled.after_unknown => Imported::UpdatedAfterUnknown,
            200 => Imported::Updated,
            _ => return Err(self.unexpected(&asked, &settled)),
        };
        Ok(Reply { value, attempts: settled.attempts })
    }

    async fn status(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        limits: &CallLimits,
    ) -> Result<FlowStatus, TenantError> {
        let observer = &self.observer;
        let asked = Asked { call: Call::Status, environment, flow: Some(id), limits, observer, recorder: UNRECORDED };
        let settled = self.caller.call(&asked, &self.requests().status(environment, id)).await?;
        let body = serde_json::from_slice(&settled.answer.body).map_err(|_| self.garbage(&asked, &settled))?;
        Ok(self.flow_status(body))
    }

    async fn rollback(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        version: &str,
        limits: &CallLimits,
    ) -> Result<Reply<()>, TenantError> {
        let observer = &self.observer;
        let asked = Asked { call: Call::Rollback, environment, flow: Some(id), limits, observer, recorder: UNRECORDED };
        let settled = self.caller.call(&asked, &self.requests().rollback(environment, id, version)).await?;
        self.must_be_json(&asked, &settled)?;
        Ok(Reply { value: (), attempts: settled.attempts })
    }

    async fn delete(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        recorder: &dyn Recorder,
        limits: &CallLimits,
    ) -> Result<Reply<()>, TenantError> {
        let observer = &self.observer;
        let asked = Asked { call: Call::Delete, environment, flow: Some(id), limits, observer, recorder };
        let settled = self.caller.call(&asked, &self.requests().delete(environment, id)).await?;
        if settled.answer.status != 404 {
            self.must_be_json(&asked, &settled)?;
        }
        Ok(Reply { value: (), attempts: settled.attempts })
    }
}
