//! Many slots at once: a pattern over days and agendas, or a weekly recurrence; shown before they are opened, and undone
//! as one.

use super::one::Choices;
use super::typed::Typed;
use crate::http::AppState;
use crate::http::clinics::Weekday;
use crate::http::clinics::bulk::{self as api, BulkAnswer, BulkForm, BulkPattern, RecurringForm, RuleForm, UndoForm};
use crate::http::clinics::slot_form::{PlacedSlot, SlotForm};
use crate::http::commands::Done;
use crate::http::extract::{ApiJson, ApiPath};
use crate::http::problem::{ApiResult, Problem};
use crate::pages::form::Form;
use crate::pages::render;
use crate::pages::staff::appointments::{fresh_key, shown_on_page, with_status};
use crate::pages::staff::frame::{Frame, Section, SignedIn};
use crate::pages::staff::words::{Errors, refusal};
use crate::pages::text::Words;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use booking_domain::clinic::Clinic;
use booking_domain::ids::{AgendaId, BulkId, ClinicId};
use booking_domain::time::{WallDate, WallTime};
use serde::Deserialize;
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/staff/schedule", get(ask).post(publish)).route("/staff/schedule/undo", get(ask).post(undo))
}

/// A slot that was laid down, or would be.
pub(super) struct Laid {
    pub(super) when: String,
    pub(super) practitioner: String,
    pub(super) overlaps: bool,
    pub(super) twice: bool,
}

/// What was laid down, or would be.
pub(super) struct Outcome {
    pub(super) laid: Vec<Laid>,
    pub(super) count: usize,
    pub(super) more: usize,
    pub(super) left_out: Vec<String>,
    /// Undo it under this id; none: a preview.
    pub(super) bulk: Option<Uuid>,
    pub(super) from: String,
    pub(super) to: String,
}

/// Slots that a page lists at most.
const LISTED: usize = 200;

impl Outcome {
    /// Nothing was stored yet, and there is something to store.
    pub(super) const fn is_preview(&self) -> bool {
        self.bulk.is_none() && self.count > 0
    }
    /// It was stored.
    pub(super) const fn is_stored(&self) -> bool {
        self.bulk.is_some()
    }
    pub(super) fn new(w: Words, clinic: &Clinic, answer: &BulkAnswer) -> Self {
        let name = |agenda: Uuid| {
            let practitioner = clinic.practitioner_of(AgendaId(agenda)).and_then(|p| clinic.practitioners.get(&p));
            practitioner.map(|p| p.name.clone()).unwrap_or_default()
        };
        let time = |text: &str| WallTime::parse(text).map(|time| w.time(time)).unwrap_or_default();
        let when = |date: &str, start: &str, end: &str| {
            let date = WallDate::parse(date).map(|date| w.day(date)).unwrap_or_default();
            format!("{date}, {} – {}", time(start), time(end))
        };
        let laid = answer.laid.iter().take(LISTED).map(|laid| Laid {
            when: when(&laid.when.date, &laid.when.start_time, &laid.when.end_time),
            practitioner: name(laid.agenda),
            overlaps: !laid.overlaps.is_empty(),
            twice: laid.twice,
        });
        let left = answer.left_out.iter().take(LISTED);
        let dates = answer.laid.iter().map(|laid| laid.when.date.clone());
        Self {
            laid: laid.collect(),
            count: answer.laid.len(),
            more: answer.laid.len().saturating_sub(LISTED),
            left_out: left.map(|l| format!("{} {}", name(l.agenda), when(&l.date, &l.start, &l.end))).collect(),
            bulk: answer.bulk,
            from: dates.clone().min().unwrap_or_default(),
            to: dates.max().unwrap_or_default(),
        }
    }
}

/// A weekday to tick.
struct Day {
    value: String,
    words: &'static str,
    chosen: bool,
}

#[derive(askama::Template)]
#[template(path = "staff/slots/schedule.html")]
struct Page {
    w: Words,
    frame: Frame,
    form: Typed,
    key: String,
    choices: Choices,
    days: Vec<Day>,
    outcome: Option<Outcome>,
    undone: Option<String>,
    booked: Vec<String>,
    alert: Option<String>,
    errors: Errors,
}

impl Page {
    /// There is something to open.
    fn is_previewed(&self) -> bool {
        self.outcome.as_ref().is_some_and(Outcome::is_preview)
    }
    fn is_opened(&self) -> bool {
        self.outcome.as_ref().is_some_and(Outcome::is_stored)
    }
    fn is_ticked(&self, agenda: &str) -> bool {
        self.form.agendas.iter().any(|id| id == agenda)
    }
}

const WEEKDAYS: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

fn weekdays(form: &Typed) -> Vec<Weekday> {
    let numbers = form.weekdays.iter().filter_map(|text| text.parse::<usize>().ok());
    numbers.filter_map(|number| WEEKDAYS.get(number).copied()).collect()
}

async fn page(app: &AppState, signed: &SignedIn, form: Typed) -> ApiResult<Page> {
    if !signed.receives() {
        return Err(Problem::not_found());
    }
    let w = signed.w;
    let rules = app.engine.rules(signed.principal.clinic).await?;
    let chosen = |number: u8| form.weekdays.iter().any(|text| *text == number.to_string());
    Ok(Page {
        w,
        frame: Frame::new(app, signed, Section::Agenda).await?,
        key: fresh_key(app),
        choices: Choices::new(w, &rules.state, &form),
        days: (0..7).map(|n| Day { value: n.to_string(), words: w.weekday(n), chosen: chosen(n) }).collect(),
        outcome: None,
        undone: None,
        booked: vec![],
        alert: None,
        errors: Errors::none(),
        form,
    })
}

async fn ask(State(app): State<AppState>, signed: SignedIn, RawQuery(query): RawQuery) -> ApiResult<Response> {
    let mut form: Typed = serde_html_form::from_str(query.as_deref().unwrap_or_default()).unwrap_or_default();
    if form.weekdays.is_empty() {
        form.weekdays = (0..5).map(|n| n.to_string()).collect();
    }
    render(&page(&app, &signed, form).await?)
}

/// The same form previews and opens: only the button differs, and the key is of the opening alone.
async fn publish(State(app): State<AppState>, signed: SignedIn, form: Form<Typed>) -> ApiResult<Response> {
    let dry_run = form.value.what != "publish";
    let mut headers = form.command(&form.value.key, None);
    if dry_run {
        headers.idempotency_key = None;
    }
    let zone = app.engine.rules(signed.principal.clinic).await?.state.zone();
    let typed = form.value;
    let slot = typed.slot(zone);
    let recurring = !typed.until.is_empty();
    let outcome: ApiResult<Done<BulkAnswer>> = if recurring {
        recur(&app, &signed, &typed, slot, (headers, form.bytes, dry_run)).await
    } else {
        let pattern = BulkPattern {
            dates: None,
            from: Some(typed.from.clone()),
            to: Some(typed.to.clone()),
            weekdays: Some(weekdays(&typed)),
            agendas: typed.agendas.iter().filter_map(|id| id.parse().ok()).collect(),
            times: vec![slot],
        };
        let value = BulkForm { slots: None, pattern: Some(pattern), dry_run };
        let body = ApiJson { value, bytes: form.bytes };
        let path = ApiPath(ClinicId(signed.clinic()));
        api::publish(State(app.clone()), signed.principal.clone(), path, headers, body).await
    };
    answer(&app, &signed, typed, outcome).await
}

async fn recur(
    app: &AppState,
    signed: &SignedIn,
    typed: &Typed,
    slot: SlotForm,
    (headers, bytes, dry_run): (crate::http::extract::CommandHeaders, Bytes, bool),
) -> ApiResult<Done<BulkAnswer>> {
    let first = typed.agendas.first().and_then(|id| id.parse().ok());
    let missing = || Problem::invalid([booking_domain::values::BadField::new("agendas", "must name one agenda")]);
    let agenda: Uuid = first.filter(|_| typed.agendas.len() == 1).ok_or_else(missing)?;
    let SlotForm { start, end, start_offset, end_offset, activity, title, interval_minutes, modality, publication } =
        slot;
    let draft = PlacedSlot {
        agenda,
        date: typed.from.clone(),
        start,
        end,
        start_offset,
        end_offset,
        activity,
        title,
        interval_minutes,
        modality,
        publication,
    };
    let rule = RuleForm {
        weekdays: weekdays(typed),
        every_weeks: typed.every.trim().parse().unwrap_or(1),
        until: typed.until.clone(),
        except: typed.except.split([' ', ',', '\n', '\r']).filter(|day| !day.is_empty()).map(str::to_owned).collect(),
    };
    let body = ApiJson { value: RecurringForm { draft, rule, dry_run }, bytes };
    let path = ApiPath(ClinicId(signed.clinic()));
    api::recur(State(app.clone()), signed.principal.clone(), path, headers, body).await
}

async fn answer(
    app: &AppState,
    signed: &SignedIn,
    typed: Typed,
    outcome: ApiResult<Done<BulkAnswer>>,
) -> ApiResult<Response> {
    let mut page = page(app, signed, typed).await?;
    match outcome {
        Ok(done) => {
            let rules = app.engine.rules(signed.principal.clinic).await?;
            page.outcome = Some(Outcome::new(signed.w, &rules.state, &done.body));
            render(&page)
        }
        Err(problem) => {
            let problem = shown_on_page(problem)?;
            page.alert = Some(refusal(signed.w, &problem));
            page.errors = Errors::of(signed.w, &problem);
            with_status(&problem, render(&page)?)
        }
    }
}

#[derive(Deserialize)]
struct Undo {
    bulk: Uuid,
    from: String,
    to: String,
    #[serde(default)]
    key: String,
}

async fn undo(State(app): State<AppState>, signed: SignedIn, form: Form<Undo>) -> ApiResult<Response> {
    let headers = form.command(&form.value.key, None);
    let Undo { bulk, from, to, .. } = form.value;
    let body = ApiJson { value: UndoForm { agendas: None, from, to }, bytes: form.bytes };
    let path = ApiPath((ClinicId(signed.clinic()), BulkId(bulk)));
    let done = api::undo(State(app.clone()), signed.principal.clone(), path, headers, body).await?;
    let mut page = page(&app, &signed, Typed::default()).await?;
    page.undone = Some(signed.w.count("schedule-undone", done.body.withdrawn));
    page.booked = done.body.booked.iter().map(|place| place.appointment.to_string()).collect();
    render(&page)
}
