//! What the endpoints of the dialect answer: the failure table of the specification, one `match`.

use std::time::Duration;

use super::super::http::{Dialect, Effect, Endpoint, Rate, Size, Verdict};
use super::super::{Call, Failure};

/// The dialect. Its scopes are everything flowsync asks a tenant for; a tenant that names no pause is taken to count
/// by the second.
pub(super) const FLOWS_V2: Dialect = Dialect {
    name: "flows-v2",
    scopes: Some("flows:read flows:write environments:read deployments:manage"),
    rate: Rate { floor: 5.0, window: Duration::from_secs(1) },
    quota: None,
};

/// The endpoint of a call: each call is one request.
#[derive(Debug, Clone, Copy)]
pub(super) struct EndpointOf(pub(super) Call);

impl Endpoint for EndpointOf {
    fn judge(&self, status: u16, size: Size) -> Verdict {
        match (self.0, status) {
            (_, 200..=299) | (Call::Delete | Call::Variables, 404) => Verdict::Accept,
            (Call::Status, 404) => Verdict::TryAgain,
            (_, 401) => Verdict::SignInAgain,
            (_, 413) if size == Size::Shrinks => Verdict::AskForLess,
            (_, 429) => Verdict::SlowDown,
            (_, 501) => Verdict::Refuse,
            (Call::Import | Call::Rollback | Call::Delete, 409 | 423) => Verdict::Occupied,
            (_, 408 | 500..=599) => Verdict::TryAgain,
            _ => Verdict::Refuse,
        }
    }

    fn effect(&self) -> Effect {
        match self.0 {
            Call::Import | Call::Rollback | Call::Delete | Call::Release => Effect::Writes,
            Call::Token
            | Call::Export
            | Call::Intents
            | Call::Entities
            | Call::Variables
            | Call::Status
            | Call::Serving => Effect::Reads,
        }
    }

    fn forbidden(&self, message: String) -> Failure {
        Failure::Forbidden { scope: self.0.scope(), message }
    }
}
