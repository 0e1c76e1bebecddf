//! Connections that can be cut from within a request, so that a client really gets no answer.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Cuts one connection; every clone cuts the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct KillSwitch {
    is_cut: Arc<AtomicBool>,
    /// Whose connection it is; none where that is unknown.
    peer: Option<IpAddr>,
}

impl KillSwitch {
    /// From now on, nothing is read from or written to the connection.
    pub(crate) fn cut(&self) {
        self.is_cut.store(true, Ordering::Release);
    }

    /// The address at the other end.
    pub(crate) fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    fn check(&self) -> io::Result<()> {
        if self.is_cut.load(Ordering::Acquire) { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    }
}

impl Connected<IncomingStream<'_, SwitchListener>> for KillSwitch {
    fn connect_info(stream: IncomingStream<'_, SwitchListener>) -> Self {
        stream.io().switch.clone()
    }
}

/// A TCP listener whose connections have a switch.
#[derive(Debug)]
pub(crate) struct SwitchListener(pub(crate) TcpListener);

impl Listener for SwitchListener {
    type Io = SwitchStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (SwitchStream, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Small answers are sent at once; where this is impossible they are only later.
        stream.set_nodelay(true).ok();
        (SwitchStream { stream, switch: KillSwitch { peer: Some(address.ip()), ..KillSwitch::default() } }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A connection with a switch.
#[derive(Debug)]
pub(crate) struct SwitchStream {
    stream: TcpStream,
    switch: KillSwitch,
}

impl AsyncRead for SwitchStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.switch.check()?;
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for SwitchStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.switch.check()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.switch.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.switch.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
