//! The client: the seam to a tenant, in terms of this API.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::super::http::{Asked, Caller, Connections, Tuning};
use super::super::{Call, CallLimits, Export, Failure, FlowStatus, Imported, ReadLive, Reply, Tenant, TenantError};
use super::call::Calls;
use super::endpoint::dialect;
use super::heads::{FlowHead, Project};
use super::import::{self, Writing};
use super::read::{ReadFlow, Reading};
use super::store::Store;
use crate::config::{CognigyRest, TenantAddress};
use crate::flow::{Definition, EnvironmentId, FlowId};
use crate::format::cognigy::document::{Flow, FlowRef, LocaleName};
use crate::web::ConnectError;

/// After a 429 that names no pause: the first, and the longest.
const THROTTLED: Duration = Duration::from_secs(10);
const THROTTLED_MAX: Duration = Duration::from_secs(120);
/// Flows that are read side by side; the nodes of each are, as well.
const FLOWS_AT_ONCE: usize = 2;

/// A tenant that speaks `cognigy-rest`: one project of it.
#[derive(Debug)]
pub struct Client {
    caller: Arc<Caller>,
    concurrency: usize,
    organisation: Option<String>,
    store: Store,
    /// What the last export showed of each flow: whatever is live in another form when it is written is somebody
    /// else's doing.
    shown: Mutex<BTreeMap<FlowId, String>>,
    /// The lists of the last export, until flows come or go by our own doing.
    listed: Mutex<Option<Arc<Project>>>,
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
        let tuning = Tuning { throttled: Some((THROTTLED, THROTTLED_MAX)), ..Tuning::default() };
        self.connect_project_tuned(address, options, concurrency, folder, tuning)
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
        Ok(Client {
            caller: self.open(address, concurrency, tuning, &dialect(options.requests_per_5_minutes))?,
            concurrency: concurrency.get(),
            organisation: options.organisation_id.clone(),
            store: Store::new(folder, options.full_scan),
            shown: Mutex::default(),
            listed: Mutex::default(),
        })
    }
}

impl Client {
    fn calls<'a>(&'a self, asked: Asked<'a>) -> Calls<'a> {
        Calls::new(&self.caller, asked, self.organisation.as_deref())
    }

    fn shown(&self) -> MutexGuard<'_, BTreeMap<FlowId, String>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listed(&self) -> MutexGuard<'_, Option<Arc<Project>>> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is in the project, as far as the write of one flow needs it: the lists of the last export, and that flow's own
    /// head as it is now. Where that is not to be had so, the lists are read anew.
    async fn project_for(
        &self,
        calls: &Calls<'_>,
        environment: &EnvironmentId,
        reference: FlowRef,
    ) -> Result<Project, TenantError> {
        let listed = self.listed().clone();
        if let Some(known) = listed.as_ref().and_then(|listed| listed.flow(reference))
            && let Some(head) = calls.flow_head(&known.id).await?
            && head.reference_id == known.reference_id
            && let Some(listed) = listed
        {
            let mut project = Project::clone(&listed);
            project.flows.insert(head.id.clone(), head);
            return Ok(project);
        }
        calls.project(environment.as_str()).await
    }

    /// The name of the locale that charts are read in first: the primary one of the project.
    ///
    /// # Errors
    /// The locales cannot be read.
    pub async fn primary_locale(
        &self,
        environment: &EnvironmentId,
        limits: &CallLimits,
    ) -> Result<Option<LocaleName>, TenantError> {
        let of = |project: &Project| project.locales.primary().map(|locale| locale.name.clone());
        if let Some(listed) = &*self.listed() {
            return Ok(of(listed));
        }
        let observer = &crate::tenant::observe::UNHEARD;
        let calls = self.calls(Asked { call: Call::Export, environment, flow: None, limits, observer });
        Ok(of(&calls.project(environment.as_str()).await?))
    }

    /// Reads each list once: what a user needs to be allowed to.
    ///
    /// # Errors
    /// Of the first that cannot be read.
    pub async fn examine(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<String, TenantError> {
        let calls = self.calls(Asked {
            call: Call::Export,
            environment,
            flow: None,
            limits,
            observer: &crate::tenant::observe::UNHEARD,
        });
        let name = calls.project_name(environment.as_str()).await?;
        let Project { locales, flows } = calls.project(environment.as_str()).await?;
        let locales: Vec<&str> = locales.0.iter().map(|locale| locale.name.as_str()).collect();
        Ok(format!("project `{name}`, {} flows, locales {}", flows.len(), locales.join(", ")))
    }

    /// A flow as it is live, where what was read of it before is good still, without reading it again.
    async fn flow(&self, reading: &Reading<'_>, head: &FlowHead) -> Result<(FlowId, String), TenantError> {
        let (key, now) = (reading.project.locales.key(), now());
        if let Ok(reference) = head.reference_id.parse::<FlowRef>()
            && let Some(text) = self.store.get(&head.id, &key, head.last_changed, now)
        {
            return Ok((reference.flow_id(), text));
        }
        let ReadFlow { id, text, stamp, is_settled } = reading.flow(head).await?;
        if is_settled {
            self.store.put(&head.id, &key, stamp, now, &text);
        }
        Ok((id, text))
    }

    async fn write(
        &self,
        calls: &Calls<'_>,
        environment: &EnvironmentId,
        id: &FlowId,
        body: &[u8],
    ) -> Result<Imported, TenantError> {
        let impossible = |reason: String| calls.error(Failure::Impossible { reason });
        let desired = Flow::parse(body).map_err(|error| impossible(error.to_string()))?;
        let project = self.project_for(calls, environment, desired.reference).await?;
        let Some(head) = project.flow(desired.reference) else {
            let reason = format!("it takes a package to create `{}`, and that is not built yet", desired.name);
            return Err(impossible(reason));
        };
        let reading = Reading::new(calls, &project, environment.as_str(), self.concurrency);
        let (_, text) = self.flow(&reading, head).await?;
        let shown = self.shown().remove(id);
        if shown.is_some_and(|shown| shown != text) {
            return Err(calls.error(Failure::Changed { what: format!("`{}`", head.name) }));
        }
        let live = Flow::parse(text.as_bytes());
        let live = live.map_err(|_| {
            impossible(format!("`{}` cannot be read, and takes a package, which is not built yet", head.name))
        })?;
        let written = Writing { reading: &reading, head, live: &live, desired: &desired }.run().await;
        self.store.forget(&head.id);
        written.map(|()| Imported::Updated)
    }
}

/// Seconds since 1970.
#[expect(clippy::cast_possible_truncation, reason = "seconds since 1970")]
fn now() -> i64 {
    crate::web::now_seconds(&reqwest::header::HeaderMap::new()) as i64
}

impl Tenant for Client {
    async fn export(
        &self,
        environment: &EnvironmentId,
        reader: &dyn ReadLive,
        limits: &CallLimits,
    ) -> Result<Export, TenantError> {
        let calls = self.calls(Asked {
            call: Call::Export,
            environment,
            flow: None,
            limits,
            observer: &crate::tenant::observe::UNHEARD,
        });
        let project = calls.project(environment.as_str()).await?;
        let reading = Reading::new(&calls, &project, environment.as_str(), self.concurrency);
        let (reading, heads) = (&reading, project.flows.values().cloned());
        let texts: Vec<(FlowId, String)> = stream::iter(heads)
            .map(|head| async move { self.flow(reading, &head).await })
            .buffer_unordered(FLOWS_AT_ONCE)
            .try_collect()
            .await?;
        self.store.only(&project.flows.keys().map(String::as_str).collect::<BTreeSet<_>>());
        let mut export = Export::default();
        for (id, text) in &texts {
            match reader.read(text.as_bytes()) {
                Ok(definition) => _ = export.flows.insert(id.clone(), definition),
                Err(reason) => _ = export.foreign.insert(id.to_string(), reason),
            }
        }
        *self.shown() = texts.into_iter().collect();
        *self.listed() = Some(Arc::new(project));
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
        limits: &CallLimits,
    ) -> Result<Reply<Imported>, TenantError> {
        let calls = self.calls(Asked {
            call: Call::Import,
            environment,
            flow: Some(id),
            limits,
            observer: &crate::tenant::observe::UNHEARD,
        });
        let value = self.write(&calls, environment, id, body).await?;
        if value == Imported::Created {
            *self.listed() = None;
        }
        Ok(Reply { value, attempts: calls.attempts() })
    }

    /// Writes are done when they are answered.
    async fn status(&self, _: &EnvironmentId, _: &FlowId, _: &CallLimits) -> Result<FlowStatus, TenantError> {
        Ok(FlowStatus::Deployed)
    }

    async fn rollback(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        _: &str,
        limits: &CallLimits,
    ) -> Result<Reply<()>, TenantError> {
        let asked = Asked {
            call: Call::Rollback,
            environment,
            flow: Some(id),
            limits,
            observer: &crate::tenant::observe::UNHEARD,
        };
        Err(asked.error(0, Failure::Unsupported { status: 405 }))
    }

    async fn delete(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        limits: &CallLimits,
    ) -> Result<Reply<()>, TenantError> {
        let asked = Asked {
            call: Call::Delete,
            environment,
            flow: Some(id),
            limits,
            observer: &crate::tenant::observe::UNHEARD,
        };
        let reason =
            "a flow is deleted only where it can be brought back, which takes packages, and they are not built yet";
        Err(asked.error(0, Failure::Impossible { reason: reason.to_owned() }))
    }

    fn objection(&self, before: Option<&Definition>, after: Option<&Definition>) -> Option<String> {
        let flow = |definition: &Definition| Flow::parse(definition.text.as_deref()?).ok();
        match (before, after) {
            (None, Some(after)) => {
                Some(format!("it takes a package to create `{}`, and that is not built yet", after.name))
            }
            (Some(before), None) => Some(format!(
                "a flow is deleted only where it can be brought back: it takes a package to delete `{}`, and that is not built yet",
                before.name
            )),
            (Some(before), Some(after)) => {
                let (before, after) = (flow(before)?, flow(after)?);
                let locale = after.nodes().find_map(|node| node.config.keys().next()).map(ToString::to_string);
                import::plan(&before, &after, &locale.unwrap_or_default()).err()
            }
            (None, None) => None,
        }
    }
}
