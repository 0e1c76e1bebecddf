//! Whatever is logged in a pass says of which environment, and of which deployment once there is one: each pass has a span.

use tracing::Span;
use tracing::field::Empty;

use super::Records;
use super::ledger::Ledger;
use crate::local::LocalState;

/// The field of a pass's span for its deployment.
const DEPLOYMENT: &str = "deployment";

impl<S> Records<S> {
    /// The span of a pass. It is there at every level of logging.
    pub(super) fn span(&self) -> Span {
        tracing::error_span!("pass", environment = self.environment.as_str(), deployment = Empty)
    }
}

impl<L: LocalState> Ledger<L> {
    /// From now on, this pass is about this deployment.
    pub(super) fn name_in_span(&self) {
        Span::current().record(DEPLOYMENT, self.manifest().deployment_id.as_str());
    }
}
