//! One node: a listener and its connections on a runtime of their own, so that a killed node leaves nobody a connection.

use crate::connection::{Connection, Switch};
use crate::services::{Features, Gossip, Streams};
use crate::shared::Shared;
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tonic::transport::Server;

/// One node of the cluster.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    /// Keeps the port while nobody listens on it: a connection is refused.
    _reserved: Socket,
    running: Mutex<Option<Running>>,
    ready_at: Mutex<Instant>,
    frozen: Switch,
}

struct Running {
    runtime: Runtime,
    finish: Option<oneshot::Sender<()>>,
}

impl Node {
    /// A node that does not run yet, on a port of its own.
    pub(crate) fn new() -> io::Result<Self> {
        Self::at((Ipv4Addr::LOCALHOST, 0).into())
    }

    /// A node that does not run yet, at this address.
    pub(crate) fn at(address: SocketAddr) -> io::Result<Self> {
        let reserved = socket()?;
        reserved.bind(&address.into())?;
        let address = reserved.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let (running, ready_at) = (Mutex::new(None), Mutex::new(Instant::now()));
        Ok(Self { address, _reserved: reserved, running, ready_at, frozen: Switch::default() })
    }

    pub(crate) fn alive(&self) -> bool {
        self.running().is_some()
    }

    pub(crate) fn ready(&self) -> bool {
        Instant::now() >= *self.ready_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn not_ready_for(&self, time: Duration) {
        *self.ready_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + time;
    }

    /// Starts to listen; nothing, if it does already.
    pub(crate) fn start(&self, number: usize, shared: &Arc<Shared>) -> io::Result<()> {
        let mut running = self.running();
        if running.is_some() {
            return Ok(());
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("kurrent-double")
            .enable_all()
            .build()?;
        let socket = socket()?;
        socket.bind(&self.address.into())?;
        socket.listen(1_024)?;
        socket.set_nonblocking(true)?;
        let listener: TcpListener = socket.into();
        let listener = runtime.block_on_elsewhere(async move { tokio::net::TcpListener::from_std(listener) })?;
        let frozen = self.frozen.clone();
        let incoming = futures::stream::unfold(listener, move |listener| {
            let frozen = frozen.clone();
            async move {
                let accepted = listener.accept().await.map(|(stream, _)| Connection::new(stream, frozen));
                Some((accepted, listener))
            }
        });
        let (finish, finished) = oneshot::channel::<()>();
        let server = Server::builder()
            .add_service(Streams::new(shared, number))
            .add_service(Gossip::new(shared, number))
            .add_service(Features::new(shared, number));
        runtime.spawn(server.serve_with_incoming_shutdown(incoming, async move {
            // An error means that the node was killed: then nothing ends in order.
            if finished.await.is_err() {
                std::future::pending::<()>().await;
            }
        }));
        *running = Some(Running { runtime, finish: Some(finish) });
        Ok(())
    }

    /// SIGKILL: connections break, what was not answered never is.
    pub(crate) fn kill(&self) {
        if let Some(Running { runtime, .. }) = self.running().take() {
            elsewhere(move || runtime.shutdown_timeout(Duration::from_secs(5)));
        }
    }

    /// SIGTERM: takes nobody new, and lingers while a subscription is open.
    pub(crate) fn terminate(&self) {
        if let Some(finish) = self.running().as_mut().and_then(|running| running.finish.take()) {
            let _ = finish.send(());
        }
    }

    /// A black hole: takes connections and bytes, and says nothing.
    pub(crate) fn freeze(&self, on: bool) {
        self.frozen.set(on);
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

fn socket() -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    Ok(socket)
}

/// A runtime may neither be waited for nor ended within another one, and tests run within one: so on a thread.
fn elsewhere<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    std::thread::spawn(work).join().ok()
}

trait Elsewhere {
    fn block_on_elsewhere<T: Send + 'static>(
        &self,
        work: impl Future<Output = io::Result<T>> + Send + 'static,
    ) -> io::Result<T>;
}

impl Elsewhere for Runtime {
    fn block_on_elsewhere<T: Send + 'static>(
        &self,
        work: impl Future<Output = io::Result<T>> + Send + 'static,
    ) -> io::Result<T> {
        let handle = self.handle().clone();
        elsewhere(move || handle.block_on(work)).unwrap_or_else(|| Err(io::ErrorKind::Other.into()))
    }
}
