//! Tokens of machines: each for one clinic and one role, shown once, good until it is revoked.

use super::{Listed, Retryable};
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
use booking_domain::values::{Role, check_text};
use booking_engine::vault::{NewBearer, VaultError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, issue)).routes(routes!(revoke))
}

/// What a machine is to be let in for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenForm {
    /// What it is for, in words; stored in the clear, so no personal data. Up to 100 characters.
    #[schema(example = "Hub integration")]
    pub(crate) label: String,
    /// `administrator`, `scheduler`, `practitioner` or `auditor`.
    #[schema(example = "scheduler")]
    pub(crate) role: String,
}

/// A machine's token, without the token.
#[derive(Serialize, ToSchema)]
pub(crate) struct MachineToken {
    /// Id, to revoke it.
    pub(crate) id: Uuid,
    /// The member that acts in the history.
    pub(crate) member: Uuid,
    /// What it is for.
    pub(crate) label: String,
    /// Role.
    pub(crate) role: &'static str,
    /// When it was issued.
    pub(crate) created_at: String,
    /// When it was revoked, if it was.
    pub(crate) revoked_at: Option<String>,
}

/// A token that was issued.
#[derive(Serialize, ToSchema)]
pub(crate) struct IssuedToken {
    /// Id, to revoke it.
    pub(crate) id: Uuid,
    /// The member that acts in the history.
    pub(crate) member: Uuid,
    /// Send it as `Authorization: Bearer …` (`t_…`). Shown once.
    pub(crate) token: String,
    /// What it is for.
    pub(crate) label: String,
    /// Role.
    pub(crate) role: &'static str,
}

/// The clinic's machine tokens, revoked ones too, oldest first.
#[utoipa::path(get, path = "/clinics/{clinic}/tokens", tag = "staff", operation_id = "listTokens",
    security(("staff" = [])), params(("clinic" = Uuid, Path, description = "The clinic")),
    responses((status = 200, body = Listed<MachineToken>), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
) -> ApiResult<Json<Listed<MachineToken>>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let zone = app.engine.rules(clinic).await?.state.zone();
    let bearers = app.engine.vault().bearers(clinic).await?;
    let items = bearers.into_iter().map(|bearer| MachineToken {
        id: Uuid::from_bytes(bearer.id),
        member: bearer.member.0,
        label: bearer.label,
        role: Role::from_code(bearer.role).name(),
        created_at: bearer.created_at.rfc3339(zone),
        revoked_at: bearer.revoked_at.map(|at| at.rfc3339(zone)),
    });
    Ok(Json(Listed { items: items.collect() }))
}

/// Issues a token to a machine. It is shown in this answer and nowhere else: a retry of a request that went through
/// answers 409 `token_issued`, since nobody can show it again.
#[utoipa::path(post, path = "/clinics/{clinic}/tokens", tag = "staff", operation_id = "issueToken",
    security(("staff" = [])), params(Retryable, ("clinic" = Uuid, Path, description = "The clinic")),
    request_body = TokenForm,
    responses((status = 201, body = IssuedToken), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn issue(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
    headers: CommandHeaders,
    ApiJson { value: form, bytes }: ApiJson<TokenForm>,
) -> ApiResult<Done<IssuedToken>> {
    principal.allow(clinic, ADMINISTRATION)?;
    check_text("label", &form.label, 1, 100)?;
    let role = named("role", &form.role, Role::from_name)?;
    let label = form.label.trim().to_owned();
    let begun = begin(&app, clinic, principal.actor(), "issueToken", &headers, &bytes).await?;
    let (id, member) = (begun.ctx.id("token"), MemberId(begun.ctx.id("machine")));
    let added = app.engine.add_machine(&begun.ctx, member, &label, role).await?;
    let new = NewBearer {
        id: id.into_bytes(),
        clinic,
        member,
        role: role.code(),
        label: label.clone(),
        created_at: begun.ctx.received_at,
    };
    let token = match app.engine.vault().issue_bearer(new).await {
        Err(VaultError::Exists) => {
            let text = "The token was issued and shown once";
            return Err(Problem::new(StatusCode::CONFLICT, "token_issued", text)
                .detail(format!("If it was lost, revoke {id} and ask for another with a new Idempotency-Key.")));
        }
        other => other?,
    };
    let token = format!("t_{}", token.reveal().as_str());
    let body = IssuedToken { id, member: member.0, token, label, role: role.name() };
    Ok(Done::created(body).position(added.position()))
}

/// Revokes a token, at once and for good.
#[utoipa::path(delete, path = "/clinics/{clinic}/tokens/{token}", tag = "staff", operation_id = "revokeToken",
    security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"), ("token" = Uuid, Path, description = "Id of the token")),
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn revoke(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, token)): ApiPath<(ClinicId, Uuid)>,
) -> ApiResult<StatusCode> {
    principal.allow(clinic, ADMINISTRATION)?;
    let id = token.into_bytes();
    let known = app.engine.vault().bearers(clinic).await?.iter().any(|bearer| bearer.id == id);
    if !known {
        return Err(Problem::not_found());
    }
    app.engine.vault().revoke_bearer(clinic, id, app.engine.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
