//! One connection, which can be cut or frozen from outside.

use socket2::SockRef;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tonic::transport::server::Connected;

/// A switch that many connections hang on.
#[derive(Clone, Default)]
pub(crate) struct Switch {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    on: AtomicBool,
    sleepers: Mutex<Vec<Waker>>,
}

impl Switch {
    pub(crate) fn set(&self, on: bool) {
        self.inner.on.store(on, Ordering::SeqCst);
        let sleepers = std::mem::take(&mut *self.inner.sleepers.lock().unwrap_or_else(PoisonError::into_inner));
        sleepers.into_iter().for_each(Waker::wake);
    }

    /// Whether it is on; the task is woken when it changes.
    fn look(&self, context: &Context<'_>) -> bool {
        let mut sleepers = self.inner.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        if !sleepers.iter().any(|sleeper| sleeper.will_wake(context.waker())) {
            sleepers.push(context.waker().clone());
        }
        self.inner.on.load(Ordering::SeqCst)
    }
}

/// Breaks the connection that a request came on.
#[derive(Clone, Default)]
pub(crate) struct Cut(Switch);

impl Cut {
    pub(crate) fn cut(&self) {
        self.0.set(true);
    }
}

/// A client's connection.
pub(crate) struct Connection {
    stream: TcpStream,
    cut: Cut,
    frozen: Switch,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, frozen: Switch) -> Self {
        // Answers go out at once.
        let _ = stream.set_nodelay(true);
        Self { stream, cut: Cut::default(), frozen }
    }

    /// Broken, frozen, or neither.
    fn state(&self, context: &Context<'_>) -> Option<Poll<io::Error>> {
        if self.cut.0.look(context) {
            return Some(Poll::Ready(io::ErrorKind::ConnectionReset.into()));
        }
        self.frozen.look(context).then_some(Poll::Pending)
    }
}

impl Connected for Connection {
    type ConnectInfo = Cut;

    fn connect_info(&self) -> Cut {
        self.cut.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.state(context) {
            Some(Poll::Ready(error)) => return Poll::Ready(Err(error)),
            Some(Poll::Pending) => return Poll::Pending,
            None => {}
        }
        // The client leaves Nagle's algorithm on: without this, each of its calls waits 40 ms for an acknowledgement.
        let _ = SockRef::from(&self.stream).set_tcp_quickack(true);
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.state(context) {
            Some(Poll::Ready(error)) => Poll::Ready(Err(error)),
            Some(Poll::Pending) => Poll::Pending,
            None => Pin::new(&mut self.stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
