//! One availability, and everybody at once: exactly one of them may have it.

use super::bookings::CALLERS;
use super::{Bench, count, durable};
use crate::figures::{Spread, Waits};
use crate::report::{Bar, Findings};
use crate::scene::{Guest, Scene, TIMES_A_DAY, book, settle};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Barrier;

/// Rounds of 64 callers for one time; a round ends with the last answer.
pub(super) async fn contended(bench: &Bench) -> anyhow::Result<Findings> {
    let rounds = bench.scale.rounds;
    let mut findings = Findings::default();
    durable(&mut findings);
    findings.set(format!("{} rounds; the times of a day are fought for one after the other", count(rounds)));
    let scene = Scene::open(&bench.folder, None).await?;
    let agendas = scene.hires(rounds.div_ceil(TIMES_A_DAY * 50).max(1)).await;
    let mut places = scene.lays_out(&agendas, 50).await?;
    // Day by day, so that the days of the fight are as full as days are.
    places.sort_by_key(|place| (place.agenda, place.date, place.selected.start));
    places.truncate(rounds);
    anyhow::ensure!(places.len() == rounds, "too few times were laid out");
    let places: Arc<[_]> = places.into();
    let guests = scene.welcomes(CALLERS).await?;
    settle(scene.app()).await?;
    let (start, end) = (Arc::new(Barrier::new(CALLERS + 1)), Arc::new(Barrier::new(CALLERS + 1)));
    let callers: Vec<_> = guests
        .into_iter()
        .map(|guest: Guest| {
            let (app, service) = (Arc::clone(scene.app()), scene.clinic.service);
            let (places, start, end) = (Arc::clone(&places), Arc::clone(&start), Arc::clone(&end));
            tokio::spawn(async move {
                let mut won = Vec::new();
                for (round, place) in places.iter().enumerate() {
                    start.wait().await;
                    let booked = book(&app, service, &guest, *place, &format!("round {round}")).await;
                    end.wait().await;
                    if booked? {
                        won.push(round);
                    }
                }
                anyhow::Ok(won)
            })
        })
        .collect();
    let mut waits = Waits::default();
    for _ in 0..rounds {
        start.wait().await;
        let begun = Instant::now();
        end.wait().await;
        waits.add(begun.elapsed());
    }
    let mut winners = vec![0_u32; rounds];
    for caller in callers {
        for round in caller.await?? {
            if let Some(count) = winners.get_mut(round) {
                *count += 1;
            }
        }
    }
    settle(scene.app()).await?;
    scene.close().await?;
    let exactly_one = winners.iter().filter(|count| **count == 1).count();
    findings.judge(
        "rounds with exactly one winner",
        exactly_one as f64 / rounds as f64 * 100.0,
        "%",
        Bar::AtLeast(100.0),
    );
    findings.judge("round, p50", waits.within(500), "ms", Bar::AtMost(2.0));
    findings.note("round, p99", waits.within(990), "ms");
    findings.note("round, slowest", waits.within(1_000), "ms");
    let peer_rounds = (rounds / 20).max(2).to_string();
    if let Some(peer) = bench.peer(&["contend", "64", &peer_rounds]).await? {
        findings.note("peer, round, p50", peer.p50, "ms");
        findings.note("peer, round, p99", peer.p99, "ms");
        findings.note("peer, round, slowest", Spread(vec![peer.max]), "ms");
    }
    Ok(findings)
}
