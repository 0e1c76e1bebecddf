//! The connections of one process: environments of one tenant that sign in alike share one, with its token, its
//! throttle and what it learned. Everybody shares the room for answers.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use reqwest::Url;

use super::caller::Caller;
use super::dialect::Dialect;
use super::post::Surroundings;
use super::tuning::Tuning;
use crate::clock::{Clock, SystemClock};
use crate::config::{Auth, TenantAddress};
use crate::web::{ConnectError, InsideServer, Room};

/// The connections that are open.
#[derive(Debug)]
pub struct Connections {
    around: Surroundings,
    room: Room,
    open: Mutex<Vec<Line>>,
}

/// One of them, as long as a client uses it.
#[derive(Debug)]
struct Line {
    dialect: &'static str,
    url: Url,
    auth: Auth,
    ca_file: Option<PathBuf>,
    caller: Weak<Caller>,
}

impl Line {
    fn leads_to(&self, address: &TenantAddress, dialect: &Dialect) -> bool {
        let is_same = (&self.url, &self.auth, &self.ca_file) == (&address.url, &address.auth, &address.ca_file);
        is_same && self.dialect == dialect.name
    }
}

impl Default for Connections {
    fn default() -> Self {
        Self::in_surroundings(Surroundings { server: None, clock: Arc::new(SystemClock) })
    }
}

impl Connections {
    fn in_surroundings(around: Surroundings) -> Self {
        Self { around, room: Room::default(), open: Mutex::default() }
    }

    /// Connections that lead to `server` instead of the network, where it is as late as `clock` says: for proofs.
    #[doc(hidden)]
    #[must_use]
    pub fn inside(server: Arc<dyn InsideServer>, clock: Arc<dyn Clock>) -> Self {
        Self::in_surroundings(Surroundings { server: Some(server), clock })
    }

    /// A line to the tenant at `address` with at most `concurrency` requests in flight, those of others on the same
    /// line included. No request is made yet.
    pub(crate) fn open(
        &self,
        address: &TenantAddress,
        concurrency: NonZeroUsize,
        tuning: Tuning,
        dialect: &Dialect,
    ) -> Result<Arc<Caller>, ConnectError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|line| line.caller.strong_count() > 0);
        let known = open.iter().find(|line| line.leads_to(address, dialect)).and_then(|line| line.caller.upgrade());
        if let Some(caller) = known {
            caller.gate.raise(concurrency, dialect.quota);
            return Ok(caller);
        }
        let caller =
            Arc::new(Caller::new(address, concurrency, tuning, self.room.clone(), self.around.clone(), dialect)?);
        open.push(Line {
            dialect: dialect.name,
            url: address.url.clone(),
            auth: address.auth.clone(),
            ca_file: address.ca_file.clone(),
            caller: Arc::downgrade(&caller),
        });
        Ok(caller)
    }
}
