//! An appointment in the hands of its patient: what it is, "I will attend", and the ways to move or cancel it.
//!
//! A message's link ends in `#l_…`: a script takes that out of the address bar and posts it. Without a script the same
//! page asks for the reference and the birth date. From then on a cookie of half an hour holds the link's token, so
//! that Back and reload work; it stands in no address. These pages are never framed, and show no name.

use super::booked::Facts;
use super::calendar::Download;
use super::fields::{BirthDate, Fields, TextField, Wrong};
use super::shell::Shell;
use super::visiting::{body, see_other, with_status};
use super::{Next, Step, Visiting};
use crate::http::auth::LinkToken;
use crate::http::portal::book::PublicAppointment;
use crate::http::portal::manage as api;
use crate::http::problem::{ApiResult, Problem};
use crate::pages::render;
use crate::pages::text::Words;
use askama::Template;
use serde_json::json;

#[derive(Template)]
#[template(path = "portal/manage.html")]
struct Manage {
    w: Words,
    css: String,
    s: Shell,
    notice: Option<(&'static str, String)>,
    facts: Facts,
    standing: Standing,
    calendar: Download,
}

#[derive(Template)]
#[template(path = "portal/find.html")]
struct Find<'a> {
    w: Words,
    css: String,
    s: Shell,
    fields: &'a Fields,
    wrong: &'a Wrong,
    /// The link that brought somebody here leads nowhere any more.
    ended: bool,
}

impl Find<'_> {
    fn reference(&self) -> TextField<'_> {
        let field = TextField::new("reference", self.w.t("reference-label"), self.fields.get("reference"), self.wrong);
        field.hint(self.w.t("reference-hint")).size("medium")
    }
    fn birth_date(&self) -> BirthDate<'_> {
        BirthDate::new(self.w, self.fields, self.wrong)
    }
}

/// An appointment as it stands, and the revision that a form about it refers to.
pub(super) struct Standing {
    pub(super) appointment: PublicAppointment,
    pub(super) revision: u64,
    /// A key for what the page's forms do: a second click does nothing more.
    pub(super) key: String,
}

impl Standing {
    /// It lies ahead, and is not cancelled.
    pub(super) fn is_ahead(&self) -> bool {
        matches!(self.appointment.status, "booked" | "confirmed")
    }
    pub(super) fn is_cancelled(&self) -> bool {
        self.appointment.status == "cancelled"
    }
    pub(super) fn is_confirmed(&self) -> bool {
        self.appointment.status == "confirmed"
    }
    /// The patient may move or cancel it online.
    pub(super) fn can_change(&self) -> bool {
        self.appointment.can_change
    }
    /// What a page's form says of the appointment that it is about, to be sent with it.
    pub(super) fn named(&self) -> Vec<(&'static str, String)> {
        vec![
            ("about", self.appointment.reference.clone()),
            ("revision", self.revision.to_string()),
            ("key", self.key.clone()),
        ]
    }
    /// The form is about this appointment as it stands.
    fn is_of(&self, form: &Fields) -> bool {
        form.get("about") == self.appointment.reference
    }
}

/// Who asks about their appointment, and how it stands.
pub(super) enum Known {
    /// No link was brought.
    Nobody,
    /// The link is not, or no longer, good.
    Ended,
    /// The appointment.
    Here(Box<Standing>),
}

impl Visiting {
    /// The appointment of the link that this browser brought.
    pub(super) async fn standing(&self) -> ApiResult<Known> {
        let Some(link) = self.link() else { return Ok(Known::Nobody) };
        match api::current(self.app(), self.portal(), link).await {
            Ok(done) => {
                let revision = done.revision.unwrap_or_default();
                let key = super::when::fresh_key(self);
                Ok(Known::Here(Box::new(Standing { appointment: done.body, revision, key })))
            }
            Err(problem) if problem.code == "not_found" => Ok(Known::Ended),
            Err(problem) => Err(problem),
        }
    }
}

pub(super) async fn show(visiting: &mut Visiting) -> ApiResult<Next> {
    match visiting.standing().await? {
        Known::Nobody => find(visiting, &Fields::default(), &Wrong::default(), false),
        Known::Ended => {
            visiting.drops_link();
            find(visiting, &Fields::default(), &Wrong::default(), true)
        }
        Known::Here(standing) => {
            let notice = match visiting.asked.get("done") {
                "moved" if standing.is_ahead() => Some(("good", visiting.words.t("moved-notice"))),
                _ => None,
            };
            page(visiting, *standing, notice, 200)
        }
    }
}

fn find(visiting: &Visiting, fields: &Fields, wrong: &Wrong, ended: bool) -> ApiResult<Next> {
    let (w, s) = (visiting.words, visiting.shell());
    let status = match (wrong.is_empty(), ended) {
        (_, true) => 404,
        (false, _) => 422,
        _ => 200,
    };
    let page = render(&Find { w, css: s.css.clone(), s, fields, wrong, ended })?;
    Ok(Next::Answer(with_status(page, status)))
}

/// How the appointment stands, with what is to be said first.
pub(super) fn page(
    visiting: &Visiting,
    standing: Standing,
    notice: Option<(&'static str, String)>,
    status: u16,
) -> ApiResult<Next> {
    let (w, s) = (visiting.words, visiting.shell());
    let facts = Facts::of(visiting, &standing.appointment)?;
    let calendar = s.download(Step::Manage);
    let page = render(&Manage { w, css: s.css.clone(), s, notice, facts, standing, calendar })?;
    Ok(Next::Answer(with_status(page, status)))
}

/// The form was made before something changed: how things stand now.
pub(super) async fn stale(visiting: &mut Visiting) -> ApiResult<Next> {
    visiting.step = Step::Manage;
    match visiting.standing().await? {
        Known::Here(standing) => {
            let notice = Some(("warn", visiting.words.t("stale-notice")));
            page(visiting, *standing, notice, 409)
        }
        Known::Nobody | Known::Ended => show(visiting).await,
    }
}

/// Opens a link, looks an appointment up, says "I will attend", or lets go of the link.
pub(super) async fn take(visiting: &mut Visiting, form: &Fields) -> ApiResult<Next> {
    match form.get("do") {
        "open" => {
            let token = form.get("link").to_owned();
            if LinkToken::of_field(&token).is_some() {
                visiting.brings_link(token);
            } else {
                visiting.drops_link();
            }
            Ok(Next::Step(Step::Manage))
        }
        "find" => look_up(visiting, form).await,
        "leave" => {
            visiting.drops_link();
            Ok(Next::Step(Step::Start))
        }
        _ => attend(visiting, form).await,
    }
}

async fn look_up(visiting: &mut Visiting, form: &Fields) -> ApiResult<Next> {
    let w = visiting.words;
    let asked = json!({ "reference": form.get("reference"), "birth_date": form.date("birth") });
    let headers = visiting.headers.clone();
    let found = api::lookup(visiting.app(), visiting.peer(), headers, visiting.portal(), body(&asked)?).await;
    let wrong = match found {
        Ok(found) => {
            visiting.brings_link(found.body.link_token);
            return Ok(Next::Step(Step::Manage));
        }
        Err(problem) if problem.code == "not_found" => Wrong::one("reference", w.t("wrong-lookup")),
        Err(problem) if problem.code == "invalid_field" => {
            let of = |pointer: &str| problem.errors.iter().any(|e| e.pointer == pointer);
            let mut wrong = Wrong::default();
            if of("/reference") {
                wrong.0.push(("reference", w.t("wrong-reference")));
            }
            if of("/birth_date") {
                wrong.0.push(("birth_day", w.t("wrong-birth-date")));
            }
            wrong
        }
        Err(problem) => return Err(problem),
    };
    find(visiting, form, &wrong, false)
}

async fn attend(visiting: &mut Visiting, form: &Fields) -> ApiResult<Next> {
    let Some((link, standing)) = about(visiting, form).await? else { return stale(visiting).await };
    if standing.is_confirmed() {
        return Ok(Next::Step(Step::Manage));
    }
    let command = visiting.command("attend", form.get("key"), revision(form));
    match api::confirm(visiting.app(), visiting.portal(), link, command).await {
        Ok(_) => Ok(Next::Step(Step::Manage)),
        Err(problem) if is_stale(&problem) => stale(visiting).await,
        Err(problem) => Err(problem),
    }
}

/// The link and its appointment, if the form is about that: another tab may have brought another link meanwhile.
pub(super) async fn about(visiting: &Visiting, form: &Fields) -> ApiResult<Option<(LinkToken, Standing)>> {
    match (visiting.link(), visiting.standing().await?) {
        (Some(link), Known::Here(standing)) if standing.is_of(form) => Ok(Some((link, *standing))),
        _ => Ok(None),
    }
}

/// The revision that a form was made for.
pub(super) fn revision(form: &Fields) -> Option<u64> {
    form.get("revision").parse().ok()
}

/// Things changed since the form was made, so that it cannot do what it says.
pub(super) fn is_stale(problem: &Problem) -> bool {
    matches!(problem.code, "stale" | "cancelled" | "moving" | "wrong_status" | "if_match_required")
}

/// Back to the appointment, saying what was done.
pub(super) fn done(visiting: &Visiting, what: &str) -> Next {
    Next::Answer(see_other(&format!("{}?done={what}", visiting.address(Step::Manage.name()))))
}
