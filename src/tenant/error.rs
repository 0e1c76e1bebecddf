//! What can go wrong with a call to a tenant, in terms that no dialect changes.

use std::fmt;
use std::time::Duration;

use crate::flow::FlowId;

/// Which call it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// Signing in.
    Token,
    /// Reading every live flow.
    Export,
    /// Reading intents.
    Intents,
    /// Reading entities.
    Entities,
    /// Reading variables.
    Variables,
    /// Writing a flow.
    Import,
    /// Asking how a flow's deployment stands.
    Status,
    /// Asking the tenant to go back to an earlier version.
    Rollback,
    /// Deleting a flow.
    Delete,
    /// Reading what callers meet.
    Serving,
    /// Making a release, showing one, or removing it.
    Release,
}

impl Call {
    /// The word used in messages and audit records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Export => "export",
            Self::Intents => "intents",
            Self::Entities => "entities",
            Self::Variables => "variables",
            Self::Import => "import",
            Self::Status => "status",
            Self::Rollback => "rollback",
            Self::Delete => "delete",
            Self::Serving => "serving",
            Self::Release => "release",
        }
    }

    /// The OAuth2 scope the call needs (flow-api-v2, "Authentication").
    #[must_use]
    pub fn scope(self) -> &'static str {
        match self {
            Self::Token | Self::Export | Self::Serving => "flows:read",
            Self::Intents | Self::Entities | Self::Variables => "environments:read",
            Self::Import | Self::Delete => "flows:write",
            Self::Status | Self::Rollback | Self::Release => "deployments:manage",
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A call that failed for good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {failure}", Title(self))]
pub struct TenantError {
    /// Which call.
    pub call: Call,
    /// The environment it was about.
    pub environment: String,
    /// The flow it was about, if one.
    pub flow: Option<FlowId>,
    /// HTTP requests made for it, from 0.
    pub attempts: u32,
    /// What happened.
    pub failure: Failure,
}

struct Title<'a>(&'a TenantError);

impl fmt::Display for Title<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TenantError { call, environment, flow, .. } = self.0;
        match flow {
            Some(flow) => write!(f, "{call} of `{flow}` in `{environment}`"),
            None => write!(f, "{call} of `{environment}`"),
        }
    }
}

/// What happened. Texts quote the tenant escaped and shortened, and never a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The tenant said no, and would say it again (400 and other 4xx).
    #[error("the tenant refused it ({status}): {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The body's violations or message.
        message: String,
    },
    /// 403.
    #[error("forbidden (403): the credentials need scope `{scope}` in this environment; the tenant says: {message}")]
    Forbidden {
        /// The scope the call needs.
        scope: &'static str,
        /// The body's message.
        message: String,
    },
    /// 403, where rights have no scopes.
    #[error("forbidden (403): the user of this key may not {what}; the tenant says: {message}")]
    NoRight {
        /// What was tried, in words that continue "may not".
        what: &'static str,
        /// The body's message.
        message: String,
    },
    /// What is asked for cannot be done by any request: nothing was written.
    #[error("{reason}")]
    Impossible {
        /// In words.
        reason: String,
    },
    /// Somebody else changed what was to be overwritten, before anything of it was.
    #[error("{what} was changed meanwhile by somebody else, and was not written; the next pass looks at it anew")]
    ChangedBefore {
        /// What it is.
        what: String,
    },
    /// The same after a part was written, which stays and is looked at again.
    #[error("{what} was changed meanwhile by somebody else, when a part had been written")]
    Changed {
        /// What it is.
        what: String,
    },
    /// A task of the tenant's that was started ended in an error.
    #[error("the tenant could not {what}: {reason}")]
    TaskFailed {
        /// What it was for, in words that continue "could not".
        what: &'static str,
        /// What the tenant says of it.
        reason: String,
    },
    /// The credentials are not accepted: the token endpoint refused, or a second 401 came.
    #[error("not signed in: {message}")]
    Unauthorized {
        /// What the tenant or its token endpoint said.
        message: String,
    },
    /// 405 or 501: the tenant has no such call.
    #[error("the tenant cannot do this ({status})")]
    Unsupported {
        /// HTTP status.
        status: u16,
    },
    /// 429 until patience ended.
    #[error("still rate-limited (429) after {} s", waited.as_secs())]
    Throttled {
        /// Time spent waiting.
        waited: Duration,
    },
    /// 5xx, a lost connection or a time-out, to the last try.
    #[error("{detail}")]
    Unavailable {
        /// What the last try ran into.
        detail: String,
        /// Whether one of the tries may have taken effect unseen.
        maybe_took_effect: bool,
    },
    /// A whole 2xx answer that is not what was expected.
    #[error("expected the tenant's JSON, found: {excerpt}")]
    Garbage {
        /// The first 200 characters, escaped.
        excerpt: String,
    },
    /// A body over the limit.
    #[error("the answer is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: u64,
    },
    /// An export that changed under every attempt to read it, or never became complete.
    #[error("the list is not complete: {detail}")]
    Incomplete {
        /// What did not add up.
        detail: String,
    },
    /// A list without an end that anybody would wait for.
    #[error("the list has no end: {detail}")]
    Endless {
        /// Which bound it went over.
        detail: String,
    },
    /// What must be written down before a request was not: it was not sent.
    #[error("{reason}")]
    NotRecorded {
        /// In words.
        reason: String,
    },
    /// The lease ended before the next request could start.
    #[error("the deployment's lease ended before the call could be made")]
    LeaseEnded,
    /// The call ended in `failure`, and an earlier try of it may have taken effect all the same: a request
    /// that was lost on the way, and then a refusal, a 429 or the end of the lease. Never nested.
    #[error("{failure}; an earlier try may have taken effect unseen")]
    AfterUnknown {
        /// What the last try ran into.
        failure: Box<Failure>,
    },
}

/// Whose fault a failure is: what decides between quarantine and another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blame {
    /// What the tenant says of the flow itself; trying again will not help.
    Flow,
    /// The way there: worth another try later.
    Transport,
    /// Nothing failed: somebody asked this process to end.
    Nobody,
}

impl Failure {
    /// What the last try ran into, whatever an earlier one may have done.
    #[must_use]
    pub fn last(&self) -> &Self {
        match self {
            Self::AfterUnknown { failure } => failure,
            failure => failure,
        }
    }
}

impl TenantError {
    /// Whose fault it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self.failure.last() {
            Failure::Refused { .. }
            | Failure::Unsupported { .. }
            | Failure::TooLarge { .. }
            | Failure::TaskFailed { .. }
            | Failure::Impossible { .. } => Blame::Flow,
            Failure::Forbidden { .. }
            | Failure::NoRight { .. }
            | Failure::ChangedBefore { .. }
            | Failure::Changed { .. }
            | Failure::Unauthorized { .. }
            | Failure::Throttled { .. }
            | Failure::Unavailable { .. }
            | Failure::Garbage { .. }
            | Failure::Incomplete { .. }
            | Failure::Endless { .. }
            | Failure::NotRecorded { .. }
            | Failure::AfterUnknown { .. }
            | Failure::LeaseEnded => Blame::Transport,
        }
    }

    /// Whether it was somebody else's doing, and nothing was written.
    #[must_use]
    pub fn left_alone(&self) -> bool {
        matches!(self.failure, Failure::ChangedBefore { .. })
    }

    /// Whether the tenant may have changed although the call failed.
    #[must_use]
    pub fn maybe_took_effect(&self) -> bool {
        match self.failure {
            Failure::Unavailable { maybe_took_effect, .. } => maybe_took_effect,
            Failure::Garbage { .. }
            | Failure::TooLarge { .. }
            | Failure::TaskFailed { .. }
            | Failure::AfterUnknown { .. } => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_try_may_have_done_hides_nothing_of_the_last_one() {
        let refused = Failure::Refused { status: 400, message: "no".to_owned() };
        let check = |failure: Failure, blame, maybe_took_effect| {
            let environment = "env".to_owned();
            let error = TenantError { call: Call::Import, environment, flow: None, attempts: 2, failure };
            assert_eq!((error.blame(), error.maybe_took_effect()), (blame, maybe_took_effect), "{error}");
        };
        let after_unknown = |failure: &Failure| Failure::AfterUnknown { failure: Box::new(failure.clone()) };
        check(refused.clone(), Blame::Flow, false);
        check(after_unknown(&refused), Blame::Flow, true);
        check(Failure::LeaseEnded, Blame::Transport, false);
        check(after_unknown(&Failure::LeaseEnded), Blame::Transport, true);
        assert_eq!(after_unknown(&refused).last(), &refused);
    }
}
