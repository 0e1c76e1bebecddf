//! Starting and stopping a sandbox, and the way in for the program that embeds it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, timeout};

use super::access::Access;
use super::fault::Faults;
use super::file::{self, StateFileError};
use super::handle::Handle;
use super::http::{self, KillSwitch, SwitchListener};
use super::limiter::Bucket;
use super::log::RequestLog;
use super::seed::SeedError;
use super::settings::{Behaviour, Settings};
use super::world::World;

/// How long requests under way may go on after [`Running::shutdown`].
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// The sandbox, not running yet.
#[derive(Debug)]
pub struct Sandbox;

/// A sandbox could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is reachable from other machines, and nobody allowed that.
    #[error("`{address}` is reachable from other machines; only loopback addresses are, unless that is allowed")]
    Remote {
        /// The address.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The seed cannot be used.
    #[error("cannot plant the seed")]
    Seed(#[from] SeedError),
    /// The state file cannot be used.
    #[error("cannot take up the earlier state")]
    StateFile(#[from] StateFileError),
}

/// A sandbox that is running; dropping it stops it.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

/// What all requests share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) started: Instant,
    inner: Mutex<Inner>,
    in_flight: AtomicU64,
    state_file: Option<PathBuf>,
    /// The revision that the state file holds; held while it is written.
    saved: tokio::sync::Mutex<u64>,
}

/// Everything that changes.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) world: World,
    pub(super) access: Access,
    pub(super) behaviour: Behaviour,
    pub(super) faults: Faults,
    pub(super) log: RequestLog,
    bucket: Option<Bucket>,
}

/// Counts a request as under way until dropped.
pub(super) struct InFlight<'a>(&'a AtomicU64);

impl Sandbox {
    /// Starts a sandbox on `address`; port 0 takes any free one.
    ///
    /// The seed is planted only where no state file of an earlier run is found.
    pub async fn start(settings: Settings, address: SocketAddr) -> Result<Running, StartError> {
        if !settings.allow_remote && !address.ip().is_loopback() {
            return Err(StartError::Remote { address });
        }
        let shared = Arc::new(Shared::new(settings)?);
        shared.save().await?;
        let cannot_listen = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(cannot_listen)?;
        let address = listener.local_addr().map_err(cannot_listen)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let service = http::router(Arc::clone(&shared)).into_make_service_with_connect_info::<KillSwitch>();
        let serving = tokio::spawn(async move {
            let server = axum::serve(SwitchListener(listener), service);
            // Never fails: a listener that cannot accept tries again.
            server.with_graceful_shutdown(async { drop(stopped.await) }).await.ok();
        });
        Ok(Running { address, shared, stop: Some(stop), serving })
    }
}

impl Running {
    /// The address listened on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What `tenant.url` should be.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/api/v2", self.address)
    }

    /// What `tenant.auth.oauth2.tokenUrl` should be.
    #[must_use]
    pub fn token_url(&self) -> String {
        format!("http://{}/oauth/token", self.address)
    }

    /// The environments there are.
    #[must_use]
    pub fn environments(&self) -> Vec<String> {
        self.shared.lock().world.environments.keys().cloned().collect()
    }

    /// Looks into the sandbox and reaches into it.
    #[must_use]
    pub fn state(&self) -> Handle {
        Handle::new(Arc::clone(&self.shared))
    }

    /// Stops listening, and waits up to 2 s for requests under way.
    pub async fn shutdown(mut self) {
        drop(self.stop.take());
        if timeout(SHUTDOWN_GRACE, &mut self.serving).await.is_err() {
            self.serving.abort();
        }
    }
}

impl Shared {
    fn new(settings: Settings) -> Result<Self, StartError> {
        let access = Access::new(&settings);
        let Settings { environments, behaviour, seed, faults, state_file, .. } = settings;
        let mut world = World::default();
        let found = match &state_file {
            Some(path) => file::load(path, &mut world)?,
            None => false,
        };
        if !found {
            seed.plant(&mut world)?;
        }
        environments.iter().for_each(|name| world.add_environment(name));
        let (faults, log) = (Faults::new(faults), RequestLog::default());
        let inner = Inner { world, access, behaviour, faults, log, bucket: None };
        Ok(Self {
            started: Instant::now(),
            inner: Mutex::new(inner),
            in_flight: AtomicU64::new(0),
            state_file,
            saved: tokio::sync::Mutex::new(0),
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter(&self) -> InFlight<'_> {
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        let mut inner = self.lock();
        inner.log.most_in_flight = inner.log.most_in_flight.max(now);
        InFlight(&self.in_flight)
    }

    /// Brings the state file up to date. Changes that come together share one write.
    pub(super) async fn save(&self) -> Result<(), StateFileError> {
        let Some(path) = self.state_file.clone() else { return Ok(()) };
        let mut saved = self.saved.lock().await;
        let (revision, text) = {
            let inner = self.lock();
            if inner.world.revision == *saved {
                return Ok(());
            }
            (inner.world.revision, file::to_text(&inner.world))
        };
        let text = text.map_err(|error| StateFileError::Content { path: path.clone(), detail: error.to_string() })?;
        let failed = path.clone();
        spawn_blocking(move || file::write(&path, &text))
            .await
            .map_err(|error| StateFileError::File { path: failed, source: io::Error::other(error) })??;
        *saved = revision;
        Ok(())
    }
}

impl Inner {
    /// Takes one request out of the rate limit; the error is the time to wait.
    pub(super) fn take_from_bucket(&mut self, now: Instant) -> Result<(), Duration> {
        let Some(rate) = self.behaviour.rate else { return Ok(()) };
        self.bucket.get_or_insert_with(|| Bucket::full(rate, now)).take(rate, now)
    }

    /// Changes how the tenant behaves; a new rate starts with a full burst.
    pub(super) fn behave(&mut self, behaviour: Behaviour) {
        if behaviour.rate != self.behaviour.rate {
            self.bucket = None;
        }
        self.behaviour = behaviour;
    }

    /// Takes away every flow, every fault and the log of requests; intents, settings and tokens stay.
    pub(super) fn reset(&mut self) {
        self.world.remove_all_flows();
        self.faults = Faults::default();
        self.log = RequestLog::default();
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
