//! What every staff page stands in: who is signed in, in which clinic, in which language, and where they may go.
//!
//! A page's handler takes [`SignedIn`] and makes a [`Frame`] of it; its template extends `staff/layout.html` and holds
//! the frame as `frame` and its words as `w`. Whoever is not signed in is sent to the sign-in page and back again.

use crate::http::AppState;
use crate::http::auth::{ADMINISTRATION, AUDIT, CARE, Principal, RECEPTION};
use crate::http::clinics::session::who_am_i;
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads;
use crate::pages::text::Words;
use crate::pages::{assets, render, trouble};
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use booking_domain::ids::AppointmentId;
use booking_domain::values::Role;
use uuid::Uuid;

/// Where a page stands in the navigation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Section {
    /// The agenda, its slots and its appointments.
    Agenda,
    /// Those whose patient is to be identified.
    Identify,
    /// Patient records.
    Patients,
    /// Setting up.
    Administration,
    /// What happened.
    Audit,
}

/// Somebody who is signed in and asks for a page.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    /// Who, as the API knows them.
    pub(crate) principal: Principal,
    /// Their words.
    pub(crate) w: Words,
    /// Path and query of the request.
    pub(crate) here: String,
    /// The script asks for a part of a page.
    pub(crate) part: bool,
}

/// The header by which the script asks for a part of a page.
const PART: &str = "x-part";

impl FromRequestParts<AppState> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Response> {
        let w = trouble::language("/staff", &parts.headers);
        let here = parts.uri.path_and_query().map_or("/staff", |here| here.as_str()).to_owned();
        let part = parts.headers.contains_key(PART);
        match Principal::from_request_parts(parts, app).await {
            Ok(principal) if !principal.machine => Ok(Self { principal, w, here, part }),
            Ok(_) => Err(Problem::not_found().into_response()),
            Err(problem) if problem.status == 401 && !part => Err(sign_in_first(&parts.method, &here, w)),
            Err(problem) => Err(problem.into_response()),
        }
    }
}

impl SignedIn {
    /// The clinic, for paths of the API.
    pub(crate) const fn clinic(&self) -> Uuid {
        self.principal.clinic.0
    }
    /// May do what these roles may.
    pub(crate) fn may(&self, roles: &[Role]) -> bool {
        roles.contains(&self.principal.role)
    }
    /// May work with schedules, appointments and patients.
    pub(crate) fn receives(&self) -> bool {
        self.may(RECEPTION)
    }
}

/// The page of somebody whose session is over; nothing that was posted is kept.
#[derive(askama::Template)]
#[template(path = "staff/ended.html")]
struct Ended {
    w: Words,
    css: String,
    staff_css: String,
    way_on: String,
}

fn sign_in_first(method: &Method, here: &str, w: Words) -> Response {
    if *method == Method::GET {
        let way = if here == "/staff" { "/staff/sign-in".to_owned() } else { sign_in_address(here) };
        return Redirect::to(&way).into_response();
    }
    // What a form was posted to has a page of its own at the same address.
    let page = Ended {
        w,
        css: assets::address("base.css"),
        staff_css: assets::address("staff.css"),
        way_on: sign_in_address(here),
    };
    match render(&page) {
        Ok(mut response) => {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            response
        }
        Err(problem) => problem.into_response(),
    }
}

fn sign_in_address(next: &str) -> String {
    let query = serde_html_form::to_string([("next", next)]).unwrap_or_default();
    format!("/staff/sign-in?{query}")
}

/// An address of our own staff pages, or the first of them: a link from outside leads nowhere else.
pub(crate) fn safe_address(next: &str) -> &str {
    let rest = next.strip_prefix("/staff").or_else(|| next.strip_prefix("/audit"));
    let ours = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    let plain = next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') && !next.contains("//");
    if ours && plain { next } else { "/staff" }
}

/// The language that somebody chose, or that their browser prefers.
pub(crate) fn words(headers: &HeaderMap) -> Words {
    trouble::language("/staff", headers)
}

/// What stands around a staff page.
pub(crate) struct Frame {
    pub(crate) w: Words,
    pub(crate) css: String,
    pub(crate) staff_css: String,
    pub(crate) script: String,
    /// The clinic's accent colour.
    pub(crate) accent_css: Option<String>,
    pub(crate) clinic_name: String,
    pub(crate) member_name: String,
    pub(crate) role: Role,
    pub(crate) section: Section,
    /// How many wait to be identified; none: that is not this member's work.
    pub(crate) waiting: Option<usize>,
    /// This page again, after the language was changed.
    pub(crate) here: String,
}

/// How many of the queue are counted.
const COUNTED: usize = 100;

impl Frame {
    /// The frame of a page of this section.
    pub(crate) async fn new(app: &AppState, signed: &SignedIn, section: Section) -> ApiResult<Self> {
        let member = who_am_i(State(app.clone()), signed.principal.clone()).await?.0;
        let rules = app.engine.rules(signed.principal.clinic).await?;
        let accent = rules.state.portal.config.as_ref().and_then(|portal| portal.accent.as_deref());
        let waiting = if signed.receives() {
            let start = (app.engine.now(), AppointmentId(Uuid::nil()));
            let appointments = &app.views.appointments;
            let waiting = appointments.reconciliation(signed.principal.clinic, Some(start), COUNTED).await;
            Some(waiting.map_err(reads::unanswered)?.len())
        } else {
            None
        };
        Ok(Self {
            w: signed.w,
            css: assets::address("base.css"),
            staff_css: assets::address("staff.css"),
            script: assets::address("staff.js"),
            accent_css: assets::accent_address(accent),
            clinic_name: member.clinic_name,
            member_name: member.name.unwrap_or_default(),
            role: signed.principal.role,
            section,
            waiting,
            here: signed.here.clone(),
        })
    }
    /// May look at agendas, appointments and patients.
    pub(crate) fn cares(&self) -> bool {
        CARE.contains(&self.role)
    }
    /// May change schedules, appointments and patients.
    pub(crate) fn receives(&self) -> bool {
        RECEPTION.contains(&self.role)
    }
    /// May set up the clinic.
    pub(crate) fn administers(&self) -> bool {
        ADMINISTRATION.contains(&self.role)
    }
    /// May read what happened.
    pub(crate) fn audits(&self) -> bool {
        AUDIT.contains(&self.role)
    }
    /// `aria-current` of a link to this section.
    pub(crate) fn is(&self, section: &str) -> bool {
        let own = match self.section {
            Section::Agenda => "agenda",
            Section::Identify => "identify",
            Section::Patients => "patients",
            Section::Administration => "administration",
            Section::Audit => "audit",
        };
        own == section
    }
    /// The count as it is shown.
    pub(crate) fn waiting_text(&self) -> String {
        match self.waiting {
            Some(COUNTED) => format!("{}+", COUNTED - 1),
            Some(waiting) => waiting.to_string(),
            None => String::new(),
        }
    }
    /// The member's role in words.
    pub(crate) fn role_name(&self) -> String {
        role_name(self.w, self.role)
    }
}

/// A role in words.
pub(crate) fn role_name(w: Words, role: Role) -> String {
    match role {
        Role::Administrator => w.t("role-administrator"),
        Role::Scheduler => w.t("role-scheduler"),
        Role::Practitioner => w.t("role-practitioner"),
        Role::Auditor => w.t("role-auditor"),
        Role::Unknown(_) => w.t("role-unknown"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_domain::values::Language;

    #[derive(askama::Template)]
    #[template(source = r#"{% extends "staff/layout.html" %}{% block title %}x{% endblock %}"#, ext = "html")]
    struct Bare {
        w: Words,
        frame: Frame,
    }

    fn framed(role: Role) -> String {
        let w = Words::of(Language::En);
        let text = |text: &str| text.to_owned();
        let frame = Frame {
            w,
            css: text("/base.css"),
            staff_css: text("/staff.css"),
            script: text("/staff.js"),
            accent_css: None,
            clinic_name: text("<Clinic>"),
            member_name: text("Ann & Bob"),
            role,
            section: Section::Agenda,
            waiting: Some(COUNTED),
            here: text("/staff/agenda?date=2026-11-24"),
        };
        askama::Template::render(&Bare { w, frame }).unwrap()
    }

    #[test]
    fn each_role_is_offered_what_is_its_work() {
        let offered = |role| {
            let html = framed(role);
            let names = ["agenda", "identify", "patients", "administration", "audit"];
            names.into_iter().filter(|name| html.contains(&format!("id=\"nav-{name}\""))).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(offered(Role::Administrator), "agenda identify patients administration audit");
        assert_eq!(offered(Role::Scheduler), "agenda identify patients");
        assert_eq!(offered(Role::Practitioner), "agenda patients");
        assert_eq!(offered(Role::Auditor), "audit");
        assert_eq!(offered(Role::Unknown(9)), "");
        let html = framed(Role::Scheduler);
        assert!(html.contains("99+") && html.contains("&#60;Clinic&#62;") && html.contains("Ann &#38; Bob"), "{html}");
    }

    #[test]
    fn only_our_own_staff_pages_are_gone_back_to() {
        for good in [
            "/audit",
            "/audit/agenda?date=2026-11-24",
            "/staff",
            "/staff/agenda?date=2026-11-24&view=day",
            "/staff?x=1",
            "/staff/admin",
        ] {
            assert_eq!(safe_address(good), good);
        }
        let bad = [
            "",
            "https://evil.example",
            "//evil.example",
            "/staff//evil.example",
            "/staffed",
            "/auditor",
            "/audit//evil.example",
            "/p/clinic",
            "/staff/\\evil",
            "/staff\n",
            "/staff/é",
            "javascript:alert(1)",
            "/staff/../../x\t",
        ];
        for bad in bad {
            assert_eq!(safe_address(bad), "/staff", "{bad}");
        }
    }
}
