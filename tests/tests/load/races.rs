//! Two hundred clients want the same thing at the same moment, over HTTP.
//!
//! Every race is run in four houses: with the turns that commands take on a day and without them, each once as it is
//! and once with a random pause of up to 50 ms between a decision and its append. The expected revision alone decides.

use super::Times;
use super::house::{Clinic, House};
use super::portal::{Guest, Heard, Portal, Reply, insist, reference, refs};
use booking_domain::agenda_day::AgendaDay;
use booking_domain::ids::AgendaId;
use booking_domain::stream::StreamName;
use booking_domain::time::{Span, WallDate, WallTime};
use booking_engine::{EngineOptions, Place};
use booking_store::{Position, Recorded};
use booking_tests::Rng;
use booking_tests::actors::{draft, time};
use booking_tests::load::{adrift, check_log, events_after, live};
use booking_tests::seeds::seeds;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Barrier;

/// How many clients want the same.
const CROWD: usize = 200;
/// Rounds that share a clinic and its visitors, of whom each may place ten holds.
const ROUNDS_PER_CLINIC: usize = 10;

/// One of the four ways to run a race.
struct Way {
    name: &'static str,
    gate: bool,
    pauses: bool,
    rounds: (u64, u64),
}

const WAYS: [Way; 4] = [
    Way { name: "with turns", gate: true, pauses: false, rounds: (10, 1_000) },
    Way { name: "without turns", gate: false, pauses: false, rounds: (10, 1_000) },
    Way { name: "with turns and pauses", gate: true, pauses: true, rounds: (5, 200) },
    Way { name: "without turns, with pauses", gate: false, pauses: true, rounds: (5, 200) },
];

/// Where a race is run.
struct Arena {
    house: House,
    clinic: Clinic,
    portal: Portal,
    agendas: [AgendaId; 2],
    crowd: Vec<Guest>,
    day: WallDate,
    rng: Rng,
    racing: Arc<AtomicBool>,
    /// Where the log ended when the clinic was founded, and when the round began: what went before has been looked at.
    clinic_since: Option<Position>,
    round_since: Option<Position>,
    lost: Times,
    again: usize,
}

/// Runs a race in every way, round by round; prints the seeds and how long the losers waited.
#[allow(clippy::needless_pass_by_value, reason = "a test hands over what it does and has no use for it after")]
fn race<F: AsyncFn(&mut Arena)>(name: &str, run: F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for way in &WAYS {
            let seeds = seeds(way.rounds.0, way.rounds.1);
            println!("{name}, {}: SEED={} to {}", way.name, seeds[0], seeds[seeds.len() - 1]);
            let mut arena = Arena::open(way).await;
            let begun = super::portal::now();
            for (round, seed) in seeds.iter().enumerate() {
                arena.next_round(round, *seed).await;
                run(&mut arena).await;
                arena.racing.store(false, Ordering::Relaxed);
                if round % ROUNDS_PER_CLINIC == ROUNDS_PER_CLINIC - 1 || round + 1 == seeds.len() {
                    arena.is_sound(*seed).await;
                }
            }
            let (rounds, took) = (seeds.len(), begun.elapsed());
            println!("  {rounds} rounds in {took:.1?}, {} asked again; losers: {}", arena.again, arena.lost.summary());
            arena.close().await;
        }
    });
}

impl Arena {
    async fn open(way: &Way) -> Self {
        let racing = Arc::new(AtomicBool::new(false));
        let (gate, pauses) = (way.gate, way.pauses.then(|| Arc::clone(&racing)));
        let house = House::open(move |options| {
            options.engine = EngineOptions { gate, ..EngineOptions::default() };
            if let Some(racing) = pauses {
                let rng = Mutex::new(Rng::new(50));
                options.log.delay = Some(Arc::new(move || {
                    let pause = rng.lock().unwrap().between(0, 50);
                    let on = racing.load(Ordering::Relaxed);
                    if on { Duration::from_millis(pause.unsigned_abs()) } else { Duration::ZERO }
                }));
            }
        })
        .await;
        let clinic = Clinic::found(&house.app().engine).await;
        let portal = house.portal(&clinic);
        let (crowd, day) = (Vec::new(), clinic.in_days(2));
        let agendas = [AgendaId::default(); 2];
        let (rng, lost) = (Rng::new(0), Times::default());
        let (clinic_since, round_since) = (None, None);
        Self { house, clinic, portal, agendas, crowd, day, rng, racing, clinic_since, round_since, lost, again: 0 }
    }

    /// A day of its own for every round, in a new clinic after ten of them.
    async fn next_round(&mut self, round: usize, seed: u64) {
        if round.is_multiple_of(ROUNDS_PER_CLINIC) {
            self.clinic_since = self.house.app().log().head().await.unwrap();
            self.clinic = Clinic::found(&self.house.app().engine).await;
            self.agendas = [self.clinic.hires("Dre Roy").await, self.clinic.hires("Dr Gagnon").await];
            self.house.settled().await;
            self.portal = self.house.portal(&self.clinic);
            self.crowd = self.portal.crowd(CROWD).await;
        }
        self.rng = Rng::new(seed);
        self.round_since = self.house.app().log().head().await.unwrap();
        self.day = self.clinic.in_days(2 + 3 * i32::try_from(round % ROUNDS_PER_CLINIC).unwrap());
    }

    /// Publishes a slot on the first agenda.
    async fn lays(&self, start: &str, end: &str, interval: Option<u16>) -> Vec<Place> {
        self.lays_on(self.agendas[0], self.day, time(start), time(end), interval).await
    }
    async fn lays_on(
        &self,
        agenda: AgendaId,
        day: WallDate,
        start: WallTime,
        end: WallTime,
        interval: Option<u16>,
    ) -> Vec<Place> {
        let mut slot = draft(agenda, day, start, end, self.clinic.activity);
        slot.interval_minutes = interval;
        self.clinic.publishes(&slot).await
    }

    /// All at once: answers in the order of what was asked.
    async fn at_once<W, F, A>(&mut self, wishes: Vec<W>, ask: F) -> Vec<Reply>
    where
        W: Clone + Send + Sync + 'static,
        F: Fn(Portal, W, usize) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Heard> + Send,
    {
        self.house.settled().await;
        self.racing.store(true, Ordering::Relaxed);
        let start = Arc::new(Barrier::new(wishes.len()));
        let tasks: Vec<_> = wishes
            .into_iter()
            .enumerate()
            .map(|(n, wish)| {
                let (portal, start, ask) = (self.portal.clone(), Arc::clone(&start), ask.clone());
                tokio::spawn(async move {
                    start.wait().await;
                    insist(|| ask(portal.clone(), wish.clone(), n)).await
                })
            })
            .collect();
        let mut replies = Vec::with_capacity(tasks.len());
        for task in tasks {
            let (reply, tries) = task.await.unwrap();
            self.again += tries;
            if reply.status >= 400 {
                self.lost.add(reply.took);
            }
            assert!(reply.status < 500, "{reply:?}");
            replies.push(reply);
        }
        self.racing.store(false, Ordering::Relaxed);
        replies
    }

    async fn events(&self, day: WallDate, kind: &str) -> usize {
        let stream = StreamName::agenda_day(self.agendas[0], day);
        let events = self.house.app().log().read_stream(&stream, 0, 5_000).await.unwrap();
        events.iter().filter(|e| e.event_type.starts_with(kind)).count()
    }
    async fn day(&self) -> AgendaDay {
        self.house.app().engine.day(self.agendas[0], self.day).await.unwrap().state.clone()
    }
    /// What happened since the round began, whose days are its own.
    async fn log(&self) -> Vec<Recorded> {
        events_after(&**self.house.app().log(), self.round_since).await
    }
    async fn is_sound(&self, seed: u64) {
        let log = events_after(&**self.house.app().log(), self.clinic_since).await;
        let faults: Vec<String> = check_log(&log).into_iter().chain(adrift(&log)).collect();
        assert!(faults.is_empty(), "up to SEED={seed}: {}", faults.join("\n"));
    }
    async fn close(self) {
        let Self { house, portal, .. } = self;
        drop(portal);
        house.close().await;
    }
}

/// Somebody, what they want, and the hold that they have.
type Wanted = (Guest, String, Option<String>);

fn won(replies: &[Reply]) -> Vec<usize> {
    replies.iter().enumerate().filter(|(_, r)| r.status == 201).map(|(n, _)| n).collect()
}

/// Everybody else was told that it is gone, and what there is instead.
fn the_others_have_alternatives(replies: &[Reply], codes: &[&str]) {
    for reply in replies.iter().filter(|r| r.status != 201) {
        assert_eq!(reply.status, 409, "{reply:?}");
        assert!(codes.contains(&reply.code()), "{reply:?}");
        assert!(!reply.alternatives().is_empty(), "{reply:?}");
    }
}

/// The keys of one visit are its own: every round asks with new ones.
fn keyed(seed: u64) -> impl Fn(Portal, Wanted, usize) -> futures::future::BoxFuture<'static, Heard> + Clone {
    move |portal, (guest, place, hold), n| {
        let key = format!("{seed}-{n}");
        Box::pin(async move { portal.book(&guest, &place, hold.as_deref(), &key).await })
    }
}

#[test]
fn of_two_hundred_clients_one_is_booked_and_the_others_are_shown_other_times() {
    race("one availability", async |arena| {
        let places = arena.lays("09:00", "09:30", None).await;
        let wanted = reference(places[0]);
        let wishes: Vec<Wanted> = arena.crowd.iter().map(|g| (g.clone(), wanted.clone(), None)).collect();
        let seed = arena.rng.next();
        let replies = arena.at_once(wishes.clone(), keyed(seed)).await;
        assert_eq!(won(&replies).len(), 1, "{:?}", won(&replies));
        the_others_have_alternatives(&replies, &["taken"]);
        assert_eq!(arena.events(arena.day, "appointment-booked.").await, 1);
        // The winner's retry is the same booking.
        let winner = won(&replies)[0];
        let again = keyed(seed)(arena.portal.clone(), wishes[winner].clone(), winner).await.unwrap();
        assert_eq!((again.status, again.reference()), (201, replies[winner].reference()));
        assert_eq!(arena.events(arena.day, "appointment-booked.").await, 1);
    });
}

#[test]
fn of_two_hundred_clients_no_two_get_times_that_overlap_and_nobody_is_refused_for_nothing() {
    race("overlapping slots", async |arena| {
        let mut choices = Vec::new();
        for _ in 0..6 {
            let start = WallTime(u16::try_from(540 + 5 * arena.rng.between(0, 12)).unwrap());
            let minutes = arena.rng.pick(&[10, 15, 20, 25]);
            let laid = arena.lays_on(arena.agendas[0], arena.day, start, time("11:00"), Some(minutes)).await;
            let span = |p: Place| Span::minutes(p.selected.start, i64::from(minutes));
            choices.extend(laid.into_iter().take(3).map(|place| (place, span(place))));
        }
        arena.lays("15:00", "15:30", None).await;
        let picked: Vec<_> = (0..CROWD).map(|_| arena.rng.pick(&choices)).collect();
        let wish = |(guest, (place, _)): (&Guest, &(Place, Span))| (guest.clone(), reference(*place), None);
        let wishes: Vec<Wanted> = arena.crowd.iter().zip(&picked).map(wish).collect();
        let seed = arena.rng.next();
        let replies = arena.at_once(wishes, keyed(seed)).await;
        the_others_have_alternatives(&replies, &["taken"]);
        let winners = won(&replies);
        assert_eq!(arena.events(arena.day, "appointment-booked.").await, winners.len());
        let taken: Vec<Span> = arena.day().await.appointments.values().map(|a| a.placement.occupies).collect();
        for (n, span) in taken.iter().enumerate() {
            assert!(!taken[n + 1..].iter().any(|other| other.overlaps(*span)), "{taken:?}");
        }
        for (reply, (_, span)) in replies.iter().zip(&picked) {
            assert!(taken.iter().any(|t| t.overlaps(*span)), "refused, and nothing is in the way: {reply:?}");
        }
    });
}

#[test]
fn of_two_hundred_clients_who_hold_and_book_the_one_with_the_hold_is_booked() {
    race("holds", async |arena| {
        let places = arena.lays("09:00", "09:30", None).await;
        let wanted = reference(places[0]);
        let seed = arena.rng.next();
        let guests: Vec<Guest> = arena.crowd.clone();
        let hold = {
            let wanted = wanted.clone();
            move |portal: Portal, guest: Guest, n: usize| {
                let (wanted, key) = (wanted.clone(), format!("{seed}-{n}"));
                async move { portal.hold(&guest, &wanted, &key).await }
            }
        };
        let holds = arena.at_once(guests, hold).await;
        let first = won(&holds);
        assert_eq!(first.len(), 1, "{first:?}");
        the_others_have_alternatives(&holds, &["held"]);
        assert_eq!(arena.events(arena.day, "hold-placed.").await, 1);
        // Whether or not the holder names the hold: it is the holder's.
        let named = arena.rng.percent(50).then(|| holds[first[0]].body["hold"].as_str().unwrap().to_owned());
        let wish =
            |(n, guest): (usize, &Guest)| (guest.clone(), wanted.clone(), named.clone().filter(|_| n == first[0]));
        let wishes: Vec<Wanted> = arena.crowd.iter().enumerate().map(wish).collect();
        let replies = arena.at_once(wishes, keyed(seed)).await;
        assert_eq!(won(&replies), first);
        the_others_have_alternatives(&replies, &["held", "taken"]);
        assert_eq!(arena.events(arena.day, "appointment-booked.").await, 1);
        let left = &arena.day().await.occupancy.holds;
        assert!(left.is_empty(), "{left:?}");
    });
}

/// What somebody does with the appointment, or with a time that it could be moved to.
#[derive(Clone)]
enum Deed {
    Cancel { link: String, etag: String },
    Move { link: String, etag: String, to: String },
    Book { guest: Guest, place: String },
}

#[test]
fn of_moves_and_cancels_of_one_appointment_exactly_one_happens() {
    race("moves and cancels", async |arena| {
        let (day, next) = (arena.day, arena.day.plus_days(1));
        let here = arena.lays("09:00", "09:45", None).await;
        let (from, to) = (time("09:00"), time("09:30"));
        let tomorrow = arena.lays_on(arena.agendas[0], next, from, to, None).await;
        let elsewhere = arena.lays_on(arena.agendas[1], day, from, to, None).await;
        let targets = [&here[1..], &tomorrow, &elsewhere].concat();
        arena.house.settled().await;
        let seed = arena.rng.next();
        let owner = arena.crowd[0].clone();
        let booked = arena.portal.book(&owner, &reference(here[0]), None, &format!("{seed}")).await.unwrap();
        assert_eq!(booked.status, 201, "{booked:?}");
        let link = booked.body["link_token"].as_str().unwrap().to_owned();
        let etag = booked.etag.clone().unwrap();
        let deeds: Vec<Deed> = (0..60)
            .map(|n| match arena.rng.below(6) {
                0 if n > 0 => Deed::Book { guest: arena.crowd[n].clone(), place: reference(arena.rng.pick(&targets)) },
                0..3 => Deed::Cancel { link: link.clone(), etag: etag.clone() },
                _ => {
                    let to = reference(arena.rng.pick(&targets));
                    Deed::Move { link: link.clone(), etag: etag.clone(), to }
                }
            })
            .collect();
        let act = move |portal: Portal, deed: Deed, n: usize| async move {
            let key = format!("{seed}-{n}");
            match deed {
                Deed::Cancel { link, etag } => portal.cancel(&link, &etag, &key).await,
                Deed::Move { link, etag, to } => portal.shift(&link, &etag, &to, &key).await,
                Deed::Book { guest, place } => portal.book(&guest, &place, None, &key).await,
            }
        };
        let replies = arena.at_once(deeds.clone(), act).await;
        let of_owner = |n: &usize| !matches!(deeds[*n], Deed::Book { .. });
        let done: Vec<usize> = (0..deeds.len()).filter(of_owner).filter(|n| replies[*n].status == 200).collect();
        assert_eq!(done.len(), 1, "{:?}", done.iter().map(|n| &replies[*n]).collect::<Vec<_>>());
        for reply in replies.iter().filter(|r| r.status >= 400) {
            assert!(matches!(reply.status, 409 | 412), "{reply:?}");
        }
        let log = arena.log().await;
        let lost = adrift(&log);
        assert!(lost.is_empty(), "{lost:?}");
        let id = booking_tests::load::bookings(&log)
            .into_iter()
            .find(|(_, b)| b.booking.reference == booked.reference())
            .map(|(_, b)| b.booking.appointment)
            .unwrap();
        let moved = matches!(deeds[done[0]], Deed::Move { .. });
        assert_eq!(live(&log).contains_key(&id), moved, "it lives on if it was moved, and only then");
        let shown = arena.portal.own(&link).await.unwrap();
        let status = if moved { "booked" } else { "cancelled" };
        assert_eq!((shown.status, shown.body["status"].as_str()), (200, Some(status)), "{shown:?}");
        // What nobody has can be had: the times that the losers wanted are not kept from anybody.
        arena.house.settled().await;
        let open = refs(&arena.portal.look(&owner).await.unwrap().body["availabilities"]);
        let days = booking_tests::oracle::days(&log);
        for target in [&here[..], &tomorrow, &elsewhere].concat() {
            let span = Span::minutes(target.selected.start, 15);
            let there = days.get(&(target.agenda, target.date));
            let occupied =
                there.is_some_and(|d| d.lives.values().any(|l| l.live && l.placement.occupies.overlaps(span)));
            assert_eq!(open.contains(&reference(target)), !occupied, "{target:?}: {there:?}");
        }
    });
}

/// An `ETag` is the revision of a day's stream, and a move leads to another stream, where the count is another.
#[test]
fn a_move_to_another_day_changes_the_etag() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut arena = Arena::open(&WAYS[0]).await;
        arena.next_round(0, 1).await;
        let here = arena.lays("09:00", "09:45", None).await;
        let next = arena.day.plus_days(1);
        let there = arena.lays_on(arena.agendas[0], next, time("09:00"), time("09:30"), None).await;
        arena.house.settled().await;
        let (portal, other, owner) = (arena.portal.clone(), arena.crowd[0].clone(), arena.crowd[1].clone());
        portal.book(&other, &reference(here[1]), None, "other").await.unwrap();
        let booked = portal.book(&owner, &reference(here[0]), None, "own").await.unwrap();
        let link = booked.body["link_token"].as_str().unwrap().to_owned();
        let seen = booked.etag.unwrap();
        let moved = portal.shift(&link, &seen, &reference(there[0]), "move").await.unwrap();
        assert_eq!(moved.status, 200, "{moved:?}");
        // Whoever read it before the move must not cancel what they have not seen.
        let late = portal.cancel(&link, &seen, "cancel").await.unwrap();
        assert_eq!((late.status, late.code()), (412, "stale"), "seen {seen}, now {:?}: {late:?}", moved.etag);
    });
}
