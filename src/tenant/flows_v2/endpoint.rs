//! What the endpoints of the dialect answer: the failure table of the specification, one `match`.

use std::time::Duration;

use super::super::http::{AnswerClass, Dialect, Effect, Endpoint, Rate, Size};
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
    fn judge(&self, status: u16, size: Size) -> AnswerClass {
        match (self.0, status) {
            (_, 200..=299) | (Call::Delete | Call::Variables, 404) => AnswerClass::Accept,
            (Call::Status, 404) => AnswerClass::TryAgain,
            (_, 401) => AnswerClass::SignInAgain,
            (_, 413) if size == Size::Shrinks => AnswerClass::AskForLess,
            (_, 429) => AnswerClass::SlowDown,
            (_, 501) => AnswerClass::Refuse,
            (Call::Import | Call::Rollback | Call::Delete, 409 | 423) => AnswerClass::Occupied,
            (_, 408 | 500..=599) => AnswerClass::TryAgain,
            _ => AnswerClass::Refuse,
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
