//! Bots want to hoard a clinic, from one source or from a thousand; honest visitors want one availability each.
//!
//! Two kinds of runs. In most, minutes are the injected clock's. What a bot or a telephone can hash is not: every try of every solution is made and
//! counted, and all bots together make no more tries in a second than one core does of the real messages. Messages are
//! shorter here, so that ten minutes do not take ten minutes; with the small numbers prices and rates are both divided
//! by the same number, which changes nothing between them. One run is by the wall's clock: real seconds, the real messages,
//! and one thread that works for the bots without a pause, beside the server. There all honest visitors return a code:
//! their telephones would have to work on this machine's processors too.

use super::house::{Clinic, House};
use booking_api::http::work::Levels;
use booking_api::http::work::challenge::{PARTS, try_hash};
use booking_domain::agenda_day::AgendaDayEvent;
use booking_domain::ids::{AppointmentId, HoldId, SlotId};
use booking_domain::time::Instant;
use booking_domain::values::Proof;
use booking_engine::vault::{Token, VisitLookup};
use booking_engine::{Clock, ManualClock, SystemClock};
use booking_store::fold::decode;
use booking_tests::Rng;
use booking_tests::actors::{draft, time};
use booking_tests::load::{check_log, events_of};
use booking_tests::seeds::torture;
use booking_tests::world::MORNING;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Availabilities of the clinic.
const TIMES: usize = 500;
/// Requests that the bots send in a second.
const REQUESTS: usize = 50;
/// Messages of 32 KiB that one core hashes in a second at least: more than was measured (docs/security.md).
const CORE: u64 = 60_000;
/// What a telephone is taken to hash.
const TELEPHONE: u64 = CORE / 3;
/// How long an honest visitor keeps trying, in seconds.
const PATIENCE: i64 = 180;
/// How long they take to fill in the rest.
const TYPING: i64 = 60;

/// What one core of this machine hashes of the real messages in a second; looked at with the great numbers only, since
/// other tests want the core as well.
fn core() -> u64 {
    if !torture() {
        return CORE;
    }
    let (begun, mut tries) = (super::portal::now(), 0);
    while begun.elapsed().as_secs() < 2 {
        std::hint::black_box(try_hash("how fast is this core", tries, Levels::default().message));
        tries += 1;
    }
    println!("swarm: one core of this machine makes {} tries a second", tries / 2);
    u64::from(tries / 2)
}

/// What the bots do with what they get.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Greed {
    /// Hold it and keep it.
    Hold,
    /// Book it, without holding it.
    Book,
}

/// One run.
struct Swarm {
    sources: usize,
    greed: Greed,
    seconds: i64,
    work: bool,
    /// Prices and rates are divided by this.
    scale: u64,
    /// Seconds are real ones, and so is the work.
    wall: bool,
    /// How long honest visitors take to fill in the rest, in seconds.
    typing: i64,
}

impl Swarm {
    fn new(sources: usize, greed: Greed) -> Self {
        let (seconds, scale) = if torture() { (600, 1) } else { (100, 64) };
        Self { sources, greed, seconds, work: true, scale, wall: false, typing: TYPING }
    }
    /// By the wall's clock.
    fn of_the_wall(sources: usize, greed: Greed) -> Self {
        let (seconds, scale, typing) = if torture() { (240, 1, TYPING) } else { (8, 64, 3) };
        Self { seconds, scale, typing, wall: true, ..Self::new(sources, greed) }
    }
}

/// How it went.
#[derive(Debug, Default)]
struct Outcome {
    most_held: usize,
    most_taken: usize,
    honest: usize,
    served: usize,
    tries: u64,
    requests: usize,
}

/// A device that looks for a solution, as far as it gets each second.
struct Miner {
    challenge: String,
    next: u32,
    best: Vec<(u64, u32)>,
    since: Instant,
}

impl Miner {
    fn new(challenge: &str, since: Instant) -> Self {
        Self { challenge: challenge.to_owned(), next: 0, best: Vec::new(), since }
    }
    /// Makes at most so many tries; answers how many, and the solution once there is one.
    fn mine(&mut self, tries: u64, below: u64, message: usize) -> (u64, Option<String>) {
        for done in 0..=tries {
            let parts = usize::try_from(PARTS).unwrap();
            if self.best.iter().filter(|(hash, _)| *hash < below).count() >= parts {
                let nonces = self.best.iter().take(parts).map(|(_, nonce)| nonce.to_string());
                let solution = std::iter::once(self.challenge.clone()).chain(nonces).collect::<Vec<_>>().join(".");
                return (done, Some(solution));
            }
            if done == tries {
                break;
            }
            let hash = try_hash(&self.challenge, self.next, message);
            let at = self.best.partition_point(|(known, _)| *known < hash);
            self.best.insert(at, (hash, self.next));
            self.best.truncate(parts);
            self.next += 1;
        }
        (tries, None)
    }
}

/// Bytes of a message where the clock is injected.
const MESSAGE: usize = 64;

/// Work that a thread of the bots does: whose, and at which price.
type Job = (String, Miner, u64);

/// The bots' core of a run by the wall's clock: one thread, one job after the other, until the second is over. Gives the
/// jobs back, with their solutions, and how many tries it made.
fn works_until(end: std::time::Instant, jobs: Vec<Job>, message: usize) -> (Vec<(Job, Option<String>)>, u64) {
    const SLICE: u64 = 64;
    let mut all = 0;
    let done = jobs.into_iter().map(|(token, mut miner, below)| {
        let mut solution = None;
        while solution.is_none() && super::portal::now() < end {
            let (made, found) = miner.mine(SLICE, below, message);
            (all, solution) = (all + made, found);
        }
        ((token, miner, below), solution)
    });
    let done = done.collect();
    (done, all)
}

/// A visit of a bot or of an honest visitor.
struct Guest {
    token: String,
    source: String,
    miner: Option<(Miner, u64)>,
    solution: Option<String>,
    hold: Option<(String, String)>,
    held_at: Instant,
    /// Its work is with the bots' core.
    away: bool,
}

/// The clinic, and whoever comes to it.
struct Ground {
    house: House,
    clock: Arc<dyn Clock>,
    /// The same where it is injected.
    manual: Option<Arc<ManualClock>>,
    message: usize,
    http: Client,
    base: String,
    service: Value,
    clinic: Clinic,
    rng: Rng,
    keys: u64,
}

impl Ground {
    async fn new(swarm: &Swarm) -> Self {
        let manual = (!swarm.wall).then(|| Arc::new(ManualClock::new(MORNING)));
        let clock: Arc<dyn Clock> = match &manual {
            Some(manual) => Arc::clone(manual) as _,
            None => Arc::new(SystemClock),
        };
        let full = Levels::default();
        let message = if swarm.wall { full.message } else { MESSAGE };
        let price = |tries: u64| if swarm.work { tries / swarm.scale } else { 0 };
        let work = Levels { everyday: price(full.everyday), most: price(full.most), message };
        let house = House::open(|options| {
            options.clock = Arc::clone(&clock);
            options.source_limits = true;
            options.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
            options.work = work;
        })
        .await;
        let clinic = Clinic::found(&house.app().engine).await;
        let mut places = 0;
        for name in ["Dre Roy", "Dr Gagnon", "Dre Cloutier", "Dr Tran", "Dre Nadeau"] {
            let agenda = clinic.hires(name).await;
            for day in 1..=4 {
                let slot = draft(agenda, clinic.in_days(day), time("09:00"), time("15:15"), clinic.activity);
                places += clinic.publishes(&slot).await.len();
            }
        }
        assert_eq!(places, TIMES);
        house.settled().await;
        let http = Client::builder().no_proxy().tcp_nodelay(true).build().unwrap();
        let base = house.base(&clinic);
        let service = json!(clinic.service.0);
        Self { house, clock, manual, message, http, base, service, clinic, rng: Rng::new(7), keys: 0 }
    }

    fn asks(&self, method: Method, path: &str, source: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).header("x-forwarded-for", source)
    }
    async fn answer(&self, request: RequestBuilder) -> (u16, Value) {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or(Value::Null))
    }
    async fn opens(&mut self, source: String) -> Option<Guest> {
        self.keys += 1;
        let who = json!({ "first_name": format!("Zoe {}", super::portal::letters(usize::try_from(self.keys).unwrap())),
            "last_name": "Tremblay", "birth_date": "1990-02-03", "sex": "female", "cell_phone": "514 555 0123",
            "terms_accepted": true });
        let (status, body) = self.answer(self.asks(Method::POST, "/visits", &source).json(&who)).await;
        let token = (status == 201).then(|| body["token"].as_str().unwrap().to_owned())?;
        Some(Guest { token, source, miner: None, solution: None, hold: None, held_at: Instant(0), away: false })
    }
    /// Returns a code: what came of it stands in the visit.
    async fn proves(&self, guest: &Guest) {
        let vault = self.house.app().engine.vault();
        let token = Token::parse(guest.token.trim_start_matches("v_")).unwrap();
        let found = vault.visit_by_token(self.clinic.id, &token, self.clock.now()).await.unwrap();
        let VisitLookup::Open(visit) = found else { panic!("{found:?}") };
        vault.prove_visit(&visit, Proof::Both.code(), None).await.unwrap();
    }
    /// Everything that a visitor is shown.
    async fn sees(&self, guest: &Guest) -> Option<Vec<String>> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/availabilities?service={}&limit=100{cursor}", self.service.as_str().unwrap());
            let (status, page) =
                self.answer(self.asks(Method::GET, &path, &guest.source).bearer_auth(&guest.token)).await;
            if status != 200 {
                return None;
            }
            all.extend(super::portal::refs(&page["availabilities"]));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Some(all),
            }
        }
    }
    /// Sends a command of a visit; work that is asked for becomes the guest's to do.
    async fn sends(&mut self, guest: &mut Guest, path: &str, body: &Value) -> (u16, Value) {
        self.keys += 1;
        let mut request = self.asks(Method::POST, path, &guest.source).bearer_auth(&guest.token);
        request = request.header("idempotency-key", format!("key {}", self.keys)).json(body);
        if let Some(solution) = &guest.solution {
            request = request.header("booking-work", solution);
        }
        let (status, answer) = self.answer(request).await;
        if status == 428 {
            let work = &answer["work"];
            let below = work["below"].as_u64().unwrap();
            let challenge = work["challenge"].as_str().unwrap();
            // A challenge that is still good is worked on: what was found for a lower price is not lost.
            let now = self.clock.now();
            let known = guest.miner.take().filter(|(miner, _)| now.since(miner.since) < 150_000_000);
            guest.miner = Some(known.map_or_else(|| (Miner::new(challenge, now), below), |(m, _)| (m, below)));
            guest.solution = None;
        } else if status < 300 {
            (guest.miner, guest.solution) = (None, None);
        }
        (status, answer)
    }
    async fn holds(&mut self, guest: &mut Guest, place: &str) -> u16 {
        let body = json!({ "service": self.service, "availability": place });
        let (status, answer) = self.sends(guest, "/holds", &body).await;
        if status == 201 {
            guest.hold = Some((answer["hold"].as_str().unwrap().to_owned(), place.to_owned()));
            guest.held_at = self.clock.now();
        }
        status
    }
    async fn books(&mut self, guest: &mut Guest, place: &str) -> u16 {
        let mut body = json!({ "service": self.service, "availability": place });
        if let Some((hold, held)) = &guest.hold
            && held == place
        {
            body["hold"] = json!(hold);
        }
        self.sends(guest, "/appointments", &body).await.0
    }
}

/// What the log says is held and booked, and by whom: visits of bots, and others.
#[derive(Default)]
struct Taken {
    holds: BTreeMap<HoldId, (uuid::Uuid, (SlotId, Instant), Instant)>,
    booked: BTreeMap<AppointmentId, (uuid::Uuid, (SlotId, Instant))>,
}

impl Taken {
    async fn read(house: &House) -> Self {
        let mut taken = Self::default();
        for event in events_of(&**house.app().log()).await.iter().filter(|e| e.stream.as_agenda_day().is_some()) {
            match decode(event).unwrap() {
                AgendaDayEvent::HoldPlaced(e) => {
                    taken.holds.insert(e.hold, (e.visit.0, (e.slot, e.span.start), e.expires_at));
                }
                AgendaDayEvent::HoldExtended(e) => {
                    taken.holds.entry(e.hold).and_modify(|(_, _, until)| *until = e.expires_at);
                }
                AgendaDayEvent::HoldReleased(e) => drop(taken.holds.remove(&e.hold)),
                AgendaDayEvent::AppointmentBooked(e) => {
                    e.hold.map(|hold| taken.holds.remove(&hold));
                    let place = (e.placement.sources[0].slot, e.placement.span.start);
                    taken.booked.insert(e.booking.appointment, (e.booking.visit.unwrap().0, place));
                }
                _ => {}
            }
        }
        taken
    }
    fn held(&self, now: Instant) -> impl Iterator<Item = &(uuid::Uuid, (SlotId, Instant), Instant)> {
        self.holds.values().filter(move |(_, _, until)| *until > now)
    }
}

/// An honest visitor: looks, holds, types, books.
struct Honest {
    guest: Guest,
    code: bool,
    came: Instant,
}

async fn run(swarm: &Swarm) -> Outcome {
    let mut ground = Ground::new(swarm).await;
    let mut outcome = Outcome::default();
    let source_of_bot = |n: usize| format!("10.{}.{}.9", n % swarm.sources / 250, n % swarm.sources % 250);
    let watcher = ground.opens("192.0.2.1".to_owned()).await.unwrap();
    let mut bots: Vec<Guest> = Vec::new();
    let mut honest: Vec<Honest> = Vec::new();
    let mut bot_visits: HashSet<String> = HashSet::new();
    let (mut turn, mut arrived) = (0usize, 0usize);
    let mut shown = ground.sees(&watcher).await.unwrap();
    let injected = if swarm.wall { CORE } else { core().max(CORE) };
    let (core, telephone) = (injected / swarm.scale, TELEPHONE / swarm.scale);
    let message = ground.message;
    let begun = super::portal::now();
    for second in 0..swarm.seconds {
        match &ground.manual {
            Some(clock) => clock.advance_seconds(1),
            None => tokio::time::sleep_until((begun + seconds(second)).into()).await,
        }
        let now = ground.clock.now();
        // The bots: new visits until there is one for every source and more, then whoever can take something does.
        let mut requests = REQUESTS;
        let wanted_bots = swarm.sources.clamp(100, 1_000);
        let mut fresh = 0;
        while bots.len() < wanted_bots && fresh < REQUESTS / 2 {
            (requests, fresh) = (requests - 1, fresh + 1);
            if let Some(bot) = ground.opens(source_of_bot(bots.len() + fresh)).await {
                bot_visits.insert(bot.token.clone());
                bots.push(bot);
            }
        }
        // One core works on one challenge after the other: what is nearest to its end first.
        let mut tries = if swarm.wall { 0 } else { core };
        let at_work = swarm.wall.then(|| {
            let waits = |bot: &&mut Guest| bot.miner.is_some() && bot.solution.is_none();
            let mut jobs: Vec<Job> = Vec::new();
            for bot in bots.iter_mut().filter(waits) {
                bot.away = true;
                jobs.extend(bot.miner.take().map(|(miner, below)| (bot.token.clone(), miner, below)));
            }
            let end = begun + seconds(second + 1);
            tokio::task::spawn_blocking(move || works_until(end, jobs, message))
        });
        for bot in &mut bots {
            if let Some((miner, below)) = bot.miner.as_mut().filter(|_| tries > 0 && bot.solution.is_none()) {
                let (made, solution) = miner.mine(tries, *below, message);
                (tries, outcome.tries) = (tries - made, outcome.tries + made);
                bot.solution = solution;
            }
        }
        let mut looked = 0;
        while requests > 0 && looked < bots.len() && !shown.is_empty() {
            looked += 1;
            turn = (turn + 1) % bots.len();
            let mut bot = bots.remove(turn);
            if bot.hold.is_some() && now.since(bot.held_at) >= 300_000_000 {
                bot.hold = None;
            }
            // A bot that has work to do first, does it; a few ask again whether the price has come down.
            let idle = bot.away || bot.miner.is_some() && bot.solution.is_none() && ground.rng.below(20) != 0;
            let due = bot.hold.is_some() && now.since(bot.held_at) >= 240_000_000;
            if !idle && (bot.hold.is_none() || due) {
                requests -= 1;
                let at = ground.rng.below(shown.len());
                let place = shown[at].clone();
                let status = match (&bot.hold, swarm.greed) {
                    (Some((hold, _)), _) => {
                        let path = format!("/holds/{hold}/extend");
                        let (status, _) = ground.sends(&mut bot, &path, &Value::Null).await;
                        if status == 200 {
                            bot.held_at = now;
                        }
                        status
                    }
                    (None, Greed::Hold) => ground.holds(&mut bot, &place).await,
                    (None, Greed::Book) => ground.books(&mut bot, &place).await,
                };
                if status < 300 || status == 409 {
                    shown.retain(|known| *known != place);
                }
                outcome.requests += 1;
            }
            bots.insert(turn, bot);
        }

        // Twenty honest visitors a minute; half of them return the code, half let their telephone work.
        if second % 3 == 0 {
            let source = format!("172.16.{}.{}", arrived / 200, arrived % 200);
            let mut guest = ground.opens(source).await.expect("an honest visitor is let in");
            let by_code = swarm.wall || arrived % 2 == 0;
            if by_code {
                ground.proves(&guest).await;
            }
            guest.held_at = now;
            honest.push(Honest { guest, code: by_code, came: now });
            arrived += 1;
        }
        let mut waiting = Vec::new();
        for mut visitor in std::mem::take(&mut honest) {
            if let Some((miner, below)) = visitor.guest.miner.as_mut().filter(|_| visitor.guest.solution.is_none()) {
                visitor.guest.solution = miner.mine(telephone, *below, message).1;
            }
            let typed = now.since(visitor.guest.held_at) >= swarm.typing * 1_000_000;
            let working = visitor.guest.miner.is_some() && visitor.guest.solution.is_none();
            let done = match visitor.guest.hold.clone() {
                Some((_, place)) if typed => ground.books(&mut visitor.guest, &place).await == 201,
                None if !working && visitor.came < now => {
                    let seen = ground.sees(&visitor.guest).await.unwrap_or_default();
                    if let Some(place) = ground.rng.maybe(&seen) {
                        let status = ground.holds(&mut visitor.guest, &place).await;
                        assert!(!(visitor.code && status == 428), "the code stands for the work");
                        assert!(matches!(status, 201 | 409 | 428), "{status}");
                    }
                    false
                }
                _ => false,
            };
            if done {
                outcome.served += 1;
                outcome.honest += 1;
            } else if now.since(visitor.came) > PATIENCE * 1_000_000 {
                outcome.honest += 1;
            } else {
                waiting.push(visitor);
            }
        }
        honest = waiting;
        if let Some(at_work) = at_work {
            let (jobs, made) = at_work.await.unwrap();
            outcome.tries += made;
            for ((token, miner, below), solution) in jobs {
                let Some(bot) = bots.iter_mut().find(|bot| bot.token == token) else { continue };
                (bot.away, bot.solution) = (false, solution);
                bot.miner = Some((miner, below));
            }
        }

        if second % 10 == 9 || second + 1 == swarm.seconds {
            ground.house.settled().await;
            shown = ground.sees(&watcher).await.expect("the watcher is an honest visitor");
            let taken = Taken::read(&ground.house).await;
            let places: HashSet<_> =
                taken.held(now).map(|(_, place, _)| place).chain(taken.booked.values().map(|(_, p)| p)).collect();
            let (held, booked) = (taken.held(now).count(), taken.booked.len());
            assert_eq!(shown.len() + held + booked, TIMES, "something leaked at second {second}");
            assert_eq!(places.len(), held + booked, "something was given twice");
            let bots: HashSet<uuid::Uuid> = bot_ids(&ground, &bot_visits).await;
            let bots_hold = taken.held(now).filter(|(visit, ..)| bots.contains(visit)).count();
            let bots_book = taken.booked.values().filter(|(visit, _)| bots.contains(visit)).count();
            outcome.most_held = outcome.most_held.max(bots_hold);
            outcome.most_taken = outcome.most_taken.max(bots_hold + bots_book);
        }
    }
    let log = ground.house.log().await;
    assert_eq!(check_log(&log), Vec::<String>::new());
    let Ground { house, http, .. } = ground;
    drop(http);
    house.close().await;
    let clock = if swarm.wall { format!("the wall's, {} s", begun.elapsed().as_secs()) } else { "injected".to_owned() };
    println!("swarm: the clock is {clock}");
    println!(
        "swarm: {} sources, {:?}, {} s, work {}: bots held {} and had {} of {TIMES} at most; {} of {} honest visitors \
         booked; {} tries by the bots' core, {} requests",
        swarm.sources,
        swarm.greed,
        swarm.seconds,
        swarm.work,
        outcome.most_held,
        outcome.most_taken,
        outcome.served,
        outcome.honest,
        outcome.tries,
        outcome.requests
    );
    outcome
}

/// The visits behind the bots' tokens.
async fn bot_ids(ground: &Ground, tokens: &HashSet<String>) -> HashSet<uuid::Uuid> {
    let vault = ground.house.app().engine.vault();
    let mut ids = HashSet::new();
    for token in tokens {
        let token = Token::parse(token.trim_start_matches("v_")).unwrap();
        if let VisitLookup::Open(visit) =
            vault.visit_by_token(ground.clinic.id, &token, ground.clock.now()).await.unwrap()
        {
            ids.insert(visit.id.0);
        }
    }
    ids
}

fn seconds(many: i64) -> std::time::Duration {
    std::time::Duration::from_secs(many.unsigned_abs())
}

fn honest_are_served(outcome: &Outcome) {
    assert!(outcome.honest > 0, "{outcome:?}");
    assert!(outcome.served * 100 >= outcome.honest * 95, "{outcome:?}");
}

#[tokio::test]
async fn bots_of_one_source_hold_at_most_two_percent() {
    let outcome = run(&Swarm::new(1, Greed::Hold)).await;
    assert!(outcome.most_held * 50 <= TIMES, "{outcome:?}");
    assert!(outcome.most_held > 0, "the bots did not try: {outcome:?}");
    honest_are_served(&outcome);
}

#[tokio::test]
async fn bots_of_a_thousand_sources_hold_at_most_ten_percent() {
    let outcome = run(&Swarm::new(1_000, Greed::Hold)).await;
    assert!(outcome.most_held * 10 <= TIMES, "{outcome:?}");
    assert!(outcome.most_held > 0, "the bots did not try: {outcome:?}");
    honest_are_served(&outcome);
}

#[tokio::test]
async fn bots_that_book_what_they_can_have_at_most_ten_percent() {
    for sources in [1, 1_000] {
        let outcome = run(&Swarm::new(sources, Greed::Book)).await;
        let share = if sources == 1 { 25 } else { 10 };
        assert!(outcome.most_taken * share <= TIMES, "{outcome:?}");
        assert!(outcome.most_taken > 0, "the bots did not try: {outcome:?}");
        honest_are_served(&outcome);
    }
}

// By the wall's clock: real seconds, real messages, and a thread that never rests.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bots_with_a_core_of_their_own_hold_at_most_ten_percent_by_the_walls_clock() {
    for sources in [1, 1_000] {
        let outcome = run(&Swarm::of_the_wall(sources, Greed::Hold)).await;
        let share = if sources == 1 { 50 } else { 10 };
        assert!(outcome.most_held * share <= TIMES, "{outcome:?}");
        assert!(outcome.most_held > 0 && outcome.requests > 0, "the bots did not try: {outcome:?}");
        honest_are_served(&outcome);
    }
}

// The control: without the work a thousand sources have the clinic in a minute.
#[tokio::test]
async fn without_the_work_a_thousand_sources_have_far_more() {
    let swarm = Swarm { work: false, seconds: 60, ..Swarm::new(1_000, Greed::Hold) };
    let outcome = run(&swarm).await;
    assert!(outcome.most_held * 2 > TIMES, "{outcome:?}");
}
