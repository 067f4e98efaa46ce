//! A release: many more visitors than times, and all of them at the instant at which the times open.

use super::{Bench, count, durable};
use crate::figures::{Spread, Waits};
use crate::report::{Bar, Findings};
use crate::scene::{Scene, places, settle};
use booking_domain::clinic::PublicationOverride;
use booking_domain::time::WallTime;
use booking_engine::ManualClock;
use booking_tests::Rng;
use booking_tests::actors::draft;
use booking_tests::guests::{Guest, Portal, insist, refs};
use booking_tests::world::MORNING;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Barrier;

/// Practitioners with ten times each.
const PRACTITIONERS: usize = 5;

/// How a visitor fared.
#[derive(Default)]
struct Fared {
    booked: bool,
    waits: Waits,
    failures: usize,
}

/// Looks, books, takes an alternative, looks again: until there is an appointment or nothing is left.
async fn hunts(portal: &Portal, guest: &Guest, mut rng: Rng) -> Fared {
    let mut fared = Fared::default();
    for round in 0.. {
        let (seen, _) = insist(|| portal.look(guest)).await;
        fared.waits.add(seen.took);
        fared.failures += usize::from(seen.status >= 500);
        let mut choice = rng.maybe(&refs(&seen.body["availabilities"]));
        if choice.is_none() {
            break;
        }
        for turn in 0..4 {
            let Some(place) = choice else { break };
            let key = format!("try {round}.{turn}");
            let (reply, _) = insist(|| portal.book(guest, &place, None, &key)).await;
            fared.waits.add(reply.took);
            fared.failures += usize::from(reply.status >= 500);
            if reply.status == 201 {
                fared.booked = true;
                return fared;
            }
            choice = rng.maybe(&reply.alternatives());
        }
    }
    fared
}

/// From the opening to the last answer.
pub(super) async fn release(bench: &Bench) -> anyhow::Result<Findings> {
    let crowd = bench.scale.crowd;
    let mut findings = Findings::default();
    durable(&mut findings);
    findings.set(format!(
        "{} visitors over HTTP, a connection each; they identified before, look at the opening, and go on to the last answer",
        count(crowd)
    ));
    let (mut took, mut identified, mut booked, mut failed, mut p99) =
        <(Vec<_>, Vec<_>, Vec<_>, Vec<_>, Vec<_>)>::default();
    for run in 0..bench.scale.runs {
        let clock = Arc::new(ManualClock::new(MORNING));
        let scene = Scene::open(&bench.folder, Some(Arc::clone(&clock) as _)).await?;
        let opening = MORNING.plus_minutes(60);
        let mut times = 0;
        for agenda in scene.hires(PRACTITIONERS).await {
            let date = scene.clinic.in_days(2);
            let mut slot = draft(agenda, date, WallTime(9 * 60), WallTime(11 * 60 + 30), scene.clinic.activity);
            slot.publication = PublicationOverride::At(opening);
            let laid = scene.app().engine.publish_slot(&scene.clinic.ctx(), &slot).await;
            laid.map_err(|failure| anyhow::anyhow!("{failure:?}"))?;
            times += places(scene.app(), agenda, date).await?.len();
        }
        settle(scene.app()).await?;
        let portal = Portal::new(&scene.serving.address.to_string(), &scene.clinic.slug, scene.clinic.service);
        let begun = Instant::now();
        let visitors = portal.crowd(crowd).await;
        identified.push(begun.elapsed().as_secs_f64());
        let gate = Arc::new(Barrier::new(crowd + 1));
        let hunters: Vec<_> = visitors
            .into_iter()
            .zip(0_u64..)
            .map(|(guest, number)| {
                let (portal, gate) = (portal.clone(), Arc::clone(&gate));
                let rng = Rng::new(number << 8 | run as u64);
                tokio::spawn(async move {
                    gate.wait().await;
                    hunts(&portal, &guest, rng).await
                })
            })
            .collect();
        clock.set(opening);
        gate.wait().await;
        let opened = Instant::now();
        let (mut waits, mut won, mut failures) = (Waits::default(), 0, 0);
        for hunter in hunters {
            let fared = hunter.await?;
            waits.extend(fared.waits);
            won += usize::from(fared.booked);
            failures += fared.failures;
        }
        took.push(opened.elapsed().as_secs_f64());
        anyhow::ensure!(won <= times, "more were booked than there were times");
        booked.push(won as f64);
        failed.push(failures as f64);
        p99.push(waits.within(990));
        drop(portal);
        scene.close().await?;
    }
    findings.judge("from the opening to the last answer", Spread(took), "s", Bar::AtMost(2.0));
    findings.judge("booked", Spread(booked), "of 50", Bar::AtLeast(50.0));
    findings.judge("answers with 5xx", Spread(failed), "", Bar::AtMost(0.0));
    findings.note("answer, p99", Spread(p99), "ms");
    findings.note("identifying, all at once, before", Spread(identified), "s");
    Ok(findings)
}
