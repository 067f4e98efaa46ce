//! The one-time code (8.7): one page that sends it to what was typed, and takes it back.
//!
//! It says what was typed, what was sent and what came back, and nothing else: it is the same page for everybody,
//! whether or not the clinic knows them. Nobody has to return a code; who goes on without sees what is open to all.

use super::draft::SentCode;
use super::fields::{Fields, TextField, Wrong};
use super::shell::Shell;
use super::visiting::{body, see_other, with_status};
use super::{Next, Step, Visiting, who};
use crate::http::portal::code as api;
use crate::http::problem::{ApiResult, Problem};
use crate::http::wire::instant;
use crate::messages::codes;
use crate::pages::render;
use crate::pages::text::Words;
use askama::Template;
use axum::http::{HeaderValue, header};
use booking_domain::clinic::Service;
use booking_domain::person::ProvisionalContact;
use booking_domain::time::Instant;
use booking_domain::values::{Proof, RecognitionProof};
use booking_engine::vault::{MessageChannel, Visit};
use serde_json::json;

#[derive(Template)]
#[template(path = "portal/code.html")]
struct Page<'a> {
    w: Words,
    css: String,
    s: Shell,
    ways: Vec<Way>,
    /// Where the newest code went, and until when it is good.
    sent: Option<(String, String)>,
    /// The visit has returned a code.
    proven: bool,
    /// What is to be said first.
    notice: Option<String>,
    wrong: &'a Wrong,
    /// Where the visitor goes on afterwards, if that is not the list of services.
    then: Option<&'static str>,
    /// The demo sends nothing: where its messages are shown.
    shown: Option<&'static str>,
}

/// A contact that a code can be sent to.
struct Way {
    channel: &'static str,
    label: String,
    chosen: bool,
}

impl Page<'_> {
    fn code(&self) -> TextField<'_> {
        let field = TextField::new("code", self.w.t("code-label"), "", self.wrong);
        field.hint(self.w.t("code-hint")).of("text", "one-time-code").digits().size("medium")
    }
}

impl Visiting {
    /// Ways that a code can take to this visitor: of what was typed, what can be sent.
    pub(super) async fn code_ways(&self, visit: &Visit) -> ApiResult<Vec<MessageChannel>> {
        let known = who::identity(self, visit).await?;
        Ok(known.map(|known| codes::ways(&self.app.messages, &known)).unwrap_or_default())
    }
    /// Whether a code may open something here: the clinic asks for one, and has something for its patients alone. What
    /// the visitor is to the clinic plays no part.
    fn code_opens(&self) -> bool {
        let clinic = self.found.clinic();
        let restricted = |s: &Service| s.active && s.config.usage.books() && !s.config.criteria.is_empty();
        clinic.settings.recognition_proof == RecognitionProof::OneTimeCode && clinic.services.values().any(restricted)
    }
    /// Whether this visit is asked for a code, or may still return one to see more.
    pub(super) async fn may_return_code(&self, visit: &Visit) -> ApiResult<bool> {
        Ok(self.code_opens() && unproven(visit, self.code_ways(visit).await?).next().is_some())
    }
}

fn unproven(visit: &Visit, ways: Vec<MessageChannel>) -> impl Iterator<Item = MessageChannel> {
    let proof = Proof::from_code(visit.proof);
    ways.into_iter().filter(move |way| match way {
        MessageChannel::Email => !proof.email(),
        MessageChannel::Sms => !proof.phone(),
    })
}

/// What was typed for a way.
fn contact(known: &ProvisionalContact, way: MessageChannel) -> String {
    match way {
        MessageChannel::Email => known.email.as_ref().map(|e| e.as_str().to_owned()),
        MessageChannel::Sms => known.cell_phone.as_ref().map(|p| p.as_str().to_owned()),
    }
    .unwrap_or_default()
}

/// The step that a visitor came from, where a code stands for work.
fn then(fields: &Fields) -> Option<Step> {
    [Step::When, Step::Details, Step::Check].into_iter().find(|step| step.name() == fields.get("then"))
}

pub(super) async fn show(visiting: &Visiting) -> ApiResult<Next> {
    page(visiting, then(&visiting.asked), None, &Wrong::default(), 200).await
}

async fn page(
    visiting: &Visiting,
    then: Option<Step>,
    notice: Option<&'static str>,
    wrong: &Wrong,
    status: u16,
) -> ApiResult<Next> {
    let visit = visiting.visit().await?;
    let draft = visiting.draft(&visit).await?;
    if draft.booked.is_some() {
        return Ok(Next::Step(Step::Booked));
    }
    let known = who::identity(visiting, &visit).await?;
    let ways = known.as_ref().map(|known| codes::ways(&visiting.app.messages, known)).unwrap_or_default();
    let (Some(known), false) = (known, ways.is_empty()) else { return Ok(Next::Step(Step::Service)) };
    let (w, s) = (visiting.words, visiting.shell());
    let sent = draft.code.as_ref().and_then(|sent| Some((sent, MessageChannel::from_name(&sent.channel)?)));
    let newest = sent.map(|(_, way)| way);
    let label = |way: MessageChannel| w.tv(by(way), &[("to", contact(&known, way))]);
    let mut ways: Vec<Way> = unproven(&visit, ways)
        .map(|way| Way { channel: way.name(), label: label(way), chosen: newest == Some(way) })
        .collect();
    if !ways.iter().any(|way| way.chosen)
        && let Some(first) = ways.first_mut()
    {
        first.chosen = true;
    }
    let zone = visiting.found.clinic().zone();
    let now = visiting.app.engine.now();
    let over = sent.is_some_and(|(sent, _)| sent.until <= now.0);
    let sent =
        sent.filter(|_| !over).map(|(sent, way)| (contact(&known, way), w.time(Instant(sent.until).wall(zone).1)));
    let notice = notice.or_else(|| over.then_some("code-over"));
    let page = Page {
        w,
        css: s.css.clone(),
        s,
        ways,
        sent,
        proven: Proof::from_code(visit.proof) != Proof::None,
        notice: notice.map(|key| w.t(key)),
        wrong,
        then: then.map(Step::name),
        shown: visiting.app.messages.are_shown().then_some(crate::http::demo::MESSAGES),
    };
    render(&page).map(|page| Next::Answer(with_status(page, status)))
}

const fn by(way: MessageChannel) -> &'static str {
    match way {
        MessageChannel::Email => "code-by-email",
        MessageChannel::Sms => "code-by-sms",
    }
}

/// Sends a code, takes one back, or goes on without.
pub(super) async fn take(visiting: &mut Visiting, form: &Fields) -> ApiResult<Next> {
    let then = then(form);
    if let Some(step) = then {
        visiting.asked = Fields::default().with("then", step.name());
    }
    match form.get("do") {
        "send" => send(visiting, form, then).await,
        "prove" => prove(visiting, form, then).await,
        _ => {
            visiting.visit().await?;
            Ok(Next::Step(then.unwrap_or(Step::Service)))
        }
    }
}

async fn send(visiting: &Visiting, form: &Fields, then: Option<Step>) -> ApiResult<Next> {
    let channel = Some(form.get("channel")).filter(|name| !name.is_empty());
    let headers = visiting.headers.clone();
    let asked = body(&json!({ "channel": channel }))?;
    let sent =
        api::send_code(visiting.app(), visiting.peer(), headers, visiting.portal(), visiting.visitor(), asked).await;
    let sent = match sent {
        Ok((_, sent)) => sent.0,
        Err(problem) => return refused(visiting, then, problem).await,
    };
    let visit = visiting.visit().await?;
    let mut draft = visiting.draft(&visit).await?;
    let until = instant("expires_at", &sent.expires_at)?.0;
    draft.code = Some(SentCode { channel: sent.channel.to_owned(), until });
    visiting.keep(&visit, &draft).await?;
    Ok(again(visiting, then))
}

/// This page by GET, still knowing where its visitor came from.
fn again(visiting: &Visiting, then: Option<Step>) -> Next {
    let Some(step) = then else { return Next::Step(Step::Code) };
    if visiting.embedded {
        return Next::Step(Step::Code);
    }
    Next::Answer(see_other(&format!("{}?then={}", visiting.address(Step::Code.name()), step.name())))
}

async fn prove(visiting: &Visiting, form: &Fields, then: Option<Step>) -> ApiResult<Next> {
    let headers = visiting.headers.clone();
    let given = body(&json!({ "code": form.get("code") }))?;
    let proven =
        api::prove(visiting.app(), visiting.peer(), headers, visiting.portal(), visiting.visitor(), given).await;
    if let Err(problem) = proven {
        return refused(visiting, then, problem).await;
    }
    forget_code(visiting).await?;
    Ok(Next::Step(then.unwrap_or(Step::Service)))
}

async fn forget_code(visiting: &Visiting) -> ApiResult<()> {
    let visit = visiting.visit().await?;
    let mut draft = visiting.draft(&visit).await?;
    draft.code = None;
    visiting.keep(&visit, &draft).await
}

/// The page again, with what kept a code from being sent or taken.
async fn refused(visiting: &Visiting, then: Option<Step>, problem: Problem) -> ApiResult<Next> {
    let w = visiting.words;
    let wrong = |key: &str| Wrong::one("code", w.t(key));
    let (notice, wrong) = match problem.code {
        "wrong_code" => (None, wrong("wrong-code")),
        "invalid_field" if problem.errors.iter().any(|e| e.pointer == "/code") => (None, wrong("wrong-code-form")),
        "code_over" => {
            forget_code(visiting).await?;
            (Some("code-over"), Wrong::default())
        }
        "too_many_codes" => (Some("code-too-many"), Wrong::default()),
        "too_many_requests" => (Some("code-too-fast"), Wrong::default()),
        "no_message_channel" | "invalid_field" => (Some("code-no-way"), Wrong::default()),
        _ => return Err(problem),
    };
    let mut answer = page(visiting, then, notice, &wrong, problem.status).await?;
    if let (Next::Answer(page), Some(seconds)) = (&mut answer, problem.when_to_retry()) {
        page.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(answer)
}
