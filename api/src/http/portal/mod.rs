//! What patients use: the clinic's page, visits, services, availabilities, holds, bookings, and an appointment in the
//! hands of its patient.
//!
//! Internal names of services and activities are not in any type of this folder (R6). No answer says whether somebody
//! was recognized.

pub(crate) mod book;
pub(crate) mod browse;
pub(crate) mod code;
pub(crate) mod holds;
pub(crate) mod manage;
pub(crate) mod offer;
pub(crate) mod visits;

use super::AppState;
use super::audit::replay::AsOf;
use super::extract::ApiPath;
use super::problem::{ApiResult, Problem};
use super::wire::Text;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use booking_domain::clinic::Clinic;
use booking_domain::ids::ClinicId;
use booking_store::fold::Folded;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(clinic))
        .merge(visits::routes())
        .merge(code::routes())
        .merge(browse::routes())
        .merge(holds::routes())
        .merge(book::routes())
        .merge(manage::routes())
        .merge(super::work::routes())
}

/// A portal that was found: the clinic, and its rules read to the head of its stream.
pub(crate) struct Found {
    pub id: ClinicId,
    pub rules: Arc<Folded<Clinic>>,
}

impl Found {
    pub fn clinic(&self) -> &Clinic {
        &self.rules.state
    }
    /// Portal off: nothing can be booked, which is no secret.
    pub fn open(&self) -> ApiResult<()> {
        if self.clinic().portal.active {
            return Ok(());
        }
        Err(closed())
    }
}

/// Online booking is switched off.
pub(crate) fn closed() -> Problem {
    Problem::new(StatusCode::CONFLICT, "portal_off", "Online booking is closed").detail("Please call the clinic.")
}

/// The clinic of a portal address; old addresses lead to it too.
pub(crate) async fn find(app: &AppState, slug: &str) -> ApiResult<Found> {
    let (id, _) = app.views.clinics.by_slug(slug).ok_or_else(Problem::not_found)?;
    let rules = app.engine.rules(id).await?;
    Ok(Found { id, rules })
}

/// Where a request to an old address of a portal is sent: to the one that it has now.
pub(crate) fn moved(app: &AppState, request: &Request) -> Option<Response> {
    let rest = request.uri().path().strip_prefix("/api/v1/portal/")?;
    let (slug, tail) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let (_, current) = app.views.clinics.by_slug(slug)?;
    if current == slug {
        return None;
    }
    let query = request.uri().query().map_or(String::new(), |q| format!("?{q}"));
    let location = HeaderValue::from_str(&format!("/api/v1/portal/{current}{tail}{query}")).ok()?;
    Some((StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)]).into_response())
}

/// Whether the answer has its place in history in a header, for time travel: the portal's page and its services, whose
/// bodies have no room for it.
pub(crate) fn carries_standing(request: &Request) -> bool {
    let rest = request.uri().path().strip_prefix("/api/v1/portal/");
    rest.is_some_and(|rest| !rest.contains('/') || rest.ends_with("/services")) && request.method() == Method::GET
}

/// Where history stands.
pub(crate) async fn standing(app: &AppState) -> Option<AsOf> {
    let position = app.log().head().await.ok().flatten()?;
    Some(AsOf { position, instant: app.engine.now() })
}

/// A clinic as its portal shows it.
#[derive(Serialize, ToSchema)]
pub(crate) struct PortalClinic {
    /// Name.
    pub(crate) name: String,
    /// Address of the portal.
    pub(crate) slug: String,
    /// IANA zone of all times.
    pub(crate) time_zone: String,
    /// Online booking is switched on.
    pub(crate) open: bool,
    /// Languages, the first is the default.
    pub(crate) languages: Vec<&'static str>,
    /// Guidance before the choices.
    pub(crate) notice: Text,
    /// Terms that a visitor must accept.
    pub(crate) terms: Text,
    /// How to reach the clinic.
    pub(crate) contact: PublicContact,
    /// Accent colour.
    pub(crate) accent: Option<String>,
}

impl PortalClinic {
    /// The page by these rules.
    pub(crate) fn of(clinic: &Clinic) -> Self {
        let config = clinic.portal.config.clone().unwrap_or_default();
        Self {
            name: clinic.registered.as_ref().map(|r| r.name.clone()).unwrap_or_default(),
            slug: config.slug.clone(),
            time_zone: clinic.zone().name().to_owned(),
            open: clinic.portal.active,
            languages: config.languages.iter().map(|l| l.name()).collect(),
            notice: Text::from(&config.notice),
            terms: Text::from(&config.terms),
            contact: PublicContact::of(clinic),
            accent: config.accent,
        }
    }
}

/// How to reach a clinic.
#[derive(Serialize, ToSchema)]
pub(crate) struct PublicContact {
    /// Telephone.
    pub(crate) phone: String,
    /// E-mail.
    pub(crate) email: Option<String>,
    /// Postal address.
    pub(crate) address: String,
    /// Website.
    pub(crate) website: Option<String>,
}

impl PublicContact {
    pub fn of(clinic: &Clinic) -> Self {
        let contact = clinic.portal.config.as_ref().map(|c| c.contact.clone()).unwrap_or_default();
        Self { phone: contact.phone, email: contact.email, address: contact.address, website: contact.website }
    }
}

/// The clinic behind a portal address.
#[utoipa::path(get, path = "/portal/{slug}", tag = "portal", operation_id = "getPortal",
    params(("slug" = String, Path, description = "Address of the portal")),
    responses((status = 200, body = PortalClinic), (status = 404, body = Problem)))]
pub(crate) async fn clinic(
    State(app): State<AppState>,
    ApiPath(slug): ApiPath<String>,
) -> ApiResult<Json<PortalClinic>> {
    let found = find(&app, &slug).await?;
    Ok(Json(PortalClinic::of(found.clinic())))
}
