//! The panel of an appointment: who, when, what, how it came to be, and what may be done next.

use super::{address, fresh_key, with_status};
use crate::http::AppState;
use crate::http::audit::history::{HistoryEntry, HistoryQuery, history};
use crate::http::clinics::appointments::{AfterQuery, AppointmentDetails, details};
use crate::http::disclosure::{PersonDetails, Shown};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::http::wire;
use crate::pages::render;
use crate::pages::staff::changed::member_name;
use crate::pages::staff::frame::{Frame, Section, SignedIn};
use crate::pages::staff::words;
use crate::pages::text::Words;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use booking_domain::ids::{ActivityId, MemberId};
use booking_domain::time::{Tz, WallDate, WallTime};
use serde::Deserialize;
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/staff/appointments/{appointment}", get(page))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    after: Option<String>,
    done: Option<String>,
}

/// A person as a page shows them.
pub(in crate::pages::staff) struct Person {
    pub(in crate::pages::staff) name: String,
    pub(in crate::pages::staff) birth_date: String,
    pub(in crate::pages::staff) sex: String,
    pub(in crate::pages::staff) health_number: Option<String>,
    pub(in crate::pages::staff) phones: Vec<String>,
    pub(in crate::pages::staff) emails: Vec<String>,
}

/// A person in words; none: erased.
pub(in crate::pages::staff) fn person(w: Words, shown: &Shown<PersonDetails>) -> Option<Person> {
    let details = shown.get()?;
    Some(Person {
        name: format!("{} {}", details.first_name, details.last_name),
        birth_date: WallDate::parse(&details.birth_date).map(|date| w.full_date(date)).unwrap_or_default(),
        sex: words::sex(w, details.sex),
        health_number: details.health_number.clone(),
        phones: details.phones.clone(),
        emails: details.emails.clone(),
    })
}

/// A sentence of the history.
struct Told {
    at: String,
    sentence: String,
}

/// What became of a message, in a sentence.
struct Sent {
    at: String,
    sentence: String,
    delivered: bool,
}

/// How it was cancelled.
struct Cancelled {
    at: String,
    by_patient: bool,
    reason: Option<String>,
    keep_record: bool,
    keep_availability: bool,
}

#[derive(askama::Template)]
#[template(path = "staff/appointments/panel.html")]
pub(in crate::pages::staff) struct Panel {
    w: Words,
    frame: Frame,
    notice: Option<String>,
    alert: Option<String>,
    changed: Option<String>,
    id: Uuid,
    href: String,
    revision: u64,
    key: String,
    day_href: String,
    when: String,
    until: String,
    length: String,
    practitioner: String,
    status_name: String,
    status: &'static str,
    who: Option<Person>,
    typed: Option<Person>,
    record: Option<Uuid>,
    to_identify: bool,
    attached: bool,
    what: String,
    activity: String,
    modality: String,
    reason: Option<String>,
    booked_by: String,
    booked_online: bool,
    booked_at: String,
    reference: String,
    notify: bool,
    language: String,
    overridden: bool,
    only_selected: bool,
    started: bool,
    cancellation: Option<Cancelled>,
    history: Vec<Told>,
    messages: Vec<Sent>,
    /// The patient does not know of the last change.
    not_reached: bool,
}

async fn page(
    State(app): State<AppState>,
    signed: SignedIn,
    ApiPath(id): ApiPath<Uuid>,
    RawQuery(query): RawQuery,
) -> ApiResult<Response> {
    let asked: Asked = serde_html_form::from_str(query.as_deref().unwrap_or_default()).unwrap_or_default();
    let mut panel = Panel::read(&app, &signed, id, asked.after).await?;
    panel.notice = asked.done.as_deref().and_then(|done| words::notice(signed.w, done));
    render(&panel)
}

impl Panel {
    /// The appointment as it stands now.
    async fn read(app: &AppState, signed: &SignedIn, id: Uuid, after: Option<String>) -> ApiResult<Self> {
        let path = (signed.clinic(), id);
        let query = AfterQuery { after: after.clone() };
        let who = signed.principal.clone();
        let read = details(State(app.clone()), who.clone(), ApiPath(path), ApiQuery(query)).await?;
        let told = history(State(app.clone()), who, ApiPath(path), ApiQuery(HistoryQuery { after })).await?;
        Self::of(app, signed, &read.body, &told.body.entries).await
    }

    /// What a refusal says, over the appointment as it stands now.
    pub(in crate::pages::staff) async fn refused(
        app: &AppState,
        signed: &SignedIn,
        id: Uuid,
        problem: &Problem,
    ) -> ApiResult<Response> {
        let head = app.log().head().await?.map(|head| head.to_string());
        let mut panel = Self::read(app, signed, id, head.clone()).await?;
        panel.alert = Some(words::refusal(signed.w, problem));
        if problem.code == "stale" {
            let query = HistoryQuery { after: head };
            let path = ApiPath((signed.clinic(), id));
            let told = history(State(app.clone()), signed.principal.clone(), path, ApiQuery(query)).await?;
            if let Some(last) = told.body.entries.last() {
                let zone = app.engine.rules(signed.principal.clinic).await?.state.zone();
                panel.changed = Some(changed(app, signed, last, zone).await?);
            }
        }
        with_status(problem, render(&panel)?)
    }

    async fn of(
        app: &AppState,
        signed: &SignedIn,
        details: &AppointmentDetails,
        entries: &[HistoryEntry],
    ) -> ApiResult<Self> {
        let (w, summary) = (signed.w, &details.summary);
        let rules = app.engine.rules(signed.principal.clinic).await?;
        let clinic = &rules.state;
        let zone = clinic.zone();
        let date = WallDate::parse(&summary.when.date).unwrap_or(WallDate(0));
        let time = |text: &str| WallTime::parse(text).map(|time| w.time(time)).unwrap_or_default();
        let activity = summary.activity.and_then(|id| clinic.activities.get(&ActivityId(id)));
        let activity = activity.map_or_else(|| w.t("agenda-no-activity"), |activity| activity.name.clone());
        let typed = details.contact.as_ref().and_then(|contact| person(w, contact));
        let (who, typed) = match &details.record {
            Some(record) => (person(w, &record.details), typed),
            None => (typed, None),
        };
        let start = wire::instant("start", &summary.when.start);
        Ok(Self {
            w,
            frame: Frame::new(app, signed, Section::Agenda).await?,
            notice: None,
            alert: None,
            changed: None,
            id: summary.id,
            href: address(summary.id),
            revision: summary.revision,
            key: fresh_key(app),
            day_href: format!("/staff/agenda?date={}", summary.when.date),
            when: w.day_time(date, WallTime::parse(&summary.when.start_time).unwrap_or(WallTime(0))),
            until: time(&summary.when.end_time),
            length: w.duration(summary.when.duration_minutes),
            practitioner: clinic
                .practitioners
                .get(&booking_domain::ids::PractitionerId(summary.practitioner))
                .map(|p| p.name.clone())
                .unwrap_or_default(),
            status_name: words::status(w, summary.status),
            status: summary.status,
            who,
            typed,
            record: details.record.as_ref().map(|record| record.id),
            to_identify: summary.to_identify && summary.status != "cancelled",
            attached: summary.attached,
            what: summary.service_name.as_ref().map_or_else(|| activity.clone(), |name| w.of_text(name).to_owned()),
            activity,
            modality: words::modality(w, summary.modality),
            reason: details
                .reason
                .as_ref()
                .map(|reason| reason.get().map_or_else(|| w.t("person-erased"), |reason| reason.text.clone())),
            booked_by: match (summary.booked_by, &summary.channel) {
                ("patient_online", _) => w.t("state-booked-online"),
                ("external", Some(channel)) => format!("{} ({channel})", w.t("state-booked-elsewhere")),
                ("external", None) => w.t("state-booked-elsewhere"),
                _ => w.t("state-booked-staff"),
            },
            booked_online: summary.icon == "cloud_check",
            booked_at: moment(w, &summary.booked_at, zone),
            reference: summary.reference.clone(),
            notify: summary.notify,
            language: if summary.language == "en" { w.t("language-english") } else { w.t("language-french") },
            overridden: summary.overridden,
            only_selected: summary.only_selected,
            started: start.is_ok_and(|start| start <= app.engine.now()),
            cancellation: details.cancellation.as_ref().map(|c| Cancelled {
                at: moment(w, &c.cancelled_at, zone),
                by_patient: c.by_patient,
                reason: c.reason.as_ref().and_then(|reason| reason.get().cloned()),
                keep_record: c.keep_record,
                keep_availability: c.keep_availability,
            }),
            not_reached: details.messages.last().is_some_and(|message| !message.delivered),
            messages: details
                .messages
                .iter()
                .map(|message| Sent {
                    at: moment(w, &message.at, zone),
                    sentence: words::message(w, message.kind, message.channel, message.delivered),
                    delivered: message.delivered,
                })
                .collect(),
            history: entries
                .iter()
                .map(|entry| Told {
                    at: moment(w, &entry.at, zone),
                    sentence: if w.is_english() { entry.en.clone() } else { entry.fr.clone() },
                })
                .collect(),
        })
    }

    /// It may still take place.
    fn is_ahead(&self) -> bool {
        matches!(self.status, "booked" | "confirmed")
    }
    /// Whom to call when a message did not arrive.
    fn phones(&self) -> &[String] {
        let of = |person: &Option<Person>| person.as_ref().is_some_and(|person| !person.phones.is_empty());
        let whose = if of(&self.who) { &self.who } else { &self.typed };
        whose.as_ref().map_or(&[], |person| &person.phones)
    }
    fn may_confirm(&self) -> bool {
        self.status == "booked"
    }
    fn may_arrive(&self) -> bool {
        self.is_ahead()
    }
    fn may_complete(&self) -> bool {
        self.status == "arrived"
    }
    fn may_miss(&self) -> bool {
        self.is_ahead() && self.started
    }
}

/// A stored moment in words.
pub(in crate::pages::staff) fn moment(w: Words, at: &str, zone: Tz) -> String {
    wire::instant("at", at).map(|at| w.moment(at, zone)).unwrap_or_default()
}

/// Who did something last, and when.
async fn changed(app: &AppState, signed: &SignedIn, last: &HistoryEntry, zone: Tz) -> ApiResult<String> {
    let w = signed.w;
    let who = match (last.actor.kind, last.actor.id) {
        ("staff", Some(id)) => {
            let name = member_name(app, signed.principal.clinic, MemberId(id)).await?;
            name.unwrap_or_else(|| w.t("actor-staff"))
        }
        ("visit" | "link", _) => w.t("actor-patient"),
        _ => w.t("actor-system"),
    };
    let sentence = if w.is_english() { &last.en } else { &last.fr };
    let said = [("who", who), ("at", moment(w, &last.at, zone)), ("what", sentence.clone())];
    Ok(w.tv("changed-by", &said))
}
