//! The patient's pages under `/p/{slug}`: from the first page to the booked appointment, in French and English,
//! complete without a script.
//!
//! | module | page |
//! |---|---|
//! | [`start`] | the clinic, what can be booked, the telephone |
//! | [`who`] | who the appointment is for; opens the visit |
//! | [`code`] | a code to the contact that was typed, and back |
//! | [`service`], [`when`] | what it is for; the times, filters, holds |
//! | [`details`], [`check`], [`booked`] | reason and messages; one summary; the confirmation |
//! | [`work`] | what a device works out under load |
//! | [`manage`], [`change`] | an appointment in its patient's hands: see, attend, move, cancel |
//! | [`calendar`] | the appointment as a calendar file |
//! | [`shell`], [`fields`] | what surrounds every page; what a form says |
//! | [`visiting`], [`draft`] | one request of a visitor; what was chosen so far |
//!
//! Every step has one address, `/p/{slug}/{fr|en}/{step}`, and one under `/p/{slug}/embed/…` for frames. A step knows
//! how to show itself and what to do with its form; how the answer travels is [`visiting`]'s.

mod booked;
mod calendar;
mod change;
mod check;
mod code;
mod details;
mod draft;
mod fields;
mod manage;
mod service;
mod shell;
mod start;
mod visiting;
mod when;
mod who;
mod work;

use crate::http::AppState;
use crate::http::problem::{ApiResult, Problem};
use crate::pages::form::Form;
use axum::Router;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use booking_domain::values::Language;
use fields::Fields;
use std::net::SocketAddr;
use visiting::{Request, Visiting};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/p/{slug}", get(enter))
        .route("/p/{slug}/embed", get(enter_embedded))
        .route("/p/{slug}/{language}", get(enter_in_language))
        .route("/p/{slug}/embed/{language}", get(enter_embedded_in_language))
        .route("/p/{slug}/{language}/{step}", get(show).post(take))
        .route("/p/{slug}/embed/{language}/{step}", get(show_embedded).post(take_embedded))
        .merge(calendar::routes())
}

/// The pages of a booking.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::pages) enum Step {
    Start,
    Who,
    Code,
    Service,
    When,
    Details,
    Check,
    Booked,
    Manage,
    Move,
    Cancel,
}

impl Step {
    const ALL: [Self; 11] = [
        Self::Start,
        Self::Who,
        Self::Code,
        Self::Service,
        Self::When,
        Self::Details,
        Self::Check,
        Self::Booked,
        Self::Manage,
        Self::Move,
        Self::Cancel,
    ];

    /// Its name in addresses.
    pub(in crate::pages) const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Who => "who",
            Self::Code => "code",
            Self::Service => "service",
            Self::When => "when",
            Self::Details => "details",
            Self::Check => "check",
            Self::Booked => "booked",
            Self::Manage => "manage",
            Self::Move => "move",
            Self::Cancel => "cancel",
        }
    }
    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }
    /// A page about an appointment that is booked: never framed, and there while the portal is off.
    const fn is_about_an_appointment(self) -> bool {
        matches!(self, Self::Manage | Self::Move | Self::Cancel)
    }
    /// Its place among those that are counted for the visitor.
    const fn number(self) -> Option<u8> {
        match self {
            Self::Start | Self::Booked | Self::Manage | Self::Move | Self::Cancel => None,
            Self::Who | Self::Code => Some(1),
            Self::Service => Some(2),
            Self::When => Some(3),
            Self::Details => Some(4),
            Self::Check => Some(5),
        }
    }
}

/// What a form leads to.
enum Next {
    /// Another step, or the same one again.
    Step(Step),
    /// This answer: the form again with what is wrong, or what became of it.
    Answer(Response),
}

impl Visiting {
    /// The page of a step, or of the one that has to come before it.
    async fn shows(&mut self, mut step: Step) -> ApiResult<Response> {
        loop {
            self.step = step;
            match self.page(step).await? {
                Next::Answer(response) => return Ok(response),
                Next::Step(other) if self.embedded => step = other,
                Next::Step(other) => return Ok(self.redirect(other.name())),
            }
        }
    }
    async fn page(&mut self, step: Step) -> ApiResult<Next> {
        if step != Step::Booked && !step.is_about_an_appointment() {
            self.found.open()?;
        }
        match step {
            Step::Start => start::show(self),
            Step::Who => who::show(self).await,
            Step::Code => code::show(self).await,
            Step::Service => service::show(self).await,
            Step::When => when::show(self).await,
            Step::Details => details::show(self).await,
            Step::Check => check::show(self).await,
            Step::Booked => booked::show(self).await,
            Step::Manage => manage::show(self).await,
            Step::Move => change::show_move(self).await,
            Step::Cancel => change::show_cancel(self).await,
        }
    }
    /// What a step does with its form.
    async fn takes(&mut self, step: Step, form: &Fields) -> ApiResult<Next> {
        match step {
            Step::Start => Ok(Next::Step(Step::Who)),
            Step::Who => who::take(self, form).await,
            Step::Code => code::take(self, form).await,
            Step::Service => service::take(self, form).await,
            Step::When => when::take(self, form).await,
            Step::Details => details::take(self, form).await,
            Step::Check => check::take(self, form).await,
            Step::Booked => booked::take(self, form).await,
            Step::Manage => manage::take(self, form).await,
            Step::Move => change::take_move(self, form).await,
            Step::Cancel => change::take_cancel(self, form).await,
        }
    }
    /// What keeps a page from being shown, as a page.
    fn tells(&self, problem: &Problem) -> Response {
        start::trouble(self, problem)
    }
    async fn answers_get(mut self) -> Response {
        let step = self.step;
        let shown = self.shows(step).await;
        let response = shown.unwrap_or_else(|problem| self.tells(&problem));
        self.finish(response)
    }
    async fn answers_form(mut self, form: Fields) -> Response {
        let step = self.step;
        self.brings_work(form.get("work"));
        let taken = match form.get("do") {
            "show" => Ok(Next::Step(step)),
            _ => self.takes(step, &form).await,
        };
        let answer = match taken {
            Ok(Next::Answer(response)) => Ok(response),
            Ok(Next::Step(next)) if self.embedded => {
                if next != step {
                    self.asked = Fields::default();
                }
                self.shows(next).await
            }
            Ok(Next::Step(next)) => Ok(self.redirect(next.name())),
            Err(problem) if problem.code == "work_required" => {
                self.step = step;
                work::page(&self, &problem, step, &form).await
            }
            Err(problem) => Err(problem),
        };
        let response = answer.unwrap_or_else(|problem| self.tells(&problem));
        self.finish(response)
    }
}

type Peer = ConnectInfo<SocketAddr>;

/// `/p/{slug}`: the first page, in the browser's language.
async fn enter(app: State<AppState>, peer: Peer, Path(slug): Path<String>, headers: HeaderMap) -> ApiResult<Response> {
    first_page(app, peer, slug, None, headers, false).await
}

async fn enter_embedded(
    app: State<AppState>,
    peer: Peer,
    Path(slug): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    first_page(app, peer, slug, None, headers, true).await
}

async fn enter_in_language(
    app: State<AppState>,
    peer: Peer,
    Path((slug, language)): Path<(String, String)>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    first_page(app, peer, slug, Some(parse_language(&language)?), headers, false).await
}

async fn enter_embedded_in_language(
    app: State<AppState>,
    peer: Peer,
    Path((slug, language)): Path<(String, String)>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    first_page(app, peer, slug, Some(parse_language(&language)?), headers, true).await
}

fn parse_language(name: &str) -> ApiResult<Language> {
    Language::from_name(name).ok_or_else(Problem::not_found)
}

async fn first_page(
    State(app): State<AppState>,
    ConnectInfo(peer): Peer,
    slug: String,
    language: Option<Language>,
    headers: HeaderMap,
    embedded: bool,
) -> ApiResult<Response> {
    let asked = slug.clone();
    let visiting = Visiting::arrives(Request { app, peer, headers, slug, embedded }, language, Step::Start).await?;
    if visiting.slug != asked {
        return Ok(moved(&visiting.address("start")));
    }
    Ok(visiting.answers_get().await)
}

fn moved(address: &str) -> Response {
    match header::HeaderValue::from_str(address) {
        Ok(location) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)]).into_response(),
        Err(error) => Problem::internal(error).into_response(),
    }
}

/// Where a step's request goes: its parts, or the address that the portal has now.
async fn arrive(
    request: Request,
    (language, step): (&str, &str),
    uri: Option<&Uri>,
) -> ApiResult<Result<Visiting, Response>> {
    let step = Step::from_name(step).ok_or_else(Problem::not_found)?;
    if request.embedded && step.is_about_an_appointment() {
        return Err(Problem::not_found());
    }
    let (language, asked) = (parse_language(language)?, request.slug.clone());
    let visiting = Visiting::arrives(request, Some(language), step).await?;
    // Also when the clinic does not offer this language.
    if let Some(uri) = uri
        && (visiting.slug != asked || visiting.words.0 != language)
    {
        let query = uri.query().map_or(String::new(), |q| format!("?{q}"));
        return Ok(Err(moved(&format!("{}{query}", visiting.address(step.name())))));
    }
    Ok(Ok(visiting))
}

async fn show(
    State(app): State<AppState>,
    ConnectInfo(peer): Peer,
    Path((slug, language, step)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    uri: Uri,
) -> ApiResult<Response> {
    let request = Request { app, peer, headers, slug, embedded: false };
    match arrive(request, (&language, &step), Some(&uri)).await? {
        Ok(visiting) => Ok(visiting.asking(Fields::of_query(query.as_deref())).answers_get().await),
        Err(elsewhere) => Ok(elsewhere),
    }
}

async fn show_embedded(
    State(app): State<AppState>,
    ConnectInfo(peer): Peer,
    Path((slug, language, step)): Path<(String, String, String)>,
    headers: HeaderMap,
    uri: Uri,
) -> ApiResult<Response> {
    let request = Request { app, peer, headers, slug, embedded: true };
    match arrive(request, (&language, &step), Some(&uri)).await? {
        Ok(visiting) => Ok(visiting.answers_get().await),
        Err(elsewhere) => Ok(elsewhere),
    }
}

async fn take(
    State(app): State<AppState>,
    ConnectInfo(peer): Peer,
    Path((slug, language, step)): Path<(String, String, String)>,
    headers: HeaderMap,
    form: Form<Fields>,
) -> ApiResult<Response> {
    let request = Request { app, peer, headers, slug, embedded: false };
    match arrive(request, (&language, &step), None).await? {
        Ok(visiting) => Ok(visiting.answers_form(form.value).await),
        Err(elsewhere) => Ok(elsewhere),
    }
}

async fn take_embedded(
    State(app): State<AppState>,
    ConnectInfo(peer): Peer,
    Path((slug, language, step)): Path<(String, String, String)>,
    headers: HeaderMap,
    form: Form<Fields>,
) -> ApiResult<Response> {
    let request = Request { app, peer, headers, slug, embedded: true };
    match arrive(request, (&language, &step), None).await? {
        Ok(visiting) => Ok(visiting.asking(form.value.clone()).answers_form(form.value).await),
        Err(elsewhere) => Ok(elsewhere),
    }
}
