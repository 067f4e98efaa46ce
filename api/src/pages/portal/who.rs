//! Who the appointment is for. The answer is the same whether or not the clinic knows them.

use super::draft::Draft;
use super::fields::{BirthDate, Fields, TextField, Wrong};
use super::shell::Shell;
use super::visiting::{body, with_status};
use super::{Next, Step, Visiting};
use crate::http::portal::visits;
use crate::http::problem::{ApiResult, Problem};
use crate::http::wire::Text;
use crate::pages::render;
use crate::pages::text::Words;
use askama::Template;
use booking_domain::person::ProvisionalContact;
use booking_domain::time::WallDate;
use booking_engine::vault::Visit;
use booking_events::sealed_forms::Plaintext;
use serde_json::json;

#[derive(Template)]
#[template(path = "portal/who.html")]
struct Who<'a> {
    w: Words,
    css: String,
    s: Shell,
    fields: &'a Fields,
    wrong: &'a Wrong,
    terms: String,
}

/// The choices of "who is it for", and of the sex on file: value and key of the words.
const WHOM: [(&str, &str); 3] = [("me", "whom-me"), ("child", "whom-child"), ("other", "whom-other")];
const SEX: [(&str, &str); 3] = [("female", "sex-female"), ("male", "sex-male"), ("other", "sex-other")];

impl Who<'_> {
    fn whom(&self) -> [(&'static str, String, bool); 3] {
        self.choices("whom", WHOM)
    }
    fn sex(&self) -> [(&'static str, String, bool); 3] {
        self.choices("sex", SEX)
    }
    fn choices(&self, name: &str, all: [(&'static str, &str); 3]) -> [(&'static str, String, bool); 3] {
        all.map(|(value, key)| (value, self.w.t(key), self.fields.get(name) == value))
    }
    fn text(&self, id: &'static str) -> TextField<'_> {
        let field = TextField::new(id, self.w.t(label(id)), self.fields.get(id), self.wrong);
        match id {
            "first_name" => field.of("text", "given-name").hint(self.w.t("name-hint")),
            "last_name" => field.of("text", "family-name").hint(self.w.t("name-hint")),
            "health_number" => field.optional(self.w.t("optional")).hint(self.w.t("health-number-hint")).size("medium"),
            "cell_phone" => field.of("tel", "tel").hint(self.w.t("cell-phone-hint")).size("medium"),
            _ => field.of("email", "email"),
        }
    }
    fn birth_date(&self) -> BirthDate<'_> {
        BirthDate::new(self.w, self.fields, self.wrong)
    }
}

const fn label(id: &str) -> &'static str {
    match id.as_bytes() {
        b"first_name" => "first-name",
        b"last_name" => "last-name",
        b"health_number" => "health-number",
        b"cell_phone" => "cell-phone",
        _ => "email",
    }
}

/// The form, filled with what this visit said before, but for the health number: that is never shown again.
pub(super) async fn show(visiting: &Visiting) -> ApiResult<Next> {
    let mut fields = Fields::default().with("whom", "me");
    if let Ok(visit) = visiting.visit().await
        && let Some(known) = identity(visiting, &visit).await?
    {
        let whom = visiting.draft(&visit).await?.whom;
        fields = filled(&known).with("whom", if whom.is_empty() { "me".to_owned() } else { whom });
    }
    page(visiting, &fields, &Wrong::default())
}

fn page(visiting: &Visiting, fields: &Fields, wrong: &Wrong) -> ApiResult<Next> {
    let (w, s) = (visiting.words, visiting.shell());
    let terms = visiting.found.clinic().portal.config.as_ref().map(|c| Text::from(&c.terms)).unwrap_or_default();
    let page = render(&Who { w, css: s.css.clone(), s, fields, wrong, terms: w.of_text(&terms).to_owned() })?;
    Ok(Next::Answer(if wrong.is_empty() { page } else { with_status(page, 422) }))
}

/// What the visit was opened with.
pub(super) async fn identity(visiting: &Visiting, visit: &Visit) -> ApiResult<Option<ProvisionalContact>> {
    let Some(bytes) = visiting.app.engine.vault().visit_identity(visit).await? else { return Ok(None) };
    let read = ProvisionalContact::from_plaintext(visit.identity.schema, bytes.expose());
    read.map(Some).map_err(Problem::internal)
}

fn filled(known: &ProvisionalContact) -> Fields {
    let date = known.birth_date.to_string();
    let mut parts = date.splitn(3, '-');
    let mut part = || parts.next().unwrap_or_default().trim_start_matches('0').to_owned();
    let (year, month, day) = (part(), part(), part());
    Fields::default()
        .with("first_name", known.first_name.as_str())
        .with("last_name", known.last_name.as_str())
        .with("birth_year", year)
        .with("birth_month", month)
        .with("birth_day", day)
        .with("sex", known.sex.name())
        .with("cell_phone", known.cell_phone.as_ref().map(|p| p.as_str().to_owned()).unwrap_or_default())
        .with("email", known.email.as_ref().map(|e| e.as_str().to_owned()).unwrap_or_default())
}

/// Opens the visit. A visit that is going on gives way to the new one: its hold is given back, its choices are kept,
/// but for the time, which another person may not be offered.
pub(super) async fn take(visiting: &mut Visiting, form: &Fields) -> ApiResult<Next> {
    let before = match visiting.visit().await {
        Ok(visit) => {
            let draft = visiting.draft(&visit).await?;
            Some((visit, draft))
        }
        Err(_) => None,
    };
    let given = |name: &str| Some(form.get(name)).filter(|text| !text.is_empty());
    let typed = json!({
        "first_name": form.get("first_name"), "last_name": form.get("last_name"), "birth_date": form.date("birth"),
        "sex": form.get("sex"), "health_number": given("health_number"), "cell_phone": given("cell_phone"),
        "email": given("email"), "terms_accepted": form.has("terms"), "language": visiting.words.code(),
    });
    let opened =
        visits::open(visiting.app(), visiting.peer(), visiting.headers.clone(), visiting.portal(), body(&typed)?).await;
    let opened = match opened {
        Ok(opened) => opened.body,
        Err(problem) if problem.code == "invalid_field" => {
            let wrong = wrong(visiting.words, &problem, form);
            return page(visiting, form, &wrong);
        }
        Err(problem) => return Err(problem),
    };
    let mut draft = match &before {
        Some((_, draft)) if draft.booked.is_none() => {
            super::when::release(visiting, draft).await;
            draft.clone().without_time()
        }
        Some((_, draft)) => draft.next(),
        None => Draft::default(),
    };
    visiting.carries(opened.token);
    if WHOM.iter().any(|(value, _)| *value == form.get("whom")) {
        form.get("whom").clone_into(&mut draft.whom);
    }
    draft.code = None;
    let visit = visiting.visit().await?;
    visiting.keep(&visit, &draft).await?;
    Ok(Next::Step(if visiting.may_return_code(&visit).await? { Step::Code } else { Step::Service }))
}

/// The API's findings in the visitor's language, in the order of the form.
fn wrong(words: Words, problem: &Problem, form: &Fields) -> Wrong {
    let found = |pointer: &str| problem.errors.iter().any(|e| e.pointer == pointer);
    let mut wrong = Wrong::default();
    let fields = [
        ("/first_name", "first_name", "wrong-first-name"),
        ("/last_name", "last_name", "wrong-last-name"),
        ("/birth_date", "birth_day", "wrong-birth-date"),
        ("/sex", "sex-female", "wrong-sex"),
        ("/health_number", "health_number", "wrong-health-number"),
        ("/cell_phone", "cell_phone", "wrong-cell-phone"),
        ("/email", "email", "wrong-email"),
        ("/terms_accepted", "terms", "wrong-terms"),
    ];
    for (pointer, id, key) in fields {
        if found(pointer) {
            // Without any contact it is the contact that is missing, not the telephone that is wrong.
            let no_contact = id == "cell_phone" && form.get("cell_phone").is_empty();
            wrong.0.push((id, words.t(if no_contact { "wrong-contact" } else { key })));
        }
    }
    if wrong.is_empty() {
        wrong.0.push(("first_name", words.t("trouble-form-how")));
    }
    wrong
}

/// A birth date as people read it.
pub(super) fn birth_date(words: Words, date: WallDate) -> String {
    words.full_date(date)
}
