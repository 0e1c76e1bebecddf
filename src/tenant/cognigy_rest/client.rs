//! The client: the seam to a tenant, in terms of this API.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::super::http::{Asked, Caller, Connections, Tuning, UNRECORDED};
use super::super::{
    Call, CallLimits, Cost, Export, Failure, FlowStatus, Imported, ReadLive, Recorder, Reply, RequestObserver, Tenant,
    TenantError,
};
use super::call::Calls;
use super::defaults::KnownDefaults;
use super::endpoint::dialect;
use super::estimate::estimate;
use super::heads::Project;
use super::import;
use super::memory::{Leftover, Memory};
use super::references::References;
use super::release::Releases;
use super::store::Store;
use crate::config::{CognigyRest, TenantAddress};
use crate::flow::{Defaults, Definition, EnvironmentId, FlowId};
use crate::format::cognigy::document::Flow;
use crate::release::{Frozen, Serving, Shows};
use crate::web::ConnectError;

/// After a 429 that names no pause: the first, and the longest.
const THROTTLED: Duration = Duration::from_secs(10);
const THROTTLED_MAX: Duration = Duration::from_secs(120);

/// A tenant that speaks `cognigy-rest`: one project of it.
#[derive(Debug)]
pub struct Client {
    caller: Arc<Caller>,
    pub(super) concurrency: usize,
    pub(super) options: CognigyRest,
    pub(super) references: References,
    /// What the platform adds by itself.
    pub(super) defaults: KnownDefaults,
    pub(super) store: Store,
    pub(super) memory: Memory,
    /// Whether charts are found under the older root.
    pub(super) older_charts: AtomicBool,
    observer: RequestObserver,
}

impl Connections {
    /// A client of the project at `address`; what was read of it is kept in `folder`. No request is made yet.
    ///
    /// # Errors
    /// Where `caFile` is no good or the TLS library does not start.
    pub fn connect_project(
        &self,
        address: &TenantAddress,
        options: &CognigyRest,
        concurrency: NonZeroUsize,
        folder: Option<PathBuf>,
    ) -> Result<Client, ConnectError> {
        self.connect_project_tuned(address, options, concurrency, folder, Client::tuning(None))
    }

    /// The same with other numbers, for tests.
    #[doc(hidden)]
    pub fn connect_project_tuned(
        &self,
        address: &TenantAddress,
        options: &CognigyRest,
        concurrency: NonZeroUsize,
        folder: Option<PathBuf>,
        tuning: Tuning,
    ) -> Result<Client, ConnectError> {
        let caller = self.open(address, concurrency, tuning, &dialect(options.requests_per_5_minutes))?;
        Ok(Client {
            memory: Memory::new(caller.post.chance()),
            caller,
            concurrency: concurrency.get(),
            options: options.clone(),
            references: References::new(&options.references),
            defaults: KnownDefaults::new(folder.as_deref()),
            store: Store::new(folder, options.full_scan),
            older_charts: AtomicBool::new(false),
            observer: RequestObserver::default(),
        })
    }
}

impl Client {
    /// The numbers of this API, with the seed of the jitter.
    #[doc(hidden)]
    #[must_use]
    pub fn tuning(seed: Option<u64>) -> Tuning {
        Tuning { throttled: Some((THROTTLED, THROTTLED_MAX)), seed, ..Tuning::default() }
    }

    /// Seconds since 1970.
    pub(super) fn now(&self) -> i64 {
        self.caller.post.now()
    }

    /// The same, telling of its requests.
    #[must_use]
    pub fn telling(self, observer: RequestObserver) -> Self {
        Self { observer, ..self }
    }

    fn asked<'a>(
        &'a self,
        call: Call,
        environment: &'a EnvironmentId,
        flow: Option<&'a FlowId>,
        limits: &'a CallLimits,
    ) -> Asked<'a> {
        Asked { call, environment, flow, limits, observer: &self.observer, recorder: UNRECORDED }
    }

    pub(super) fn calls<'a>(
        &'a self,
        call: Call,
        environment: &'a EnvironmentId,
        flow: Option<&'a FlowId>,
        limits: &'a CallLimits,
    ) -> Calls<'a> {
        self.calls_of(self.asked(call, environment, flow, limits))
    }

    fn calls_of<'a>(&'a self, asked: Asked<'a>) -> Calls<'a> {
        Calls::new(&self.caller, asked, self.options.organisation_id.as_deref(), &self.older_charts)
    }

    /// Reads each list once: what a user needs to be allowed to.
    ///
    /// # Errors
    /// Of the first that cannot be read.
    pub async fn examine(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<String, TenantError> {
        let calls = self.calls(Call::Export, environment, None, limits);
        let name = calls.project_name(environment.as_str()).await?;
        let Project { locales, flows } = calls.project(environment.as_str()).await?;
        let locales: Vec<&str> = locales.0.iter().map(|locale| locale.name.as_str()).collect();
        Ok(format!("project `{name}`, {} flows, locales {}", flows.len(), locales.join(", ")))
    }
}

impl Tenant for Client {
    async fn export(
        &self,
        environment: &EnvironmentId,
        reader: &dyn ReadLive,
        limits: &CallLimits,
    ) -> Result<Export, TenantError> {
        let calls = self.calls(Call::Export, environment, None, limits);
        let project = calls.project(environment.as_str()).await?;
        let reading = self.reading(&calls, &project, environment);
        let texts = Box::pin(self.texts(&reading)).await?;
        self.store.only(&project.flows.keys().map(String::as_str).collect::<BTreeSet<_>>());
        let reason = "another live flow stands for it by `tenant.references`, and it goes by that id itself";
        let doubles = self.doubles(&project).into_iter().map(|reference| (reference, reason.to_owned()));
        let mut export = Export { foreign: doubles.collect(), ..Export::default() };
        for (id, text) in &texts {
            match reader.read(text.as_bytes()) {
                Ok(flow) => _ = export.flows.insert(id.clone(), flow),
                Err(reason) => _ = export.foreign.insert(id.to_string(), reason),
            }
        }
        self.memory.show_all(texts.into_iter().collect());
        self.memory.list(Some(project));
        Ok(export)
    }

    async fn intents(&self, _: &EnvironmentId, _: &CallLimits) -> Result<BTreeSet<String>, TenantError> {
        Ok(BTreeSet::new())
    }

    async fn entities(&self, _: &EnvironmentId, _: &CallLimits) -> Result<BTreeSet<String>, TenantError> {
        Ok(BTreeSet::new())
    }

    async fn variables(&self, _: &EnvironmentId, _: &CallLimits) -> Result<Option<BTreeSet<String>>, TenantError> {
        Ok(None)
    }

    async fn import(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        body: &[u8],
        recorder: &dyn Recorder,
        limits: &CallLimits,
    ) -> Result<Reply<Imported>, TenantError> {
        let asked = self.asked(Call::Import, environment, Some(id), limits);
        let calls = self.calls_of(Asked { recorder, ..asked });
        // What a write may come to is a large machine, and callers above nest it: a worker's stack is small.
        let value = Box::pin(self.write(&calls, environment, id, body)).await?;
        Ok(Reply { value, attempts: calls.attempts() })
    }

    fn writes_at_once(&self) -> bool {
        false
    }

    /// Writes are done when they are answered; whether code has an error is known later.
    async fn status(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        limits: &CallLimits,
    ) -> Result<FlowStatus, TenantError> {
        self.code_status(&self.calls(Call::Status, environment, Some(id), limits), environment, id).await
    }

    async fn rollback(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        _: &str,
        limits: &CallLimits,
    ) -> Result<Reply<()>, TenantError> {
        let asked = self.asked(Call::Rollback, environment, Some(id), limits);
        Err(asked.error(0, Failure::Unsupported { status: 405 }))
    }

    async fn delete(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        recorder: &dyn Recorder,
        limits: &CallLimits,
    ) -> Result<Reply<()>, TenantError> {
        let asked = self.asked(Call::Delete, environment, Some(id), limits);
        let calls = self.calls_of(Asked { recorder, ..asked });
        Box::pin(self.remove(&calls, environment, id)).await?;
        Ok(Reply { value: (), attempts: calls.attempts() })
    }

    async fn serving(
        &self,
        environment: &EnvironmentId,
        endpoints: &[String],
        limits: &CallLimits,
    ) -> Result<Serving, TenantError> {
        let calls = self.calls(Call::Serving, environment, None, limits);
        let releases = Releases { calls: &calls, project: environment.as_str() };
        Box::pin(releases.serving(endpoints)).await
    }

    async fn freeze(
        &self,
        environment: &EnvironmentId,
        release: &str,
        limits: &CallLimits,
    ) -> Result<Frozen, TenantError> {
        let calls = self.calls(Call::Release, environment, None, limits);
        Box::pin(self.frozen(&calls, environment, release)).await
    }

    async fn show(
        &self,
        environment: &EnvironmentId,
        endpoint: &str,
        to: &Shows,
        limits: &CallLimits,
    ) -> Result<(), TenantError> {
        let calls = self.calls(Call::Release, environment, None, limits);
        let releases = Releases { calls: &calls, project: environment.as_str() };
        Box::pin(releases.show(endpoint, to)).await
    }

    async fn discard(
        &self,
        environment: &EnvironmentId,
        releases: &BTreeSet<String>,
        limits: &CallLimits,
    ) -> Result<(), TenantError> {
        let calls = self.calls(Call::Release, environment, None, limits);
        let of_project = Releases { calls: &calls, project: environment.as_str() };
        Box::pin(of_project.discard(releases)).await
    }

    fn defaults(&self) -> Defaults {
        self.defaults.all()
    }

    fn note_defaults(&self, defaults: &Defaults) {
        self.defaults.add(defaults);
    }

    fn note_deployment(&self, deployment: &str) {
        self.memory.note_deployment(deployment);
    }

    async fn settle(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<(), TenantError> {
        self.calls(Call::Export, environment, None, limits).quiet(environment.as_str()).await?;
        self.memory.is_quiet.store(true, Ordering::Relaxed);
        // What is there now is not what was there before.
        *self.memory.frozen_for.lock().await = Some(self.memory.deployment());
        Ok(())
    }

    async fn tidy(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<(), TenantError> {
        self.memory.is_quiet.store(false, Ordering::Relaxed);
        *self.memory.frozen_for.lock().await = None;
        let calls = self.calls(Call::Delete, environment, None, limits);
        let mut leftovers = self.memory.leftovers().into_iter();
        while let Some(leftover) = leftovers.next() {
            let path = match &leftover {
                Leftover::Package(id) => ["packages", id],
                Leftover::Scaffold(id) => ["flows", id],
            };
            if let Err(error) = calls.delete(&path, "delete what flowsync has left").await {
                self.memory.leave(leftover);
                leftovers.for_each(|leftover| self.memory.leave(leftover));
                return Err(error);
            }
        }
        Ok(())
    }

    fn estimate(&self, before: Option<&Definition>, after: Option<&Definition>) -> Option<Cost> {
        let flow = |definition: &Definition| Flow::parse(definition.text.as_deref()?).ok();
        let (before, after) = (before.and_then(flow), after.and_then(flow));
        let before = before.map(|before| match &after {
            Some(after) => self.defaults.left_out(&before, after),
            None => before,
        });
        estimate(before.as_ref(), after.as_ref(), &self.options)
    }

    fn objection(&self, before: Option<&Definition>, after: Option<&Definition>) -> Option<String> {
        let flow = |definition: &Definition| Flow::parse(definition.text.as_deref()?).ok();
        match (before, after) {
            (None, Some(after)) => {
                let refused = self.objection_to_package(&format!("create `{}`", after.name));
                refused.or_else(|| import::lacking(&flow(after)?))
            }
            (Some(before), None) => {
                self.objection_to_package(&format!("delete `{}` so that it can be brought back", before.name))
            }
            (Some(before), Some(after)) => {
                let (before, after) = (flow(before)?, flow(after)?);
                let before = self.defaults.left_out(&before, &after);
                let locale = after.nodes().find_map(|node| node.config.keys().next()).map(ToString::to_string);
                import::route(&before, &after, &locale.unwrap_or_default(), self.options.write).err()
            }
            (None, None) => None,
        }
    }
}
