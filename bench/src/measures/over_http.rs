//! What comes over HTTP, beside servers of the same library that neither know nor decide anything.

use super::bookings::CALLERS;
use super::{Bench, count, durable};
use crate::figures::Spread;
use crate::history::{History, Plan, clock, made};
use crate::lines::{Ask, Asks, Loaded, ask, bare, closed, open};
use crate::report::{Bar, Findings, Plot, Series};
use crate::scene::{self, Guest, Scene, TIMES_A_DAY, settle, welcome};
use booking_api::cli::serve::Serving;
use booking_api::http::wire::availability_ref;
use booking_domain::ids::ServiceId;
use booking_engine::Place;
use futures::{StreamExt, TryStreamExt};
use hyper::Method;
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

/// Requests that all are the same.
fn the_same(path: &'static str, body: Option<serde_json::Value>) -> Asks {
    let method = if body.is_some() { Method::POST } else { Method::GET };
    Arc::new(move |_| ask(method.clone(), path, None, body.as_ref()).ok())
}

/// Half of the closed loop's rate, on a timetable.
async fn at_half(server: SocketAddr, loaded: &Loaded, bench: &Bench, asks: &Asks) -> anyhow::Result<Loaded> {
    open(server, 2 * CALLERS, loaded.rate / 2.0, bench.scale.time(), asks).await
}

/// A booking as a client sends it.
fn booking(clinic: &str, service: ServiceId, guest: &Guest, place: Place, key: &str) -> anyhow::Result<Ask> {
    let body = json!({ "service": service.0, "availability": availability_ref(place) });
    let path = format!("/api/v1/portal/{clinic}/appointments");
    let mut ask = ask(Method::POST, &path, Some(&guest.token), Some(&body))?;
    ask.headers_mut().insert("idempotency-key", key.parse()?);
    Ok(ask)
}

/// Bookings a second, beside an echo of the same JSON.
pub(super) async fn bookings(bench: &Bench) -> anyhow::Result<Findings> {
    let scale = bench.scale;
    let mut findings = Findings::default();
    durable(&mut findings);
    findings.set(
        "client and server are one process; HTTP/1.1, kept-alive connections on the loopback; limits per source off",
    );
    let (mut ours, mut p99, mut open_p99, mut echoes, mut echo_p99) =
        <(Vec<_>, Vec<_>, Vec<_>, Vec<_>, Vec<_>)>::default();
    let mut curve = Vec::new();
    for _ in 0..scale.runs {
        let scene = Scene::open(&bench.folder, None).await?;
        let agendas = scene.hires(20).await;
        let places = scene.lays_out(&agendas, 50).await?;
        let guests: Arc<[Guest]> = scene.welcomes(scale.bookings.min(places.len())).await?.into();
        settle(scene.app()).await?;
        let (slug, service) = (scene.clinic.slug.clone(), scene.clinic.service);
        let body = booking_body(&places, service)?;
        let bare = bare::serve().await?;
        let echo = closed(bare, CALLERS, scale.time(), &the_same("/echo", Some(body))).await?;
        echoes.push(echo.rate);
        echo_p99.push(echo.waits.within(990));
        let half = places.len() / 2;
        let (first, second): (Vec<Place>, Vec<Place>) = (places[..half].to_vec(), places[half..].to_vec());
        let asks = |places: Vec<Place>, name: &'static str| -> Asks {
            let (guests, slug) = (Arc::clone(&guests), slug.clone());
            Arc::new(move |n| {
                let (place, guest) = places.get(n).zip(guests.get(n % guests.len()))?;
                booking(&slug, service, guest, *place, &format!("{name} {n}")).ok()
            })
        };
        let address = scene.serving.address;
        let loaded = closed(address, CALLERS, scale.time(), &asks(first, "closed")).await?;
        let timed = at_half(address, &loaded, bench, &asks(second, "open")).await?;
        ours.push(loaded.rate);
        p99.push(loaded.waits.within(990));
        open_p99.push(timed.waits.within(990));
        curve = timed.waits.curve();
        settle(scene.app()).await?;
        scene.close().await?;
    }
    let (ours, echoes) = (Spread(ours), Spread(echoes));
    findings.set(format!("{} agenda-days with {TIMES_A_DAY} times each a run", count(1_000)));
    findings.note("bookings over HTTP, 64 connections", ours.clone(), "a second");
    findings.note("bare route that echoes the same JSON", echoes.clone(), "a second");
    findings.judge("bookings over HTTP, of echo", ours.over(&echoes).times(100.0), "%", Bar::AtLeast(20.0));
    findings.judge("booking over HTTP, p99, 64 connections without a pause", Spread(p99), "ms", Bar::AtMost(25.0));
    findings.note("booking over HTTP, p99, open loop at half of that rate", Spread(open_p99), "ms");
    findings.note("echo, p99", Spread(echo_p99), "ms");
    findings.plots.push(Plot {
        file: "http-bookings".to_owned(),
        title: "How long a booking over HTTP takes, open loop at half of the highest rate".to_owned(),
        axes: ("share of bookings, %".to_owned(), "within so many ms".to_owned()),
        series: vec![Series { name: "engine".to_owned(), points: curve }],
    });
    Ok(findings)
}

fn booking_body(places: &[Place], service: ServiceId) -> anyhow::Result<serde_json::Value> {
    let place = places.first().ok_or_else(|| anyhow::anyhow!("no places"))?;
    Ok(json!({ "service": service.0, "availability": availability_ref(*place) }))
}

/// A long history that is served, and visitors at its portal.
pub(super) struct Hosted {
    /// The server.
    pub(super) serving: Serving,
    /// The history.
    pub(super) history: History,
    guests: Arc<[Guest]>,
}

impl Hosted {
    async fn open(bench: &Bench, plan: Plan) -> anyhow::Result<Self> {
        let (data, history) = made(&bench.folder, plan).await?;
        Self::on(&data, history).await
    }
    /// On the data directory of this history.
    pub(super) async fn on(data: &Path, history: History) -> anyhow::Result<Self> {
        let serving = scene::open(data, Some(clock())).await?;
        settle(&serving.app).await?;
        let clinic = history.clinic;
        let visits = (0..CALLERS).map(|_| welcome(&serving.app, clinic, None));
        let guests: Vec<Guest> = futures::stream::iter(visits).buffered(8).try_collect().await?;
        Ok(Self { serving, history, guests: guests.into() })
    }
    /// Pages of a service for these days from tomorrow on.
    pub(super) fn asks(&self, service: ServiceId, days: i32, more: &str) -> Asks {
        let History { slug, today, .. } = &self.history;
        let (from, to) = (today.plus_days(1), today.plus_days(days));
        let path = format!(
            "/api/v1/portal/{slug}/availabilities?service={}&from={from}&to={to}{more}",
            service.0.hyphenated()
        );
        let guests = Arc::clone(&self.guests);
        Arc::new(move |n| ask(Method::GET, &path, Some(&guests.get(n % guests.len())?.token), None).ok())
    }
}

/// The first page that a visitor sees, beside hello.
pub(super) async fn availability(bench: &Bench) -> anyhow::Result<Findings> {
    let scale = bench.scale;
    let mut findings = Findings::default();
    let hosted = Hosted::open(bench, scale.clinic(false)).await?;
    findings.set(format!(
        "{} availabilities in the clinic, {} events; 80 % booked, 5 % held; 20 practitioners, 14 days, page of 20, no answer cache",
        count(usize::try_from(hosted.history.availabilities)?),
        count(usize::try_from(hosted.history.events)?)
    ));
    findings.set(
        "client and server are one process; HTTP/1.1, kept-alive connections on the loopback; limits per source off",
    );
    let asks = hosted.asks(hosted.history.narrow, 14, "&limit=20");
    let (mut ours, mut p99, mut open_p99, mut hellos) = <(Vec<_>, Vec<_>, Vec<_>, Vec<_>)>::default();
    let (mut hello_p99, mut bytes) = (Vec::new(), 0);
    for _ in 0..scale.runs {
        let hello = closed(bare::serve().await?, CALLERS, scale.time(), &the_same("/hello", None)).await?;
        hellos.push(hello.rate);
        hello_p99.push(hello.waits.within(990));
        let loaded = closed(hosted.serving.address, CALLERS, scale.time(), &asks).await?;
        let timed = at_half(hosted.serving.address, &loaded, bench, &asks).await?;
        bytes = loaded.bytes;
        ours.push(loaded.rate);
        p99.push(loaded.waits.within(990));
        open_p99.push(timed.waits.within(990));
    }
    hosted.serving.stop().await?;
    let (ours, hellos) = (Spread(ours), Spread(hellos));
    findings.set(format!("an answer has {} bytes, hello 13", count(bytes)));
    findings.note("pages, 64 connections", ours.clone(), "a second");
    findings.note("bare hello", hellos.clone(), "a second");
    findings.judge("pages, of hello", ours.over(&hellos).times(100.0), "%", Bar::AtLeast(40.0));
    findings.judge("page, p99, 64 connections without a pause", Spread(p99), "ms", Bar::AtMost(8.0));
    findings.note("page, p99, open loop at half of that rate", Spread(open_p99), "ms");
    findings.note("hello, p99", Spread(hello_p99), "ms");
    Ok(findings)
}

/// The dearest page, and whether the past makes it dearer.
pub(super) async fn page(bench: &Bench) -> anyhow::Result<Findings> {
    let scale = bench.scale;
    let mut findings = Findings::default();
    let (mut all, mut medians, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
    for tenth in [true, false] {
        let hosted = Hosted::open(bench, scale.clinic(tenth)).await?;
        let asks = hosted.asks(hosted.history.wide, 31, "&limit=100&counts=true");
        let (mut p99, mut p50) = (Vec::new(), Vec::new());
        for _ in 0..scale.runs.max(2) {
            let loaded = closed(hosted.serving.address, 1, scale.time(), &asks).await?;
            p99.push(loaded.waits.within(990));
            p50.push(loaded.waits.within(500));
        }
        sizes.push(hosted.history.events);
        hosted.serving.stop().await?;
        all.push(Spread(p99));
        medians.push(Spread(p50));
    }
    let (Some(short), Some(long)) = (all.first(), all.last()) else { anyhow::bail!("nothing was measured") };
    let (Some(short_p50), Some(long_p50)) = (medians.first(), medians.last()) else { anyhow::bail!("nothing") };
    let events: Vec<String> = sizes.iter().map(|size| count(usize::try_from(*size).unwrap_or(0))).collect();
    findings.set(format!(
        "50 agendas, 31 days, page of 100, counts per day; {} events, the same days ahead",
        events.join(" and ")
    ));
    findings.judge("page, p99, long history", long.clone(), "ms", Bar::AtMost(5.0));
    findings.note("page, p99, a tenth of the history", short.clone(), "ms");
    findings.note("page, p50, long history", long_p50.clone(), "ms");
    findings.note("page, p50, a tenth of the history", short_p50.clone(), "ms");
    findings.judge("p50 with ten times the history", long_p50.median() / short_p50.median(), "x", Bar::AtMost(1.1));
    Ok(findings)
}
