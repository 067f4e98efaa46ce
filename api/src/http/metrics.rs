//! `/metrics`: what a server does, as Prometheus reads it. Names of routes, projections and kinds of request, and numbers:
//! no ids, no addresses, nothing of a clinic or a person. `docs/operations.md` says what to watch.

use super::AppState;
use super::shedding::Kind;
use crate::app::App;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use booking_store::DurationCounts;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::{Arc, Weak};
use tokio::time::Instant;

/// Seconds, from one answer out of memory to the longest that a request may take.
const SECONDS: [f64; 11] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// Of a scrape's answer.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Route {
    method: String,
    route: String,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Answered {
    method: String,
    route: String,
    status: u16,
}

/// What requests are counted in. Everything else is asked for when it is scraped.
#[derive(Clone)]
pub struct Requests {
    answered: Family<Answered, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
}

impl Default for Requests {
    fn default() -> Self {
        let seconds = Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
        Self { answered: Family::default(), seconds }
    }
}

/// A request that is being counted: under the template of its route, never under its address.
pub(super) struct Counting {
    route: Route,
    begun: Instant,
}

impl Counting {
    pub(super) fn begin(request: &Request) -> Self {
        // A method of somebody's invention is not a label either.
        let known = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD];
        let method = if known.contains(request.method()) { request.method().as_str() } else { "other" }.to_owned();
        let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
        Self { route: Route { method, route }, begun: Instant::now() }
    }

    pub(super) fn end(self, requests: &Requests, response: &Response) {
        requests.seconds.get_or_create(&self.route).observe(self.begun.elapsed().as_secs_f64());
        let (Route { method, route }, status) = (self.route, response.status().as_u16());
        requests.answered.get_or_create(&Answered { method, route, status }).inc();
    }
}

/// The scrape.
pub(super) async fn scrape(State(app): State<AppState>) -> Response {
    let mut registry = Registry::with_prefix("booking");
    let Requests { answered, seconds } = app.requests.clone();
    registry.register("http_requests", "Requests answered, by route and status", answered);
    registry.register("http_request_seconds", "Time until an answer's head, by route", seconds);
    registry.register_collector(Box::new(Now(Arc::downgrade(&app))));
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(fmt::Error) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// What a server is like at the moment of a scrape.
struct Now(Weak<App>);

impl fmt::Debug for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[now]")
    }
}

impl prometheus_client::collector::Collector for Now {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let Some(app) = self.0.upgrade() else { return Ok(()) };
        let mut told = Told(encoder);
        told.server(&app)?;
        told.load(&app)?;
        told.projections(&app)?;
        told.log(&app)
    }
}

/// Writes families one after the other.
struct Told<'a>(DescriptorEncoder<'a>);

impl Told<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let gauge = ConstGauge::new(value);
        gauge.encode(self.0.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let counter = ConstCounter::new(value);
        counter.encode(self.0.encode_descriptor(name, help, None, MetricType::Counter)?)
    }

    fn durations(&mut self, name: &str, help: &str, counts: &DurationCounts) -> fmt::Result {
        let class = |(end, count): (Option<u64>, u64)| (end.map_or(f64::INFINITY, seconds), count);
        let classes: Vec<_> = counts.classes().map(class).collect();
        let mut encoder = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        encoder.encode_histogram::<NoLabelSet>(seconds(counts.micros), counts.count(), &classes, None)
    }

    fn each<'b>(
        &mut self,
        (name, help): (&str, &str),
        label: &str,
        of: impl IntoIterator<Item = (&'b str, f64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (value, number) in of {
            ConstGauge::new(number).encode(family.encode_family(&[(label, value)])?)?;
        }
        Ok(())
    }

    fn server(&mut self, app: &App) -> fmt::Result {
        self.gauge("ready", "1 if this server is ready, as /readyz says", flag(super::ops::Ready::of(app).is_ready()))?;
        self.gauge("draining", "1 if this server is about to stop", flag(app.draining.is_cancelled()))
    }

    fn load(&mut self, app: &App) -> fmt::Result {
        let connections = app.places.doors().open();
        self.gauge("http_connections", "Connections that are open", whole(connections as u64))?;
        let of = |number: fn(super::shedding::Load) -> usize| {
            Kind::ALL.map(|kind| (kind.name(), whole(number(app.places.load(kind)) as u64)))
        };
        self.each(("http_running", "Requests that are worked on, by kind"), "kind", of(|load| load.running))?;
        self.each(("http_waiting", "Requests that wait for a place, by kind"), "kind", of(|load| load.waiting))?;
        let mut shed =
            self.0.encode_descriptor("http_shed", "Requests sent away, by kind", None, MetricType::Counter)?;
        for kind in Kind::ALL {
            let count = ConstCounter::new(app.places.load(kind).shed as u64);
            count.encode(shed.encode_family(&[("kind", kind.name())])?)?;
        }
        Ok(())
    }

    fn projections(&mut self, app: &App) -> fmt::Result {
        let all = app.views.status();
        let behind = |status: &booking_projections::ProjectionStatus| {
            let at = |position: Option<booking_store::Position>| position.map_or(0, |position| position.0);
            at(status.head).saturating_sub(at(status.position))
        };
        let names = || all.iter().map(|status| status.name);
        let lag = names().zip(all.iter().map(|status| whole(behind(status))));
        let help = "Positions of the log that it has not applied yet; on a cluster they have gaps";
        self.each(("projection_lag", help), "projection", lag)?;
        let ages = all.iter().map(|status| status.last_poll_age.map_or(f64::INFINITY, |age| age.as_secs_f64()));
        let help = "Since it last asked the log and was answered";
        self.each(("projection_seconds_since_poll", help), "projection", names().zip(ages))?;
        let stopped = all.iter().map(|status| flag(status.stopped.is_some()));
        self.each(("projection_stopped", "1 if it stopped at an event"), "projection", names().zip(stopped))?;
        let rebuilding = all.iter().map(|status| flag(status.rebuilding));
        self.each(("projection_rebuilding", "1 if it is being made again"), "projection", names().zip(rebuilding))
    }

    fn log(&mut self, app: &App) -> fmt::Result {
        let engine = app.engine.statistics();
        self.counter("appends", "Appends of commands that were stored", engine.appends)?;
        self.counter("conflicts", "Decisions made again since somebody was faster", engine.conflicts)?;
        self.counter("retries", "Appends sent again since their outcome was unknown", engine.resends)?;
        self.counter("busy", "Commands sent away since too many wanted the same", engine.busy)?;
        let help = "Time of each transaction of the vault, until the disk or the server had it";
        self.durations("vault_commit_seconds", help, &app.engine.vault().commit_times())?;
        let Some(file) = app.log_file() else { return Ok(()) };
        let log = file.statistics();
        self.gauge("log_queue", "Appends that wait for the writer", whole(file.waiting() as u64))?;
        self.counter("log_events", "Events stored", log.rows)?;
        self.counter("log_commits", "Commits, each with its fsync", log.batches)?;
        self.durations("log_commit_seconds", "Time of each commit, fsync included", &log.commits)?;
        let slowest = seconds(log.slowest_commit_micros);
        self.gauge("log_commit_slowest_seconds", "The slowest commit since the start", slowest)?;
        self.counter("log_rollbacks", "Commits that were rolled back", log.rollbacks)?;
        self.gauge("log_wal_frames", "Frames in the write-ahead file", whole(log.wal_frames))
    }
}

const fn flag(on: bool) -> f64 {
    if on { 1.0 } else { 0.0 }
}

#[allow(clippy::cast_precision_loss, reason = "numbers for a graph")]
const fn whole(number: u64) -> f64 {
    number as f64
}

const fn seconds(micros: u64) -> f64 {
    whole(micros) / 1e6
}
