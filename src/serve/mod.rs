//! What the controller shows of itself over HTTP, and what may be asked of it: it listens to events, and changes
//! nothing but by a nudge.
//!
//! A file a group of routes; what they answer from stands in [`Served`].

mod access;
mod board;
mod body;
mod connections;
mod health;
mod hooks;
mod metrics;
mod page;
mod probes;
mod scrape;
mod served;
mod settings;
mod status;
mod sync;

use std::net::SocketAddr;

use axum::Router;
use axum::middleware::from_fn_with_state;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use board::Board;
pub use health::Health;
pub use metrics::Meter;
pub use served::Served;
pub use settings::{Settings, Target};

/// Everything that is served. What is added to `read` asks for `server.readToken`.
fn routes(served: Served) -> Router {
    let read = Router::new().merge(scrape::routes()).merge(status::routes());
    let read = read.layer(from_fn_with_state(served.clone(), access::may_read));
    Router::new().merge(probes::routes()).merge(hooks::routes()).merge(sync::routes()).merge(read).with_state(served)
}

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
    let task = tokio::spawn(connections::serve(listener, routes(served), connections::Bounds::default()));
    Ok(Server { address, task })
}
