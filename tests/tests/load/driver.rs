//! Clients that book without a pause, and remember what they asked for and what they were told.

use super::portal::{Guest, Heard, Portal, Reply, letters, reference};
use booking_domain::ids::{ClinicId, CommandId};
use booking_engine::{Actor, Place, command_id};
use booking_tests::Rng;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a client knows about a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Known {
    /// No answer, or "try again": it may or may not have been carried out.
    Unanswered,
    /// 201, with the appointment's reference.
    Booked(String),
    /// Refused for good, with the code.
    Refused(String),
}

/// A booking that somebody asked for.
#[derive(Clone, Debug)]
pub struct Request {
    guest: Guest,
    key: String,
    /// What is to be booked.
    pub place: Place,
    hold: Option<String>,
    /// What the client knows.
    pub known: Known,
}

impl Request {
    /// The first name that its visitor typed.
    pub fn name(&self) -> &str {
        &self.guest.name
    }
}

/// Everything that was asked for, by command.
#[derive(Clone, Default)]
pub struct Ledger {
    /// The requests.
    pub requests: BTreeMap<CommandId, Request>,
    /// How many were told that they are booked.
    pub booked: usize,
    /// What no client may be told.
    pub wrong: Vec<String>,
}

impl Ledger {
    /// How many requests are in this state.
    pub fn count(&self, is: impl Fn(&Known) -> bool) -> usize {
        self.requests.values().filter(|r| is(&r.known)).count()
    }
    fn hear(&mut self, command: CommandId, heard: &Heard) {
        let Ok(reply) = heard else { return };
        let Some(request) = self.requests.get_mut(&command) else { return };
        let known = match reply.status {
            _ if reply.is_passing() => return,
            201 => Known::Booked(reply.reference()),
            400..500 => Known::Refused(reply.code().to_owned()),
            _ => {
                self.wrong.push(format!("{reply:?}"));
                return;
            }
        };
        match &request.known {
            Known::Unanswered => {
                self.booked += usize::from(matches!(known, Known::Booked(_)));
                request.known = known;
            }
            // An answer is final for a booking. A refusal that left no event may turn into a booking.
            before @ Known::Booked(_) if *before != known => {
                self.wrong.push(format!("{command}: first {before:?}, then {known:?}"));
            }
            _ => {}
        }
    }
}

/// Who loads a server.
pub struct Load {
    clinic: ClinicId,
    places: Vec<Place>,
    /// What was asked and answered.
    pub ledger: Mutex<Ledger>,
    guests: AtomicUsize,
}

impl Load {
    /// A load that books these places, about in this order.
    pub fn new(clinic: ClinicId, places: Vec<Place>) -> Self {
        Self { clinic, places, ledger: Mutex::default(), guests: AtomicUsize::new(0) }
    }
    /// True while there is something left to book.
    pub fn has_room(&self) -> bool {
        self.ledger.lock().unwrap().booked + 400 < self.places.len()
    }

    /// So many clients book until the server is gone or `stop` is set.
    pub async fn run(self: &Arc<Self>, portal: &Portal, clients: usize, rng: &mut Rng, stop: &Arc<AtomicBool>) {
        let tasks: Vec<_> = (0..clients)
            .map(|_| {
                let (load, portal, stop) = (Arc::clone(self), portal.clone(), Arc::clone(stop));
                let mut rng = Rng::new(rng.next());
                tokio::spawn(async move {
                    while !stop.load(Ordering::Relaxed) && load.visit(&portal, &mut rng).await.is_ok() {}
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    }

    /// One visit with a few bookings; an error is a broken connection.
    async fn visit(&self, portal: &Portal, rng: &mut Rng) -> reqwest::Result<()> {
        let number = self.guests.fetch_add(1, Ordering::Relaxed);
        let guest = portal.identify(&format!("Zoe {}", letters(number))).await?;
        for n in 0..rng.between(1, 4) {
            // Several clients are after the same few times.
            let near = self.ledger.lock().unwrap().booked + rng.below(16);
            let place = self.places[near % self.places.len()];
            let hold = if rng.percent(15) {
                let held = portal.hold(&guest, &reference(place), &format!("hold {n}")).await?;
                held.body["hold"].as_str().map(str::to_owned)
            } else {
                None
            };
            let key = format!("booking {n}");
            let command = command_id(self.clinic, &Actor::Visit(guest.visit).to_string(), "book", &key);
            let request = Request { guest: guest.clone(), key, place, hold, known: Known::Unanswered };
            self.ledger.lock().unwrap().requests.insert(command, request.clone());
            let reply = self.ask(portal, command, &request).await?;
            if reply.status == 201 && rng.percent(20) {
                self.ask(portal, command, &request).await?;
            }
        }
        Ok(())
    }

    async fn ask(&self, portal: &Portal, command: CommandId, request: &Request) -> Heard {
        let place = reference(request.place);
        let heard = portal.book(&request.guest, &place, request.hold.as_deref(), &request.key).await;
        self.ledger.lock().unwrap().hear(command, &heard);
        heard
    }

    /// Asks again, with the same keys, for whatever was not answered, until everything is; how many that were.
    pub async fn retry(&self, portal: &Portal) -> usize {
        let open: Vec<_> = {
            let ledger = self.ledger.lock().unwrap();
            let open = ledger.requests.iter().filter(|(_, r)| r.known == Known::Unanswered);
            open.map(|(command, request)| (*command, request.clone())).collect()
        };
        for (command, request) in &open {
            let answered = async {
                loop {
                    let reply: Reply = self.ask(portal, *command, request).await.unwrap();
                    if !reply.is_passing() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(30), answered).await.expect("a retry was never answered");
        }
        open.len()
    }
}
