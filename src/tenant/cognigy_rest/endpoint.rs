//! What the vendor's endpoints answer, by method: the table of the wire in one `match`.

use std::time::Duration;

use reqwest::Method;

use super::super::Failure;
use super::super::http::{AnswerClass, Dialect, Effect, Endpoint, Quota, Rate, Size};

/// The time within which a tenant counts requests.
const COUNTED_WITHIN: Duration = Duration::from_secs(300);

/// The dialect, with the number of requests that its host is asked in [`COUNTED_WITHIN`]. There are no scopes.
pub(super) fn dialect(requests_max: u32) -> Dialect {
    Dialect {
        name: "cognigy-rest",
        scopes: None,
        rate: Rate { floor: 1.0, window: COUNTED_WITHIN },
        quota: Some(Quota { requests_max, within: COUNTED_WITHIN }),
    }
}

/// One kind of request.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) method: Method,
    /// What the key's user may not do where the answer is 403, in words that continue "may not".
    pub(super) what: &'static str,
    /// Whose server it goes to.
    pub(super) host: Host,
    /// What an answer means.
    pub(super) judged: Judged,
    /// What it changes, where it does.
    pub(super) changes: Changes,
}

/// What a request changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changes {
    /// The flow that the call is about.
    TheFlow,
    /// Something beside it: a package, a snapshot, an endpoint; or nothing.
    Beside,
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judged {
    /// What its status says.
    ByStatus,
    /// Whatever it is, it is what was to be found out.
    AsItComes,
}

/// Whose server a request goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Host {
    /// The tenant's: credentials go along.
    Ours,
    /// Wherever a link leads that the tenant gave out: whoever knows it may have what is there.
    Linked,
}

impl Endpoint for Route {
    fn judge(&self, status: u16, _: Size) -> AnswerClass {
        let may_repeat = self.effect() != Effect::WritesOnce;
        match status {
            // What is gone, or not visible yet, the call site knows better.
            200..=299 | 404 => AnswerClass::Accept,
            401 if self.signs() => AnswerClass::SignInAgain,
            429 => AnswerClass::SlowDown,
            _ if self.judged == Judged::AsItComes => AnswerClass::Accept,
            501 => AnswerClass::Refuse,
            // What a write that was lost has done is looked up before anything else.
            408 | 500..=599 if may_repeat => AnswerClass::TryAgain,
            408 | 500..=599 => AnswerClass::GiveUp,
            _ => AnswerClass::Refuse,
        }
    }

    fn effect(&self) -> Effect {
        match self.method {
            Method::GET => Effect::Reads,
            Method::DELETE => Effect::Writes,
            _ => Effect::WritesOnce,
        }
    }

    fn changes_the_flow(&self) -> bool {
        self.changes == Changes::TheFlow
    }

    fn signs(&self) -> bool {
        self.host == Host::Ours
    }

    fn forbidden(&self, message: String) -> Failure {
        Failure::NoRight { what: self.what, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_harmless_is_tried_again() {
        let route = |method, host, judged| Route { method, what: "", host, judged, changes: Changes::Beside };
        let judge = |method, status| route(method, Host::Ours, Judged::ByStatus).judge(status, Size::Fixed);
        for status in [408, 500, 502, 503, 504] {
            assert_eq!(judge(Method::GET, status), AnswerClass::TryAgain);
            assert_eq!(judge(Method::DELETE, status), AnswerClass::TryAgain);
            assert_eq!(judge(Method::PATCH, status), AnswerClass::GiveUp);
            assert_eq!(judge(Method::POST, status), AnswerClass::GiveUp);
        }
        for (status, verdict) in [
            (200, AnswerClass::Accept),
            (204, AnswerClass::Accept),
            (404, AnswerClass::Accept),
            (401, AnswerClass::SignInAgain),
            (429, AnswerClass::SlowDown),
            (400, AnswerClass::Refuse),
            (403, AnswerClass::Refuse),
            (405, AnswerClass::Refuse),
            (409, AnswerClass::Refuse),
            (413, AnswerClass::Refuse),
            (501, AnswerClass::Refuse),
        ] {
            assert_eq!(judge(Method::GET, status), verdict, "{status}");
        }
        let asked = route(Method::POST, Host::Ours, Judged::AsItComes);
        assert_eq!([400, 405, 500].map(|status| asked.judge(status, Size::Fixed)), [AnswerClass::Accept; 3]);
        assert_eq!(asked.judge(429, Size::Fixed), AnswerClass::SlowDown);
        let linked = route(Method::GET, Host::Linked, Judged::ByStatus);
        assert_eq!((linked.judge(401, Size::Fixed), linked.signs()), (AnswerClass::Refuse, false));
    }
}
