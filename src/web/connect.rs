//! Opening the one HTTP client of a server. No request is made.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Proxy, Url};

use super::inside::InsideServer;
use crate::config::{Mask, Proxies, ProxyError, ProxyUrl};
use crate::tls::{self, CaFileError, Roots, SetupError};

/// What we call ourselves.
const USER_AGENT: &str = concat!("flowsync/", env!("CARGO_PKG_VERSION"));
/// Idle connections are closed before most servers close theirs.
const IDLE: Duration = Duration::from_secs(30);
/// A dead HTTP/2 connection is found out by unanswered pings rather than by every request on it.
const PING_EVERY: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// Whom requests go to.
#[derive(Debug)]
pub(crate) struct Peer<'a> {
    /// Every address that is ever asked for.
    pub(crate) urls: Vec<&'a Url>,
    /// More trusted roots, PEM.
    pub(crate) ca_file: Option<&'a Path>,
    /// The key of the configuration that names them.
    pub(crate) ca_file_key: &'static str,
    /// Most time for a connection to stand.
    pub(crate) connect_timeout: Duration,
}

/// The client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The `caFile` is no good.
    #[error("`{key}` cannot be used")]
    CaFile {
        /// The key that names it.
        key: &'static str,
        /// Why.
        source: CaFileError,
    },
    /// A proxy is named that cannot be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// TLS does not start.
    #[error("cannot set up HTTPS")]
    Tls(#[from] SetupError),
    /// The HTTP client does not start.
    #[error("cannot set up HTTPS")]
    Setup(#[source] reqwest::Error),
}

/// How requests leave.
#[derive(Debug)]
pub(crate) struct Http {
    pub(crate) client: reqwest::Client,
    pub(super) ca_file_key: &'static str,
    /// Who answers instead of the network.
    pub(super) inside: Option<Arc<dyn InsideServer>>,
    proxies: Proxies,
}

impl Http {
    /// To `peer`, by what the environment says of proxies now.
    pub(crate) fn new(peer: &Peer<'_>) -> Result<Self, ConnectError> {
        let proxies = Proxies::from_environment()?;
        for url in &peer.urls {
            proxies.route(url)?;
        }
        let ways = proxies.clone();
        // Only these addresses are ever asked for, so every way is known to be good.
        let through = move |url: &Url| ways.route(url).ok()?.proxy().map(|proxy| proxy.expose().clone());
        let client = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .tls_backend_preconfigured(tls(peer)?)
            .connect_timeout(peer.connect_timeout)
            .pool_idle_timeout(IDLE)
            .http2_keep_alive_interval(PING_EVERY)
            .http2_keep_alive_timeout(PING_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // Every try is ours: each one is counted, and looks at the lease first.
            .retry(reqwest::retry::never())
            // `no_proxy` first: else reqwest would read the environment in its own way as well.
            .no_proxy()
            .proxy(Proxy::custom(through))
            .build()
            .map_err(ConnectError::Setup)?;
        Ok(Self { client, ca_file_key: peer.ca_file_key, inside: None, proxies })
    }

    /// The same, where `server` answers instead of the network.
    pub(crate) fn answered_by(self, server: Option<Arc<dyn InsideServer>>) -> Self {
        Self { inside: server, ..self }
    }

    /// The proxy on the way to `url`.
    pub(super) fn proxy_of(&self, url: &Url) -> Option<ProxyUrl> {
        self.proxies.route(url).ok()?.proxy().cloned()
    }

    /// What is not to be shown of the proxies on the way to `peer`.
    pub(crate) fn secrets(&self, peer: &Peer<'_>) -> Mask {
        let mask = Mask::default();
        peer.urls.iter().filter_map(|url| self.proxy_of(url)).for_each(|proxy| proxy.teach(&mask));
        mask
    }
}

fn tls(peer: &Peer<'_>) -> Result<tls::ClientConfig, ConnectError> {
    let unusable = |source| ConnectError::CaFile { key: peer.ca_file_key, source };
    let roots = peer.ca_file.map(Roots::read).transpose().map_err(unusable)?;
    // Redirects do not lead from http to https.
    if peer.urls.iter().all(|url| url.scheme() == "http") {
        return Ok(tls::nobody()?);
    }
    Ok(tls::client_config(roots.unwrap_or_default())?)
}
