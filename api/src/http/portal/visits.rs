//! Visits: one identification, good for at most a day. The answer is the same whether or not a record matched.

use super::{Found, find};
use crate::http::AppState;
use crate::http::auth::VisitorToken;
use crate::http::commands::Done;
use crate::http::extract::{ApiJson, ApiPath};
use crate::http::limits::Budget;
use crate::http::problem::{ApiResult, Problem};
use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use booking_domain::clinic::ClinicRefusal;
use booking_domain::ids::{SubjectId, VisitId};
use booking_domain::matching::{IdentificationOutcome, fold_name};
use booking_domain::person::{ProvisionalContact, TypedContact};
use booking_domain::phi::Phi;
use booking_domain::values::{BadField, Language, Proof, RecognitionProof};
use booking_engine::vault::{KeyUse, NewVisit};
use booking_events::sealed_forms::Plaintext;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Duration;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(open)).routes(routes!(current))
}

/// How long a visit lasts.
pub(crate) const VISIT_MINUTES: i64 = 120;

/// Who the appointment is for (3.10). The contact may be a relative's (8.18).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identification {
    /// First name.
    pub(crate) first_name: String,
    /// Surname.
    pub(crate) last_name: String,
    /// `yyyy-mm-dd`.
    #[schema(example = "1985-01-01")]
    pub(crate) birth_date: String,
    /// `female`, `male` or `other`, as on file.
    pub(crate) sex: String,
    /// Health insurance number; optional (R11).
    #[serde(default)]
    pub(crate) health_number: Option<String>,
    /// Cell phone; this or an e-mail address is needed (R10).
    #[serde(default)]
    pub(crate) cell_phone: Option<String>,
    /// E-mail address.
    #[serde(default)]
    pub(crate) email: Option<String>,
    /// Must be true (R12).
    pub(crate) terms_accepted: bool,
    /// `fr` or `en`; none: the clinic's first language.
    #[serde(default)]
    pub(crate) language: Option<String>,
}

/// A visit that was opened.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenedVisit {
    /// Id.
    pub(crate) visit: Uuid,
    /// Send it as `Authorization: Bearer …`. Shown once.
    pub(crate) token: String,
    /// When the visit ends.
    pub(crate) expires_at: String,
    /// What was proven: `none`.
    pub(crate) proof: &'static str,
}

/// A visit that is going on.
#[derive(Serialize, ToSchema)]
pub(crate) struct CurrentVisit {
    /// Id.
    pub(crate) visit: Uuid,
    /// When the visit ends.
    pub(crate) expires_at: String,
    /// Which of the typed contacts a code proved: `none`, `email`, `phone` or `both`.
    pub(crate) proof: &'static str,
    /// Language.
    pub(crate) language: String,
}

/// Opens a visit: who it is for, and that the terms are accepted.
#[utoipa::path(post, path = "/portal/{slug}/visits", tag = "portal", operation_id = "openVisit",
    params(("slug" = String, Path, description = "Address of the portal")), request_body = Identification,
    responses((status = 201, body = OpenedVisit), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn open(
    State(app): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    ApiPath(slug): ApiPath<String>,
    ApiJson { value: typed, .. }: ApiJson<Identification>,
) -> ApiResult<Done<OpenedVisit>> {
    // Refusals of form leave at the same moment: nobody has to know which of them come before recognition.
    app.deadline.keep(identify(&app, peer, &headers, &slug, &typed)).await
}

async fn identify(
    app: &AppState,
    peer: SocketAddr,
    headers: &HeaderMap,
    slug: &str,
    typed: &Identification,
) -> ApiResult<Done<OpenedVisit>> {
    let found = find(app, slug).await?;
    found.open()?;
    let now = app.engine.now();
    app.limits.take(app.limits.source(peer.ip(), headers), Budget::Visits, now)?;
    app.limits.take(found.id, Budget::ClinicVisits, now)?;
    let clinic = found.clinic();
    let zone = clinic.zone();
    let contact = parse(typed, now.wall(zone).0);
    let languages = clinic.portal.config.as_ref().map(|c| c.languages.clone()).unwrap_or_default();
    let language = match &typed.language {
        None => Ok(languages.first().copied().unwrap_or(Language::Fr)),
        Some(name) => Language::from_name(name).ok_or_else(|| BadField::new("language", "must be fr or en")),
    };
    let (contact, language) = match (contact, language) {
        (Ok(contact), Ok(language)) => (contact, language),
        (contact, language) => {
            return Err(Problem::invalid(contact.err().unwrap_or_default().into_iter().chain(language.err())));
        }
    };
    // What was registered a moment ago is recognized; the wait does not depend on who asks.
    if let Some(head) = app.log().head().await? {
        app.views.wait_for("patients", head, Duration::from_millis(500)).await;
    }
    let may_claim = may_claim(app, &found, &contact).await?;
    let patient = match app.views.directory.identify(found.id, &contact) {
        IdentificationOutcome::Recognized(patient) => Some(patient).filter(|_| may_claim),
        IdentificationOutcome::Unrecognized(_) => None,
    };
    let expires_at = now.plus_minutes(VISIT_MINUTES);
    let opened = app
        .engine
        .vault()
        .open_visit(NewVisit {
            id: VisitId(app.engine.fresh_command().0),
            clinic: found.id,
            subject: SubjectId(app.engine.fresh_command().0),
            identity: Phi::new(contact.to_plaintext().to_vec()),
            identity_schema: ProvisionalContact::SCHEMA,
            patient,
            language: language.name().to_owned(),
            proof: Proof::None.code(),
            terms_version: u32::try_from(clinic.portal.touched).unwrap_or(u32::MAX),
            opened_at: now,
            expires_at,
            source_hash: None,
        })
        .await?;
    // What a record costs the first time, its stream read from the start and its key unwrapped, is paid here, where the
    // answer waits for its moment; what comes after finds it in memory, as it finds the clinic's rules (8.7).
    app.engine.viewer::<ClinicRefusal>(&opened.visit, None).await?;
    Ok(Done::created(OpenedVisit {
        visit: opened.visit.id.0,
        token: format!("v_{}", opened.token.reveal().as_str()),
        expires_at: expires_at.rfc3339(zone),
        proof: Proof::None.name(),
    }))
}

/// Where a match alone opens services, a claimed identity may be claimed in a few ways a day; see `limits`.
///
/// Whoever guesses at a health number keeps what it is built from: surname and birth date. So these are the identity, and
/// the whole form is the claim.
async fn may_claim(app: &AppState, found: &Found, contact: &ProvisionalContact) -> ApiResult<bool> {
    if found.clinic().settings.recognition_proof != RecognitionProof::None {
        return Ok(true);
    }
    let keys = app.engine.vault().clinic_keys(found.id).await?;
    let (names, birth) = (fold_name(&contact.last_name), contact.birth_date.0.to_be_bytes());
    let identity = keys.keyed_hash(KeyUse::Lookup, &[b"claimed identity", names.as_bytes(), &birth]);
    let claim = keys.keyed_hash(KeyUse::Lookup, &[b"claim", &contact.to_plaintext()]);
    Ok(app.limits.may_claim(identity, claim, app.engine.now()))
}

/// What the visitor typed, as long as the visit lasts.
pub(crate) async fn typed_contact(
    app: &AppState,
    visit: &booking_engine::vault::Visit,
) -> ApiResult<ProvisionalContact> {
    let over = || Problem::new(axum::http::StatusCode::UNAUTHORIZED, "visit_expired", "This visit has ended");
    let bytes = app.engine.vault().visit_identity(visit).await?.ok_or_else(over)?;
    ProvisionalContact::from_plaintext(visit.identity.schema, bytes.expose()).map_err(Problem::internal)
}

fn parse(typed: &Identification, today: booking_domain::time::WallDate) -> Result<ProvisionalContact, Vec<BadField>> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let (health_number, cell_phone, email) = (text(&typed.health_number), text(&typed.cell_phone), text(&typed.email));
    let parsed = ProvisionalContact::parse(
        TypedContact {
            first_name: &typed.first_name,
            last_name: &typed.last_name,
            birth_date: &typed.birth_date,
            sex: &typed.sex,
            health_number: &health_number,
            cell_phone: &cell_phone,
            email: &email,
        },
        today,
    );
    if typed.terms_accepted {
        return parsed;
    }
    let mut bad = parsed.err().unwrap_or_default();
    bad.push(BadField::new("terms_accepted", "must be accepted"));
    Err(bad)
}

/// The visit of the token.
#[utoipa::path(get, path = "/portal/{slug}/visit", tag = "portal", operation_id = "getVisit", security(("visit" = [])),
    params(("slug" = String, Path, description = "Address of the portal")),
    responses((status = 200, body = CurrentVisit), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn current(
    State(app): State<AppState>,
    ApiPath(slug): ApiPath<String>,
    token: VisitorToken,
) -> ApiResult<Json<CurrentVisit>> {
    let found = find(&app, &slug).await?;
    let visit = token.visit(&app, found.id).await?;
    Ok(Json(CurrentVisit {
        visit: visit.id.0,
        expires_at: visit.expires_at.rfc3339(found.clinic().zone()),
        proof: Proof::from_code(visit.proof).name(),
        language: visit.language.clone(),
    }))
}
