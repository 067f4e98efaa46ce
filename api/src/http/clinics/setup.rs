//! A clinic's set-up at a glance, and its portal: address, contact details, terms, the switch.

use super::{Matching, catch_up, made};
use crate::http::AppState;
use crate::http::auth::{ADMINISTRATION, ANY_STAFF, Principal};
use crate::http::commands::{Done, begin};
use crate::http::extract::{ApiJson, ApiPath, CommandHeaders};
use crate::http::problem::{ApiResult, Problem};
use crate::http::wire::{Text, named};
use axum::extract::State;
use booking_domain::clinic::{Clinic, ContactDetails, PortalConfigured};
use booking_domain::ids::ClinicId;
use booking_domain::values::{BadField, Language};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(overview))
        .routes(routes!(portal, configure))
        .routes(routes!(activate))
        .routes(routes!(deactivate))
}

/// A clinic, and what is missing before patients see anything (4.1).
#[derive(Serialize, ToSchema)]
pub(crate) struct ClinicOverview {
    /// Id.
    pub(crate) id: Uuid,
    /// Public name.
    pub(crate) name: String,
    /// IANA zone, fixed when the clinic was registered.
    #[schema(example = "America/Toronto")]
    pub(crate) time_zone: String,
    /// Path of the portal; none until it is configured.
    #[schema(example = "/p/clinique-du-parc")]
    pub(crate) portal_path: Option<String>,
    /// The portal is switched on.
    pub(crate) portal_active: bool,
    /// Every step is done: patients can find a time.
    pub(crate) ready: bool,
    /// The steps, in the order in which they are best done.
    pub(crate) checklist: Vec<SetupStep>,
    /// Revision of the clinic's whole set-up.
    pub(crate) revision: u64,
}

/// One step of a set-up.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SetupStep {
    /// `portal_configured`, `activity`, `practitioner`, `agenda`, `service`, `online_times` or `portal_active`.
    pub(crate) step: &'static str,
    /// It is done.
    pub(crate) done: bool,
    /// What it is for.
    pub(crate) meaning: &'static str,
}

/// The portal's configuration, as a whole.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PortalForm {
    /// Address under `/p/`: 3 to 60 lower-case letters, digits and single hyphens. An old one redirects for ever.
    #[schema(example = "clinique-du-parc")]
    pub(crate) slug: String,
    /// How to reach the clinic; shown at the end and wherever the portal cannot help.
    pub(crate) contact: ContactForm,
    /// Terms that a visitor must accept (R12).
    pub(crate) terms: Text,
    /// Guidance before the choices.
    #[serde(default)]
    pub(crate) notice: Text,
    /// `fr` and `en`, the first is the default.
    #[serde(default = "both_languages")]
    pub(crate) languages: Vec<String>,
    /// Accent colour, `#rrggbb`.
    #[serde(default)]
    #[schema(example = "#1a5fb4")]
    pub(crate) accent: Option<String>,
    /// Origins that may frame the portal.
    #[serde(default)]
    pub(crate) embedding_origins: Vec<String>,
    /// The start page names the next release of times.
    #[serde(default)]
    pub(crate) announce_next_release: bool,
}

/// How to reach a clinic.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContactForm {
    /// Telephone, as it is printed.
    pub(crate) phone: String,
    /// E-mail address.
    #[serde(default)]
    pub(crate) email: Option<String>,
    /// Postal address, lines separated by line breaks.
    #[serde(default)]
    pub(crate) address: String,
    /// Website.
    #[serde(default)]
    pub(crate) website: Option<String>,
}

fn both_languages() -> Vec<String> {
    Language::ALL.iter().map(|l| l.name().to_owned()).collect()
}

impl PortalForm {
    fn of(config: &PortalConfigured) -> Self {
        let ContactDetails { phone, email, address, website } = config.contact.clone();
        Self {
            slug: config.slug.clone(),
            contact: ContactForm { phone, email, address, website },
            terms: Text::from(&config.terms),
            notice: Text::from(&config.notice),
            languages: config.languages.iter().map(|l| l.name().to_owned()).collect(),
            accent: config.accent.clone(),
            embedding_origins: config.embedding_origins.clone(),
            announce_next_release: config.announce_next_release,
        }
    }

    fn parse(self) -> Result<PortalConfigured, BadField> {
        let languages = self.languages.iter().map(|name| named("languages", name, Language::from_name));
        let languages = languages.collect::<Result<Vec<_>, _>>()?;
        if (1..languages.len()).any(|i| languages[..i].contains(&languages[i])) {
            return Err(BadField::new("languages", "names one twice"));
        }
        let ContactForm { phone, email, address, website } = self.contact;
        Ok(PortalConfigured {
            slug: self.slug,
            contact: ContactDetails { phone, email, address, website },
            terms: self.terms.into(),
            notice: self.notice.into(),
            languages,
            accent: self.accent,
            embedding_origins: self.embedding_origins,
            announce_next_release: self.announce_next_release,
        })
    }
}

/// The portal as it is set up.
#[derive(Serialize, ToSchema)]
pub(crate) struct PortalSetup {
    /// It is switched on.
    pub(crate) active: bool,
    /// Its path, to put on the website; none until it is configured.
    #[schema(example = "/p/clinique-du-parc")]
    pub(crate) path: Option<String>,
    /// Older addresses, which redirect.
    pub(crate) old_addresses: Vec<String>,
    /// Its configuration; none until it is configured.
    pub(crate) config: Option<PortalForm>,
    /// What `If-Match` wants.
    pub(crate) revision: u64,
}

impl PortalSetup {
    fn of(clinic: &Clinic) -> Self {
        let config = clinic.portal.config.as_ref();
        let current = config.map(|c| c.slug.as_str());
        Self {
            active: clinic.portal.active,
            path: current.map(path_of),
            old_addresses: clinic.portal.slugs.iter().filter(|s| Some(s.as_str()) != current).cloned().collect(),
            config: config.map(PortalForm::of),
            revision: clinic.portal.touched,
        }
    }
}

fn path_of(slug: &str) -> String {
    format!("/p/{slug}")
}

/// The clinic, and what is missing before patients see anything.
#[utoipa::path(get, path = "/clinics/{clinic}", tag = "clinic", operation_id = "getClinic", security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic")),
    responses((status = 200, body = ClinicOverview), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn overview(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(id): ApiPath<ClinicId>,
) -> ApiResult<Done<ClinicOverview>> {
    principal.allow(id, ANY_STAFF)?;
    catch_up(&app, "availability").await?;
    let rules = app.engine.rules(id).await?;
    let clinic = &rules.state;
    let registered = made(clinic.registered.as_ref())?;
    let now = app.engine.now();
    let bookable = clinic.services.values().filter(|s| s.active && s.config.usage.books());
    // Counted as if the portal were on: switching it on comes last.
    let online = || bookable.clone().any(|s| !app.views.availability.preview(clinic, s, now).is_empty());
    let checklist = checklist(clinic, online);
    let body = ClinicOverview {
        id: id.0,
        name: registered.name.clone(),
        time_zone: clinic.zone().name().to_owned(),
        portal_path: clinic.portal.config.as_ref().map(|c| path_of(&c.slug)),
        portal_active: clinic.portal.active,
        ready: checklist.iter().all(|s| s.done),
        checklist,
        revision: clinic.revision,
    };
    Ok(Done::ok(body).revision(clinic.revision))
}

fn checklist(clinic: &Clinic, online: impl FnOnce() -> bool) -> Vec<SetupStep> {
    let step = |step, done, meaning| SetupStep { step, done, meaning };
    let service = clinic.services.values().any(|s| s.active && s.config.usage.books());
    vec![
        step("portal_configured", clinic.portal.config.is_some(), "The portal has an address and contact details."),
        step("activity", clinic.activities.values().any(|a| !a.retired), "There is an activity to open slots for."),
        step("practitioner", clinic.practitioners.values().any(|p| p.active), "There is a practitioner."),
        step("agenda", !clinic.agendas.is_empty(), "A practitioner has an agenda."),
        step("service", service, "An online service is active: without one nothing is shown (R2)."),
        step("online_times", service && online(), "A free time is online, or will be: slots of a service's activity."),
        step("portal_active", clinic.portal.active, "The portal is switched on (R1)."),
    ]
}

/// The portal as it is set up. Its `ETag` is 0 before it is configured for the first time.
#[utoipa::path(get, path = "/clinics/{clinic}/portal", tag = "clinic", operation_id = "getPortalSetup",
    security(("staff" = [])), params(("clinic" = Uuid, Path, description = "The clinic")),
    responses((status = 200, body = PortalSetup), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn portal(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
) -> ApiResult<Done<PortalSetup>> {
    principal.allow(clinic, ANY_STAFF)?;
    let rules = app.engine.rules(clinic).await?;
    Ok(Done::ok(PortalSetup::of(&rules.state)).revision(rules.state.portal.touched))
}

/// Configures the portal, as a whole. A new address is claimed first: 409 `slug_taken` if another clinic has it.
#[utoipa::path(put, path = "/clinics/{clinic}/portal", tag = "clinic", operation_id = "configurePortal",
    security(("staff" = [])), params(Matching, ("clinic" = Uuid, Path, description = "The clinic")),
    request_body = PortalForm,
    responses((status = 200, body = PortalSetup), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem),
        (status = 428, body = Problem)))]
pub(crate) async fn configure(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
    headers: CommandHeaders,
    ApiJson { value: form, bytes }: ApiJson<PortalForm>,
) -> ApiResult<Done<PortalSetup>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let if_match = headers.require_match()?;
    let config = form.parse()?;
    let begun = begin(&app, clinic, principal.actor(), "configurePortal", &headers, &bytes).await?;
    let done = app.engine.configure_portal(&begun.ctx, &config, Some(if_match)).await?;
    let clinic = &done.folded.state;
    Ok(Done::ok(PortalSetup::of(clinic)).revision(clinic.portal.touched).position(done.position()))
}

/// Switches online booking on.
#[utoipa::path(post, path = "/clinics/{clinic}/portal/activate", tag = "clinic", operation_id = "activatePortal",
    security(("staff" = [])), params(Matching, ("clinic" = Uuid, Path, description = "The clinic")),
    responses((status = 200, body = PortalSetup), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn activate(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
    headers: CommandHeaders,
) -> ApiResult<Done<PortalSetup>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let if_match = headers.require_match()?;
    let begun = begin(&app, clinic, principal.actor(), "activatePortal", &headers, &[]).await?;
    let done = app.engine.activate_portal(&begun.ctx, Some(if_match)).await?;
    let clinic = &done.folded.state;
    Ok(Done::ok(PortalSetup::of(clinic)).revision(clinic.portal.touched).position(done.position()))
}

/// Switches online booking off; appointments stay (R3).
#[utoipa::path(post, path = "/clinics/{clinic}/portal/deactivate", tag = "clinic", operation_id = "deactivatePortal",
    security(("staff" = [])), params(Matching, ("clinic" = Uuid, Path, description = "The clinic")),
    responses((status = 200, body = PortalSetup), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn deactivate(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
    headers: CommandHeaders,
) -> ApiResult<Done<PortalSetup>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let if_match = headers.require_match()?;
    let begun = begin(&app, clinic, principal.actor(), "deactivatePortal", &headers, &[]).await?;
    let done = app.engine.deactivate_portal(&begun.ctx, Some(if_match)).await?;
    let clinic = &done.folded.state;
    Ok(Done::ok(PortalSetup::of(clinic)).revision(clinic.portal.touched).position(done.position()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(languages: &serde_json::Value) -> PortalForm {
        serde_json::from_value(serde_json::json!({
            "slug": "clinique-du-parc",
            "contact": { "phone": "+1 514 555-0100", "email": "info@parc.example" },
            "terms": { "fr": "Conditions", "en": "Terms" },
            "languages": languages,
            "accent": "#1a5fb4",
            "embedding_origins": ["https://parc.example"],
            "announce_next_release": true,
        }))
        .unwrap()
    }

    #[test]
    fn a_portal_reads_back_as_it_was_written() {
        let form = form(&serde_json::json!(["en", "fr"]));
        let config = form.clone().parse().unwrap();
        assert_eq!(config.languages, [Language::En, Language::Fr]);
        let json = |form: &PortalForm| serde_json::to_value(form).unwrap();
        assert_eq!(json(&PortalForm::of(&config)), json(&form));
    }

    #[test]
    fn a_language_is_known_and_named_once() {
        for wrong in [serde_json::json!(["de"]), serde_json::json!(["fr", "fr"])] {
            assert_eq!(form(&wrong).parse().unwrap_err().field, "languages");
        }
    }

    #[test]
    fn a_new_clinic_has_everything_to_do_and_asks_no_view() {
        let steps = checklist(&Clinic::default(), || panic!("no service, no times"));
        assert!(steps.iter().all(|s| !s.done), "{steps:?}");
    }
}
