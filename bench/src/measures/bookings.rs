//! Durable bookings in process: what the engine does when HTTP is not in the way.

use super::{Bench, count, durable};
use crate::disk;
use crate::figures::{Spread, Waits, rate};
use crate::report::{Bar, Findings, Plot, Series};
use crate::scene::{Guest, Scene, TIMES_A_DAY, book, settle, welcome};
use booking_api::App;
use booking_domain::clinic::{ServiceConfigured, Settings};
use booking_domain::ids::{PatientId, ServiceId};
use booking_domain::patient::Registration;
use booking_domain::stream::StreamName;
use booking_domain::time::WallDate;
use booking_domain::values::Sex;
use booking_engine::{NewPatient, Place};
use booking_tests::actors::{plain_service, somebody};
use futures::{StreamExt, TryStreamExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Callers of the measures that have many.
pub(super) const CALLERS: usize = 64;
/// Agenda-days: agendas, and days of each.
const AGENDAS: usize = 20;
const DAYS: i32 = 50;
const AGENDA_DAYS: usize = 1_000;

/// What many bookings came to.
struct Run {
    waits: Waits,
    rate: f64,
    /// Milliseconds until the views had caught up.
    behind: f64,
}

/// Books these places, each by the next of these guests, with so many callers.
async fn run(
    scene: &Scene,
    places: &Arc<[Place]>,
    guests: &Arc<[Guest]>,
    callers: usize,
    name: &'static str,
) -> anyhow::Result<Run> {
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (app, service) = (Arc::clone(scene.app()), scene.clinic.service);
            let (places, guests, next) = (Arc::clone(places), Arc::clone(guests), Arc::clone(&next));
            tokio::spawn(async move {
                let mut waits = Waits::default();
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let Some((place, guest)) = places.get(n).zip(guests.get(n % guests.len().max(1))) else { break };
                    let asked = Instant::now();
                    let booked = book(&app, service, guest, *place, &format!("{name} {n}")).await?;
                    waits.add(asked.elapsed());
                    anyhow::ensure!(booked, "a free time was refused");
                }
                Ok(waits)
            })
        })
        .collect();
    let mut waits = Waits::default();
    for task in tasks {
        waits.extend(task.await??);
    }
    let took = begun.elapsed();
    settle(scene.app()).await?;
    let behind = (begun.elapsed().saturating_sub(took)).as_secs_f64() * 1e3;
    Ok(Run { rate: rate(waits.len(), took), waits, behind })
}

/// The bytes of a booking's row in the log.
async fn row_of(app: &App, place: Place) -> anyhow::Result<Vec<u8>> {
    let stream = StreamName::agenda_day(place.agenda, place.date);
    let events = app.log().read_stream(&stream, 0, 1_000).await?;
    let booked = events.iter().rfind(|event| event.event_type.starts_with("appointment-booked."));
    let booked = booked.ok_or_else(|| anyhow::anyhow!("nothing was booked"))?;
    // Position, stream, revision and type take eight bytes each, the id sixteen.
    let mut row = vec![0; 48];
    row.extend_from_slice(booked.metadata.as_bytes());
    row.extend_from_slice(&booked.payload);
    Ok(row)
}

/// A scene with so many places, and somebody who has booked one more of them.
async fn laid_out(bench: &Bench, agendas: usize, days: i32) -> anyhow::Result<(Scene, Vec<Place>, Vec<u8>)> {
    let scene = Scene::open(&bench.folder, None).await?;
    let agendas = scene.hires(agendas).await;
    let places = scene.lays_out(&agendas, days).await?;
    let guests = scene.welcomes(1).await?;
    let (Some(last), Some(guest)) = (places.last(), guests.first()) else { anyhow::bail!("no places") };
    anyhow::ensure!(book(scene.app(), scene.clinic.service, guest, *last, "first").await?, "nothing was booked");
    let row = row_of(scene.app(), *last).await?;
    settle(scene.app()).await?;
    Ok((scene, places, row))
}

/// Bookings a second, beside the floors and the peer, run by run.
pub(super) async fn bookings(bench: &Bench) -> anyhow::Result<Findings> {
    let scale = bench.scale;
    let mut findings = Findings::default();
    durable(&mut findings);
    let each = scale.bookings.min(AGENDA_DAYS * (TIMES_A_DAY - 1));
    findings.set(format!(
        "{} bookings a run, each with a visit of its own, opened before; {} agenda-days a run, {TIMES_A_DAY} times each",
        count(each),
        count(AGENDA_DAYS)
    ));
    let (mut ours, mut p99, mut slowest, mut behind) = <(Vec<_>, Vec<_>, Vec<_>, Vec<_>)>::default();
    let (mut raw, mut ceiling, mut peer, mut peer_p99) = <(Vec<_>, Vec<_>, Vec<_>, Vec<_>)>::default();
    let mut curve = Vec::new();
    for _ in 0..scale.runs {
        let (scene, places, row) = laid_out(bench, AGENDAS, DAYS).await?;
        let places: Arc<[Place]> = places.into_iter().take(each).collect();
        let guests: Arc<[Guest]> = scene.welcomes(each).await?.into();
        settle(scene.app()).await?;
        let alone = disk::one_by_one(&bench.folder, &row, scale.time())?;
        raw.push(rate(alone.len(), scale.time()));
        ceiling.push(disk::bare_writer(&bench.folder, &row, CALLERS, scale.time()).await?.0);
        let ran = run(&scene, &places, &guests, CALLERS, "bookings").await?;
        ours.push(ran.rate);
        p99.push(ran.waits.within(990));
        slowest.push(ran.waits.within(1_000));
        behind.push(ran.behind);
        curve = ran.waits.curve();
        scene.close().await?;
        let seconds = scale.seconds.to_string();
        if let Some(run) = bench.peer(&["book", "64", &seconds]).await? {
            peer.push(run.rate);
            peer_p99.push(run.p99);
        }
    }
    let (ours, ceiling, raw, peer) = (Spread(ours), Spread(ceiling), Spread(raw), Spread(peer));
    findings.note("bookings", ours.clone(), "a second");
    findings.note("ceiling: bare writer, same bytes, 64 callers", ceiling.clone(), "a second");
    findings.note("raw: one row, one fdatasync", raw.clone(), "a second");
    findings.note("ceiling over raw (below 6 it is no ceiling)", ceiling.over(&raw), "x");
    findings.judge("bookings, of the ceiling", ours.over(&ceiling).times(100.0), "%", Bar::AtLeast(40.0));
    if peer.0.is_empty() {
        findings.set("the peer was not built: see docs/performance/README.md");
    } else {
        findings.note("peer: cqrs-es on SQLite, synchronous=FULL, 64 callers", peer.clone(), "a second");
        findings.judge("bookings, over the peer", ours.over(&peer), "x", Bar::AtLeast(8.0));
        findings.note("peer, p99", Spread(peer_p99), "ms");
    }
    findings.judge("booking, p99", Spread(p99), "ms", Bar::AtMost(10.0));
    findings.note("booking, slowest", Spread(slowest), "ms");
    findings.note("views at the head after the last answer", Spread(behind), "ms");
    findings.plots.push(Plot {
        file: "bookings".to_owned(),
        title: "How long a booking takes, 64 callers in process".to_owned(),
        axes: ("share of bookings, %".to_owned(), "within so many ms".to_owned()),
        series: vec![Series { name: "engine".to_owned(), points: curve }],
    });
    Ok(findings)
}

/// One caller: the time of a single booking against a single fdatasync.
pub(super) async fn single(bench: &Bench) -> anyhow::Result<Findings> {
    let scale = bench.scale;
    let mut findings = Findings::default();
    durable(&mut findings);
    let each = (scale.bookings / 10).max(20);
    findings.set(format!("{} bookings a run, one after the other", count(each)));
    let (mut ours, mut p50, mut raw, mut raw_p50, mut peer) = <(Vec<_>, Vec<_>, Vec<_>, Vec<_>, Vec<_>)>::default();
    for _ in 0..scale.runs {
        let (scene, places, row) = laid_out(bench, AGENDAS, DAYS).await?;
        let places: Arc<[Place]> = places.into_iter().take(each).collect();
        let guests: Arc<[Guest]> = scene.welcomes(each).await?.into();
        settle(scene.app()).await?;
        let alone = disk::one_by_one(&bench.folder, &row, scale.time())?;
        raw.push(rate(alone.len(), scale.time()));
        raw_p50.push(alone.within(500));
        let ran = run(&scene, &places, &guests, 1, "single").await?;
        ours.push(ran.rate);
        p50.push(ran.waits.within(500));
        scene.close().await?;
        if let Some(run) = bench.peer(&["book", "1", &scale.seconds.to_string()]).await? {
            peer.push(run.rate);
        }
    }
    let (ours, p50, raw_p50, peer) = (Spread(ours), Spread(p50), Spread(raw_p50), Spread(peer));
    findings.note("bookings, one caller", ours.clone(), "a second");
    findings.note("booking, p50", p50.clone(), "ms");
    findings.note("raw: one row, one fdatasync, p50", raw_p50.clone(), "ms");
    findings.note("raw: one row, one fdatasync", Spread(raw), "a second");
    findings.judge("booking over one fdatasync, p50", p50.over(&raw_p50), "x", Bar::AtMost(2.5));
    if !peer.0.is_empty() {
        findings.note("peer, one caller", peer.clone(), "a second");
        findings.judge("bookings over the peer, one caller", ours.over(&peer), "x", Bar::AtLeast(1.0));
    }
    Ok(findings)
}

/// Constant load: second by second.
pub(super) async fn steady(bench: &Bench) -> anyhow::Result<Findings> {
    let scale = bench.scale;
    let mut findings = Findings::default();
    durable(&mut findings);
    let seconds = usize::try_from(scale.steady_seconds)?;
    // As many agenda-days as the load may need, a thousand at a time.
    let blocks = (seconds * scale.steady_rate).div_ceil(AGENDA_DAYS * TIMES_A_DAY).max(1);
    let scene = Scene::open(&bench.folder, None).await?;
    let mut places = Vec::new();
    for _ in 0..blocks {
        let agendas = scene.hires(AGENDAS).await;
        places.extend(scene.lays_out(&agendas, DAYS).await?);
    }
    let guests: Arc<[Guest]> = scene.welcomes(scale.bookings.min(20_000)).await?.into();
    findings.set(format!(
        "64 callers, {} times laid out over {} agenda-days, {} visits that book again and again",
        count(places.len()),
        count(blocks * AGENDA_DAYS),
        count(guests.len())
    ));
    settle(scene.app()).await?;
    let (next, time) = (Arc::new(AtomicUsize::new(0)), Duration::from_secs(scale.steady_seconds));
    let places: Arc<[Place]> = places.into();
    let begun = Instant::now();
    let tasks: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (app, service) = (Arc::clone(scene.app()), scene.clinic.service);
            let (places, guests, next) = (Arc::clone(&places), Arc::clone(&guests), Arc::clone(&next));
            tokio::spawn(async move {
                let mut ended = Vec::new();
                while begun.elapsed() < time {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let Some((place, guest)) = places.get(n).zip(guests.get(n % guests.len())) else { break };
                    let asked = Instant::now();
                    anyhow::ensure!(book(&app, service, guest, *place, &format!("steady {n}")).await?, "refused");
                    ended.push((begun.elapsed(), asked.elapsed()));
                }
                Ok(ended)
            })
        })
        .collect();
    let mut ended = Vec::new();
    for task in tasks {
        ended.extend(task.await??);
    }
    let used = ended.len();
    settle(scene.app()).await?;
    scene.close().await?;
    anyhow::ensure!(used < places.len(), "every time was taken before the load ended: lay out more");
    ended.sort_unstable();
    let mut waits = Waits::default();
    for (_, took) in &ended {
        waits.add(*took);
    }
    let gap = ended.windows(2).map(|two| two[1].0.saturating_sub(two[0].0)).max().unwrap_or_default();
    let mut by_second = vec![0.0; seconds];
    for (at, _) in &ended {
        if let Some(second) = usize::try_from(at.as_secs()).ok().and_then(|second| by_second.get_mut(second)) {
            *second += 1.0;
        }
    }
    let of = |second: usize| by_second.get(second.min(seconds) - 1).copied().unwrap_or(f64::NAN);
    findings.note("bookings", rate(used, time), "a second");
    findings.note("bookings in second 5", of(5), "");
    findings.note("bookings in the last second", of(seconds), "");
    findings.judge("last second, of second 5", of(seconds) / of(5) * 100.0, "%", Bar::AtLeast(80.0));
    findings.judge("booking, p99", waits.within(990), "ms", Bar::AtMost(10.0));
    findings.judge("booking, slowest (the longest stall)", waits.within(1_000), "ms", Bar::AtMost(100.0));
    findings.note("longest time without any booking", gap.as_secs_f64() * 1e3, "ms");
    findings.plots.push(Plot {
        file: "steady".to_owned(),
        title: "Bookings a second under constant load".to_owned(),
        axes: ("second".to_owned(), "bookings".to_owned()),
        series: vec![Series {
            name: "64 callers".to_owned(),
            points: by_second.iter().zip(1_u32..).map(|(n, at)| (f64::from(at), *n)).collect(),
        }],
    });
    Ok(findings)
}

/// Opening a visit, and booking where a cap binds: two streams instead of one.
pub(super) async fn visits(bench: &Bench) -> anyhow::Result<Findings> {
    let scale = bench.scale;
    let mut findings = Findings::default();
    durable(&mut findings);
    findings.set("64 at once; with a cap each caller books for a patient of its own, claim first");
    let (mut opened, mut capped) = (Vec::new(), Vec::new());
    let each = (scale.bookings / 10).max(CALLERS);
    for _ in 0..scale.runs {
        let (scene, places, _) = laid_out(bench, AGENDAS, DAYS).await?;
        let begun = Instant::now();
        scene.welcomes(each).await?;
        opened.push(rate(each, begun.elapsed()));
        let service = with_cap(&scene).await?;
        let patients: Vec<Guest> =
            futures::stream::iter((0..CALLERS).map(|n| patient(&scene, n))).buffered(8).try_collect().await?;
        settle(scene.app()).await?;
        let begun = Instant::now();
        let each = each / CALLERS;
        let tasks: Vec<_> = patients
            .into_iter()
            .enumerate()
            .map(|(caller, guest)| {
                let app = Arc::clone(scene.app());
                let own: Vec<Place> = places.iter().skip(caller * each).take(each).copied().collect();
                tokio::spawn(async move {
                    for (n, place) in own.into_iter().enumerate() {
                        let booked = book(&app, service, &guest, place, &format!("cap {n}")).await?;
                        anyhow::ensure!(booked, "a booking below the cap was refused");
                    }
                    anyhow::Ok(())
                })
            })
            .collect();
        for task in tasks {
            task.await??;
        }
        capped.push(rate(each * CALLERS, begun.elapsed()));
        scene.close().await?;
    }
    findings.note("visits opened in process", Spread(opened), "a second");
    findings.note("bookings with a cap, 64 callers", Spread(capped), "a second");
    Ok(findings)
}

/// A service with a cap that nobody here reaches.
async fn with_cap(scene: &Scene) -> anyhow::Result<ServiceId> {
    let (engine, ctx) = (&scene.app().engine, || scene.clinic.ctx());
    let settings = Settings { max_future_appointments: Some(500), ..Settings::default() };
    engine.change_settings(&ctx(), &settings, None).await.map_err(|f| anyhow::anyhow!("{f:?}"))?;
    let service = ServiceId(engine.fresh_command().0);
    let configured = ServiceConfigured { service, config: plain_service(&[scene.clinic.activity]) };
    engine.configure_service(&ctx(), &configured, None).await.map_err(|f| anyhow::anyhow!("{f:?}"))?;
    Ok(service)
}

/// A patient with a record, whose visit is open.
async fn patient(scene: &Scene, number: usize) -> anyhow::Result<Guest> {
    let engine = &scene.app().engine;
    let id = PatientId(engine.fresh_command().0);
    let birth = WallDate::from_ymd(1980, 1, 1).unwrap_or_default().plus_days(i32::try_from(number)?);
    let new = NewPatient {
        id,
        profile: somebody("Zoé", birth, Sex::Female),
        registration: Registration::None,
        imported: false,
    };
    engine.register_patient(&scene.clinic.ctx(), &new).await.map_err(|f| anyhow::anyhow!("{f:?}"))?;
    welcome(scene.app(), scene.clinic.id, Some(id)).await
}
