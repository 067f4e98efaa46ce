//! Signing in and out, and accepting an invitation.
//!
//! An unknown e-mail address, a wrong password and a disabled account look the same and take the same time.

use crate::http::AppState;
use crate::http::auth::Principal;
use crate::http::commands::Done;
use crate::http::extract::ApiJson;
use crate::http::limits::Budget;
use crate::http::problem::{ApiResult, Problem};
use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use booking_domain::ids::ClinicId;
use booking_domain::phi::Phi;
use booking_domain::time::Instant;
use booking_domain::values::{BadField, Role};
use booking_engine::vault::{ABSOLUTE_MINUTES, IDLE_MINUTES, Staff, Token};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(sign_in, sign_out, who_am_i)).routes(routes!(accept))
}

/// Shortest password, in characters.
const MIN_PASSWORD: usize = 12;
/// Longest password, in characters.
const MAX_PASSWORD: usize = 200;

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// E-mail address.
    pub(crate) email: String,
    /// Password.
    pub(crate) password: String,
    /// The clinic, for somebody who works in several with one password.
    #[serde(default)]
    pub(crate) clinic: Option<Uuid>,
}

/// A one-time link that somebody followed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Acceptance {
    /// The link's token (`i_…`).
    pub(crate) token: String,
    /// The password to sign in with from now on: 12 to 200 characters.
    pub(crate) password: String,
}

/// A session that was opened.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenedSession {
    /// Send it as `Authorization: Bearer …`. Shown once.
    pub(crate) token: String,
    /// The member.
    pub(crate) member: Uuid,
    /// The clinic.
    pub(crate) clinic: Uuid,
    /// The clinic's name.
    pub(crate) clinic_name: String,
    /// `administrator`, `scheduler`, `practitioner` or `auditor`.
    pub(crate) role: &'static str,
    /// When the session ends in any case.
    pub(crate) expires_at: String,
    /// Minutes without a request after which it ends before that.
    pub(crate) idle_minutes: i64,
}

/// Whose token this is.
#[derive(Serialize, ToSchema)]
pub(crate) struct CurrentStaff {
    /// The member.
    pub(crate) member: Uuid,
    /// Name; a machine's label.
    pub(crate) name: Option<String>,
    /// The clinic.
    pub(crate) clinic: Uuid,
    /// The clinic's name.
    pub(crate) clinic_name: String,
    /// The clinic's IANA zone.
    pub(crate) time_zone: String,
    /// `administrator`, `scheduler`, `practitioner` or `auditor`.
    pub(crate) role: &'static str,
    /// It is a program.
    pub(crate) machine: bool,
}

/// Signs in. Somebody whose address and password fit in several clinics is asked which: 409 `choose_clinic`.
#[utoipa::path(post, path = "/session", tag = "staff", operation_id = "signIn", request_body = SignIn,
    responses((status = 201, body = OpenedSession), (status = 401, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn sign_in(
    State(app): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    ApiJson { value: typed, .. }: ApiJson<SignIn>,
) -> ApiResult<Done<OpenedSession>> {
    let now = app.engine.now();
    app.limits.take(app.limits.source(peer.ip(), &headers), Budget::SignIns, now)?;
    let (email, password) = (Phi::new(typed.email), Phi::new(typed.password));
    let proven = app.engine.vault().verify_password(typed.clinic.map(ClinicId), &email, &password).await?;
    let mut admitted = Vec::with_capacity(proven.len());
    for staff in proven {
        if let Some(role) = active_role(&app, staff).await? {
            admitted.push((staff, role));
        }
    }
    match admitted.as_slice() {
        [] => Err(Problem::new(StatusCode::UNAUTHORIZED, "wrong_credentials", "E-mail address or password is wrong")),
        [(staff, role)] => open(&app, *staff, *role, now).await,
        several => Err(choose_clinic(&app, several).await?),
    }
}

/// The role that the member's stream gives now; none if the account is not to be used.
async fn active_role(app: &AppState, staff: Staff) -> ApiResult<Option<Role>> {
    let member = app.engine.member(staff.member).await?;
    let own = member.state.added.as_ref().is_some_and(|a| a.clinic == staff.clinic);
    Ok(member.state.active_role().filter(|_| own))
}

async fn open(app: &AppState, staff: Staff, role: Role, now: Instant) -> ApiResult<Done<OpenedSession>> {
    let rules = app.engine.rules(staff.clinic).await?;
    let token = app.engine.vault().open_session(staff, now).await?;
    Ok(Done::created(OpenedSession {
        token: format!("s_{}", token.reveal().as_str()),
        member: staff.member.0,
        clinic: staff.clinic.0,
        clinic_name: rules.state.registered.as_ref().map(|r| r.name.clone()).unwrap_or_default(),
        role: role.name(),
        expires_at: now.plus_minutes(ABSOLUTE_MINUTES).rfc3339(rules.state.zone()),
        idle_minutes: IDLE_MINUTES,
    }))
}

/// The password was right, so the list tells nobody anything new.
async fn choose_clinic(app: &AppState, several: &[(Staff, Role)]) -> ApiResult<Problem> {
    let mut clinics = Vec::with_capacity(several.len());
    for (staff, _) in several {
        let rules = app.engine.rules(staff.clinic).await?;
        let name = rules.state.registered.as_ref().map(|r| r.name.clone()).unwrap_or_default();
        clinics.push(serde_json::json!({ "id": staff.clinic.0, "name": name }));
    }
    let mut problem = Problem::new(StatusCode::CONFLICT, "choose_clinic", "You work in several clinics: say which")
        .detail("Send the same again with `clinic`; `alternatives` lists them.");
    problem.alternatives = Some(clinics.into());
    Ok(problem)
}

/// Signs out: the token is good for nothing from now on.
#[utoipa::path(delete, path = "/session", tag = "staff", operation_id = "signOut", security(("staff" = [])),
    responses((status = 204), (status = 401, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn sign_out(State(app): State<AppState>, principal: Principal) -> ApiResult<StatusCode> {
    let Some(session) = &principal.session else {
        return Err(Problem::new(StatusCode::CONFLICT, "no_session", "A machine's token has no session")
            .detail("An administrator revokes it."));
    };
    app.engine.vault().close_session(session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whose token this is.
#[utoipa::path(get, path = "/session", tag = "staff", operation_id = "getSession", security(("staff" = [])),
    responses((status = 200, body = CurrentStaff), (status = 401, body = Problem)))]
pub(crate) async fn who_am_i(State(app): State<AppState>, principal: Principal) -> ApiResult<Json<CurrentStaff>> {
    let rules = app.engine.rules(principal.clinic).await?;
    let member = app.engine.member(principal.member).await?;
    let identity = match &member.state.added {
        Some(added) => app.engine.open_staff(principal.clinic, principal.member, &added.identity).await?,
        None => None,
    };
    Ok(Json(CurrentStaff {
        member: principal.member.0,
        name: identity.map(|i| i.name),
        clinic: principal.clinic.0,
        clinic_name: rules.state.registered.as_ref().map(|r| r.name.clone()).unwrap_or_default(),
        time_zone: rules.state.zone().name().to_owned(),
        role: principal.role.name(),
        machine: principal.machine,
    }))
}

/// Accepts an invitation: sets the password, ends the member's other sessions, and signs in. The link works once.
#[utoipa::path(post, path = "/invitations/accept", tag = "staff", operation_id = "acceptInvitation",
    request_body = Acceptance,
    responses((status = 201, body = OpenedSession), (status = 410, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem)))]
pub(crate) async fn accept(
    State(app): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    ApiJson { value: typed, .. }: ApiJson<Acceptance>,
) -> ApiResult<Done<OpenedSession>> {
    let now = app.engine.now();
    app.limits.take(app.limits.source(peer.ip(), &headers), Budget::SignIns, now)?;
    // Before the link is used up: a password that is too short can be corrected.
    check_password(&typed.password)?;
    let token = typed.token.trim().strip_prefix("i_").and_then(Token::parse).ok_or_else(gone)?;
    let staff = app.engine.vault().redeem_invitation(&token, now).await?.ok_or_else(gone)?;
    let role = active_role(&app, staff).await?.ok_or_else(gone)?;
    app.engine.vault().set_password(staff, &Phi::new(typed.password), now).await?;
    open(&app, staff, role, now).await
}

fn gone() -> Problem {
    Problem::new(StatusCode::GONE, "invitation_gone", "This link is not good any more")
        .detail("It works once and for an hour. An administrator of your clinic can give you another.")
}

fn check_password(password: &str) -> Result<(), BadField> {
    match password.chars().count() {
        0..MIN_PASSWORD => Err(BadField::new("password", format!("needs at least {MIN_PASSWORD} characters"))),
        MIN_PASSWORD..=MAX_PASSWORD => Ok(()),
        _ => Err(BadField::new("password", format!("is longer than {MAX_PASSWORD} characters"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_twelve_to_two_hundred_characters_whatever_their_bytes() {
        for (length, good) in [(0, false), (11, false), (12, true), (200, true), (201, false)] {
            assert_eq!(check_password(&"é".repeat(length)).is_ok(), good, "{length}");
        }
    }
}
