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
use crate::config::{Auth, TenantAddress};
use crate::web::{ConnectError, Http, Intake, Mask, Over, Peer, Place, Room};

/// The connection, and what is known and kept of it.
#[derive(Debug)]
pub(crate) struct Post {
    pub(super) http: Http,
    pub(crate) mask: Mask,
    pub(crate) tuning: Tuning,
    pub(super) jitter: Jitter,
    pub(super) waits: Arc<Waits>,
    pub(super) room: Room,
}

impl Post {
    pub(super) fn new(address: &TenantAddress, tuning: Tuning, room: Room) -> Result<Self, ConnectError> {
        let peer = peer(address, &tuning);
        let http = Http::new(&peer)?;
        let mask = Mask::new(http.secrets(&peer));
        let jitter = Jitter::new(tuning.seed);
        let waits = Arc::new(Waits::new(&name(&address.url)));
        Ok(Self { http, mask, tuning, jitter, waits, room })
    }

    /// A number to tell things of this process from those of others.
    pub(crate) fn chance(&self) -> u32 {
        self.jitter.number()
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
