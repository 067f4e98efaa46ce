//! Fourteen months of wall times in five zones, as a table that people can check against the calendars of the clocks:
//! what a wall time means, what a single publication and a bulk make of it, and that shown, booked and stored agree.
//!
//! `BLESS=1` writes the table anew. Nothing in it may depend on the machine's own zone.

use crate::views;
use booking_domain::agenda_day::AgendaDay;
use booking_domain::ids::{AgendaId, SlotId};
use booking_domain::stream::StreamName;
use booking_domain::time::{Instant, Resolved, Tz, WallDate, WallTime, offset_minutes, resolve};
use booking_domain::visibility::ViewerFacts;
use booking_engine::{Failure, LaidBy, Place, SlotDraft};
use booking_projections::availability::Offer;
use booking_tests::actors::{date, draft, plain_service};
use booking_tests::{Home, World};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

const ZONES: [Tz; 5] = [
    Tz::America__Toronto,
    Tz::America__BlancSablon,
    Tz::America__St_Johns,
    Tz::Australia__Lord_Howe,
    Tz::Africa__Casablanca,
];
const FIRST: &str = "2026-10-01";
const LAST: &str = "2027-11-30";
/// Starts that are in, at the edges of, and around the hours at which clocks change somewhere.
const STARTS: [&str; 13] = [
    "00:00", "00:30", "01:00", "01:30", "01:45", "02:00", "02:15", "02:30", "02:45", "03:00", "03:30", "12:00", "23:00",
];
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/time.txt");
const OUT: &str = "TABLE_OF_TIMES";

/// The offset from UTC at the beginning of a local day.
fn offset_at(day: WallDate, zone: Tz) -> i32 {
    offset_minutes(resolve(day, WallTime(0), zone).first_or_next(), zone)
}

/// The day before, the day of, and the day after each change; and the fifteenth of each month.
fn days(zone: Tz) -> Vec<WallDate> {
    let changes = |day: WallDate| offset_at(day, zone) != offset_at(day.plus_days(1), zone);
    let near = |day: WallDate| [-1, 0, 1].into_iter().any(|shift| changes(day.plus_days(shift)));
    let all = (date(FIRST).0..=date(LAST).0).map(WallDate);
    all.filter(|day| near(*day) || day.to_string().ends_with("-15")).collect()
}

fn resolved(day: WallDate, at: WallTime, zone: Tz) -> String {
    match resolve(day, at, zone) {
        Resolved::Once(at) => at.rfc3339(zone),
        Resolved::Twice(first, second) => format!("{} or {}", first.rfc3339(zone), second.rfc3339(zone)),
        Resolved::Missing(next) => format!("missing, next {}", next.rfc3339(zone)),
    }
}

/// A slot of an hour on the wall, published alone: what is said without an offset, and with each offset of the zone.
async fn single(world: &World, draft: &SlotDraft, zone: Tz) -> String {
    let publish = async |draft: SlotDraft| {
        let ctx = world.ctx(world.administrator());
        match world.engine.publish_slot(&ctx, &draft).await {
            Ok(done) => {
                let slot = done.folded.state.occupancy.slot(SlotId(ctx.id("slot"))).unwrap().clone();
                assert_eq!((slot.start, slot.end, slot.date), (draft.start, draft.end, draft.date), "stored as given");
                format!("{} to {}", slot.span.start.rfc3339(zone), slot.span.end.rfc3339(zone))
            }
            Err(Failure::Refused(refusal)) => format!("refused, {refusal}"),
            Err(other) => panic!("{other}"),
        }
    };
    let mut said = publish(draft.clone()).await;
    let offsets = |at: WallTime| match resolve(draft.date, at, zone) {
        Resolved::Twice(a, b) => vec![Some(offset_minutes(a, zone)), Some(offset_minutes(b, zone))],
        _ => vec![None],
    };
    let (starts, ends) = (offsets(draft.start), offsets(draft.end));
    if starts.len() + ends.len() > 2 {
        for start_offset in starts {
            for end_offset in &ends {
                let with = SlotDraft { start_offset, end_offset: *end_offset, ..draft.clone() };
                let named = |o: Option<i32>| o.map_or("-".to_owned(), |o| o.to_string());
                let _ = write!(said, "\n    with {}, {}: ", named(start_offset), named(*end_offset));
                said += &publish(with).await;
            }
        }
    }
    said
}

async fn table_of(home: &Home, zone: Tz) -> String {
    let world = home.world(1);
    world.clock.set(resolve(date("2026-09-29"), WallTime(540), zone).first_or_next());
    world.opens_in(zone).await;
    let activity = world.defines_activity(30).await;
    let service = world.offers(plain_service(&[activity])).await;
    let (mut open, mut alone) = (vec![], vec![]);
    for _ in STARTS {
        open.push(world.hires("Dre Roy").await.agenda);
        alone.push(world.hires("Dr Gagnon").await.agenda);
    }
    let at = |text: &str| WallTime::parse(text).unwrap();
    let slot = |agenda: AgendaId, day, start: WallTime| draft(agenda, day, start, WallTime(start.0 + 60), activity);

    // Bulk first: one command for everything.
    let days = days(zone);
    let mut drafts = vec![];
    for day in &days {
        drafts.extend(STARTS.iter().zip(&open).map(|(start, agenda)| slot(*agenda, *day, at(start))));
    }
    let ctx = world.ctx(world.administrator());
    let planned = world.engine.publish_many(&ctx, &drafts, LaidBy::Hand, true).await.unwrap();
    let report = world.engine.publish_many(&ctx, &drafts, LaidBy::Hand, false).await.unwrap();
    assert_eq!(planned.laid, report.laid, "the dry run lists what is laid");
    assert_eq!(planned.left_out, report.left_out, "and what is left out");
    assert_eq!(report.laid.len() + report.left_out.len(), drafts.len());

    let view = views::served(&world.events().await).await;
    let viewer = ViewerFacts::unrecognized(None);
    let mut shown: BTreeMap<(AgendaId, WallDate), Vec<Offer>> = BTreeMap::new();
    for offer in views::offers(&world, &view, service, &viewer, world.now(), 500).await {
        shown.entry((offer.agenda, offer.date)).or_default().push(offer);
    }

    let mut table = format!("== {zone}\n");
    for day in days {
        let (before, after) = (offset_at(day, zone), offset_at(day.plus_days(1), zone));
        let change =
            if before == after { String::new() } else { format!(", the clock changes from {before} to {after}") };
        let _ = writeln!(table, "{day}{change}");
        for ((start, agenda), lonely) in STARTS.iter().zip(&open).zip(&alone) {
            let start = at(start);
            let end = WallTime(start.0 + 60);
            let _ = writeln!(table, "  {start} is {}", resolved(day, start, zone));
            let by_hand = SlotDraft { title: Some("x".into()), activity: None, ..slot(*lonely, day, start) };
            let _ = writeln!(table, "    {start} to {end} alone: {}", single(&world, &by_hand, zone).await);
            let Some(laid) = report.laid.iter().find(|l| (l.agenda, l.date) == (*agenda, day)) else {
                assert!(report.left_out.iter().any(|l| (l.agenda, l.date, l.start) == (*agenda, day, start)));
                let exists = |at| !matches!(resolve(day, at, zone), Resolved::Missing(_));
                assert!(!exists(start) || !exists(end));
                assert!(!shown.contains_key(&(*agenda, day)));
                let _ = writeln!(table, "    in bulk: left out");
                continue;
            };
            let twice = [start, end].into_iter().any(|at| matches!(resolve(day, at, zone), Resolved::Twice(..)));
            assert_eq!(laid.twice, twice);
            let mark = if twice { ", listed as existing twice" } else { "" };
            let (from, to) = (laid.span.start.rfc3339(zone), laid.span.end.rfc3339(zone));
            let _ = writeln!(table, "    in bulk: {from} to {to}{mark}");
            let mut expected = laid.span.start;
            for offer in shown.get(&(*agenda, day)).map_or(&[][..], Vec::as_slice) {
                assert_eq!(offer.span.start, expected, "one follows the other in elapsed time");
                expected = offer.span.end;
                let _ = writeln!(table, "      {}", booked(&world, offer, service, zone).await);
            }
            assert_eq!(expected, laid.span.end, "nothing of the slot is lost");
        }
    }
    table
}

/// Books what is shown, and compares what is shown with what is stored.
async fn booked(world: &World, offer: &Offer, service: booking_domain::ids::ServiceId, zone: Tz) -> String {
    let selected = booking_domain::agenda_day::Selected { slot: offer.slot, start: offer.span.start };
    let place = Place { agenda: offer.agenda, date: offer.date, selected };
    let visitor = world.welcomes_a_stranger().await;
    let done = visitor.books(world, place, service).await.unwrap();
    let stream = StreamName::agenda_day(offer.agenda, offer.date);
    let stored = world.folded::<AgendaDay>(&stream).await.state.appointments[&done.appointment].placement.clone();
    assert_eq!((stored.start, stored.end, stored.date), (offer.start_time, offer.end_time, offer.date));
    assert_eq!(stored.span, offer.span);
    let (day, wall) = offer.span.start.wall(zone);
    assert_eq!((day, wall), (offer.date, offer.start_time), "the wall time is the instant's");
    assert_eq!(offer.span.len_minutes(), 30, "durations are elapsed time");
    format!("{} to {}: {}", offer.start_time, offer.end_time, offer.span.start.rfc3339(zone))
}

async fn table() -> String {
    let home = Home::new(1).await;
    let mut all = String::new();
    for zone in ZONES {
        all += &table_of(&home, zone).await;
    }
    home.close().await;
    all
}

/// The first line in which two texts differ.
fn difference(one: &str, other: &str) -> Option<String> {
    let lines = one.lines().map(Some).chain(std::iter::repeat(None));
    let others = other.lines().map(Some).chain(std::iter::repeat(None));
    let most = one.lines().count().max(other.lines().count());
    let mut pairs = lines.zip(others).take(most).enumerate();
    pairs.find(|(_, (a, b))| a != b).map(|(n, (a, b))| format!("line {}: {a:?}, not {b:?}", n + 1))
}

#[tokio::test]
async fn wall_times_mean_what_the_golden_table_says() {
    let table = table().await;
    if let Ok(out) = std::env::var(OUT) {
        std::fs::write(out, &table).unwrap();
    }
    if std::env::var("BLESS").is_ok() {
        std::fs::write(GOLDEN, &table).unwrap();
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap();
    assert!(table == golden, "{}", difference(&table, &golden).unwrap_or_default());
}

#[test]
fn the_machines_own_zone_changes_no_byte() {
    let dir = tempfile::tempdir().unwrap();
    let golden = std::fs::read_to_string(GOLDEN).unwrap();
    for zone in ["UTC", "Pacific/Kiritimati", "America/St_Johns"] {
        let out = dir.path().join(zone.replace('/', "-"));
        let table = under(zone, &out);
        assert!(table == golden, "under TZ={zone}: {}", difference(&table, &golden).unwrap_or_default());
    }
}

/// The table, made by this very program in a process whose zone is another.
fn under(zone: &str, out: &Path) -> String {
    let test = "time::wall_times_mean_what_the_golden_table_says";
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env("TZ", zone)
        .env(OUT, out)
        .env_remove("BLESS")
        .output()
        .unwrap();
    assert!(run.status.success(), "under TZ={zone}: {}", String::from_utf8_lossy(&run.stdout));
    assert!(String::from_utf8_lossy(&run.stdout).contains("1 passed"), "the child ran the table");
    std::fs::read_to_string(out).unwrap()
}

/// What the zones' own calendars say, written by hand: the table above is only as good as these.
#[test]
fn the_clocks_change_on_the_days_that_are_known() {
    let known: [(Tz, &[&str]); 4] = [
        (Tz::America__Toronto, &["2026-11-01", "2027-03-14", "2027-11-07"]),
        (Tz::America__BlancSablon, &[]),
        (Tz::America__St_Johns, &["2026-11-01", "2027-03-14", "2027-11-07"]),
        (Tz::Australia__Lord_Howe, &["2026-10-04", "2027-04-04", "2027-10-03"]),
    ];
    let changes = |zone: Tz| -> Vec<String> {
        let all = (date(FIRST).0..=date(LAST).0).map(WallDate);
        let changed = all.filter(|day| offset_at(*day, zone) != offset_at(day.plus_days(1), zone));
        changed.map(|day| day.to_string()).collect()
    };
    for (zone, days) in known {
        assert_eq!(changes(zone), days, "{zone}");
    }
    // Morocco suspends its +01:00 for Ramadan, by decree: two changes within seven weeks of early 2027.
    let morocco = changes(Tz::Africa__Casablanca);
    assert_eq!(morocco.len(), 2, "{morocco:?}");
    assert!(morocco.iter().all(|day| day.starts_with("2027-0")), "{morocco:?}");
    let half = resolve(date("2026-10-04"), WallTime(130), Tz::Australia__Lord_Howe);
    assert!(matches!(half, Resolved::Missing(Instant(_))), "Lord Howe's clock jumps by half an hour");
}
