//! Clients over HTTP: few instructions of their own, since they share the processors with the server.
//!
//! Closed loop: every connection asks again as soon as it is answered; that is throughput. Open loop: requests leave on a
//! timetable, and each is measured from when it was due, so that a server that stands still is charged for all who
//! would have asked meanwhile; that is latency.

use crate::figures::{Waits, rate};
use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What is asked.
pub type Ask = Request<Full<Bytes>>;

/// The `n`-th request of a load; none: there is nothing left to ask for.
pub type Asks = Arc<dyn Fn(usize) -> Option<Ask> + Send + Sync>;

/// One connection, kept open.
pub struct Line {
    sender: SendRequest<Full<Bytes>>,
}

impl Line {
    /// Connects.
    pub async fn open(server: SocketAddr) -> anyhow::Result<Self> {
        let stream = tokio::net::TcpStream::connect(server).await.context("no connection")?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender })
    }
    /// Asks, and reads the answer to its end.
    pub async fn ask(&mut self, ask: Ask) -> anyhow::Result<(StatusCode, Bytes)> {
        self.sender.ready().await?;
        let answer = self.sender.send_request(ask).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }
}

/// A request; `token` goes into its bearer's header.
pub fn ask(method: Method, path: &str, token: Option<&str>, body: Option<&serde_json::Value>) -> anyhow::Result<Ask> {
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let body = match body {
        None => Bytes::new(),
        Some(json) => {
            request = request.header("content-type", "application/json");
            serde_json::to_vec(json)?.into()
        }
    };
    Ok(request.body(Full::new(body))?)
}

/// What a load came to.
#[derive(Default)]
pub struct Loaded {
    /// How long the answers took.
    pub waits: Waits,
    /// Answers a second.
    pub rate: f64,
    /// Bytes of the last answer.
    pub bytes: usize,
}

/// When the requests of a load leave.
#[derive(Clone, Copy)]
enum Pace {
    /// As soon as the one before is answered.
    Closed,
    /// So many a second, whatever becomes of those before.
    Open(f64),
}

/// Every connection asks without a pause, for this long.
pub async fn closed(server: SocketAddr, lines: usize, time: Duration, asks: &Asks) -> anyhow::Result<Loaded> {
    load(server, lines, time, asks, Pace::Closed).await
}

/// So many requests a second on a timetable, over so many connections, for this long.
pub async fn open(
    server: SocketAddr,
    lines: usize,
    a_second: f64,
    time: Duration,
    asks: &Asks,
) -> anyhow::Result<Loaded> {
    load(server, lines, time, asks, Pace::Open(a_second)).await
}

async fn load(server: SocketAddr, lines: usize, time: Duration, asks: &Asks, pace: Pace) -> anyhow::Result<Loaded> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut ready = Vec::with_capacity(lines);
    for _ in 0..lines {
        ready.push(Line::open(server).await?);
    }
    let begun = Instant::now();
    let tasks: Vec<_> = ready
        .into_iter()
        .map(|mut line| {
            let (asks, next) = (Arc::clone(asks), Arc::clone(&next));
            tokio::spawn(async move {
                let (mut waits, mut bytes) = (Waits::default(), 0);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let due = match pace {
                        Pace::Closed => begun.elapsed(),
                        Pace::Open(a_second) => Duration::from_secs_f64(number as f64 / a_second),
                    };
                    if due >= time {
                        break;
                    }
                    let Some(ask) = asks(number) else { break };
                    if let Some(early) = due.checked_sub(begun.elapsed()) {
                        tokio::time::sleep(early).await;
                    }
                    let (status, body) = line.ask(ask).await?;
                    waits.add(begun.elapsed().saturating_sub(due));
                    anyhow::ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
                    bytes = body.len();
                }
                Ok((waits, bytes))
            })
        })
        .collect();
    let mut loaded = Loaded::default();
    for task in tasks {
        let (waits, bytes) = task.await??;
        loaded.waits.extend(waits);
        loaded.bytes = loaded.bytes.max(bytes);
    }
    loaded.rate = rate(loaded.waits.len(), begun.elapsed());
    Ok(loaded)
}

/// The servers beside ours: what this library answers when nothing has to be known or decided.
pub mod bare {
    use axum::routing::{get, post};
    use axum::{Json, Router};
    use std::net::SocketAddr;

    /// A server that says hello at `/hello` and gives back JSON at `/echo`; it ends with the runtime.
    pub async fn serve() -> anyhow::Result<SocketAddr> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let echo = async |Json(body): Json<serde_json::Value>| Json(body);
        let router = Router::new().route("/hello", get(async || "Hello, World!")).route("/echo", post(echo));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn requests_come_back_and_what_is_late_is_charged() {
        let server = bare::serve().await.unwrap();
        let asks: Asks = Arc::new(|n| (n < 40).then(|| ask(Method::GET, "/hello", None, None).unwrap()));
        let loaded = closed(server, 4, Duration::from_secs(5), &asks).await.unwrap();
        assert_eq!((loaded.waits.len(), loaded.bytes), (40, 13));
        let loaded = open(server, 2, 1_000.0, Duration::from_millis(30), &asks).await.unwrap();
        assert_eq!(loaded.waits.len(), 30);
    }
}
