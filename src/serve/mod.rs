//! What the controller shows of itself over HTTP: listens to its events, changes nothing.
//!
//! A file a group of routes; what they answer from stands in [`Served`].

mod connections;
mod health;
mod probes;
mod served;

use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use health::Health;
pub use served::Served;

/// The server cannot listen there.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct ListenError {
    address: SocketAddr,
    source: std::io::Error,
}

/// A running server; ends with its value.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves until its value is dropped.
///
/// # Errors
/// It cannot listen there.
pub async fn start(address: SocketAddr, served: Served) -> Result<Server, ListenError> {
    let failed = |source| ListenError { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let router = Router::new().merge(probes::routes()).with_state(served);
    let task = tokio::spawn(connections::serve(listener, router, connections::Bounds::default()));
    Ok(Server { address, task })
}
