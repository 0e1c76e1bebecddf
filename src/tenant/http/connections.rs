//! The connections of one process: environments of one tenant that sign in alike share one, with its token, its
//! throttle and what it learned. Everybody shares the room for answers.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use reqwest::Url;

use super::caller::Caller;
use super::dialect::Dialect;
use super::tuning::Tuning;
use crate::config::{Auth, TenantAddress};
use crate::web::{ConnectError, Room};

/// The connections that are open.
#[derive(Debug, Default)]
pub struct Connections {
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

impl Connections {
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
        let caller = Arc::new(Caller::new(address, concurrency, tuning, self.room.clone(), dialect)?);
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
