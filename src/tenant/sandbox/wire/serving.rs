//! A listener that serves until it is stopped.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::cut::{KillSwitch, SwitchListener};

/// How long requests under way may go on after [`Serving::shutdown`].
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// A server that is running; dropping it stops it.
#[derive(Debug)]
pub(crate) struct Serving {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl Serving {
    /// Serves `router` on `address`; port 0 takes any free one. Handlers find the [`KillSwitch`] of their connection.
    pub(crate) async fn start(address: SocketAddr, router: Router) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let service = router.into_make_service_with_connect_info::<KillSwitch>();
        let serving = tokio::spawn(async move {
            let server = axum::serve(SwitchListener(listener), service);
            // Never fails: a listener that cannot accept tries again.
            server.with_graceful_shutdown(async { drop(stopped.await) }).await.ok();
        });
        Ok(Self { address, stop: Some(stop), serving })
    }

    /// The address listened on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, and waits up to 2 s for requests under way.
    pub(crate) async fn shutdown(mut self) {
        drop(self.stop.take());
        if timeout(SHUTDOWN_GRACE, &mut self.serving).await.is_err() {
            self.serving.abort();
        }
    }
}
