//! The connections of one process: environments of one tenant that sign in alike share one, with its token, its
//! throttle and what it learned. Everybody shares the room for answers.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use reqwest::Url;

use super::caller::Caller;
use super::room::Room;
use super::{Client, ConnectError, Tuning, caller_of};
use crate::config::{Auth, TenantAddress};

/// The connections that are open.
#[derive(Debug, Default)]
pub struct Connections {
    room: Room,
    open: Mutex<Vec<Line>>,
}

/// One of them, as long as a client uses it.
#[derive(Debug)]
struct Line {
    url: Url,
    auth: Auth,
    ca_file: Option<PathBuf>,
    caller: Weak<Caller>,
}

impl Line {
    fn leads_to(&self, address: &TenantAddress) -> bool {
        (&self.url, &self.auth, &self.ca_file) == (&address.url, &address.auth, &address.ca_file)
    }
}

impl Connections {
    /// A client of the tenant at `address` with at most `concurrency` requests in flight, those of other clients of
    /// the same tenant included. No request is made yet.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub fn connect(&self, address: &TenantAddress, concurrency: NonZeroUsize) -> Result<Client, ConnectError> {
        self.connect_tuned(address, concurrency, Tuning::default())
    }

    /// [`Connections::connect`] with other numbers, for tests.
    #[doc(hidden)]
    pub fn connect_tuned(
        &self,
        address: &TenantAddress,
        concurrency: NonZeroUsize,
        tuning: Tuning,
    ) -> Result<Client, ConnectError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|line| line.caller.strong_count() > 0);
        let known = open.iter().find(|line| line.leads_to(address)).and_then(|line| line.caller.upgrade());
        if let Some(caller) = known {
            caller.gate.raise(concurrency);
            return Ok(Client { caller, concurrency });
        }
        let caller = Arc::new(caller_of(address, concurrency, tuning, self.room.clone())?);
        open.push(Line {
            url: address.url.clone(),
            auth: address.auth.clone(),
            ca_file: address.ca_file.clone(),
            caller: Arc::downgrade(&caller),
        });
        Ok(Client { caller, concurrency })
    }
}
