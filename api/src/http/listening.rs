//! Listening: connections are taken, limited, and given up in good order.
//!
//! A drain has three steps. First readiness is false and streams end, while requests are still taken; each answer says that
//! its connection closes, so that clients leave by themselves. Then no more connections are taken; where the socket belongs
//! to the supervisor (systemd), new ones wait in it for the next process, and nobody is refused. Then what is being
//! answered is answered, and the process ends.

use super::AppState;
use super::doors::{Crowded, Seat};
use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderValue, StatusCode, Version, header};
use axum::response::Response;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::Layer as _;

/// The head of a request has to be there in so many seconds, or the connection closes.
const HEAD: Duration = Duration::from_secs(20);
/// Connections that were taken and have not asked yet get so long to do it before they are closed.
const LAST_REQUESTS: Duration = Duration::from_millis(300);
/// What is being answered when the server ends has so long.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// The listener that a supervisor passed on, or one of our own.
pub(crate) async fn listener(address: SocketAddr) -> std::io::Result<TcpListener> {
    match listenfd::ListenFd::from_env().take_tcp_listener(0)? {
        Some(passed) => {
            passed.set_nonblocking(true)?;
            TcpListener::from_std(passed)
        }
        None => TcpListener::bind(address).await,
    }
}

/// Answers until it is told to stop, then in good order.
pub(crate) async fn serve(listener: TcpListener, app: AppState) -> std::io::Result<()> {
    let (router, stop) = (super::router(Arc::clone(&app)), app.stop.clone());
    let mut connections = JoinSet::new();
    let closing = CancellationToken::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            // Reaped as they end.
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            taken = app.places.doors().next(&listener) => match taken {
                Ok((stream, peer, seat)) => {
                    connections.spawn(connection(stream, peer, seat, router.clone(), closing.clone()));
                }
                Err(error) => not_taken(&error).await,
            },
        }
    }
    let last_requests = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_REQUESTS, last_requests).await.is_err() {
        closing.cancel();
        let last_answers = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(LAST_ANSWERS, last_answers).await.is_err() {
            tracing::warn!(open = connections.len(), "requests that did not end were broken off");
        }
    }
    Ok(())
}

async fn connection(stream: TcpStream, peer: SocketAddr, seat: Seat, router: Router, closing: CancellationToken) {
    // An answer goes out at once: without it, it may wait for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    let known = (axum::Extension(ConnectInfo(peer)), axum::Extension(seat.crowded()));
    let service = TowerToHyperService::new(known.layer(router));
    let serving = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = closing.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        // The other side went away, or spoke something else.
        tracing::debug!(%error, "a connection ended");
    }
}

/// A connection that was gone before it was taken is nothing; without file descriptors there is nothing to do but wait.
async fn not_taken(error: &std::io::Error) {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(%error, "no connection could be taken; tried again in a second");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// While a server drains, each answer says that its connection closes; and of those in reserve each on which somebody is sent
/// away: its place is for somebody else.
pub(super) struct Leaving {
    takes_it: bool,
    crowded: bool,
}

impl Leaving {
    pub(super) fn of(request: &Request) -> Self {
        let crowded = request.extensions().get() == Some(&Crowded(true));
        Self { takes_it: request.version() <= Version::HTTP_11, crowded }
    }

    pub(super) fn say_goodbye(&self, app: &AppState, response: &mut Response) {
        let sent_away = self.crowded && response.status() == StatusCode::SERVICE_UNAVAILABLE;
        if self.takes_it && (sent_away || app.draining.is_cancelled()) {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
}
