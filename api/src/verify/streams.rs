//! Hands the streams of a log to the rules: first the clinics', then one agenda-day after the other, then one person's
//! claims after the other. One stream is in memory at a time, with those that its appointments came from.

use super::clinics::{Placed, Rules};
use super::report::{MOST_VIOLATIONS, Violation};
use super::rules::DayCheck;
use super::{caps, metadata_of, moves, ref_of};
use booking_domain::agenda_day::AgendaDayEvent;
use booking_domain::clinic::ClinicEvent;
use booking_domain::quota::QuotaEvent;
use booking_domain::stream::StreamName;
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

    fn broken(&mut self, violations: impl IntoIterator<Item = Violation>) {
        for violation in violations {
            self.violation_count += 1;
            if self.violations.len() < MOST_VIOLATIONS {
                self.violations.push(violation);
            }
        }
    }

    fn all<E: EventCodec>(&mut self, events: &[RawEvent]) -> Vec<Placed<E>> {
        events.iter().filter_map(|event| self.decoded(event)).collect()
    }

    /// Another stream, whole; nothing if the log does not have it.
    async fn stream<E: EventCodec>(
        &mut self,
        log: &mut RawLog,
        name: &StreamName,
        reading: &mut Duration,
    ) -> Result<Vec<Placed<E>>, ReadError> {
        let start = Instant::now();
        let events = match log.stream_named(name.as_str()).await? {
            Some(stream) => whole(log, &stream).await?,
            None => Vec::new(),
        };
        *reading += start.elapsed();
        Ok(self.all(&events))
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

/// Holds every clinic, every agenda-day and every person's claims against the rules.
pub(super) async fn check(log: &mut RawLog) -> Result<RulesFound, ReadError> {
    let (mut found, mut rules, start) = (RulesFound::default(), Rules::default(), Instant::now());
    let mut streams = Streams::of("clinic");
    while let Some(events) = streams.next(log).await? {
        rules.learn(found.all::<ClinicEvent>(&events));
    }
    let mut reading = streams.reading;
    let mut streams = Streams::of("agendaday");
    while let Some(events) = streams.next(log).await? {
        let events: Vec<Placed<AgendaDayEvent>> = found.all(&events);
        let mut day = DayCheck::new(&mut rules);
        for event in &events {
            day.event(event);
        }
        found.bookings += day.bookings;
        let (violations, arrivals, capped) = (day.violations, day.arrivals, day.capped);
        found.broken(violations);
        for arrival in arrivals {
            let source = found.stream(log, &arrival.from, &mut streams.reading).await?;
            found.broken(moves::left(&arrival, &source));
        }
        for booking in capped {
            let stream = StreamName::quota(booking.patient.into());
            let claims = found.stream(log, &stream, &mut streams.reading).await?;
            found.broken(caps::claimed(&booking, &claims));
        }
    }
    reading += streams.reading;
    let mut streams = Streams::of("quota");
    while let Some(events) = streams.next(log).await? {
        let events: Vec<Placed<QuotaEvent>> = found.all(&events);
        found.broken(caps::claims(&mut rules, &events));
    }
    reading += streams.reading;
    found.violations.sort_by_key(|violation| violation.events[1].leaf);
    found.reading = reading.as_millis();
    found.judging = start.elapsed().saturating_sub(reading).as_millis();
    Ok(found)
}

/// The streams of a category, one after the other.
struct Streams {
    category: &'static str,
    after: Option<String>,
    page: std::vec::IntoIter<RawStream>,
    /// What reading took.
    reading: Duration,
}

impl Streams {
    fn of(category: &'static str) -> Self {
        Self { category, after: None, page: Vec::new().into_iter(), reading: Duration::ZERO }
    }

    /// The events of the next stream; none: that was the last.
    async fn next(&mut self, log: &mut RawLog) -> Result<Option<Vec<RawEvent>>, ReadError> {
        let start = Instant::now();
        if self.page.len() == 0 {
            let page = log.streams(self.category, self.after.as_deref(), STREAMS).await?;
            self.after = page.last().map(|stream| stream.name.clone()).or(self.after.take());
            self.page = page.into_iter();
        }
        let Some(stream) = self.page.next() else { return Ok(None) };
        let events = whole(log, &stream).await?;
        self.reading += start.elapsed();
        Ok(Some(events))
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
