//! What can be booked: pages against a brute-force evaluation of every availability there is.

use crate::support::*;
use booking_domain::agenda_day::*;
use booking_domain::clinic::*;
use booking_domain::ids::*;
use booking_domain::time::{Instant, WallDate};
use booking_domain::values::*;
use booking_domain::visibility::{Candidate, ViewerFacts, evaluate};
use booking_projections::Views;
use booking_projections::availability::{DayPart, DayParts, Offer, OfferKey, Query, Weekdays};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn query<'a>(clinic: &'a Clinic, viewer: &'a ViewerFacts) -> Query<'a> {
    Query {
        clinic,
        service: service(),
        viewer,
        from: monday(),
        to: monday().plus_days(30),
        practitioners: None,
        weekdays: Weekdays::ALL,
        parts: DayParts::ALL,
        now: now(),
        after: None,
        limit: 1_000,
        count_days: false,
    }
}

/// Every availability of every day, asked one by one.
fn brute_force(q: &Query<'_>, days: &BTreeMap<(AgendaId, WallDate), DayOccupancy>) -> Vec<OfferKey> {
    let service = &q.clinic.services[&q.service];
    let mut found = vec![];
    for ((agenda, date), day) in days {
        for slot in &day.slots {
            for span in slot.availabilities() {
                let freedom = day.freedom(slot, span, q.viewer.visit, None, q.now);
                let verdict = evaluate(q.clinic, service, &Candidate { slot, span, freedom }, q.viewer, q.now);
                let start = span.start.wall(q.clinic.zone()).1;
                let wanted = (q.from..=q.to).contains(date)
                    && q.practitioners.is_none_or(|p| p.contains(&slot.practitioner))
                    && q.weekdays.holds(*date)
                    && q.parts.holds(start);
                if verdict.offered && wanted {
                    found.push(OfferKey { date: *date, start: span.start, agenda: *agenda, slot: slot.id });
                }
            }
        }
    }
    found.sort_by_key(|key| (key.start, key.agenda, key.slot));
    found
}

fn keys(offers: &[Offer]) -> Vec<OfferKey> {
    offers.iter().map(Offer::key).collect()
}

/// Opens days at random, holds, books, cancels, promises and withdraws; answers the days as a fold has them.
async fn fill(log: &Log, seed: &[(u8, u8, u8, u8)]) -> BTreeMap<(AgendaId, WallDate), DayOccupancy> {
    let mut days: BTreeMap<(AgendaId, WallDate), (DayOccupancy, u64)> = BTreeMap::new();
    for (n, (of, day, kind, piece)) in (0_u64..).zip(seed) {
        let (of, date) = (of % 3, monday().plus_days(i32::from(day % 6)));
        let known = days.entry((agenda(of), date)).or_default();
        let target = known.0.slots.get(usize::from(*piece) % known.0.slots.len().max(1)).cloned();
        let source = target.as_ref().and_then(|slot| {
            let pieces: Vec<_> = slot.availabilities().collect();
            Some(Source { slot: slot.id, span: *pieces.get(usize::from(*piece) % pieces.len().max(1))? })
        });
        let event = match (kind % 9, source) {
            (0..=2, _) | (_, None) => {
                let interval = [15, 20, 45][usize::from(*piece) % 3];
                let mut facts = facts(date, 6 + u16::from(*piece % 14), 1 + u16::from(*piece % 3), interval);
                if kind % 9 == 1 {
                    facts.publication = PublicationOverride::MinutesBefore(60 * u32::from(*piece));
                }
                published(n, of, date, facts)
            }
            (3 | 4, Some(source)) => booked(n, of, date, source),
            (5, Some(source)) => AgendaDayEvent::HoldPlaced(HoldPlaced {
                hold: HoldId::from_bytes(id16(n)),
                visit: VisitId::from_bytes([piece % 2; 16]),
                slot: source.slot,
                span: source.span,
                placed_at: now(),
                expires_at: now().plus_minutes(if piece % 3 == 0 { -1 } else { 5 }),
            }),
            (6, Some(source)) => AgendaDayEvent::SlotWithdrawn(SlotWithdrawn { slot: source.slot }),
            // Of whatever stands there, or of nothing; the availability is discarded with it.
            (7, Some(source)) => AgendaDayEvent::AppointmentCancelled(AppointmentCancelled {
                appointment: known.0.taken.first().map_or(appointment(n), |taken| taken.appointment),
                cancelled_at: now(),
                by_patient: false,
                reason: None,
                keep_record: true,
                dropped: vec![source],
            }),
            (_, Some(source)) => AgendaDayEvent::MoveReserved(MoveReserved {
                appointment: appointment(n),
                movement: CommandId::from_bytes(id16(n)),
                source_agenda: agenda(9),
                source_date: date,
                placement: placement(of, date, source),
            }),
        };
        known.0.evolve(&event, Stamp { revision: known.1, occurred_at: now() });
        known.1 += 1;
        log.on_day(of, date, event).await;
    }
    days.into_iter().map(|(key, (day, _))| (key, day)).collect()
}

fn configured(publication: PublicationRule, notice: u32, filter: PractitionerFilter) -> Clinic {
    let mut clinic = the_clinic(3);
    let service = clinic.services.get_mut(&service()).unwrap();
    service.config.publication = publication;
    service.config.min_notice_minutes = Some(notice);
    service.config.filter = filter;
    clinic
}

fn pages(views: &Views, q: &Query<'_>, limit: usize) -> Vec<OfferKey> {
    let (mut all, mut after) = (vec![], None);
    loop {
        let page = views.availability.query(&Query { after, limit, ..*q });
        assert!(page.offers.len() <= limit);
        all.extend(keys(&page.offers));
        match page.next {
            None => return all,
            Some(next) => {
                assert_eq!(Some(next), page.offers.last().map(Offer::key));
                after = Some(next);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_page_holds_what_asking_about_every_availability_finds(
        seed in prop::collection::vec(any::<(u8, u8, u8, u8)>(), 0..60),
        rule in 0..4_u8, notice in 0..600_u32, filter in 0..3_u8, weekdays in any::<u8>(), part in 0..4_u8,
        from in 0..4_i32, length in 0..8_i32, ahead in 0..4_000_i64, limit in 1..9_usize, only in any::<bool>(),
    ) {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let (folder, log) = (folder(), Log::new());
            let days = fill(&log, &seed).await;
            let views = views(&folder.path().join("views.db"), &log).await;
            let publication = match rule {
                0 => PublicationRule::AtOnce,
                1 => PublicationRule::MinutesBefore(2_000),
                _ => PublicationRule::DaysBefore { days: 1, at: booking_domain::time::WallTime(480) },
            };
            let filter = match filter {
                0 => PractitionerFilter::All,
                1 => PractitionerFilter::AllExcept(vec![practitioner(0)]),
                _ => PractitionerFilter::Only(vec![practitioner(0), practitioner(2)]),
            };
            let clinic = configured(publication, notice, filter);
            let viewer = ViewerFacts::unrecognized(Some(VisitId::from_bytes([1; 16])));
            let listed = [practitioner(1), practitioner(2)];
            let parts = match part {
                0 => DayParts::only([DayPart::Morning]),
                1 => DayParts::only([DayPart::Afternoon, DayPart::Evening]),
                _ => DayParts::ALL,
            };
            let q = Query {
                from: monday().plus_days(from),
                to: monday().plus_days(from + length),
                now: now().plus_minutes(ahead),
                weekdays: if weekdays % 2 == 0 { Weekdays::ALL } else { Weekdays::only((0..7).filter(|d| weekdays & 1 << d != 0)) },
                practitioners: only.then_some(&listed[..]),
                parts,
                ..query(&clinic, &viewer)
            };
            let expected = brute_force(&q, &days);
            assert_eq!(keys(&views.availability.query(&q).offers), expected);
            assert_eq!(pages(&views, &q, limit), expected);

            let counted = views.availability.query(&Query { limit, count_days: true, ..q });
            assert_eq!(keys(&counted.offers), expected.iter().take(limit).copied().collect::<Vec<_>>());
            let mut per_day: BTreeMap<WallDate, usize> = BTreeMap::new();
            for key in &expected {
                *per_day.entry(key.date).or_default() += 1;
            }
            assert_eq!(counted.days, per_day.into_iter().collect::<Vec<_>>());

            let around = midnight(monday().plus_days(2)).plus_minutes(ahead % 1440);
            let mut near = expected.clone();
            near.sort_by_key(|key| (key.start.since(around).unsigned_abs(), *key));
            near.truncate(3);
            assert_eq!(keys(&views.availability.nearest(&q, around, 3)), near);

            let open = |at: Instant| days.values().flat_map(|day| day.slots.iter().map(move |s| (day, s))).map(|(day, slot)| {
                let free = |p: &booking_domain::time::Span| {
                    p.start > at && day.freedom(slot, *p, None, None, Instant(i64::MAX)) == Freedom::Free
                };
                slot.availabilities().filter(free).count()
            }).sum::<usize>();
            assert_eq!(views.availability.open_count(&clinic, q.now), open(q.now));
            let promised: Vec<_> = days.iter().filter(|(_, d)| !d.promised.is_empty()).map(|(key, _)| *key).collect();
            assert_eq!(views.availability.promises(), promised);
            views.close().await;
        });
    }
}

#[tokio::test]
async fn an_offer_says_where_when_and_how_and_that_it_is_ones_own() {
    let (folder, log) = (folder(), Log::new());
    log.on_day(1, monday(), published(1, 1, monday(), facts(monday(), 23, 1, 30))).await;
    let visit = VisitId::from_bytes([4; 16]);
    let start = midnight(monday()).plus_minutes(23 * 60 + 30);
    let span = booking_domain::time::Span::minutes(start, 30);
    log.on_day(
        1,
        monday(),
        AgendaDayEvent::HoldPlaced(HoldPlaced {
            hold: HoldId::from_bytes([5; 16]),
            visit,
            slot: slot(1),
            span,
            placed_at: now(),
            expires_at: now().plus_minutes(5),
        }),
    )
    .await;
    let views = views(&folder.path().join("views.db"), &log).await;
    let clinic = the_clinic(3);
    let (own, stranger) = (ViewerFacts::unrecognized(Some(visit)), ViewerFacts::unrecognized(None));
    let mine = views.availability.query(&query(&clinic, &own)).offers;
    assert_eq!(mine.iter().map(|o| o.own_hold).collect::<Vec<_>>(), [false, true]);
    assert_eq!((mine[1].start_time.to_string(), mine[1].end_time.to_string()), ("23:30".into(), "24:00".into()));
    assert_eq!((mine[1].practitioner, mine[1].modality), (practitioner(1), Modality::Video));
    assert_eq!(views.availability.query(&query(&clinic, &stranger)).offers.len(), 1);
    let later = Query { now: now().plus_minutes(5), ..query(&clinic, &stranger) };
    assert_eq!(views.availability.query(&later).offers.len(), 2, "at its end a hold counts for nothing");
    views.close().await;
}

#[tokio::test]
async fn a_preview_counts_what_a_service_would_put_online_now_and_later() {
    let (folder, log) = (folder(), Log::new());
    for (of, day) in [(1, 0), (1, 9), (2, 9)] {
        let date = monday().plus_days(day);
        log.on_day(of, date, published(u64::from(of), of, date, facts(date, 9, 1, 20))).await;
    }
    let views = views(&folder.path().join("views.db"), &log).await;
    let clinic = the_clinic(3);
    let mut candidate = clinic.services[&service()].clone();
    candidate.config.publication = PublicationRule::DaysBefore { days: 7, at: booking_domain::time::WallTime(0) };
    let mut closed = clinic.clone();
    closed.portal.active = false;
    let expected = vec![(practitioner(1), 3, 3), (practitioner(2), 0, 3)];
    assert_eq!(views.availability.preview(&clinic, &candidate, now()), expected);
    assert_eq!(views.availability.preview(&closed, &candidate, now()), expected);
    views.close().await;
}
