//! Connections to the status server: few, short, and never in the way of the passes.
//!
//! A connection is good for one request and ends soon, whatever the other side does. When there are too many,
//! the oldest makes room: it is the one that waits longest for a request that does not come.

use std::collections::VecDeque;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

/// Where nothing can be accepted, for want of descriptors perhaps, it is tried again after this long.
const PAUSE: Duration = Duration::from_millis(100);

/// What connections may cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Most at once.
    pub(super) n_open: usize,
    /// From being accepted to the last byte of the answer.
    pub(super) time: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { n_open: 64, time: Duration::from_secs(10) }
    }
}

/// Serves until its task is ended.
pub(super) async fn serve(listener: TcpListener, router: Router, bounds: Bounds) {
    let mut connections = JoinSet::new();
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "the status server cannot accept a connection");
                sleep(PAUSE).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        open.retain(|connection| !connection.is_finished());
        while open.len() >= bounds.n_open.max(1) {
            open.pop_front().inspect(AbortHandle::abort);
        }
        open.push_back(connections.spawn(one(stream, router.clone(), bounds.time)));
    }
}

async fn one(stream: TcpStream, router: Router, time: Duration) {
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service);
    // Whoever asks too slowly, or goes away, is answered by the end of the connection.
    _ = timeout(time, connection).await;
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn serving(bounds: Bounds) -> (std::net::SocketAddr, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/healthz", get(|| async { "ok\n" }));
        (address, tokio::spawn(serve(listener, router, bounds)))
    }

    /// All that comes back, to the end of the connection.
    async fn answer(stream: &mut TcpStream) -> String {
        let mut answer = Vec::new();
        // A connection that was cut is at its end as well.
        _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    async fn ask(address: std::net::SocketAddr) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        answer(&mut stream).await
    }

    #[tokio::test]
    async fn a_connection_is_good_for_one_request() {
        let (address, server) = serving(Bounds::default()).await;
        let answer = ask(address).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok\n"), "{answer}");
        server.abort();
    }

    #[tokio::test]
    async fn whoever_asks_for_nothing_or_never_comes_to_an_end_is_cut_off() {
        let (address, server) = serving(Bounds { time: Duration::from_millis(50), ..Bounds::default() }).await;
        for begun in ["", "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(begun.as_bytes()).await.unwrap();
            assert_eq!(answer(&mut stream).await, "");
        }
        server.abort();
    }

    #[tokio::test]
    async fn idle_connections_make_room_for_whoever_asks() {
        let (address, server) = serving(Bounds { n_open: 4, time: Duration::from_secs(3_600) }).await;
        let mut idle = Vec::new();
        for _ in 0..20 {
            idle.push(TcpStream::connect(address).await.unwrap());
        }
        let well = ask(address).await;
        assert!(well.starts_with("HTTP/1.1 200"), "{well}");
        for stream in &mut idle[..16] {
            assert_eq!(answer(stream).await, "", "the oldest are gone");
        }
        server.abort();
    }
}
