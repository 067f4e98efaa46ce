//! Reading the log from its beginning: into aggregate states, and into views.

use super::{Bench, count};
use crate::figures::{Spread, rate};
use crate::history::{clock, made};
use crate::report::{Bar, Findings};
use crate::scene::{open, settle};
use anyhow::Context as _;
use booking_domain::agenda_day::AgendaDay;
use booking_domain::clinic::Clinic;
use booking_domain::erasure::Erasure;
use booking_domain::slug::SlugOwner;
use booking_domain::stream::StreamName;
use booking_store::fold::{Aggregate, Folded};
use booking_store::{EventStore, Recorded, SqliteOptions, SqliteStore};
use futures::TryStreamExt;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Row};
use std::collections::HashMap;
use std::path::Path;
use std::pin::pin;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// Events of a page.
const PAGE: usize = 10_000;

/// The aggregate states that a log makes.
#[derive(Default)]
struct States {
    days: HashMap<StreamName, Folded<AgendaDay>>,
    clinics: HashMap<StreamName, Folded<Clinic>>,
    slugs: HashMap<StreamName, Folded<SlugOwner>>,
    erasures: HashMap<StreamName, Folded<Erasure>>,
    events: usize,
}

impl States {
    fn take(&mut self, event: &Recorded) -> anyhow::Result<()> {
        fn into<A: Aggregate>(states: &mut HashMap<StreamName, Folded<A>>, event: &Recorded) -> anyhow::Result<()> {
            match states.get_mut(&event.stream) {
                Some(state) => state.apply(event)?,
                None => states.entry(event.stream.clone()).or_default().apply(event)?,
            }
            Ok(())
        }
        self.events += 1;
        match event.stream.category() {
            "agendaday" => into(&mut self.days, event),
            "clinic" => into(&mut self.clinics, event),
            "slug" => into(&mut self.slugs, event),
            "erasure" => into(&mut self.erasures, event),
            other => anyhow::bail!("a history has no stream of the category {other}"),
        }
    }
}

/// Every row of the log, streamed, each value of it looked at and nothing more.
async fn stream(file: &Path) -> anyhow::Result<usize> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true).disable_statement_logging();
    let mut connection: SqliteConnection = options.connect().await?;
    let (mut rows, mut bytes) = (0, 0);
    {
        let all = "SELECT position, stream, revision, event_id, type, metadata, payload FROM events ORDER BY position";
        let mut found = sqlx::query(all).fetch(&mut connection);
        while let Some(row) = found.try_next().await? {
            let _: (i64, i64, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(4)?);
            let (id, metadata, payload): (Vec<u8>, String, Vec<u8>) =
                (row.try_get(3)?, row.try_get(5)?, row.try_get(6)?);
            rows += 1;
            bytes += id.len() + metadata.len() + payload.len();
        }
    }
    connection.close().await?;
    anyhow::ensure!(bytes > rows * 16, "rows without bytes");
    Ok(rows)
}

/// The whole log into aggregate states, beside the same rows through the driver.
pub(super) async fn replay(bench: &Bench) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    let (data, history) = made(&bench.folder, bench.scale.mixed()).await?;
    findings.set(format!(
        "{} events: a quarter each of slots, holds, bookings and the rest; the file is in the system's memory",
        count(usize::try_from(history.events)?)
    ));
    let file = data.join("events.db");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..bench.scale.runs {
        let begun = Instant::now();
        let rows = stream(&file).await?;
        theirs.push(rate(rows, begun.elapsed()));
        let store = SqliteStore::open(&file, SqliteOptions::default()).await?;
        let begun = Instant::now();
        let (mut states, mut after) = (States::default(), None);
        loop {
            let page = store.read_all(after, PAGE).await?;
            page.events.iter().try_for_each(|event| states.take(event))?;
            after = page.next;
            if page.end {
                break;
            }
        }
        ours.push(rate(states.events, begun.elapsed()));
        anyhow::ensure!(states.events == rows, "{} events of {rows} were replayed", states.events);
        store.close().await;
    }
    let (ours, theirs) = (Spread(ours), Spread(theirs));
    findings.note("events into aggregate states", ours.clone(), "a second");
    findings.note("the same rows, streamed through sqlx", theirs.clone(), "a second");
    findings.judge("replay over streaming", ours.over(&theirs), "x", Bar::AtLeast(1.0));
    Ok(findings)
}

/// Every view again from the log, as the command `rebuild` does it.
pub(super) async fn rebuild(bench: &Bench) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    let (data, history) = made(&bench.folder, bench.scale.mixed()).await?;
    let serving = open(&data, Some(clock())).await?;
    settle(&serving.app).await?;
    let events = usize::try_from(serving.app.log().head().await?.context("an empty log")?.0)?;
    findings.set(format!("{} events, nine views, while the old ones are served", count(events)));
    anyhow::ensure!(events >= usize::try_from(history.events)?, "the log is shorter than it was");
    let mut all = Vec::new();
    for _ in 0..bench.scale.runs.min(2) {
        let (begun, cancel) = (Instant::now(), CancellationToken::new());
        let mut reports = pin!(serving.app.views.rebuild_all(&cancel));
        while let Some(report) = reports.try_next().await? {
            anyhow::ensure!(report.agrees() != Some(false), "{} came out different", report.projection);
        }
        all.push(rate(events, begun.elapsed()));
    }
    // Each alone, to see where the time goes.
    let mut each = Vec::new();
    for name in serving.app.views.names() {
        let begun = Instant::now();
        serving.app.views.rebuild(name, &CancellationToken::new()).await?;
        each.push((name, begun.elapsed().as_secs_f64()));
    }
    serving.stop().await?;
    findings.judge("events, over all views together", Spread(all), "a second", Bar::AtLeast(30_000.0));
    for (name, times) in each {
        findings.note(&format!("  {name} alone"), times, "s");
    }
    Ok(findings)
}
