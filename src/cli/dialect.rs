//! The one place that chooses a dialect: a tenant of whichever API the configuration names.

use std::collections::BTreeSet;

use crate::flow::{Defaults, Definition, EnvironmentId, FlowId};
use crate::format::cognigy::document::LocaleName;
use crate::release::{Frozen, Serving, Shows};
use crate::tenant::cognigy_rest::{Aliases, Finding, ProbeDepth, ProbeRefusal};
use crate::tenant::{
    CallLimits, Cost, Export, FlowStatus, Imported, ReadLive, Recorder, Reply, Tenant, TenantError, cognigy_rest,
    flows_v2,
};

/// A tenant, by its API.
pub(crate) enum Dialect {
    /// `api: flows-v2`.
    FlowsV2(flows_v2::Client),
    /// `api: cognigy-rest`.
    CognigyRest(Box<cognigy_rest::Client>),
}

macro_rules! whichever {
    ($dialect:expr, $client:ident => $call:expr) => {
        match $dialect {
            Dialect::FlowsV2($client) => $call,
            Dialect::CognigyRest($client) => $call,
        }
    };
}

impl Dialect {
    /// The locale whose settings stand in the head file of a folder that is new; `None` where flows are files.
    pub(crate) async fn primary_locale(
        &self,
        environment: &EnvironmentId,
        limits: &CallLimits,
    ) -> Result<Option<LocaleName>, TenantError> {
        match self {
            Self::FlowsV2(_) => Ok(None),
            Self::CognigyRest(client) => client.primary_locale(environment, limits).await,
        }
    }

    /// Finds out by which reference ids a live flow is one of git's; `None` where flows have one id everywhere.
    pub(crate) async fn aliases(
        &self,
        environment: &EnvironmentId,
        live: &FlowId,
        git: &[u8],
        limits: &CallLimits,
    ) -> Option<Result<Aliases, TenantError>> {
        match self {
            Self::FlowsV2(_) => None,
            Self::CognigyRest(client) => Some(Box::pin(client.aliases(environment, live, git, limits)).await),
        }
    }

    /// Finds out what only a live tenant can tell; `None` where nothing is open.
    pub(crate) async fn probe(
        &self,
        environment: &EnvironmentId,
        depth: ProbeDepth,
        may_share: bool,
        limits: &CallLimits,
        tell: &mut (dyn FnMut(Finding) + Send),
    ) -> Option<Result<(), ProbeRefusal>> {
        match self {
            Self::FlowsV2(_) => None,
            Self::CognigyRest(client) => {
                Some(Box::pin(client.probe(environment, depth, may_share, limits, tell)).await)
            }
        }
    }

    /// Reads what flows refer to; which right that takes, and what is there.
    pub(crate) async fn examine(
        &self,
        environment: &EnvironmentId,
        limits: &CallLimits,
    ) -> (&'static str, Result<String, TenantError>) {
        match self {
            Self::FlowsV2(client) => {
                let intents = client.intents(environment, limits).await;
                ("environments:read", intents.map(|intents| format!("{} intents", intents.len())))
            }
            Self::CognigyRest(client) => ("lists of the project", client.examine(environment, limits).await),
        }
    }
}

impl Tenant for Dialect {
    async fn export(
        &self,
        environment: &EnvironmentId,
        reader: &dyn ReadLive,
        limits: &CallLimits,
    ) -> Result<Export, TenantError> {
        whichever!(self, client => client.export(environment, reader, limits).await)
    }

    async fn intents(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<BTreeSet<String>, TenantError> {
        whichever!(self, client => client.intents(environment, limits).await)
    }

    async fn entities(
        &self,
        environment: &EnvironmentId,
        limits: &CallLimits,
    ) -> Result<BTreeSet<String>, TenantError> {
        whichever!(self, client => client.entities(environment, limits).await)
    }

    async fn variables(
        &self,
        environment: &EnvironmentId,
        limits: &CallLimits,
    ) -> Result<Option<BTreeSet<String>>, TenantError> {
        whichever!(self, client => client.variables(environment, limits).await)
    }

    async fn import(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        body: &[u8],
        recorder: &dyn Recorder,
        limits: &CallLimits,
    ) -> Result<Reply<Imported>, TenantError> {
        whichever!(self, client => client.import(environment, id, body, recorder, limits).await)
    }

    async fn status(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        limits: &CallLimits,
    ) -> Result<FlowStatus, TenantError> {
        whichever!(self, client => client.status(environment, id, limits).await)
    }

    async fn rollback(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        version: &str,
        limits: &CallLimits,
    ) -> Result<Reply<()>, TenantError> {
        whichever!(self, client => client.rollback(environment, id, version, limits).await)
    }

    fn defaults(&self) -> Defaults {
        whichever!(self, client => client.defaults())
    }

    fn note_defaults(&self, defaults: &Defaults) {
        whichever!(self, client => client.note_defaults(defaults));
    }

    fn note_deployment(&self, deployment: &str) {
        whichever!(self, client => client.note_deployment(deployment));
    }

    fn writes_at_once(&self) -> bool {
        whichever!(self, client => client.writes_at_once())
    }

    fn objection(&self, before: Option<&Definition>, after: Option<&Definition>) -> Option<String> {
        whichever!(self, client => client.objection(before, after))
    }

    fn estimate(&self, before: Option<&Definition>, after: Option<&Definition>) -> Option<Cost> {
        whichever!(self, client => client.estimate(before, after))
    }

    async fn settle(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<(), TenantError> {
        whichever!(self, client => client.settle(environment, limits).await)
    }

    async fn tidy(&self, environment: &EnvironmentId, limits: &CallLimits) -> Result<(), TenantError> {
        whichever!(self, client => client.tidy(environment, limits).await)
    }

    async fn serving(
        &self,
        environment: &EnvironmentId,
        endpoints: &[String],
        limits: &CallLimits,
    ) -> Result<Serving, TenantError> {
        whichever!(self, client => client.serving(environment, endpoints, limits).await)
    }

    async fn freeze(
        &self,
        environment: &EnvironmentId,
        release: &str,
        limits: &CallLimits,
    ) -> Result<Frozen, TenantError> {
        whichever!(self, client => client.freeze(environment, release, limits).await)
    }

    async fn show(
        &self,
        environment: &EnvironmentId,
        endpoint: &str,
        to: &Shows,
        limits: &CallLimits,
    ) -> Result<(), TenantError> {
        whichever!(self, client => client.show(environment, endpoint, to, limits).await)
    }

    async fn discard(
        &self,
        environment: &EnvironmentId,
        releases: &BTreeSet<String>,
        limits: &CallLimits,
    ) -> Result<(), TenantError> {
        whichever!(self, client => client.discard(environment, releases, limits).await)
    }

    async fn delete(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        recorder: &dyn Recorder,
        limits: &CallLimits,
    ) -> Result<Reply<()>, TenantError> {
        whichever!(self, client => client.delete(environment, id, recorder, limits).await)
    }
}
