//! The one-time code (8.7): a visit proves a contact that was typed. The answers are the same for everybody: they say
//! what was typed and what was sent, never whether a record was found.

use super::find;
use super::visits::typed_contact;
use crate::http::AppState;
use crate::http::auth::VisitorToken;
use crate::http::extract::{ApiJson, ApiPath};
use crate::http::limits::{Budget, Source};
use crate::http::problem::{ApiResult, Problem};
use crate::messages::codes;
use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use booking_domain::values::{BadField, Proof};
use booking_engine::vault::{MessageChannel, Redeemed, SentCode};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(send_code)).routes(routes!(prove))
}

/// Which contact is to be proven.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeRequest {
    /// `email` or `sms`, among what was typed; none: e-mail if an address was typed.
    #[serde(default)]
    pub channel: Option<String>,
}

/// A code that is on its way.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CodeSent {
    /// `email` or `sms`.
    pub channel: &'static str,
    /// Until when it is good.
    pub expires_at: String,
    /// How often it may be tried.
    pub tries: i64,
    /// Ways that a code can take to this visitor.
    pub channels: Vec<&'static str>,
}

/// A code that came back.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeProof {
    /// The six digits.
    #[schema(example = "042137")]
    pub code: String,
}

/// What a visit has proven.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ProvenContact {
    /// `email`, `phone` or `both`: which of the typed contacts.
    pub proof: &'static str,
}

/// Sends a six-digit code to a contact that was typed. An earlier code of the visit ends.
#[utoipa::path(post, path = "/portal/{slug}/visit/code", tag = "portal", operation_id = "sendCode",
    security(("visit" = [])), params(("slug" = String, Path, description = "Address of the portal")),
    request_body = CodeRequest,
    responses((status = 202, body = CodeSent), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem)))]
pub(crate) async fn send_code(
    State(app): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    ApiPath(slug): ApiPath<String>,
    token: VisitorToken,
    ApiJson { value: asked, .. }: ApiJson<CodeRequest>,
) -> ApiResult<(StatusCode, Json<CodeSent>)> {
    let found = find(&app, &slug).await?;
    found.open()?;
    let visit = token.visit(&app, found.id).await?;
    let now = app.engine.now();
    app.limits.take(app.limits.source(peer.ip(), &headers), Budget::Codes, now)?;
    let typed = typed_contact(&app, &visit).await?;
    let ways = codes::ways(&app.messages, &typed);
    let channel = match asked.channel.as_deref() {
        None => ways.first().copied(),
        Some(name) => {
            let wanted =
                MessageChannel::from_name(name).ok_or_else(|| BadField::new("channel", "must be email or sms"))?;
            let typed = match wanted {
                MessageChannel::Email => typed.email.is_some(),
                MessageChannel::Sms => typed.cell_phone.is_some(),
            };
            if !typed {
                return Err(BadField::new("channel", "nothing was typed for it").into());
            }
            ways.contains(&wanted).then_some(wanted)
        }
    };
    let channel = channel.ok_or_else(|| {
        Problem::new(StatusCode::CONFLICT, "no_message_channel", "No code can be sent there")
            .detail("Please choose another way, or call the clinic.")
    })?;
    match codes::send(&app.engine, &visit, &typed, channel).await? {
        SentCode::Queued(expires_at) => {
            app.code_alarm.sent(found.id, now);
            let sent = CodeSent {
                channel: channel.name(),
                expires_at: expires_at.rfc3339(found.clinic().zone()),
                tries: booking_engine::vault::CODE_TRIES,
                channels: ways.iter().map(|way| way.name()).collect(),
            };
            Ok((StatusCode::ACCEPTED, Json(sent)))
        }
        SentCode::EnoughForNow => {
            Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_codes", "This contact got enough codes for now")
                .detail("Use the newest code, wait an hour, or use your other contact.")
                .retry_after(3600))
        }
    }
}

/// Takes the code back: at most five tries, ten minutes, once.
#[utoipa::path(post, path = "/portal/{slug}/visit/proof", tag = "portal", operation_id = "proveContact",
    security(("visit" = [])), params(("slug" = String, Path, description = "Address of the portal")),
    request_body = CodeProof,
    responses((status = 200, body = ProvenContact), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn prove(
    State(app): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    ApiPath(slug): ApiPath<String>,
    token: VisitorToken,
    ApiJson { value: given, .. }: ApiJson<CodeProof>,
) -> ApiResult<Json<ProvenContact>> {
    let source = app.limits.source(peer.ip(), &headers);
    app.deadline.keep(returned(&app, source, &slug, &token, &given)).await
}

async fn returned(
    app: &AppState,
    source: Source,
    slug: &str,
    token: &VisitorToken,
    given: &CodeProof,
) -> ApiResult<Json<ProvenContact>> {
    let found = find(app, slug).await?;
    found.open()?;
    let visit = token.visit(app, found.id).await?;
    let now = app.engine.now();
    app.limits.take(source, Budget::Proofs, now)?;
    // People copy it with spaces.
    let digits: String = given.code.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(BadField::new("code", "must be the six digits of the message").into());
    }
    match app.engine.vault().redeem_code(&visit, &digits, now).await? {
        Redeemed::Proven(proof) => Ok(Json(ProvenContact { proof: Proof::name(proof) })),
        Redeemed::Wrong => {
            app.code_alarm.wrong(found.id, now);
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "wrong_code", "That is not the code")
                .field("/code", "is not the code of the newest message"))
        }
        Redeemed::Over => {
            Err(Problem::new(StatusCode::GONE, "code_over", "This code is not good any more")
                .detail("Ask for a new one."))
        }
    }
}
