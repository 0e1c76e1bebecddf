//! What sending anything to one tenant takes, whoever sends it.

use std::sync::Arc;

use reqwest::Url;

use super::super::CallLimits;
use super::dialect::Size;
use super::jitter::Jitter;
use super::patience::Patience;
use super::retry::Tries;
use super::tuning::Tuning;
use super::waits::Waits;
use crate::clock::Clock;
use crate::config::{Auth, TenantAddress};
use crate::web::{ConnectError, Http, InsideServer, Intake, Mask, Over, Peer, Place, Room};

/// The world that requests are made in: what answers instead of the network, if anything does, and the wall clock.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) server: Option<Arc<dyn InsideServer>>,
    pub(super) clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings").field("server", &self.server).finish_non_exhaustive()
    }
}

/// The connection, and what is known and kept of it.
#[derive(Debug)]
pub(crate) struct Post {
    pub(super) http: Http,
    pub(crate) mask: Mask,
    pub(crate) tuning: Tuning,
    pub(super) jitter: Jitter,
    pub(super) waits: Arc<Waits>,
    pub(super) room: Room,
    around: Surroundings,
}

impl Post {
    pub(super) fn new(
        address: &TenantAddress,
        tuning: Tuning,
        room: Room,
        around: Surroundings,
    ) -> Result<Self, ConnectError> {
        let peer = peer(address, &tuning);
        let http = Http::new(&peer)?.answered_by(around.server.clone());
        let mask = Mask::new(http.secrets(&peer));
        let jitter = Jitter::new(tuning.seed);
        let waits = Arc::new(Waits::new(&name(&address.url)));
        Ok(Self { http, mask, tuning, jitter, waits, room, around })
    }

    /// A number to tell things of this process from those of others.
    pub(crate) fn chance(&self) -> u32 {
        self.jitter.number()
    }

    /// Seconds since 1970, by the machine's own clock.
    pub(crate) fn now(&self) -> i64 {
        self.around.clock.now().as_second()
    }

    pub(super) fn patience<'a>(&'a self, limits: &'a CallLimits) -> Patience<'a> {
        Patience::new(limits, Tries::new(&self.tuning, &self.jitter), &self.waits)
    }

    pub(super) fn intake(&self, size: Size, place: Place) -> Intake {
        let over = if size == Size::Single { Over::Cut } else { Over::Refuse };
        Intake { bytes_max: self.tuning.body_bytes_max, over, place: Some(place) }
    }
}

/// Every address that requests go to, and how.
fn peer<'a>(address: &'a TenantAddress, tuning: &Tuning) -> Peer<'a> {
    let token_url = match &address.auth {
        Auth::OAuth2(oauth2) => Some(&oauth2.token_url),
        Auth::ApiKey(_) => None,
    };
    Peer {
        urls: std::iter::once(&address.url).chain(token_url).collect(),
        ca_file: address.ca_file.as_deref(),
        ca_file_key: "tenant.caFile",
        connect_timeout: tuning.connect_timeout,
    }
}

/// What a tenant is called in messages: its host, and its port where it is an unusual one.
fn name(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
