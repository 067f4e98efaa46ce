//! Members of a clinic's staff: who they are, what they may do, their one-time links.
//!
//! Names and addresses stand sealed in events; they are opened here, for administrators alone.

use super::{Listed, Matching, Retryable, catch_up, made};
use crate::http::AppState;
use crate::http::auth::{ADMINISTRATION, Principal};
use crate::http::commands::{Done, begin};
use crate::http::extract::{ApiJson, ApiPath, CommandHeaders};
use crate::http::problem::{ApiResult, Problem};
use crate::http::wire::named;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use booking_domain::ids::{ClinicId, MemberId};
use booking_domain::person::Email;
use booking_domain::phi::Phi;
use booking_domain::staff::{Staff, StaffRefusal};
use booking_domain::time::Instant;
use booking_domain::values::{BadField, Role, check_text};
use booking_engine::vault::{Staff as Account, Token};
use booking_engine::{Committed, Failure, INVITATION_MINUTES, NewMember};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(change_role))
        .routes(routes!(disable))
        .routes(routes!(enable))
        .routes(routes!(invite))
}

/// Somebody who is to work here.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberForm {
    /// Name, up to 200 characters.
    pub(crate) name: String,
    /// E-mail address to sign in with; no other member of the clinic may have it.
    pub(crate) email: String,
    /// `administrator`, `scheduler`, `practitioner` or `auditor`.
    #[schema(example = "scheduler")]
    pub(crate) role: String,
}

/// What a member may do from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleForm {
    /// `administrator`, `scheduler`, `practitioner` or `auditor`.
    #[schema(example = "scheduler")]
    pub(crate) role: String,
}

/// A member of a clinic's staff.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClinicMember {
    /// Id.
    pub(crate) id: Uuid,
    /// Name; none if it cannot be opened any more.
    pub(crate) name: Option<String>,
    /// E-mail address.
    pub(crate) email: Option<String>,
    /// `administrator`, `scheduler`, `practitioner` or `auditor`.
    pub(crate) role: &'static str,
    /// The account may not be used.
    pub(crate) disabled: bool,
    /// What `If-Match` wants.
    pub(crate) revision: u64,
}

/// A one-time link to set a password and sign in.
#[derive(Serialize, ToSchema)]
pub(crate) struct Invitation {
    /// The token (`i_…`). Shown once; a link drawn before stops working.
    pub(crate) token: String,
    /// Path of the page that takes it; the token stands in the fragment, which reaches no server log.
    pub(crate) path: String,
    /// When it stops working.
    pub(crate) expires_at: String,
}

/// A member, and the link to hand to them.
#[derive(Serialize, ToSchema)]
pub(crate) struct InvitedMember {
    /// The member.
    pub(crate) member: ClinicMember,
    /// The link.
    pub(crate) invitation: Invitation,
}

/// Who works in the clinic, disabled accounts too; machines have a list of their own.
#[utoipa::path(get, path = "/clinics/{clinic}/members", tag = "staff", operation_id = "listMembers",
    security(("staff" = [])), params(("clinic" = Uuid, Path, description = "The clinic")),
    responses((status = 200, body = Listed<ClinicMember>), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
) -> ApiResult<Json<Listed<ClinicMember>>> {
    principal.allow(clinic, ADMINISTRATION)?;
    catch_up(&app, "clinics").await?;
    let mut items = Vec::new();
    for member in app.views.clinics.members(clinic) {
        let Some(added) = member.added.as_ref().filter(|a| !a.machine) else { continue };
        items.push(shown(&app, clinic, added.member, &member).await?);
    }
    Ok(Json(Listed { items }))
}

async fn shown(app: &AppState, clinic: ClinicId, id: MemberId, member: &Staff) -> ApiResult<ClinicMember> {
    let identity = match &member.added {
        Some(added) => app.engine.open_staff(clinic, id, &added.identity).await?,
        None => None,
    };
    let (name, email) = identity.map(|i| (i.name, i.email)).unzip();
    let role = member.role.map_or("unknown", Role::name);
    Ok(ClinicMember { id: id.0, name, email, role, disabled: member.disabled, revision: member.touched })
}

async fn link(app: &AppState, clinic: ClinicId, token: &Token, drawn_at: Instant) -> ApiResult<Invitation> {
    let rules = app.engine.rules(clinic).await?;
    let token = format!("i_{}", token.reveal().as_str());
    let expires_at = drawn_at.plus_minutes(INVITATION_MINUTES).rfc3339(rules.state.zone());
    Ok(Invitation { path: format!("/staff/invitation#{token}"), token, expires_at })
}

/// Adds a member and draws the one-time link that they set their password with.
#[utoipa::path(post, path = "/clinics/{clinic}/members", tag = "staff", operation_id = "addMember",
    security(("staff" = [])), params(Retryable, ("clinic" = Uuid, Path, description = "The clinic")),
    request_body = MemberForm,
    responses((status = 201, body = InvitedMember), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn add(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
    headers: CommandHeaders,
    ApiJson { value: form, bytes }: ApiJson<MemberForm>,
) -> ApiResult<Done<InvitedMember>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let (name, email, role) = parse(&form).map_err(Problem::invalid)?;
    let begun = begin(&app, clinic, principal.actor(), "addMember", &headers, &bytes).await?;
    let id = MemberId(begun.ctx.id("member"));
    let drawn_at = app.engine.now();
    let new = NewMember { member: id, name: Phi::new(name), email: Phi::new(email), role };
    let token = app.engine.add_member(&begun.ctx, &new).await?;
    let member = app.engine.member(id).await?;
    let body = InvitedMember {
        member: shown(&app, clinic, id, &member.state).await?,
        invitation: link(&app, clinic, &token, drawn_at).await?,
    };
    Ok(Done::created(body).revision(member.state.touched).position(member.position))
}

fn parse(form: &MemberForm) -> Result<(String, String, Role), Vec<BadField>> {
    let name = check_text("name", &form.name, 1, 200).map(|()| form.name.trim().to_owned());
    let email = Email::parse(&form.email).map_err(|e| BadField::new("email", e.to_string()));
    let role = named("role", &form.role, Role::from_name);
    match (name, email, role) {
        (Ok(name), Ok(email), Ok(role)) => Ok((name, email.as_str().to_owned(), role)),
        (name, email, role) => Err([name.err(), email.err(), role.err()].into_iter().flatten().collect()),
    }
}

/// The member, if it is a person of this clinic.
async fn own_member(app: &AppState, clinic: ClinicId, id: MemberId) -> ApiResult<()> {
    let member = app.engine.member(id).await?;
    let own = member.state.added.as_ref().is_some_and(|a| a.clinic == clinic && !a.machine);
    if own { Ok(()) } else { Err(Problem::not_found()) }
}

/// Everybody of the clinic, to see that an administrator remains.
async fn colleagues(app: &AppState, clinic: ClinicId) -> ApiResult<Vec<MemberId>> {
    catch_up(app, "clinics").await?;
    let members = app.views.clinics.members(clinic);
    Ok(members.iter().filter_map(|m| m.added.as_ref()).map(|a| a.member).collect())
}

async fn changed(
    app: &AppState,
    clinic: ClinicId,
    id: MemberId,
    outcome: Result<Committed<Staff>, Failure<StaffRefusal>>,
) -> ApiResult<Done<ClinicMember>> {
    let done = outcome?;
    let member = &done.folded.state;
    Ok(Done::ok(shown(app, clinic, id, member).await?).revision(member.touched).position(done.position()))
}

/// Gives a member another role, from the next request on. The last administrator keeps theirs.
#[utoipa::path(put, path = "/clinics/{clinic}/members/{member}/role", tag = "staff", operation_id = "changeMemberRole",
    security(("staff" = [])),
    params(Matching, ("clinic" = Uuid, Path, description = "The clinic"),
        ("member" = Uuid, Path, description = "The member")),
    request_body = RoleForm,
    responses((status = 200, body = ClinicMember), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn change_role(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, id)): ApiPath<(ClinicId, MemberId)>,
    headers: CommandHeaders,
    ApiJson { value: form, bytes }: ApiJson<RoleForm>,
) -> ApiResult<Done<ClinicMember>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let if_match = headers.require_match()?;
    own_member(&app, clinic, id).await?;
    let role = named("role", &form.role, Role::from_name)?;
    let others = colleagues(&app, clinic).await?;
    let begun = begin(&app, clinic, principal.actor(), "changeMemberRole", &headers, &bytes).await?;
    let outcome = app.engine.change_member_role(&begun.ctx, id, role, &others, Some(if_match)).await;
    changed(&app, clinic, id, outcome).await
}

/// Disables an account: its sessions end, its next request is refused. The last administrator stays.
#[utoipa::path(post, path = "/clinics/{clinic}/members/{member}/disable", tag = "staff",
    operation_id = "disableMember", security(("staff" = [])),
    params(Matching, ("clinic" = Uuid, Path, description = "The clinic"),
        ("member" = Uuid, Path, description = "The member")),
    responses((status = 200, body = ClinicMember), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn disable(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, id)): ApiPath<(ClinicId, MemberId)>,
    headers: CommandHeaders,
) -> ApiResult<Done<ClinicMember>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let if_match = headers.require_match()?;
    own_member(&app, clinic, id).await?;
    let others = colleagues(&app, clinic).await?;
    let begun = begin(&app, clinic, principal.actor(), "disableMember", &headers, &[]).await?;
    let outcome = app.engine.disable_member(&begun.ctx, id, &others, Some(if_match)).await;
    changed(&app, clinic, id, outcome).await
}

/// Lets a disabled account be used again, with the password that it had.
#[utoipa::path(post, path = "/clinics/{clinic}/members/{member}/enable", tag = "staff", operation_id = "enableMember",
    security(("staff" = [])),
    params(Matching, ("clinic" = Uuid, Path, description = "The clinic"),
        ("member" = Uuid, Path, description = "The member")),
    responses((status = 200, body = ClinicMember), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn enable(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, id)): ApiPath<(ClinicId, MemberId)>,
    headers: CommandHeaders,
) -> ApiResult<Done<ClinicMember>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let if_match = headers.require_match()?;
    own_member(&app, clinic, id).await?;
    let begun = begin(&app, clinic, principal.actor(), "enableMember", &headers, &[]).await?;
    let outcome = app.engine.enable_member(&begun.ctx, id, Some(if_match)).await;
    changed(&app, clinic, id, outcome).await
}

/// Draws another one-time link for a member whose first one was lost or ran out, or who forgot the password.
#[utoipa::path(post, path = "/clinics/{clinic}/members/{member}/invitation", tag = "staff",
    operation_id = "inviteMember", security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"), ("member" = Uuid, Path, description = "The member")),
    responses((status = 201, body = Invitation), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub(crate) async fn invite(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, id)): ApiPath<(ClinicId, MemberId)>,
) -> ApiResult<Done<Invitation>> {
    principal.allow(clinic, ADMINISTRATION)?;
    own_member(&app, clinic, id).await?;
    let member = app.engine.member(id).await?;
    if member.state.disabled {
        return Err(Problem::new(StatusCode::CONFLICT, "member_disabled", "The account is disabled: enable it first"));
    }
    let added = made(member.state.added.as_ref())?;
    let identity = made(app.engine.open_staff(clinic, id, &added.identity).await?)?;
    let now = app.engine.now();
    let expires_at = now.plus_minutes(INVITATION_MINUTES);
    let account = Account { clinic, member: id };
    let token = app.engine.vault().invite(account, &Phi::new(identity.email), now, expires_at).await?;
    Ok(Done::created(link(&app, clinic, &token, now).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_with_a_member_is_said_at_once() {
        let form = |name: &str, email: &str, role: &str| MemberForm {
            name: name.to_owned(),
            email: email.to_owned(),
            role: role.to_owned(),
        };
        let good = parse(&form(" Ada Gagnon ", "ada@clinic.example", "auditor"));
        assert_eq!(good, Ok(("Ada Gagnon".to_owned(), "ada@clinic.example".to_owned(), Role::Auditor)));
        let fields: Vec<_> = parse(&form(" ", "ada", "owner")).unwrap_err().into_iter().map(|b| b.field).collect();
        assert_eq!(fields, ["name", "email", "role"]);
    }
}
