//! Random histories: live views, views loaded by a restart, and rebuilt views all equal a fold from zero.

use crate::support::*;
use booking_domain::agenda_day::*;
use booking_domain::ids::*;
use booking_domain::stream::StreamName;
use booking_domain::time::{Span, WallDate};
use booking_domain::values::*;
use booking_projections::Views;
use booking_store::EventStore;
use booking_store::fold::{Upto, load};
use proptest::prelude::*;
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

/// Where an appointment of the history stands, and a move that is under way.
#[derive(Clone, Copy)]
struct Standing {
    of: u8,
    date: WallDate,
    ended: bool,
    moving: Option<(u8, WallDate, bool)>,
}

/// Writes events as commands would: only what fits the state of each appointment.
#[derive(Default)]
struct Author {
    next: u64,
    appointments: BTreeMap<u64, Standing>,
}

impl Author {
    async fn write(&mut self, log: &Log, (kind, a, b): (u8, u8, u8)) {
        let (of, date) = (a % 3, monday().plus_days(i32::from(b % 3)));
        self.next += 1;
        let n = self.next;
        let span = Span::minutes(midnight(date).plus_minutes(i64::from(a) * 5), 20);
        let source = Source { slot: slot(u64::from(b)), span };
        let chosen = self.appointments.keys().nth(usize::from(b) % self.appointments.len().max(1)).copied();
        let Some(id) = chosen.filter(|_| kind % 12 > 4) else {
            match kind % 12 {
                0 => log.on_day(of, date, published(n, of, date, facts(date, u16::from(a % 20), 3, 20))).await,
                1 => {
                    let facts = facts(date, u16::from(a % 20), 2, 15);
                    log.on_day(of, date, AgendaDayEvent::SlotAmended(SlotAmended { slot: slot(n / 2), facts })).await
                }
                2 => {
                    let placed = HoldPlaced {
                        hold: HoldId::from_bytes(id16(n)),
                        visit: VisitId::from_bytes([b; 16]),
                        slot: source.slot,
                        span,
                        placed_at: now(),
                        expires_at: now().plus_minutes(i64::from(a)),
                    };
                    log.on_day(of, date, AgendaDayEvent::HoldPlaced(placed)).await
                }
                _ => {
                    self.appointments.insert(n, Standing { of, date, ended: false, moving: None });
                    log.on_day(of, date, booked(n, of, date, source)).await
                }
            };
            return;
        };
        let standing = self.appointments[&id];
        let about = AboutAppointment { appointment: appointment(id) };
        let (here, day) = (standing.of, standing.date);
        let movement = CommandId::from_bytes(id16(id));
        let event = match (kind % 12, standing.moving) {
            // A move that is under way goes on, or is ended; nothing else may happen to it once it left.
            (_, Some((to, target, true))) => {
                let placement = placement(to, target, Source { slot: slot(1), span: shifted(target, id) });
                let booking = Booking { agenda: agenda(to), ..booking(id, to) };
                let arrived = AppointmentMovedIn {
                    booking,
                    movement,
                    placement,
                    source_agenda: agenda(here),
                    source_date: day,
                    booked_at: now(),
                    status: Status::Booked,
                    attached: false,
                };
                self.appointments.insert(id, Standing { of: to, date: target, ended: false, moving: None });
                log.on_day(to, target, AgendaDayEvent::AppointmentMovedIn(arrived)).await;
                return;
            }
            (5..=7, Some((to, target, false))) => {
                self.set(id, |s| s.moving = Some((to, target, true)));
                AgendaDayEvent::AppointmentMovedOut(AppointmentMovedOut {
                    appointment: appointment(id),
                    movement,
                    target_agenda: agenda(to),
                    target_date: target,
                    dropped: vec![],
                    by_patient: false,
                })
            }
            (8, Some((to, target, false))) => {
                self.set(id, |s| s.moving = None);
                let abandoned = MoveAbandoned {
                    appointment: appointment(id),
                    movement,
                    target_agenda: agenda(to),
                    target_date: target,
                };
                log.on_day(here, day, AgendaDayEvent::MoveAbandoned(abandoned)).await;
                let released = AgendaDayEvent::MoveReleased(MoveReleased { appointment: appointment(id), movement });
                log.on_day(to, target, released).await;
                return;
            }
            (5 | 6, None) if !standing.ended && (of, date) != (here, day) => {
                self.set(id, |s| s.moving = Some((of, date, false)));
                let reserved = MoveReserved {
                    appointment: appointment(id),
                    movement,
                    source_agenda: agenda(here),
                    source_date: day,
                    placement: placement(of, date, Source { slot: slot(1), span: shifted(date, id) }),
                };
                log.on_day(of, date, AgendaDayEvent::MoveReserved(reserved)).await;
                return;
            }
            (7, None) if !standing.ended => {
                self.set(id, |s| s.ended = true);
                AgendaDayEvent::AppointmentCancelled(AppointmentCancelled {
                    appointment: appointment(id),
                    cancelled_at: now(),
                    by_patient: true,
                    reason: Some(sealed(4)),
                    keep_record: true,
                    dropped: vec![],
                })
            }
            (8, None) if !standing.ended => AgendaDayEvent::AppointmentMoved(AppointmentMoved {
                appointment: appointment(id),
                placement: placement(here, day, Source { slot: slot(1), span: shifted(day, id + 1) }),
                dropped: vec![],
                by_patient: false,
            }),
            (9, _) => AgendaDayEvent::PatientAttached(PatientAttached {
                appointment: appointment(id),
                patient: PatientId::from_bytes([b; 16]),
                subject: booking(id, here).subject,
            }),
            (10, _) => AgendaDayEvent::AttendanceConfirmed(about),
            _ => AgendaDayEvent::PatientArrived(about),
        };
        log.on_day(here, day, event).await;
    }

    fn set(&mut self, id: u64, change: impl FnOnce(&mut Standing)) {
        self.appointments.entry(id).and_modify(change);
    }
}

fn shifted(date: WallDate, id: u64) -> Span {
    Span::minutes(midnight(date).plus_minutes(i64::try_from(id % 60).unwrap() * 20), 20)
}

/// Compares every view of the agenda-days with folds from the log alone.
async fn check(views: &Views, log: &Log) {
    let mut appointments = 0;
    for (of, k) in (0..3).flat_map(|of| (0..3).map(move |k| (of, k))) {
        let (agenda, date) = (agenda(of), monday().plus_days(k));
        let stream = StreamName::agenda_day(agenda, date);
        let folded = load::<AgendaDay>(&log.store, &stream, Upto::Head).await.unwrap();
        let there = folded.revision.map(|_| folded.state.clone());
        assert_eq!(views.agenda.day(agenda, date).await.unwrap(), there);
        assert_eq!(views.availability.day(agenda, date), there.map(|day| day.occupancy));
        for (id, expected) in folded.state.appointments {
            let row = views.appointments.by_id(id).await.unwrap().unwrap();
            if expected.moved_to.is_some() {
                continue;
            }
            appointments += 1;
            assert_eq!(row.place(), (agenda, date));
            assert!(!row.in_transit);
            assert_eq!(row.placement, expected.placement);
            assert_eq!((row.status, row.touched), (expected.status, expected.touched));
            assert_eq!((row.patient, row.attached), (expected.patient, expected.attached));
            assert_eq!(row.is_live(), expected.is_live());
        }
        // In transit: shown at the target, where only the promise is.
        for (id, promise) in folded.state.promises {
            let row = views.appointments.by_id(id).await.unwrap().unwrap();
            if row.in_transit {
                assert_eq!((row.place(), &row.placement), ((agenda, date), &promise.placement));
                appointments += 1;
            }
        }
    }
    let always = (booking_domain::time::Instant(i64::MIN), booking_domain::time::Instant(i64::MAX));
    assert_eq!(views.appointments.in_range(clinic(), always, None, None, 10_000).await.unwrap().len(), appointments);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn views_equal_a_fold_from_zero_live_after_a_restart_and_rebuilt(
        history in prop::collection::vec(any::<(u8, u8, u8)>(), 0..120), restart_at in 0..120_usize,
    ) {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let (folder, log) = (folder(), Log::new());
            let path = folder.path().join("views.db");
            let mut author = Author::default();
            let (before, after) = history.split_at(restart_at.min(history.len()));
            for step in before {
                author.write(&log, *step).await;
            }
            views(&path, &log).await.close().await;
            let live = open(&path, &log).await;
            live.start();
            for step in after {
                author.write(&log, *step).await;
            }
            if let Some(head) = log.store.head().await.unwrap() {
                assert!(live.wait_for_all(head, PATIENCE).await, "{:?}", live.status());
            }
            check(&live, &log).await;
            for name in live.names() {
                let report = live.rebuild(name, &CancellationToken::new()).await.unwrap();
                assert_eq!(report.agrees(), Some(true), "{name}");
            }
            check(&live, &log).await;
            live.close().await;
        });
    }
}
