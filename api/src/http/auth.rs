//! Who asks: staff, machines, visitors, holders of a link.
//!
//! Every kind of token has its own first letter, so that one is never taken for another: `s_` a staff session, `t_` a
//! machine's token, `v_` a visit, `l_` an appointment's link. What a caller may not see does not exist for it.

use super::AppState;
use super::problem::{ApiResult, Problem};
use crate::pages::cookie;
use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use booking_domain::access;
use booking_domain::ids::{ClinicId, CommandId, MemberId};
use booking_domain::values::Role;
use booking_engine::Actor;
use booking_engine::vault::{SessionLookup, Staff, Token, Visit, VisitLookup};
use std::sync::Arc;
use tower_http::request_id::RequestId;
use uuid::Uuid;

/// A staff member or a machine, admitted to one clinic in one role.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The clinic.
    pub clinic: ClinicId,
    /// The member.
    pub member: MemberId,
    /// The role that its stream gives it now.
    pub role: Role,
    /// It is a program.
    pub machine: bool,
    /// The session's token, to sign out.
    pub session: Option<Token>,
    /// The request, for the record of what it is shown.
    pub request: CommandId,
    /// Why personal data is asked for, if the caller says so.
    pub purpose: Option<&'static str>,
}

/// Who may set up a clinic (R8).
pub const ADMINISTRATION: &[Role] = &[Role::Administrator];
/// Who may work with schedules, appointments and patients.
pub const RECEPTION: &[Role] = &[Role::Administrator, Role::Scheduler];
/// Who may look at agendas and mark attendance.
pub const CARE: &[Role] = &[Role::Administrator, Role::Scheduler, Role::Practitioner];
/// Who may read the history.
pub const AUDIT: &[Role] = &[Role::Administrator, Role::Auditor];
/// Everybody who works there.
pub const ANY_STAFF: &[Role] = &[Role::Administrator, Role::Scheduler, Role::Practitioner, Role::Auditor];

impl Principal {
    /// Admits to the clinic of the path, in one of these roles; everything else does not exist for the caller.
    pub fn allow(&self, clinic: ClinicId, roles: &[Role]) -> ApiResult<()> {
        if self.clinic == clinic && roles.contains(&self.role) { Ok(()) } else { Err(Problem::not_found()) }
    }
    /// The actor in events.
    pub const fn actor(&self) -> Actor {
        if self.machine { Actor::Token(self.member) } else { Actor::Staff(self.member) }
    }
}

/// The token of a request, first letter and secret: the bearer's, or else that of our page's cookie.
fn bearer(parts: &Parts, page_cookie: &str) -> Option<(char, Token)> {
    let Some(value) = parts.headers.get(header::AUTHORIZATION) else {
        return parse(cookie::read(&parts.headers, page_cookie)?);
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| parse(token.trim())).flatten()
}

fn parse(token: &str) -> Option<(char, Token)> {
    let (kind, secret) = token.split_once('_')?;
    let kind = kind.chars().next().filter(|_| kind.len() == 1)?;
    Token::parse(secret).map(|token| (kind, token))
}

impl FromRequestParts<AppState> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let (kind, token) = bearer(parts, cookie::STAFF).ok_or_else(Problem::unauthorized)?;
        let vault = app.engine.vault();
        let (staff, machine) = match kind {
            's' => match vault.session(&token, app.engine.now()).await? {
                SessionLookup::Open(session) => (session.staff, false),
                SessionLookup::Expired | SessionLookup::Unknown => return Err(Problem::unauthorized()),
            },
            't' => {
                let machine = vault.bearer(&token).await?.ok_or_else(Problem::unauthorized)?;
                (Staff { clinic: machine.clinic, member: machine.member }, true)
            }
            _ => return Err(Problem::unauthorized()),
        };
        // The role is the stream's, read now: a member who was disabled or given another role is so at once.
        let member = app.engine.member(staff.member).await?;
        let own = member.state.added.as_ref().is_some_and(|a| a.clinic == staff.clinic);
        let role = member.state.active_role().filter(|_| own).ok_or_else(Problem::unauthorized)?;
        let session = (!machine).then_some(token);
        let (request, purpose) = (request_id(parts, app), purpose(parts)?);
        Ok(Self { clinic: staff.clinic, member: staff.member, role, machine, session, request, purpose })
    }
}

/// The id that the request has in problems and logs.
fn request_id(parts: &Parts, app: &AppState) -> CommandId {
    let given = parts.extensions.get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
    given.and_then(|text| Uuid::try_parse(text).ok()).map_or_else(|| app.engine.fresh_command(), CommandId)
}

/// Why personal data is asked for: a word that is known, or nothing.
fn purpose(parts: &Parts) -> ApiResult<Option<&'static str>> {
    let Some(value) = parts.headers.get(super::disclosure::PURPOSE) else { return Ok(None) };
    let known = value.to_str().ok().and_then(access::purpose);
    let words = || format!("must be one of {}", access::PURPOSES.join(", "));
    known.map(Some).ok_or_else(|| Problem::bad_parameter("Booking-Purpose", words()))
}

/// A visitor of a portal, with the visit that their token opens.
#[derive(Clone, Debug)]
pub struct VisitorToken(pub Option<Token>);

impl FromRequestParts<AppState> for VisitorToken {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        Ok(Self(bearer(parts, cookie::VISIT).filter(|(kind, _)| *kind == 'v').map(|(_, token)| token)))
    }
}

impl VisitorToken {
    /// The token of a form's field, `v_…`: embedded pages keep no cookie.
    pub fn of_field(field: &str) -> Self {
        Self(parse(field).filter(|(kind, _)| *kind == 'v').map(|(_, token)| token))
    }
    /// The visit, if it is one of this clinic's that is going on.
    pub async fn visit(&self, app: &AppState, clinic: ClinicId) -> ApiResult<Arc<Visit>> {
        let token = self.0.as_ref().ok_or_else(Problem::unauthorized)?;
        match app.engine.vault().visit_by_token(clinic, token, app.engine.now()).await? {
            VisitLookup::Open(visit) => Ok(visit),
            VisitLookup::Expired => Err(Problem::new(
                axum::http::StatusCode::UNAUTHORIZED,
                "visit_expired",
                "This visit has ended; start again",
            )),
            VisitLookup::Unknown => Err(Problem::unauthorized()),
        }
    }
}

/// The token of an appointment's link.
#[derive(Clone)]
pub struct LinkToken(pub [u8; 32]);

impl LinkToken {
    /// The token as text, `l_…`.
    pub fn of_field(field: &str) -> Option<Self> {
        let mut token = [0; 32];
        hex::decode_to_slice(field.strip_prefix("l_")?.trim(), &mut token).ok().map(|()| Self(token))
    }
}

impl FromRequestParts<AppState> for LinkToken {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        let value = parts.headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
        value.and_then(|v| v.strip_prefix("Bearer ")).and_then(Self::of_field).ok_or_else(Problem::unauthorized)
    }
}
