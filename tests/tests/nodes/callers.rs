//! People who book over two nodes, and go to the other one with the same key when the first does not answer. They remember
//! what they were told, and the log is held against that.

use booking_domain::ids::{ClinicId, CommandId, ServiceId};
use booking_engine::{Actor, Place, command_id};
use booking_store::Recorded;
use booking_tests::Rng;
use booking_tests::guests::{Guest, Heard, Portal, Reply, letters, reference};
use booking_tests::load::{bookings, check_log};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;
use tokio::time::Instant;

/// Nobody waits longer than this for an answer that is none of "try again", over both nodes.
const LONGEST: Duration = Duration::from_secs(90);
/// Several callers are after the same few times.
const NEAR: usize = 24;

/// What somebody was told in the end.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Told {
    Nothing,
    Booked(String),
    Refused(String),
}

/// A node as callers know it.
#[derive(Clone)]
struct Node {
    portal: Portal,
    /// Grows when it is killed and when it is back: odd while nobody is there.
    life: usize,
}

/// What callers were told so far.
#[derive(Default)]
struct Ledger {
    told: BTreeMap<CommandId, Told>,
    /// Which node was asked last.
    asking: HashMap<CommandId, usize>,
    /// What no caller may be told.
    wrong: Vec<String>,
    /// How often each node gave which status; 0 is a broken connection, 1 a caller who went elsewhere.
    answers: BTreeMap<(usize, u16), usize>,
    /// Answers of 201 that a first try did not get.
    by_retry: usize,
}

/// Whoever books, on which nodes, and what they were told.
pub struct Callers {
    clinic: ClinicId,
    service: ServiceId,
    slug: String,
    places: Vec<Place>,
    nodes: [RwLock<Node>; 2],
    ledger: Mutex<Ledger>,
    number: AtomicUsize,
    taken: AtomicUsize,
}

/// What a node is asked, again and again in the same words.
enum Ask<'a> {
    /// To be let in under this name.
    In(&'a str),
    /// To book this place with this key, which makes it this command.
    Book(CommandId, &'a Guest, &'a str, &'a str),
}

impl Ask<'_> {
    async fn of(&self, portal: &Portal) -> Heard {
        match self {
            Self::In(name) => portal.asks_in(name).await,
            Self::Book(_, guest, place, key) => portal.book(guest, place, None, key).await,
        }
    }
}

/// How callers behave.
#[derive(Clone, Copy)]
pub struct Manner {
    /// How many there are at once.
    pub crowd: usize,
    /// How long one of them waits for a node, in milliseconds, at least and at most.
    pub patience: (i64, i64),
    /// The same for one in five.
    pub most_patience: (i64, i64),
    /// How long one of them thinks before the next booking, in milliseconds, at most.
    pub thinks: i64,
}

impl Callers {
    /// They book these places, about in this order, at nodes that listen here.
    pub fn new(
        (clinic, service, slug): (ClinicId, ServiceId, &str),
        places: Vec<Place>,
        nodes: [&str; 2],
    ) -> Arc<Self> {
        let nodes = nodes.map(|address| {
            let portal = Portal::new(address, slug, service);
            RwLock::new(Node { portal, life: 0 })
        });
        let slug = slug.to_owned();
        let (ledger, number, taken) = (Mutex::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { clinic, service, slug, places, nodes, ledger, number, taken })
    }

    /// Says that a node is about to be killed: connections to it may break from now on.
    pub fn loses(&self, node: usize) {
        self.nodes[node].write().unwrap().life += 1;
    }

    /// Says that it is back, here.
    pub fn finds(&self, node: usize, address: &str) {
        let mut known = self.nodes[node].write().unwrap();
        known.portal = Portal::new(address, &self.slug, self.service);
        known.life += 1;
    }

    /// True while there is enough left to book.
    pub fn has_room(&self) -> bool {
        self.taken.load(Ordering::Relaxed) + 4 * NEAR < self.places.len()
    }

    /// Whose portal they are at.
    pub fn clinic(&self) -> ClinicId {
        self.clinic
    }

    /// What they look for.
    pub fn service(&self) -> ServiceId {
        self.service
    }

    /// How many were told that they are booked.
    pub fn booked(&self) -> usize {
        self.ledger.lock().unwrap().told.values().filter(|told| matches!(told, Told::Booked(_))).count()
    }

    /// Books until `over`; every booking that was begun is asked for until there is an answer.
    pub async fn run(self: &Arc<Self>, manner: Manner, rng: &mut Rng, over: &Arc<AtomicBool>) {
        let tasks: Vec<_> = (0..manner.crowd)
            .map(|_| {
                let (callers, over) = (Arc::clone(self), Arc::clone(over));
                let mut rng = Rng::new(rng.next());
                tokio::spawn(async move {
                    while !over.load(Ordering::Relaxed) {
                        if callers.has_room() {
                            callers.visit(manner, &mut rng).await;
                        }
                        let pause = u64::try_from(rng.between(0, manner.thinks)).unwrap();
                        tokio::time::sleep(Duration::from_millis(pause)).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    }

    /// Somebody comes to either node, and books two or three times.
    async fn visit(&self, manner: Manner, rng: &mut Rng) {
        let name = format!("Zoe {}", letters(self.number.fetch_add(1, Ordering::Relaxed)));
        let first = rng.below(2);
        let Some(reply) = self.insists(first, manner, rng, Ask::In(&name)).await else { return };
        assert_eq!(reply.status, 201, "{reply:?}");
        let guest = Guest::of(&reply, &name);
        for n in 0..rng.between(2, 3) {
            let at = self.taken.load(Ordering::Relaxed) + rng.below(NEAR);
            self.books(&guest, self.places[at % self.places.len()], &format!("booking {n}"), manner, rng).await;
        }
    }

    /// Books one place, at either node first, until there is an answer.
    pub async fn books(&self, guest: &Guest, place: Place, key: &str, manner: Manner, rng: &mut Rng) {
        let command = command_id(self.clinic, &Actor::Visit(guest.visit).to_string(), "book", key);
        self.ledger.lock().unwrap().told.insert(command, Told::Nothing);
        let place = reference(place);
        let first = rng.below(2);
        let Some(reply) = self.insists(first, manner, rng, Ask::Book(command, guest, &place, key)).await else {
            return;
        };
        self.hears(command, &reply);
        // Now and then somebody asks once more, of the other node as well: the answer stays.
        if rng.percent(20) {
            let first = rng.below(2);
            if let Some(again) = self.insists(first, manner, rng, Ask::Book(command, guest, &place, key)).await {
                self.hears(command, &again);
            }
        }
    }

    fn hears(&self, command: CommandId, reply: &Reply) {
        let told = match reply.status {
            201 => Told::Booked(reply.reference()),
            400..500 => Told::Refused(reply.code().to_owned()),
            _ => return,
        };
        let mut ledger = self.ledger.lock().unwrap();
        let before = ledger.told.insert(command, told.clone()).unwrap();
        match before {
            Told::Nothing if matches!(told, Told::Booked(_)) => {
                self.taken.fetch_add(1, Ordering::Relaxed);
            }
            Told::Booked(_) if before != told => {
                ledger.wrong.push(format!("{command}: first {before:?}, then {told:?}"));
            }
            // A refusal that left no event may turn into a booking.
            _ => {}
        }
    }

    /// Asks one node, then the other, and so on, until one of them does not say "try again".
    async fn insists(&self, first: usize, manner: Manner, rng: &mut Rng, ask: Ask<'_>) -> Option<Reply> {
        let (begun, mut at, mut tries) = (Instant::now(), first, 0);
        while begun.elapsed() < LONGEST {
            let node = self.nodes[at].read().unwrap().clone();
            let (least, most) = if rng.percent(20) { manner.most_patience } else { manner.patience };
            let patience = u64::try_from(rng.between(least, most)).unwrap();
            tries += 1;
            if let Ask::Book(command, ..) = ask {
                self.ledger.lock().unwrap().asking.insert(command, at);
            }
            let answer = tokio::time::timeout(Duration::from_millis(patience), ask.of(&node.portal)).await;
            if let Some(reply) = self.notes(at, node.life, answer, tries) {
                return Some(reply);
            }
            at = 1 - at;
            let pause = u64::try_from(rng.between(5, 60)).unwrap();
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        self.ledger.lock().unwrap().wrong.push(format!("no answer in {LONGEST:?} and {tries} tries"));
        None
    }

    /// Notes what a node answered, if it did; an answer that is none of "try again" is the caller's.
    fn notes(
        &self,
        at: usize,
        life_before: usize,
        answer: Result<Heard, tokio::time::error::Elapsed>,
        tries: usize,
    ) -> Option<Reply> {
        let life = self.nodes[at].read().unwrap().life;
        let mut ledger = self.ledger.lock().unwrap();
        let status = match &answer {
            Ok(Ok(reply)) => reply.status,
            Ok(Err(_)) => 0,
            Err(_) => 1,
        };
        *ledger.answers.entry((at, status)).or_default() += 1;
        match answer {
            Ok(Ok(reply)) if reply.is_passing() => {
                if reply.status == 503 && reply.retry_after.is_none() {
                    ledger.wrong.push(format!("node {at} does not say when to come again: {reply:?}"));
                }
                None
            }
            Ok(Ok(reply)) => {
                if reply.status >= 500 {
                    ledger.wrong.push(format!("node {at}: {reply:?}"));
                }
                ledger.by_retry += usize::from(tries > 1 && reply.status == 201);
                Some(reply)
            }
            Ok(Err(error)) => {
                // It was killed before or meanwhile; else nobody may be cut off.
                if life_before.is_multiple_of(2) && life == life_before {
                    ledger.wrong.push(format!("node {at} lives and broke a connection: {error:?}"));
                }
                None
            }
            Err(_) => None,
        }
    }

    /// What is wrong with a log, as far as these callers know; everybody has an answer.
    pub fn faults(&self, log: &[Recorded]) -> Vec<String> {
        let ledger = self.ledger.lock().unwrap();
        let mut faults = check_log(log);
        faults.extend(ledger.wrong.iter().cloned());
        let stored: HashMap<_, _> = bookings(log).into_iter().collect();
        faults.extend(
            stored.keys().filter(|c| !ledger.told.contains_key(c)).map(|c| format!("phantom: nobody asked for {c}")),
        );
        for (command, told) in &ledger.told {
            match (told, stored.get(command)) {
                (Told::Booked(_), None) => faults.push(format!("lost: {command} was acknowledged and is not there")),
                (Told::Booked(reference), Some(booked)) if *reference != booked.booking.reference => {
                    faults.push(format!("{command} was given the reference of another appointment"));
                }
                (Told::Refused(code), Some(_)) => faults.push(format!("{command} was refused ({code}) and is booked")),
                (Told::Nothing, _) => faults.push(format!("{command} was never answered")),
                _ => {}
            }
        }
        faults
    }

    /// How many bookings of a log nobody was told of yet, although this node was asked for them.
    pub fn unheard(&self, node: usize, log: &[Recorded]) -> usize {
        let ledger = self.ledger.lock().unwrap();
        let unheard = |command: &CommandId| {
            ledger.told.get(command) == Some(&Told::Nothing) && ledger.asking.get(command) == Some(&node)
        };
        bookings(log).iter().filter(|(command, _)| unheard(command)).count()
    }

    /// How often each node gave which status so far.
    pub fn answers(&self) -> BTreeMap<(usize, u16), usize> {
        self.ledger.lock().unwrap().answers.clone()
    }

    /// How many answers of 201 a first try did not get.
    pub fn by_retry(&self) -> usize {
        self.ledger.lock().unwrap().by_retry
    }
}
