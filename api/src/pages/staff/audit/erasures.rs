//! Who was asked to be forgotten, what was decided and why, what was carried out; and, for administrators, deciding it.

use super::lines::Line;
use super::then::{exact, read};
use super::{Hall, reason};
use crate::http::AppState;
use crate::http::auth::{ADMINISTRATION, AUDIT};
use crate::http::clinics::erasure_case::one as read_case;
use crate::http::clinics::erasures::{
    Cases, ErasureCase, ErasureDecision, ErasureRequest, LegalHold, carry_out_now, decide, legal_hold, list, request,
    retention, withdraw,
};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::pages::form::Form;
use crate::pages::staff::appointments::fresh_key;
use crate::pages::staff::frame::SignedIn;
use crate::pages::staff::words::{notice, refusal};
use crate::pages::text::Words;
use crate::pages::{render, render_as};
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/audit/erasures", get(cases).post(ask))
        .route("/audit/erasures/{person}", get(case))
        .route("/audit/erasures/{person}/{act}", get(back).post(act))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    open: Option<String>,
    cursor: Option<String>,
    done: Option<String>,
}

/// How far a case is, in words.
struct Row {
    person: Uuid,
    progress: String,
    basis: String,
    requested_at: String,
    since: String,
    until: Option<String>,
    held: bool,
}

impl Row {
    fn of(w: Words, case: &ErasureCase) -> Self {
        let at = |at: &Option<String>| at.as_deref().map(|at| exact(w, at));
        let progress = match (case.progress, case.ground) {
            ("requested", _) => w.t("erasure-requested"),
            ("withdrawn", _) => w.t("erasure-withdrawn"),
            ("refused", Some("retention")) => w.t("erasure-refused-retention"),
            ("refused", Some("legal_hold")) => w.t("erasure-refused-hold"),
            ("refused", _) => w.t("erasure-refused"),
            ("approved", _) => w.t("erasure-approved"),
            ("erased", _) => w.count("erasure-erased", case.erased),
            _ => w.t("erasure-none"),
        };
        Self {
            person: case.person,
            progress,
            basis: match case.basis {
                Some("person") => w.t("erasure-by-person"),
                Some("retention_end") => w.t("erasure-by-time"),
                _ => String::new(),
            },
            requested_at: at(&case.requested_at).unwrap_or_default(),
            since: at(&case.since).unwrap_or_default(),
            until: at(&case.until),
            held: case.legal_hold,
        }
    }
}

#[derive(askama::Template)]
#[template(path = "staff/audit/erasures.html")]
struct List {
    hall: Hall,
    rows: Vec<Row>,
    open: bool,
    next: Option<String>,
    years: u16,
    days: u16,
    wait: u16,
}

async fn cases(State(app): State<AppState>, signed: SignedIn, RawQuery(query): RawQuery) -> ApiResult<Response> {
    let asked: Asked = read(query.as_deref());
    let (open, path) = (asked.open.is_some(), || ApiPath(signed.principal.clinic));
    let wanted = ApiQuery(Cases { open: Some(open), limit: None, cursor: asked.cursor });
    let answer = list(State(app.clone()), signed.principal.clone(), path(), wanted).await?.0;
    let kept = retention(State(app.clone()), signed.principal.clone(), path()).await?.body;
    let narrow = if open { "&open=yes" } else { "" };
    let page = List {
        rows: answer.items.iter().map(|case| Row::of(signed.w, case)).collect(),
        open,
        next: answer.next.map(|cursor| format!("/audit/erasures?cursor={cursor}{narrow}")),
        years: kept.attached_years,
        days: kept.provisional_days,
        wait: kept.cooling_off_days,
        hall: Hall::new(&app, &signed, "erasures").await?,
    };
    render(&page)
}

/// A step with what was said about it.
struct Step {
    line: Line,
    note: Option<String>,
}

#[derive(askama::Template)]
#[template(path = "staff/audit/erasure.html")]
struct Case {
    hall: Hall,
    row: Row,
    patient: Option<Uuid>,
    keep_until: Option<String>,
    steps: Vec<Step>,
    alert: Option<String>,
    notice: Option<String>,
    /// For the forms of an administrator.
    progress: &'static str,
    revision: u64,
    key: String,
    why: String,
}
super::in_hall!(List, Case);

async fn case(
    State(app): State<AppState>,
    mut signed: SignedIn,
    ApiPath(person): ApiPath<Uuid>,
    RawQuery(query): RawQuery,
) -> ApiResult<Response> {
    if signed.may(AUDIT) && !reason::given(&mut signed) {
        return reason::ask(&app, &signed, "erasures", signed.w.t("audit-kind-erasure")).await;
    }
    let asked: Asked = read(query.as_deref());
    let page = Case::of(&app, &signed, person).await?;
    let notice = asked.done.as_deref().and_then(|done| notice(signed.w, done));
    render(&Case { notice, ..page })
}

impl Case {
    async fn of(app: &AppState, signed: &SignedIn, person: Uuid) -> ApiResult<Self> {
        let path = ApiPath((signed.clinic(), person));
        let file = read_case(State(app.clone()), signed.principal.clone(), path).await?.body;
        let w = signed.w;
        let note = |note: &crate::http::disclosure::Shown<String>| note.get().cloned();
        let steps = file.steps.iter().map(|step| Step {
            line: Line::of(w, &step.entry),
            note: step.note.as_ref().map(|said| note(said).unwrap_or_else(|| w.t("person-erased"))),
        });
        Ok(Self {
            row: Row::of(w, &file.case),
            patient: file.case.patient,
            keep_until: file.keep_until.as_deref().map(|at| exact(w, at)),
            steps: steps.collect(),
            alert: None,
            notice: None,
            progress: file.case.progress,
            revision: file.case.revision,
            key: fresh_key(app),
            why: signed.principal.purpose.unwrap_or_default().to_owned(),
            hall: Hall::new(app, signed, "erasures").await?,
        })
    }
}

#[derive(Deserialize)]
struct Typed {
    #[serde(default)]
    key: String,
    revision: Option<u64>,
    #[serde(default)]
    note: String,
    /// `approve` or `refuse`; `hold` or `release`.
    #[serde(default, rename = "do")]
    choice: String,
    patient: Option<Uuid>,
}

/// Takes down that somebody wishes to be forgotten.
async fn ask(State(app): State<AppState>, mut signed: SignedIn, form: Form<Typed>) -> ApiResult<Response> {
    signed.principal.allow(signed.principal.clinic, ADMINISTRATION)?;
    reason::given(&mut signed);
    let headers = form.command(&form.value.key, None);
    let wish = ErasureRequest { patient: form.value.patient, appointment: None, note: form.value.note.clone() };
    let path = ApiPath(signed.principal.clinic);
    let done = request(State(app), signed.principal.clone(), path, headers, form.json(wish)).await?;
    Ok(case_after(&signed, done.body.person))
}

/// The case, which says what was done.
fn case_after(signed: &SignedIn, person: Uuid) -> Response {
    let why = signed.principal.purpose.unwrap_or_default();
    Redirect::to(&format!("/audit/erasures/{person}?why={why}&done=saved")).into_response()
}

/// Whoever signs in again after a button is sent to the case.
async fn back(_: SignedIn, ApiPath((person, _)): ApiPath<(Uuid, String)>) -> Redirect {
    Redirect::to(&format!("/audit/erasures/{person}"))
}

/// Decides, takes back, carries out, holds.
async fn act(
    State(app): State<AppState>,
    mut signed: SignedIn,
    ApiPath((person, act)): ApiPath<(Uuid, String)>,
    form: Form<Typed>,
) -> ApiResult<Response> {
    signed.principal.allow(signed.principal.clinic, ADMINISTRATION)?;
    reason::given(&mut signed);
    let (state, principal, path) = (State(app.clone()), signed.principal.clone(), ApiPath((signed.clinic(), person)));
    let typed = &form.value;
    let headers = form.command(&typed.key, typed.revision);
    let outcome = match act.as_str() {
        "decide" => {
            let decision = ErasureDecision { approve: typed.choice == "approve", note: typed.note.clone() };
            decide(state, principal, path, headers, form.json(decision)).await
        }
        "withdraw" => withdraw(state, principal, path, headers).await,
        "carry-out" => carry_out_now(state, principal, path, headers).await,
        "hold" => {
            let hold = LegalHold { held: typed.choice == "hold" };
            legal_hold(state, principal, path, headers, form.json(hold)).await
        }
        _ => return Err(Problem::not_found()),
    };
    match outcome {
        Ok(_) => Ok(case_after(&signed, person)),
        Err(problem) if problem.status == 404 => Err(problem),
        Err(problem) => {
            let w = signed.w;
            let said = match problem.code {
                "cooling_off" => w.t("erasure-too-early"),
                "no_request" => w.t("erasure-no-request"),
                _ => refusal(w, &problem),
            };
            let page = Case { alert: Some(said), ..Case::of(&app, &signed, person).await? };
            render_as(StatusCode::from_u16(problem.status).map_err(Problem::internal)?, &page)
        }
    }
}
