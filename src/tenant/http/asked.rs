//! What a call is about, and what bounds it.

use super::super::{Call, CallLimits, Failure, NotRecorded, Recorder, RequestObserver, TenantError, Unrecorded};
use crate::flow::{EnvironmentId, FlowId};

/// A call as it was made above the seam; it may take any number of requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) call: Call,
    pub(crate) environment: &'a EnvironmentId,
    pub(crate) flow: Option<&'a FlowId>,
    pub(crate) limits: &'a CallLimits,
    /// Told of its requests.
    pub(crate) observer: &'a RequestObserver,
    /// Told before one of its requests changes the flow.
    pub(crate) recorder: &'a dyn Recorder,
}

/// What a call has that changes no flow.
pub(crate) const UNRECORDED: &dyn Recorder = &Unrecorded;

impl Asked<'_> {
    /// An error of this call.
    pub(crate) fn error(&self, attempts: u32, failure: Failure) -> TenantError {
        let (environment, flow) = (self.environment.to_string(), self.flow.cloned());
        TenantError { call: self.call, environment, flow, attempts, failure }
    }

    /// Writes down that the next request may change the flow.
    pub(super) async fn before_change(&self) -> Result<(), Failure> {
        self.recorder.before_change().await.map_err(|NotRecorded(reason)| Failure::NotRecorded { reason })
    }

    /// An error of signing in for it.
    pub(super) fn token_error(&self, attempts: u32, failure: Failure) -> TenantError {
        TenantError { call: Call::Token, environment: self.environment.to_string(), flow: None, attempts, failure }
    }
}
