//! The agenda on rows of five minutes: which card stands in which row and lane, and what is written on it.
//!
//! Everything that a colour or an icon says stands on the card in words too.

use super::View;
use crate::http::audit::day::{StaffAgendaAppointment, StaffAgendaAvailability, StaffAgendaDay, StaffAgendaSlot};
use crate::http::audit::replay::StaffAgenda;
use crate::http::wire;
use crate::pages::text::Words;
use booking_domain::matching::fold_name;
use booking_domain::time::{Tz, WallDate, WallTime};
use std::fmt::Write as _;
use uuid::Uuid;

/// Minutes of a row.
const STEP: u16 = 5;
/// Lanes beside one another in a column; more than that stand in the last.
const LANES: usize = 6;

/// The style sheet of rows, heights and lanes.
pub(super) fn style_sheet() -> String {
    let rows = 24 * 60 / STEP;
    let mut css = String::new();
    for row in 1..=rows + 1 {
        let _ = write!(css, ".r{row}{{grid-row-start:{row}}}.s{row}{{grid-row-end:span {row}}}");
    }
    for hours in 1..=24 {
        let _ =
            write!(css, ".h{hours}{{grid-template-rows:auto repeat({},minmax(var(--step),auto))}}", hours * 60 / STEP);
    }
    for lanes in 1..=LANES {
        let _ = write!(css, ".n{lanes}{{grid-template-columns:1.75rem repeat({lanes},minmax(0,1fr))}}");
        let _ = write!(css, ".n{lanes}>ul>.l0{{grid-column:2/span {lanes}}}.l{lanes}{{grid-column:{}}}", lanes + 1);
    }
    css
}

/// How a board is wanted.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub(super) w: Words,
    pub(super) zone: Tz,
    pub(super) view: View,
    /// Cancelled ones and those that moved away too.
    pub(super) ended: bool,
    pub(super) receives: bool,
    /// Cards lead somewhere; those of the past do not.
    pub(super) links: bool,
    /// One agenda alone.
    pub(super) single: bool,
}

/// What stands at one time.
pub(super) struct Card {
    pub(super) id: String,
    /// How it looks: `free`, `online`, `later`, `held`, `blocked`, `booked`, `arrived`, `over`.
    pub(super) kind: &'static str,
    pub(super) icon: Option<&'static str>,
    pub(super) href: String,
    pub(super) row: u16,
    pub(super) span: u16,
    /// 0: all lanes.
    pub(super) lane: usize,
    pub(super) start: u16,
    pub(super) end: u16,
    pub(super) time: String,
    /// Date and professional, for those who hear the page.
    pub(super) place: String,
    pub(super) who: Option<String>,
    pub(super) state: String,
    pub(super) status: Option<String>,
    pub(super) identify: bool,
    pub(super) what: String,
    pub(super) length: String,
    pub(super) marks: Vec<String>,
    pub(super) appointment: Option<Uuid>,
    /// An appointment that may be dragged to another time.
    pub(super) movable: bool,
    /// Where an appointment may be dropped.
    pub(super) target: Option<String>,
    pub(super) revision: u64,
}

impl Card {
    pub(super) fn is_appointment(&self) -> bool {
        self.appointment.is_some()
    }
}

/// The time of a slot, at the edge of its column.
pub(super) struct Band {
    pub(super) row: u16,
    pub(super) span: u16,
    pub(super) href: String,
    pub(super) name: String,
}

/// How a day of an agenda stands, in numbers.
#[derive(Default)]
pub(super) struct Sum {
    pub(super) free: usize,
    pub(super) online: usize,
    pub(super) later: usize,
    pub(super) booked: usize,
    pub(super) identify: usize,
}

/// One agenda on one day.
pub(super) struct Column {
    pub(super) agenda: Uuid,
    pub(super) name: String,
    pub(super) date: String,
    pub(super) day: String,
    pub(super) day_href: String,
    pub(super) lanes: usize,
    pub(super) bands: Vec<Band>,
    pub(super) cards: Vec<Card>,
    pub(super) sum: Sum,
}

/// An agenda over the days of a week.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) href: String,
    pub(super) days: Vec<Column>,
}

/// An hour of the axis.
pub(super) struct Hour {
    pub(super) row: u16,
    pub(super) text: String,
}

/// The whole board.
pub(super) struct Board {
    pub(super) view: &'static str,
    /// The days of a week as columns of one agenda, or lines of all.
    pub(super) overview: bool,
    pub(super) hours: Vec<Hour>,
    pub(super) height: u16,
    pub(super) columns: Vec<Column>,
    pub(super) lines: Vec<Line>,
    pub(super) days: Vec<String>,
    /// Position that the board shows.
    pub(super) position: String,
    pub(super) from: String,
    pub(super) to: String,
    /// What needs somebody: to identify, not confirmed, overbooked.
    pub(super) identify: usize,
    pub(super) unconfirmed: usize,
    pub(super) overbooked: usize,
    pub(super) nothing: bool,
}

impl Board {
    pub(super) fn new(look: Look, answer: &StaffAgenda, (from, to): (WallDate, WallDate)) -> Self {
        let w = look.w;
        let (first, last) = hours(&answer.days, look.ended);
        let mut columns: Vec<Column> = answer.days.iter().map(|day| column(look, day, first)).collect();
        columns.sort_by_cached_key(|column| (fold_name(&column.name), column.agenda, column.date.clone()));
        let count = |of: fn(&StaffAgendaAppointment) -> bool| {
            let all = answer.days.iter().flat_map(|day| &day.appointments);
            all.filter(|a| a.live && of(a)).count()
        };
        let overview = look.view == View::Week && !look.single;
        let nothing = columns.iter().all(|column| column.cards.is_empty());
        let (lines, columns) = if overview { (lines(columns), vec![]) } else { (vec![], columns) };
        Self {
            view: look.view.name(),
            overview,
            hours: (first..last)
                .map(|hour| Hour { row: (hour - first) * (60 / STEP) + 2, text: w.time(WallTime(hour * 60)) })
                .collect(),
            height: last - first,
            columns,
            lines,
            days: (from.0..=to.0).map(|day| w.day(WallDate(day))).collect(),
            position: answer.as_of.as_deref().and_then(|a| a.split('.').next()).unwrap_or_default().to_owned(),
            from: from.to_string(),
            to: to.to_string(),
            identify: count(|a| a.to_identify),
            unconfirmed: count(|a| a.status == "booked"),
            overbooked: count(|a| a.overridden),
            nothing,
        }
    }
}

fn lines(columns: Vec<Column>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut of = None;
    for column in columns {
        if of != Some(column.agenda) {
            of = Some(column.agenda);
            let href = format!("/staff/agenda?date={}&view=week&agenda={}", column.date, column.agenda);
            lines.push(Line { name: column.name.clone(), href, days: vec![] });
        }
        if let Some(line) = lines.last_mut() {
            line.days.push(column);
        }
    }
    lines
}

fn minutes(time: &str) -> u16 {
    WallTime::parse(time).map_or(0, |time| time.0)
}

/// The hours that have something, or those of an ordinary day.
fn hours(days: &[StaffAgendaDay], ended: bool) -> (u16, u16) {
    let slots = days.iter().flat_map(|day| &day.slots).filter(|slot| !slot.availabilities.is_empty()).map(|s| &s.when);
    let appointments = days.iter().flat_map(|day| &day.appointments).filter(|a| ended || a.live).map(|a| &a.when);
    let (mut first, mut last) = (24 * 60, 0);
    for when in slots.chain(appointments) {
        first = first.min(minutes(&when.start_time));
        last = last.max(minutes(&when.end_time));
    }
    if first >= last { (8, 17) } else { (first / 60, last.div_ceil(60)) }
}

fn column(look: Look, day: &StaffAgendaDay, first_hour: u16) -> Column {
    let w = look.w;
    let name = day.practitioner.as_ref().map(|p| p.name.clone()).unwrap_or_default();
    let date = WallDate::parse(&day.date).unwrap_or(WallDate(0));
    let words = w.day(date);
    let place = Place { look, day, name: &name, words: &words, date };
    let mut cards: Vec<Card> = Vec::new();
    for slot in &day.slots {
        cards.extend(slot.availabilities.iter().filter_map(|availability| place.availability(slot, availability)));
    }
    let shown = day.appointments.iter().filter(|a| a.live || look.ended || look.view == View::List);
    cards.extend(shown.map(|appointment| place.appointment(appointment)));
    cards.sort_by_key(|card| (card.start, !card.is_appointment(), card.end));
    for card in &mut cards {
        card.row = (card.start.saturating_sub(first_hour * 60)) / STEP + 2;
        card.span = (card.end.saturating_sub(card.start)).div_ceil(STEP).max(1);
    }
    let lanes = into_lanes(&mut cards);
    let sum = Sum {
        free: cards.iter().filter(|c| matches!(c.kind, "free" | "online" | "later")).count(),
        online: cards.iter().filter(|c| c.kind == "online").count(),
        later: cards.iter().filter(|c| c.kind == "later").count(),
        booked: day.appointments.iter().filter(|a| a.live).count(),
        identify: day.appointments.iter().filter(|a| a.live && a.to_identify).count(),
    };
    let bands = day.slots.iter().filter(|slot| !slot.withdrawn || !slot.availabilities.is_empty());
    let bands = bands.map(|slot| {
        let (start, end) = (minutes(&slot.when.start_time), minutes(&slot.when.end_time));
        Band {
            row: start.saturating_sub(first_hour * 60) / STEP + 2,
            span: end.saturating_sub(start).div_ceil(STEP).max(1),
            href: slot_href(day.agenda, &day.date, slot.id, None),
            name: w.tv(
                "agenda-slot",
                &[
                    ("start", w.time(WallTime(start))),
                    ("end", w.time(WallTime(end))),
                    ("what", slot_name(w, slot)),
                    ("with", name.clone()),
                ],
            ),
        }
    });
    let bands = bands.collect();
    let day_href = format!("/staff/agenda?date={}&view=day&agenda={}", day.date, day.agenda);
    Column { agenda: day.agenda, date: day.date.clone(), day_href, lanes, bands, sum, day: words, cards, name }
}

/// Puts cards that overlap beside one another; answers how many lanes there are. One that overlaps nothing has all.
fn into_lanes(cards: &mut [Card]) -> usize {
    let mut lanes: Vec<u16> = Vec::new();
    for card in cards.iter_mut() {
        let free = lanes.iter().position(|end| *end <= card.start);
        let lane = free.unwrap_or(lanes.len()).min(LANES - 1);
        if lane == lanes.len() {
            lanes.push(card.end);
        }
        if let Some(end) = lanes.get_mut(lane) {
            *end = card.end;
        }
        card.lane = lane + 1;
    }
    let times: Vec<(u16, u16)> = cards.iter().map(|card| (card.start, card.end)).collect();
    for card in cards.iter_mut() {
        if times.iter().filter(|(start, end)| *start < card.end && card.start < *end).count() == 1 {
            card.lane = 0;
        }
    }
    lanes.len().max(1)
}

fn slot_name(w: Words, slot: &StaffAgendaSlot) -> String {
    let title = slot.title.clone().or_else(|| slot.activity_name.clone());
    title.unwrap_or_else(|| w.t("agenda-no-activity"))
}

/// The address of a slot; with the start of an availability, of what stands there.
pub(in crate::pages::staff) fn slot_href(agenda: Uuid, date: &str, slot: Uuid, start: Option<&str>) -> String {
    let mut href = format!("/staff/slots/{agenda}/{date}/{slot}");
    if let Some(start) = start {
        let _ = write!(href, "?{}", serde_html_form::to_string([("start", start)]).unwrap_or_default());
    }
    href
}

/// Where cards of a column stand.
struct Place<'a> {
    look: Look,
    day: &'a StaffAgendaDay,
    name: &'a str,
    words: &'a str,
    date: WallDate,
}

impl Place<'_> {
    fn card(&self, id: String, (start, end): (&str, &str)) -> Card {
        let (start, end) = (minutes(start), minutes(end));
        Card {
            id,
            kind: "free",
            icon: None,
            href: String::new(),
            row: 0,
            span: 0,
            lane: 0,
            start,
            end,
            time: self.look.w.time(WallTime(start)),
            place: format!("{}, {}", self.words, self.name),
            who: None,
            state: String::new(),
            status: None,
            identify: false,
            what: String::new(),
            length: self.look.w.duration(i64::from(end.saturating_sub(start))),
            marks: vec![],
            appointment: None,
            movable: false,
            target: None,
            revision: 0,
        }
    }

    /// A moment in words: its time alone, if it is of this day.
    fn moment(&self, at: &str) -> String {
        let w = self.look.w;
        let Ok(at) = wire::instant("at", at) else { return String::new() };
        let (date, time) = at.wall(self.look.zone);
        if date == self.date { w.time(time) } else { w.day_time(date, time) }
    }

    /// None: an appointment's own card says it.
    fn availability(&self, slot: &StaffAgendaSlot, a: &StaffAgendaAvailability) -> Option<Card> {
        let w = self.look.w;
        let (kind, icon, state) = match (a.state, a.icon) {
            ("free", "cloud") => ("online", Some("cloud"), w.t("state-online")),
            ("free", "cloud_clock") => {
                let moment = a.publications.iter().filter_map(|p| p.at.as_deref()).min().unwrap_or_default();
                ("later", Some("cloud-clock"), w.tv("state-later", &[("moment", self.moment(moment))]))
            }
            ("free", _) => ("free", None, w.t("state-free")),
            ("held", _) => {
                let until = a.held_until.as_deref().unwrap_or_default();
                ("held", Some("clock"), w.tv("state-held", &[("time", self.moment(until))]))
            }
            ("booked", _) if self.is_covered(a) => return None,
            ("booked", _) => ("blocked", Some("blocked"), w.t("state-overlapped")),
            ("promised", _) => ("blocked", Some("blocked"), w.t("state-promised")),
            _ if self.look.view == View::List => ("blocked", Some("blocked"), w.t("state-withdrawn")),
            _ => return None,
        };
        let mut card =
            self.card(format!("v-{}-{}", slot.id, a.start_time.replace(':', "")), (&a.start_time, &a.end_time));
        let free = a.state == "free";
        let plan = [
            ("agenda", self.day.agenda.to_string()),
            ("date", self.day.date.clone()),
            ("slot", slot.id.to_string()),
            ("start", a.start.clone()),
            ("end", a.end_time.clone()),
        ];
        let query = serde_html_form::to_string(plan).unwrap_or_default();
        card.href = if !self.look.links {
            String::new()
        } else if free && self.look.receives {
            format!("/staff/appointments/new?{query}")
        } else {
            slot_href(self.day.agenda, &self.day.date, slot.id, Some(&a.start))
        };
        card.target = (free && self.look.receives).then_some(query);
        (card.kind, card.icon, card.state) = (kind, icon, state);
        card.what = slot_name(w, slot);
        Some(card)
    }

    /// An appointment takes all of it.
    fn is_covered(&self, a: &StaffAgendaAvailability) -> bool {
        let (start, end) = (minutes(&a.start_time), minutes(&a.end_time));
        let live = self.day.appointments.iter().filter(|appointment| appointment.live);
        live.map(|x| (minutes(&x.when.start_time), minutes(&x.when.end_time))).any(|(s, e)| s <= start && end <= e)
    }

    fn appointment(&self, a: &StaffAgendaAppointment) -> Card {
        let w = self.look.w;
        let mut card = self.card(format!("a-{}", a.id), (&a.when.start_time, &a.when.end_time));
        card.appointment = Some(a.id);
        if self.look.links {
            card.href = super::super::appointments::address(a.id);
        }
        card.revision = a.revision;
        card.movable = self.look.receives && a.live && matches!(a.status, "booked" | "confirmed");
        let name = a.name.as_ref().map(|name| {
            name.get().map_or_else(|| w.t("person-erased"), |name| format!("{} {}", name.first_name, name.last_name))
        });
        card.who = name;
        card.identify = a.to_identify && a.live;
        (card.icon, card.state) = match (a.icon, a.booked_by) {
            ("cloud_check", _) => (Some("cloud-check"), w.t("state-booked-online")),
            (_, "external") => (Some("person"), w.t("state-booked-elsewhere")),
            _ => (Some("person"), w.t("state-booked-staff")),
        };
        let (kind, status) = status(w, a.status);
        card.kind = kind;
        card.status = status;
        card.what = a
            .service_name
            .as_ref()
            .map(|name| w.of_text(name).to_owned())
            .or_else(|| a.activity_name.clone())
            .unwrap_or_else(|| w.t("agenda-no-activity"));
        if a.modality != "in_person" {
            card.marks.push(super::super::words::modality(w, a.modality));
        }
        if a.overridden {
            card.marks.push(w.t("mark-overbooked"));
        }
        if let Some(tail) = &a.tail {
            card.marks.push(w.tv("mark-tail", &[("from", self.moment(&tail.start)), ("to", self.moment(&tail.end))]));
        }
        if let Some(to) = &a.moved_to {
            let date = WallDate::parse(&to.date).map(|date| w.day(date)).unwrap_or_default();
            card.marks.push(w.tv("mark-moved", &[("date", date)]));
        }
        card
    }
}

fn status(w: Words, status: &str) -> (&'static str, Option<String>) {
    let kind = match status {
        "booked" => return ("booked", None),
        "arrived" | "completed" => "arrived",
        "cancelled" | "moved" | "no_show" => "over",
        _ => "booked",
    };
    (kind, Some(super::super::words::status(w, status)))
}

#[cfg(test)]
#[path = "board_tests.rs"]
mod tests;
