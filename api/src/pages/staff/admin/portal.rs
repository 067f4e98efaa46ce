//! The portal: the switch, its address, what it says, how it looks, and who may embed it.

use super::outcome::{self, After, Errors, Line, Outcome, press, stored, submit};
use super::settings::yes_no;
use super::{Admin, Page, on_page, optional, tidy};
use crate::http::AppState;
use crate::http::clinics::setup::{self, ContactForm, PortalForm, PortalSetup};
use crate::http::problem::ApiResult;
use crate::http::wire::Text;
use crate::pages::assets::{self, Legible};
use crate::pages::form::Form;
use crate::pages::render_as;
use crate::pages::text::Words;
use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;

const PATH: &str = "/staff/admin/portal";

pub(super) fn routes() -> Router<AppState> {
    Router::new().route(PATH, get(show).post(save)).route("/staff/admin/portal/switch", post(switch))
}

#[derive(askama::Template)]
#[template(path = "staff/admin/portal.html")]
struct PortalPage {
    page: Page,
    setup: PortalSetup,
    fields: Fields,
    origin: String,
    /// How the accent colour can be read, if it is one.
    legible: Option<Legible>,
}

on_page!(PortalPage);

/// What is typed on the page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    key: String,
    revision: Option<u64>,
    slug: String,
    phone: String,
    email: String,
    address: String,
    website: String,
    terms_fr: String,
    terms_en: String,
    notice_fr: String,
    notice_en: String,
    /// `fr,en`: the first is the default.
    languages: String,
    accent: String,
    /// One origin a line.
    origins: String,
    announce: bool,
}

impl Fields {
    fn of(setup: &PortalSetup) -> Self {
        let revision = Some(setup.revision);
        let Some(form) = setup.config.clone() else {
            return Self { revision, languages: "fr,en".to_owned(), ..Self::default() };
        };
        Self {
            key: String::new(),
            revision,
            slug: form.slug,
            phone: form.contact.phone,
            email: form.contact.email.unwrap_or_default(),
            address: form.contact.address,
            website: form.contact.website.unwrap_or_default(),
            terms_fr: form.terms.fr,
            terms_en: form.terms.en,
            notice_fr: form.notice.fr,
            notice_en: form.notice.en,
            languages: form.languages.join(","),
            accent: form.accent.unwrap_or_default(),
            origins: form.embedding_origins.join("\n"),
            announce: form.announce_next_release,
        }
    }

    fn parse(&self) -> PortalForm {
        let text = |fr: &str, en: &str| Text { fr: tidy(fr), en: tidy(en) };
        PortalForm {
            slug: tidy(&self.slug),
            contact: ContactForm {
                phone: tidy(&self.phone),
                email: optional(&self.email),
                address: tidy(&self.address),
                website: optional(&self.website),
            },
            terms: text(&self.terms_fr, &self.terms_en),
            notice: text(&self.notice_fr, &self.notice_en),
            languages: self.languages.split(',').filter(|l| !l.is_empty()).map(str::to_owned).collect(),
            accent: optional(&self.accent),
            // What people paste ends in a slash; an origin does not.
            embedding_origins: self
                .origins
                .lines()
                .map(|line| line.trim().trim_end_matches('/').to_owned())
                .filter(|line| !line.is_empty())
                .collect(),
            announce_next_release: self.announce,
        }
    }
}

impl outcome::Fields for Fields {
    fn lines(&self, w: Words) -> Vec<Line> {
        vec![
            Line::new(w.t("admin-portal-slug"), tidy(&self.slug)),
            Line::new(w.t("admin-portal-phone"), tidy(&self.phone)),
            Line::new(w.t("admin-portal-email"), tidy(&self.email)),
            Line::new(w.t("admin-portal-address"), tidy(&self.address)),
            Line::new(w.t("admin-portal-website"), tidy(&self.website)),
            Line::new(w.t("admin-portal-terms-fr"), tidy(&self.terms_fr)),
            Line::new(w.t("admin-portal-terms-en"), tidy(&self.terms_en)),
            Line::new(w.t("admin-portal-notice-fr"), tidy(&self.notice_fr)),
            Line::new(w.t("admin-portal-notice-en"), tidy(&self.notice_en)),
            Line::new(w.t("admin-portal-languages"), tidy(&self.languages)),
            Line::new(w.t("admin-portal-accent"), tidy(&self.accent)),
            Line::new(w.t("admin-portal-origins"), tidy(&self.origins)),
            Line::new(w.t("admin-portal-announce"), yes_no(w, self.announce)),
        ]
    }
}

pub(super) fn explain(pointer: &str) -> (&'static str, &'static str) {
    match pointer {
        "/slug" => ("slug", "admin-bad-slug"),
        "/contact/phone" => ("phone", "admin-bad-phone"),
        "/contact/email" => ("email", "admin-bad-long-line"),
        "/contact/address" => ("address", "admin-bad-address"),
        "/contact/website" => ("website", "admin-bad-long-line"),
        "/terms" => ("terms_fr", "admin-bad-terms"),
        "/notice" => ("notice_fr", "admin-bad-notice-text"),
        "/languages" => ("languages", "admin-bad-choice"),
        "/accent" => ("accent", "admin-bad-accent"),
        "/embedding_origins" => ("origins", "admin-bad-origins"),
        _ => ("main", "admin-bad-form"),
    }
}

pub(super) async fn current(admin: &Admin) -> ApiResult<PortalSetup> {
    Ok(setup::portal(admin.state(), admin.principal(), admin.clinic()).await?.body)
}

async fn show(admin: Admin, Query(after): Query<After>) -> ApiResult<Response> {
    let setup = current(&admin).await?;
    let fields = Fields::of(&setup);
    let outcome = Outcome::after(&after, admin.w());
    filled(admin, outcome, setup, fields)
}

fn filled(admin: Admin, outcome: Outcome, setup: PortalSetup, fields: Fields) -> ApiResult<Response> {
    let (status, origin) = (outcome.status(), admin.origin.clone());
    let legible = assets::legible(fields.accent.trim());
    render_as(status, &PortalPage { page: admin.page("portal", outcome), setup, fields, origin, legible })
}

async fn save(admin: Admin, form: Form<Fields>) -> ApiResult<Response> {
    let (w, fields) = (admin.w(), &form.value);
    let parse = || Ok::<_, Errors>(fields.parse());
    let sent = submit(w, explain, parse, |portal| {
        let headers = form.command(&fields.key, fields.revision);
        setup::configure(admin.state(), admin.principal(), admin.clinic(), headers, form.json(portal))
    });
    let Err(refused) = sent.await? else { return Ok(stored(PATH, "saved")) };
    let setup = current(&admin).await?;
    let now = Fields::of(&setup);
    let (outcome, shown) = Outcome::of_form(refused, &admin, fields, now).await?;
    filled(admin, outcome, setup, shown)
}

/// The switch, and the state that it is to have.
#[derive(Debug, Deserialize)]
struct Switch {
    #[serde(default)]
    key: String,
    #[serde(default)]
    revision: Option<u64>,
    #[serde(default)]
    on: bool,
}

async fn switch(admin: Admin, form: Form<Switch>) -> ApiResult<Response> {
    let (w, typed) = (admin.w(), &form.value);
    let headers = || form.command(&typed.key, typed.revision);
    let (sent, done) = if typed.on {
        (press(w, || setup::activate(admin.state(), admin.principal(), admin.clinic(), headers())).await?, "on")
    } else {
        (press(w, || setup::deactivate(admin.state(), admin.principal(), admin.clinic(), headers())).await?, "off")
    };
    match sent {
        Ok(_) => Ok(stored(PATH, done)),
        Err(refused) => {
            let outcome = Outcome::of_button(refused, &admin, &admin.stream()).await?;
            let setup = current(&admin).await?;
            let fields = Fields::of(&setup);
            filled(admin, outcome, setup, fields)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_stand_one_a_line_and_without_the_slash_that_people_paste() {
        let fields =
            Fields { origins: " https://parc.example/ \r\n\r\nhttps://b.example".to_owned(), ..Fields::default() };
        assert_eq!(fields.parse().embedding_origins, ["https://parc.example", "https://b.example"]);
    }
}
