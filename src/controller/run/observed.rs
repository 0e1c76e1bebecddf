//! Requests and git, told as events.

use std::sync::Arc;

use super::event::{Event, Events};
use crate::source::GitObserver;
use crate::tenant::{Observed, RequestObserver};

impl Events {
    /// Whatever a client of the tenant says of its requests, told of this environment.
    #[must_use]
    pub fn requests_of(&self, environment: &str) -> RequestObserver {
        let (events, environment) = (self.clone(), Arc::<str>::from(environment));
        RequestObserver::new(move |observed| {
            let environment = environment.clone();
            events.tell(match observed {
                Observed::Request(call, status) => Event::TenantRequest { environment, call, status },
                Observed::Throttled(wait) => Event::Throttled { environment, wait },
                Observed::Limit(limit) => Event::ConcurrencyLimit { environment, limit },
            });
        })
    }

    /// Whatever is done with repositories, told.
    #[must_use]
    pub fn git(&self) -> GitObserver {
        let events = self.clone();
        GitObserver::new(move |operation, outcome| events.tell(Event::GitOperation { operation, outcome }))
    }
}
