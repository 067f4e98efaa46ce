//! Hands the streams of a log to the rules: first the clinics', then one agenda-day after the other. One stream is in
//! memory at a time.

use super::report::{MOST_VIOLATIONS, Violation};
use super::rules::{DayCheck, Placed, Rules};
use super::{metadata_of, ref_of};
use booking_domain::agenda_day::AgendaDayEvent;
use booking_domain::clinic::ClinicEvent;
use booking_events::EventCodec;
use booking_store::{RawEvent, RawLog, RawStream, ReadError};
use std::time::{Duration, Instant};

/// Rows of one read.
const PAGE: u32 = 2_000;
/// Streams of one read.
const STREAMS: u32 = 500;
/// Events that cannot be read are told so often at most.
const MOST_UNREADABLE: usize = 20;

/// What was found.
#[derive(Default)]
pub(super) struct RulesFound {
    pub violations: Vec<Violation>,
    pub violation_count: u64,
    pub bookings: u64,
    /// What could not be read.
    pub unreadable: Vec<String>,
    /// Milliseconds.
    pub reading: u128,
    /// Milliseconds.
    pub judging: u128,
}

impl RulesFound {
    fn unreadable(&mut self, what: String) {
        if self.unreadable.len() < MOST_UNREADABLE {
            self.unreadable.push(what);
        }
    }

    fn decoded<E: EventCodec>(&mut self, event: &RawEvent) -> Option<Placed<E>> {
        // A log has no gaps: the leaf follows from the position.
        let leaf = u64::try_from(event.position).unwrap_or(0).saturating_sub(1);
        let at = ref_of(leaf, event);
        let decoded = E::decode(&at.event_type, &event.payload).map_err(anyhow::Error::from);
        match decoded.and_then(|decoded| Ok((decoded, metadata_of(event)?))) {
            Ok((event, metadata)) => Some(Placed { event, metadata, at }),
            Err(error) => {
                self.unreadable(format!("the rules: {at} cannot be read: {error}"));
                None
            }
        }
    }
}

/// Holds every clinic and every agenda-day of the log against the rules.
pub(super) async fn check(log: &mut RawLog) -> Result<RulesFound, ReadError> {
    let (mut found, mut rules, mut reading) = (RulesFound::default(), Rules::default(), Duration::ZERO);
    let start = Instant::now();
    for_each(log, "clinic", &mut reading, |events| {
        let decoded: Vec<Placed<ClinicEvent>> = events.iter().filter_map(|event| found.decoded(event)).collect();
        rules.learn(decoded);
    })
    .await?;
    for_each(log, "agendaday", &mut reading, |events| {
        let decoded: Vec<Placed<AgendaDayEvent>> = events.iter().filter_map(|event| found.decoded(event)).collect();
        let mut day = DayCheck::new(&mut rules);
        for event in &decoded {
            day.event(event);
        }
        found.bookings += day.bookings;
        found.violation_count += day.violations.len() as u64;
        let room = MOST_VIOLATIONS.saturating_sub(found.violations.len());
        found.violations.extend(day.violations.into_iter().take(room));
    })
    .await?;
    found.violations.sort_by_key(|violation| violation.events[1].leaf);
    found.reading = reading.as_millis();
    found.judging = start.elapsed().saturating_sub(reading).as_millis();
    Ok(found)
}

/// Reads every stream of a category, whole.
async fn for_each(
    log: &mut RawLog,
    category: &str,
    reading: &mut Duration,
    mut take: impl FnMut(&[RawEvent]),
) -> Result<(), ReadError> {
    let mut after: Option<String> = None;
    loop {
        let streams = log.streams(category, after.as_deref(), STREAMS).await?;
        let Some(last) = streams.last() else { return Ok(()) };
        after = Some(last.name.clone());
        for stream in &streams {
            let start = Instant::now();
            let events = whole(log, stream).await?;
            *reading += start.elapsed();
            take(&events);
        }
    }
}

async fn whole(log: &mut RawLog, stream: &RawStream) -> Result<Vec<RawEvent>, ReadError> {
    let mut events: Vec<RawEvent> = Vec::new();
    loop {
        let after = events.last().map_or(-1, |event| event.revision);
        let page = log.of_stream(stream, after, PAGE).await?;
        let end = page.len() < PAGE as usize;
        events.extend(page);
        if end {
            return Ok(events);
        }
    }
}
