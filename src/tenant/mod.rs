//! The seam to a tenant: what can be asked of one, and what can go wrong.
//!
//! Nothing above this module knows a wire format. A second dialect is one new folder beside
//! `flows_v2`; all of them share one HTTP client (`http`). Retrying, slowing down, signing in and paging
//! happen below the seam; every error that comes out of it is final for that call.

pub mod cognigy_rest;
mod cost;
mod error;
pub mod flows_v2;
mod http;
mod limits;
pub mod memory;
mod observe;
mod recorder;
pub mod sandbox;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use serde::{Deserialize, Serialize};

use crate::flow::{Defaults, Definition, EnvironmentId, FlowId, KnownFlow, LiveFlow};
use crate::release::{Frozen, Serving, Shows};

pub use crate::web::{Answering, InsideAnswer, InsideRequest, InsideServer, NoAnswer};
pub use cost::{Cost, NodeCount};
pub use error::{Blame, Call, Failure, TenantError};
pub use limits::{CallLimits, StartLimit};
pub use observe::{Observed, RequestObserver};
pub use recorder::{NotRecorded, Recorder, Recording, Unrecorded};

/// Turns the raw JSON of one live flow into a [`LiveFlow`]; handed to [`Tenant::export`] so that
/// what is kept of each flow is decided while the pages arrive.
///
/// What is live is live, whatever it looks like: only what has no flow id is an error, in words.
pub trait ReadLive: Send + Sync {
    /// Reads one exported flow; `raw` is the item exactly as the tenant sent it.
    fn read(&self, raw: &[u8]) -> Result<LiveFlow, String>;

    /// The flow whose item `text` begins with, where its bytes were seen before in this environment: nobody need look
    /// into them to find out whose they are, nor where they end. What comes after the item is not looked at.
    fn recognise(&self, text: &[u8]) -> Option<Recognised> {
        let _ = text;
        None
    }
}

/// A live flow that was seen before, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recognised {
    /// What is known of it.
    pub flow: KnownFlow,
    /// How many bytes its item has.
    pub bytes: usize,
}

/// Everything live in one environment, complete: the distinct items counted equal the tenant's total.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Export {
    /// The flows, those among them that could not be read: see [`LiveFlow::reading`].
    pub flows: BTreeMap<FlowId, LiveFlow>,
    /// Live items that are no flow flowsync could ever manage, by their id or, without one, by their
    /// beginning; with the reason.
    pub foreign: BTreeMap<String, String>,
}

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// 201: the flow was not there before.
    Created,
    /// 200: the flow was there before.
    Updated,
    /// 200 on a repeated request whose earlier try may have taken effect unseen: it may be our own
    /// creation that was found.
    UpdatedAfterUnknown,
}

/// What the tenant says of a flow's deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlowStatus {
    /// Done.
    Deployed,
    /// `pending`, `deploying`, `importing` or `queued`: ask again.
    InProgress(String),
    /// Anything else: a failure, with the body's message.
    Failed {
        /// The status word.
        status: String,
        /// What the tenant says of it; may be empty.
        message: String,
    },
}

/// The answer to a call that changes the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply<T> {
    /// What was answered.
    pub value: T,
    /// HTTP requests it took, from 1.
    pub attempts: u32,
}

/// A conversation tenant.
///
/// Calls of different flows may run side by side; the implementation keeps within its own
/// concurrency. Every call obeys `limits`: no request starts past `limits.lease`, and waiting for a
/// throttled or unavailable tenant ends at `limits.give_up_at`.
pub trait Tenant: Send + Sync + 'static {
    /// Every flow live in `environment`.
    fn export(
        &self,
        environment: &EnvironmentId,
        reader: &dyn ReadLive,
        limits: &CallLimits,
    ) -> impl Future<Output = Result<Export, TenantError>> + Send;

    /// Ids of the intents in `environment`.
    fn intents(
        &self,
        environment: &EnvironmentId,
        limits: &CallLimits,
    ) -> impl Future<Output = Result<BTreeSet<String>, TenantError>> + Send;

    /// Ids of the entities in `environment`.
    fn entities(
        &self,
        environment: &EnvironmentId,
        limits: &CallLimits,
    ) -> impl Future<Output = Result<BTreeSet<String>, TenantError>> + Send;

    /// Ids of the variables in `environment`; `None` where the tenant cannot tell.
    fn variables(
        &self,
        environment: &EnvironmentId,
        limits: &CallLimits,
    ) -> impl Future<Output = Result<Option<BTreeSet<String>>, TenantError>> + Send;

    /// Whether the first request of an import or a deletion changes the flow already. Otherwise much is asked before
    /// that, and only what the recorder is told of may have changed it.
    fn writes_at_once(&self) -> bool {
        true
    }

    /// Imports a flow; `body` is its JSON text, sent as it stands.
    fn import(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        body: &[u8],
        recorder: &dyn Recorder,
        limits: &CallLimits,
    ) -> impl Future<Output = Result<Reply<Imported>, TenantError>> + Send;

    /// Asks once how the deployment of a flow stands. A 404 is [`Failure::Unavailable`] after the
    /// retries that "not visible yet" deserves.
    fn status(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        limits: &CallLimits,
    ) -> impl Future<Output = Result<FlowStatus, TenantError>> + Send;

    /// Asks the tenant to go back to `version` of a flow by itself.
    fn rollback(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        version: &str,
        limits: &CallLimits,
    ) -> impl Future<Output = Result<Reply<()>, TenantError>> + Send;

    /// Why a change cannot be made here at all, in words: known before anything is written. `before` is what is live,
    /// `after` what is wanted.
    fn objection(&self, before: Option<&Definition>, after: Option<&Definition>) -> Option<String> {
        let _ = (before, after);
        None
    }

    /// What a change takes, as far as this dialect tells beforehand. Asks nobody.
    fn estimate(&self, before: Option<&Definition>, after: Option<&Definition>) -> Option<Cost> {
        let _ = (before, after);
        None
    }

    /// Settings of nodes that the platform was seen to add by itself so far. Asks nobody.
    fn defaults(&self) -> Defaults {
        Defaults::default()
    }

    /// The same, as others have seen it.
    fn note_defaults(&self, defaults: &Defaults) {
        let _ = defaults;
    }

    /// Everything from now on is done for this deployment, which begins or is gone on with. Asks nobody.
    fn note_deployment(&self, deployment: &str) {
        let _ = deployment;
    }

    /// Waits until nothing that an earlier run began is under way any more; whoever continues a deployment does so
    /// before looking at what is live.
    fn settle(
        &self,
        environment: &EnvironmentId,
        limits: &CallLimits,
    ) -> impl Future<Output = Result<(), TenantError>> + Send {
        let _ = (environment, limits);
        async { Ok(()) }
    }

    /// Takes away what deployments that are over have left beside the flows. What cannot be taken away now stays.
    fn tidy(
        &self,
        environment: &EnvironmentId,
        limits: &CallLimits,
    ) -> impl Future<Output = Result<(), TenantError>> + Send {
        let _ = (environment, limits);
        async { Ok(()) }
    }

    /// What callers meet at these endpoints, each named by its id or by what people call it, and which releases there
    /// are. A tenant without releases says [`Failure::Unsupported`], here and below.
    ///
    /// # Errors
    /// Of a request; or one of the endpoints is not there, or not the only one of its name.
    fn serving(
        &self,
        environment: &EnvironmentId,
        endpoints: &[String],
        limits: &CallLimits,
    ) -> impl Future<Output = Result<Serving, TenantError>> + Send {
        let _ = (endpoints, limits);
        let error = without_releases(Call::Serving, environment);
        async { Err(error) }
    }

    /// Freezes what is live as a release of that name, and tells what of it was changed since the last export. Of one
    /// that is there already nothing is made anew.
    ///
    /// # Errors
    /// Of a request or of the tenant's own work; a release may have been made all the same.
    fn freeze(
        &self,
        environment: &EnvironmentId,
        release: &str,
        limits: &CallLimits,
    ) -> impl Future<Output = Result<Frozen, TenantError>> + Send {
        let _ = (release, limits);
        let error = without_releases(Call::Release, environment);
        async { Err(error) }
    }

    /// Has an endpoint, by its id, show something else.
    ///
    /// # Errors
    /// Of a request, which may have taken effect; or what is to be shown is not there.
    fn show(
        &self,
        environment: &EnvironmentId,
        endpoint: &str,
        to: &Shows,
        limits: &CallLimits,
    ) -> impl Future<Output = Result<(), TenantError>> + Send {
        let _ = (endpoint, to, limits);
        let error = without_releases(Call::Release, environment);
        async { Err(error) }
    }

    /// Removes releases. One that an endpoint shows stays, and so does what cannot be removed now.
    ///
    /// # Errors
    /// The releases cannot be listed.
    fn discard(
        &self,
        environment: &EnvironmentId,
        releases: &BTreeSet<String>,
        limits: &CallLimits,
    ) -> impl Future<Output = Result<(), TenantError>> + Send {
        let _ = (releases, limits);
        let error = without_releases(Call::Release, environment);
        async { Err(error) }
    }

    /// Deletes a flow; one that is not there counts as deleted.
    fn delete(
        &self,
        environment: &EnvironmentId,
        id: &FlowId,
        recorder: &dyn Recorder,
        limits: &CallLimits,
    ) -> impl Future<Output = Result<Reply<()>, TenantError>> + Send;
}

/// What a tenant says that keeps no releases. 405: it has no such call.
fn without_releases(call: Call, environment: &EnvironmentId) -> TenantError {
    let failure = Failure::Unsupported { status: 405 };
    TenantError { call, environment: environment.to_string(), flow: None, attempts: 0, failure }
}
