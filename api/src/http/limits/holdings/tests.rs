use super::*;
use crate::http::work::challenge::{self, Step};
use crate::http::work::{Purpose, Solved};
use booking_domain::agenda_day::Selected;
use booking_domain::ids::{AgendaId, HoldId, SlotId};
use booking_domain::time::WallDate;

const NOW: Instant = Instant(0);

fn holdings() -> Holdings {
    Holdings::new(true, Levels::default())
}

fn source(n: u8) -> Source {
    Source::of([203, 0, 113, n].into())
}

fn visit(n: u8) -> VisitId {
    VisitId::from_bytes([n; 16])
}

fn place(n: i64) -> Place {
    let selected = Selected { slot: SlotId::default(), start: Instant(n) };
    Place { agenda: AgendaId::default(), date: WallDate(1), selected }
}

fn hold(n: u8) -> HoldRef {
    HoldRef { agenda: AgendaId::default(), date: WallDate(1), hold: HoldId::from_bytes([n; 16]) }
}

/// A visit of this source, in a clinic with so many open availabilities.
fn asks(of: u8, from: u8, open: usize, taking: Taking) -> Asks {
    let clinic = ClinicId::default();
    let taking = Some(taking);
    Asks { clinic, visit: visit(of), source: source(from), taking, proven: false, open, solved: Solved::NOTHING }
}

/// Places a hold of five minutes.
fn holds(holdings: &Holdings, asks: Asks, n: u8, now: Instant) -> Result<Option<HoldRef>, Refused> {
    let Some(Taking::Hold(place)) = asks.taking else { panic!("not a hold") };
    let held = Held { hold: hold(n), place, until: now.plus_minutes(5) };
    Ok(holdings.admit(asks, now)?.held(held, now))
}

#[test]
fn a_source_holds_two_or_two_percent_and_no_more_also_at_once() {
    for (open, expected) in [(10, 2), (100, 2), (500, 10)] {
        let holdings = holdings();
        let proven = |of| Asks { proven: true, ..asks(of, 1, open, Taking::Hold(place(i64::from(of)))) };
        // All of them were admitted before the first was placed.
        let tickets: Vec<_> = (0..50).filter_map(|of| holdings.admit(proven(of), NOW).ok()).collect();
        assert_eq!(tickets.len(), expected, "of {open}");
        drop(tickets);
        let placed = (0..50).filter(|of| holds(&holdings, proven(*of), *of, NOW).is_ok()).count();
        assert_eq!(placed, expected, "of {open}");
        let other = Asks { source: source(2), ..proven(60) };
        assert!(holds(&holdings, other, 60, NOW).is_ok(), "another source has its own share");
    }
}

#[test]
fn a_hold_that_is_extended_goes_on_to_count() {
    let holdings = holdings();
    for of in [1, 2] {
        holds(&holdings, asks(of, 1, 10, Taking::Hold(place(i64::from(of)))), of, NOW).unwrap();
    }
    let later = NOW.plus_minutes(4);
    for of in [1, 2] {
        let keep = Asks { proven: true, ..asks(of, 1, 10, Taking::Keep(hold(of))) };
        holdings.admit(keep, later).unwrap().kept(later.plus_minutes(5), later);
    }
    let third = Asks { proven: true, ..asks(3, 1, 10, Taking::Hold(place(3))) };
    assert_eq!(holds(&holdings, third, 3, NOW.plus_minutes(6)), Err(Refused::Budget));
    assert!(holdings.live(visit(1), NOW.plus_minutes(6)).is_some());
    assert!(holds(&holdings, third, 3, NOW.plus_minutes(9)).is_ok(), "they have ended");
}

#[test]
fn a_hold_counts_once_for_whoever_placed_it_however_it_is_exchanged_or_given_back() {
    let holdings = holdings();
    let proven = |of, from, n| Asks { proven: true, ..asks(of, from, 10, Taking::Hold(place(n))) };
    holds(&holdings, proven(1, 1, 1), 1, NOW).unwrap();
    // The same again, and another one from elsewhere: it is the first source's still.
    assert_eq!(holds(&holdings, proven(1, 1, 1), 1, NOW), Ok(None));
    assert_eq!(holds(&holdings, proven(1, 9, 2), 2, NOW), Ok(Some(hold(1))));
    holds(&holdings, proven(2, 1, 3), 3, NOW).unwrap();
    assert_eq!(holds(&holdings, proven(3, 1, 4), 4, NOW), Err(Refused::Budget));
    // What is not held any more is not given back a second time.
    holdings.released(ClinicId::default(), visit(1), hold(1));
    assert_eq!(holds(&holdings, proven(3, 1, 4), 4, NOW), Err(Refused::Budget));
    holdings.released(ClinicId::default(), visit(1), hold(2));
    holdings.released(ClinicId::default(), visit(1), hold(2));
    holds(&holdings, proven(3, 1, 4), 4, NOW).unwrap();
    assert_eq!(holds(&holdings, proven(4, 1, 5), 5, NOW), Err(Refused::Budget));
}

#[test]
fn a_command_that_comes_to_nothing_costs_nothing_and_frees_nothing() {
    let holdings = holdings();
    for n in 0..30 {
        drop(holdings.admit(asks(1, 1, 10, Taking::Hold(place(n))), NOW).unwrap());
        drop(holdings.admit(asks(1, 1, 10, Taking::Book(place(n))), NOW).unwrap());
    }
    // One request of a visit holds, while another of the same visit is refused.
    let refused = holdings.admit(asks(1, 1, 10, Taking::Hold(place(1))), NOW).unwrap();
    holds(&holdings, asks(1, 1, 10, Taking::Hold(place(2))), 2, NOW).unwrap();
    drop(refused);
    holds(&holdings, asks(2, 1, 10, Taking::Hold(place(3))), 3, NOW).unwrap();
    assert_eq!(holds(&holdings, asks(3, 1, 10, Taking::Hold(place(4))), 4, NOW), Err(Refused::Budget));
}

#[test]
fn a_visit_places_ten_holds() {
    for enforced in [true, false] {
        let holdings = Holdings::new(enforced, Levels::default());
        let ask = |n| Asks { proven: true, ..asks(1, 1, 500, Taking::Hold(place(n))) };
        for n in 0..10 {
            assert!(holds(&holdings, ask(n), u8::try_from(n).unwrap(), NOW).is_ok(), "{n}");
        }
        assert_eq!(holds(&holdings, ask(10), 10, NOW), Err(Refused::Budget));
        assert!(holds(&holdings, ask(9), 9, NOW).is_ok(), "the one that it has");
    }
}

/// Work for the visit's next step.
async fn works(holdings: &Holdings, of: u8, purpose: Purpose, price: u64) -> Solved {
    use booking_engine::vault::{SeededEntropy, Vault};
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = Vault::open_dir(dir.path(), std::sync::Arc::new(SeededEntropy::new(1))).await.unwrap();
    let keys = vault.create_clinic(ClinicId::default(), NOW).await.unwrap();
    vault.close().await;
    let step = Step { visit: visit(of), purpose, step: holdings.step(visit(of)) };
    let text = challenge::challenge(&keys, step, NOW.plus_minutes(60));
    let (solution, _) = challenge::solve(&text, price, holdings.levels().message);
    Solved::read(&keys, step, &solution, NOW, holdings.levels().message)
}

#[tokio::test]
async fn under_load_everybody_pays_once_for_each_and_a_proven_contact_nothing() {
    let holdings = Holdings::new(true, Levels { everyday: 16, most: 1 << 20, message: 64 });
    let book = |of: u8| asks(of, of, 500, Taking::Book(place(i64::from(of))));
    for of in 1..=5 {
        holdings.admit(book(of), NOW).unwrap().booked(NOW);
    }
    assert_eq!(holdings.admit(book(6), NOW).err(), Some(Refused::Work(16)));
    assert!(holdings.admit(Asks { proven: true, ..book(6) }, NOW).is_ok());

    let paid = Asks { solved: works(&holdings, 6, Purpose::Take, 16).await, ..book(6) };
    // A refusal leaves the work as it was; a booking uses it up; twice at once is once.
    drop(holdings.admit(paid, NOW).unwrap());
    let first = holdings.admit(paid, NOW).unwrap();
    assert_eq!(holdings.step(visit(6)), 1, "the next work is for another step, so that this one is worth nothing");
    first.booked(NOW);
    assert_eq!(holdings.admit(Asks { solved: Solved::NOTHING, ..paid }, NOW).err(), Some(Refused::Work(32)));
    // What was taken is forgotten after ten minutes.
    assert!(holdings.admit(book(7), NOW.plus_minutes(10)).is_ok());
}

#[test]
fn what_is_held_is_booked_for_nothing_and_goes_on_to_count() {
    let holdings = holdings();
    for of in 1..=3 {
        holds(&holdings, asks(of, of, 20, Taking::Hold(place(i64::from(of)))), of, NOW).unwrap();
    }
    let fourth = asks(4, 4, 20, Taking::Book(place(4)));
    let price = Levels::default().everyday;
    assert_eq!(holdings.admit(fourth, NOW).err(), Some(Refused::Work(price)));
    holdings.admit(asks(1, 1, 20, Taking::Book(place(1))), NOW).unwrap().booked(NOW);
    assert_eq!(holdings.admit(fourth, NOW).err(), Some(Refused::Work(price)), "booked counts as held did");
    // Keeping a hold costs as well, and what was given back is not counted.
    assert!(holdings.admit(asks(2, 2, 20, Taking::Keep(hold(2))), NOW).is_ok());
    holds(&holdings, Asks { proven: true, ..asks(5, 5, 20, Taking::Hold(place(5))) }, 5, NOW).unwrap();
    holdings.released(ClinicId::default(), visit(3), hold(3));
    assert!(holdings.admit(fourth, NOW).is_ok());
}

#[test]
fn a_source_books_beyond_its_share_for_more_and_more_work() {
    let holdings = holdings();
    let book = |n: u8| Asks { open: 5_000, ..asks(n, 1, 5_000, Taking::Book(place(i64::from(n)))) };
    for n in 0..100 {
        let Ok(ticket) = holdings.admit(Asks { proven: n >= 40, ..book(n) }, NOW) else { panic!("{n}") };
        ticket.booked(NOW);
    }
    let everyday = Levels::default().everyday;
    assert_eq!(holdings.admit(book(200), NOW).err(), Some(Refused::Work(everyday * 8)));
    holdings.admit(Asks { proven: true, ..book(101) }, NOW).unwrap().booked(NOW);
    assert_eq!(holdings.admit(book(200), NOW).err(), Some(Refused::Work(everyday * 32)));
    assert!(holdings.admit(book(200), NOW.plus_minutes(60)).is_ok());
}

#[test]
fn nothing_is_remembered_for_ever() {
    let holdings = holdings();
    holds(&holdings, asks(1, 1, 500, Taking::Hold(place(1))), 1, NOW).unwrap();
    holdings.admit(asks(1, 1, 500, Taking::Book(place(1))), NOW).unwrap().booked(NOW);
    holdings.forget_old(NOW.plus_minutes(121));
    let state = holdings.state();
    assert_eq!((state.visits.len(), state.sources.len(), state.clinics.len()), (0, 0, 0));
}
