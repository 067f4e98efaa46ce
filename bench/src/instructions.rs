//! Instructions of the hot paths, counted by callgrind: a figure that a busy machine does not change, so that a change of
//! the code that makes a path dearer is seen in review.
//!
//! Each path is run so many times, and twice as many times; the difference, shared out, is what one time costs. Whatever is
//! done once drops out. Maps hash with random keys, and the vault's writer works in a thread of its own, so that counts of
//! the same program differ by a little: less than [`TOLERANCE`].

use crate::figures::shown;
use anyhow::Context as _;
use booking_domain::agenda_day::AgendaDay;
use booking_domain::stream::StreamName;
use booking_domain::time::{WallDate, WallTime};
use booking_domain::visibility::ViewerFacts;
use booking_projections::availability::{Availability, DayParts, Query, Weekdays};
use booking_store::fold::Folded;
use booking_tests::actors::{date, draft, plain_service};
use booking_tests::world::{Home, World};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path as File;
use std::process::Command;

/// Counts that differ by less are the same.
pub const TOLERANCE: f64 = 0.03;

/// A hot path.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Path {
    /// One booking in process, on a log in memory: rules, visibility, sealing, decision, encoding, fold.
    Book,
    /// One page of availabilities: 20 practitioners, 14 days, page of 20, most times taken.
    Availability,
    /// One event folded into an agenda-day, from its stored bytes.
    Fold,
}

impl Path {
    const ALL: [Self; 3] = [Self::Book, Self::Availability, Self::Fold];

    const fn name(self) -> &'static str {
        match self {
            Self::Book => "book",
            Self::Availability => "availability",
            Self::Fold => "fold",
        }
    }
    /// How many times count as one run.
    const fn times(self) -> usize {
        match self {
            Self::Book => 200,
            Self::Availability => 500,
            Self::Fold => 5_000,
        }
    }
}

/// The monday on which everything is.
fn day(number: i32) -> WallDate {
    date("2026-11-24").plus_days(number)
}

/// A clinic with so many agendas and days of eight hours; answers the agendas.
async fn clinic(
    world: &World,
    agendas: usize,
    days: i32,
) -> (Vec<booking_domain::ids::AgendaId>, booking_domain::ids::ServiceId) {
    world.opens_in(booking_domain::time::Tz::America__Toronto).await;
    let activity = world.defines_activity(15).await;
    let service = world.offers(plain_service(&[activity])).await;
    let mut all = Vec::new();
    for _ in 0..agendas {
        let agenda = world.hires("Dre Roy").await.agenda;
        for number in 0..days {
            world.publishes(draft(agenda, day(number), WallTime(9 * 60), WallTime(17 * 60), activity)).await;
        }
        all.push(agenda);
    }
    (all, service)
}

/// Runs a path so many times.
pub fn run(path: Path, times: usize) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let home = Home::new(1).await;
        let world = home.world(1);
        match path {
            Path::Book => book(&world, times).await?,
            Path::Availability => availability(&world, times).await?,
            Path::Fold => fold(&world, times).await?,
        }
        home.close().await;
        Ok(())
    })
}

/// The times of a day that is eight hours long.
const A_DAY: usize = 32;

/// Books the times of an agenda, day by day.
async fn fill(world: &World, days: i32, times: usize) -> anyhow::Result<booking_domain::ids::AgendaId> {
    let (agendas, service) = clinic(world, 1, days).await;
    let agenda = *agendas.first().context("no agenda")?;
    let visitor = world.welcomes_a_stranger().await;
    for number in 0..times {
        let date = day(i32::try_from(number / A_DAY)?);
        let slot = world.engine.day(agenda, date).await?.state.occupancy.slots.first().context("no slot")?.id;
        let place = world.place(agenda, date, slot, number % A_DAY).await;
        visitor.books(world, place, service).await.map_err(|failure| anyhow::anyhow!("{failure:?}"))?;
    }
    Ok(agenda)
}

async fn book(world: &World, times: usize) -> anyhow::Result<()> {
    // As many days for every number of times, so that making them drops out.
    let days = i32::try_from((2 * Path::Book.times()).div_ceil(A_DAY))?;
    fill(world, days, times).await.map(|_| ())
}

async fn fold(world: &World, times: usize) -> anyhow::Result<()> {
    let agenda = fill(world, 1, A_DAY).await?;
    let events = world.log.read_stream(&StreamName::agenda_day(agenda, day(0)), 0, 100).await?;
    let mut folded = Folded::<AgendaDay>::default();
    for number in 0..times {
        let place = number % events.len();
        if place == 0 {
            folded = Folded::default();
        }
        folded.apply(events.get(place).context("no event")?)?;
    }
    anyhow::ensure!(folded.revision.is_some(), "nothing was folded");
    Ok(())
}

async fn availability(world: &World, times: usize) -> anyhow::Result<()> {
    let (agendas, service) = clinic(world, 20, 14).await;
    let mut days = Vec::new();
    for (agenda, number) in agendas.iter().flat_map(|agenda| (0..14).map(move |number| (*agenda, number))) {
        let folded = world.folded::<AgendaDay>(&StreamName::agenda_day(agenda, day(number))).await;
        let mut occupancy = folded.state.occupancy;
        let taken = occupancy.slots.iter().flat_map(|slot| slot.availabilities().take(26)).collect::<Vec<_>>();
        for span in taken {
            let appointment = booking_domain::ids::AppointmentId::from_bytes(world.id());
            occupancy.taken.push(booking_domain::agenda_day::Taken { appointment, span });
        }
        days.push(((agenda, day(number)), occupancy));
    }
    let view = Availability::of(world.clinic, days);
    let rules = world.engine.rules(world.clinic).await?;
    let viewer = ViewerFacts::unrecognized(None);
    let mut shown = 0;
    for _ in 0..times {
        let query = Query {
            clinic: &rules.state,
            service,
            viewer: &viewer,
            from: day(0),
            to: day(13),
            practitioners: None,
            weekdays: Weekdays::ALL,
            parts: DayParts::ALL,
            now: world.now(),
            after: None,
            limit: 20,
            count_days: false,
        };
        shown += view.query(&query).offers.len();
    }
    anyhow::ensure!(shown == times * 20, "{shown} were shown in {times} pages");
    Ok(())
}

/// Instructions of one time, from two runs under callgrind.
fn count(path: Path) -> anyhow::Result<f64> {
    let run = |times: usize| -> anyhow::Result<f64> {
        let out = tempfile::NamedTempFile::new()?;
        let program = std::env::current_exe()?;
        let run = Command::new("valgrind")
            .arg("--tool=callgrind")
            .arg(format!("--callgrind-out-file={}", out.path().display()))
            .arg(program)
            .args(["hot", path.name(), &times.to_string()])
            .output()
            .context("valgrind is not installed (apt-get install valgrind)")?;
        let said = String::from_utf8_lossy(&run.stderr);
        anyhow::ensure!(run.status.success(), "callgrind failed: {said}");
        let line = said.lines().find_map(|line| line.split_once("Collected :")).context("callgrind counted nothing")?;
        Ok(line.1.trim().parse::<u64>()? as f64)
    };
    let (once, twice) = (run(path.times())?, run(2 * path.times())?);
    Ok((twice - once) / path.times() as f64)
}

/// Counts every path, and compares with the reviewed counts, or writes them.
pub fn compare(file: &File, bless: bool) -> anyhow::Result<()> {
    let counts =
        Path::ALL.into_iter().map(|path| Ok((path.name(), count(path)?))).collect::<anyhow::Result<Vec<_>>>()?;
    if bless {
        std::fs::write(file, written(&counts))?;
        println!("{}", written(&counts));
        return Ok(());
    }
    let reviewed = read(&std::fs::read_to_string(file).with_context(|| format!("no counts in {}", file.display()))?);
    let mut differ = Vec::new();
    for (name, now) in &counts {
        let before = reviewed.get(*name).copied().with_context(|| format!("no reviewed count of {name}"))?;
        let change = now / before - 1.0;
        println!("{name:<14} {:>12} reviewed {:>12} now  {:+.1} %", shown(before), shown(*now), change * 100.0);
        if change.abs() > TOLERANCE {
            differ.push(*name);
        }
    }
    anyhow::ensure!(
        differ.is_empty(),
        "{} cost something else than was reviewed; if that is meant, run `bench instructions --bless` and say why in the commit",
        differ.join(", ")
    );
    Ok(())
}

/// The file of the reviewed counts.
fn written(counts: &[(&str, f64)]) -> String {
    let mut text = "# Instructions of one booking, one page of availabilities, one folded event; to three digits.\n\
                    # Counted by: cargo run --release -p booking-bench -- instructions --bless\n"
        .to_owned();
    for (name, count) in counts {
        let unit = 10f64.powf(count.log10().floor() - 2.0);
        // A String takes everything.
        let _ = writeln!(text, "{name} {:.0}", (count / unit).round() * unit);
    }
    text
}

fn read(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ')).filter_map(|(n, c)| Some((n.to_owned(), c.parse().ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reviewed_counts_are_read_as_they_were_written() {
        let read = read(&written(&[("book", 123_456.0), ("fold", 98_765.0)]));
        assert_eq!(read, BTreeMap::from([("book".to_owned(), 123_000.0), ("fold".to_owned(), 98_800.0)]));
    }

    #[test]
    fn every_hot_path_runs() {
        for path in Path::ALL {
            run(path, 3).unwrap();
        }
    }
}
