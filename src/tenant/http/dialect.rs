//! What a dialect brings, and this client cannot know: how to sign in, how fast, and what an answer means.

use std::time::Duration;

use super::super::Failure;

/// A dialect, as far as every request of it is alike.
#[derive(Debug)]
pub(crate) struct Dialect {
    /// Its name, `api` in the configuration. Environments share a connection within one dialect only.
    pub(crate) name: &'static str,
    /// The OAuth2 scopes that a token is asked for, with spaces in between; none where the API has none.
    pub(crate) scopes: Option<&'static str>,
    /// What is taken for granted of its tenants' rates.
    pub(crate) rate: Rate,
    /// How many requests may begin within a time; where that is known, no rate is learned.
    pub(crate) quota: Option<Quota>,
}

/// A number of requests that a tenant answers within a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quota {
    pub(crate) requests_max: u32,
    pub(crate) within: Duration,
}

/// How tenants limit the rate, as far as they do not say so themselves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    /// Requests a second, at least. A slower tenant is met by its `Retry-After`; a tenant that says 429 now
    /// and then for reasons of its own must not bring everything to a halt.
    pub(crate) floor: f64,
    /// The time within which a tenant counts requests that names no pause.
    pub(crate) window: Duration,
}

/// One kind of request of a dialect. A call may make requests of several.
pub(crate) trait Endpoint: Sync {
    /// What an answer with this status means.
    fn judge(&self, status: u16, size: Size) -> AnswerClass;

    /// Whether a request that was lost may have changed the tenant.
    fn effect(&self) -> Effect;

    /// Whether it changes the flow that the call is about, and not something beside it.
    fn changes_the_flow(&self) -> bool {
        self.effect() != Effect::Reads
    }

    /// Whether it is sent with credentials.
    fn signs(&self) -> bool {
        true
    }

    /// What a 403 is, of which the tenant says `message`.
    fn forbidden(&self, message: String) -> Failure;
}

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Reads,
    /// It changes the tenant. Making it again is harmless.
    Writes,
    /// It changes the tenant, and is not made again by itself: what a lost request has done is looked up first.
    WritesOnce,
}

/// What to do about an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerClass {
    /// The call site reads it.
    Accept,
    /// 401.
    SignInAgain,
    /// 429.
    SlowDown,
    /// The tenant is not well; later it may be.
    TryAgain,
    /// The same, of a request that is not made again by itself.
    GiveUp,
    /// Somebody is at work on the flow: it was not written, and later it may be.
    Occupied,
    /// A page that is too large to make.
    AskForLess,
    /// No, and no again.
    Refuse,
}

/// Whether a request could ask for less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// A page of more than one item.
    Shrinks,
    /// A page of one item: what does not fit is cut.
    Single,
    /// Anything else.
    Fixed,
}
