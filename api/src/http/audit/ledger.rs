//! The ledger over HTTP: checkpoints and proofs for everybody, how it stands for auditors.
//!
//! What is public says nothing about anybody: sizes and hashes. Whoever has the receipt of a booking checks with it that
//! the booking stands in the signed history; whoever kept an older checkpoint checks that this history only grew.

use crate::http::AppState;
use crate::http::auth::{AUDIT, Principal};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads::unanswered;
use crate::ledger::{Signed, Standing};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use booking_domain::ids::ClinicId;
use booking_events::ledger::Hash;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(checkpoint))
        .routes(routes!(key))
        .routes(routes!(proof))
        .routes(routes!(consistency))
        .routes(routes!(status))
}

fn newest(app: &AppState) -> ApiResult<Arc<Signed>> {
    app.ledger
        .newest()
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "no_checkpoint", "Nothing was signed yet").retry_after(60))
}

/// The newest signed checkpoint (C2SP tlog-checkpoint). Keep it: with it, a history that was changed is found out.
#[utoipa::path(get, path = "/ledger/checkpoint", tag = "ledger", operation_id = "getCheckpoint",
    responses((status = 200, content_type = "text/plain", body = String), (status = 404, body = Problem)))]
pub(crate) async fn checkpoint(State(app): State<AppState>) -> ApiResult<String> {
    Ok(newest(&app)?.note.clone())
}

/// The key that verifies checkpoints. Get it once, from the clinic itself, and keep it.
#[utoipa::path(get, path = "/ledger/key", tag = "ledger", operation_id = "getLedgerKey",
    responses((status = 200, content_type = "text/plain", body = String), (status = 404, body = Problem)))]
pub(crate) async fn key(State(app): State<AppState>) -> ApiResult<String> {
    app.ledger.verifier().map(|key| format!("{key}\n")).ok_or_else(Problem::not_found)
}

/// Which leaf.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProofQuery {
    /// Id of the event, as a receipt has it.
    pub(crate) event: Option<Uuid>,
    /// Hash of the leaf, 64 hexadecimal digits; instead of `event`.
    pub(crate) leaf_hash: Option<String>,
    /// Size of the tree; none: that of the newest checkpoint.
    pub(crate) size: Option<u64>,
}

/// That a leaf is in the tree.
#[derive(Serialize, ToSchema)]
pub(crate) struct InclusionProof {
    /// Its place, from 0.
    pub(crate) leaf_index: u64,
    /// Its hash.
    pub(crate) leaf_hash: String,
    /// Size of the tree.
    pub(crate) tree_size: u64,
    /// Root of that tree.
    pub(crate) root: String,
    /// The hashes from the leaf up (RFC 6962, section 2.1.1).
    pub(crate) path: Vec<String>,
    /// The signed checkpoint of that size; none if another size was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) checkpoint: Option<String>,
}

fn hexes(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(hex::encode).collect()
}

/// Proves that an event is part of the history: the path from its leaf to a signed root.
#[utoipa::path(get, path = "/ledger/proof", tag = "ledger", operation_id = "proveInclusion", params(ProofQuery),
    responses((status = 200, body = InclusionProof), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub(crate) async fn proof(
    State(app): State<AppState>,
    ApiQuery(query): ApiQuery<ProofQuery>,
) -> ApiResult<Json<InclusionProof>> {
    let ledger = &app.views.ledger;
    let index = match (query.event, &query.leaf_hash) {
        (Some(event), None) => ledger.leaf_of_event(event).await,
        (None, Some(text)) => {
            let mut hash = [0; 32];
            hex::decode_to_slice(text, &mut hash)
                .map_err(|_| Problem::bad_parameter("leaf_hash", "must have 64 hexadecimal digits"))?;
            ledger.leaf_of_hash(&hash).await
        }
        _ => return Err(Problem::bad_parameter("event", "give either `event` or `leaf_hash`")),
    };
    let index = index.map_err(unanswered)?.ok_or_else(Problem::not_found)?;
    let signed = newest(&app)?;
    let size = query.size.unwrap_or(signed.checkpoint.size);
    if index >= size && query.size.is_none() {
        return Err(
            Problem::new(StatusCode::CONFLICT, "not_yet_signed", "No checkpoint covers this event yet").retry_after(60)
        );
    }
    let path = ledger.inclusion(index, size).await.map_err(unanswered)?;
    let (Some(path), Some(root), Some(leaf)) =
        (path, ledger.root_at(size).await.map_err(unanswered)?, ledger.leaf(index).await.map_err(unanswered)?)
    else {
        return Err(Problem::bad_parameter("size", "the tree has no such size, or was not yet as large as the event"));
    };
    let checkpoint = (size == signed.checkpoint.size).then(|| signed.note.clone());
    let (leaf_hash, root, path) = (hex::encode(leaf), hex::encode(root), hexes(&path));
    Ok(Json(InclusionProof { leaf_index: index, leaf_hash, tree_size: size, root, path, checkpoint }))
}

/// From which size to which.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsistencyQuery {
    /// The older size, at least 1.
    from: u64,
    /// The newer size; none: that of the newest checkpoint.
    to: Option<u64>,
}

/// That the history only grew.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConsistencyProof {
    /// The older size.
    from: u64,
    /// Root of the older tree.
    old_root: String,
    /// The newer size.
    to: u64,
    /// Root of the newer tree.
    root: String,
    /// The hashes (RFC 6962, section 2.1.2).
    path: Vec<String>,
    /// The signed checkpoint of the newer size; none if another size was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<String>,
}

/// Proves that the history of an older checkpoint is the beginning of a newer one's.
#[utoipa::path(get, path = "/ledger/consistency", tag = "ledger", operation_id = "proveConsistency",
    params(ConsistencyQuery),
    responses((status = 200, body = ConsistencyProof), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn consistency(
    State(app): State<AppState>,
    ApiQuery(query): ApiQuery<ConsistencyQuery>,
) -> ApiResult<Json<ConsistencyProof>> {
    if query.from == 0 {
        return Err(Problem::bad_parameter("from", "must be at least 1: everything begins with nothing"));
    }
    let signed = newest(&app)?;
    let (from, to) = (query.from, query.to.unwrap_or(signed.checkpoint.size));
    let ledger = &app.views.ledger;
    let path = ledger.consistency(from, to).await.map_err(unanswered)?;
    let (Some(path), Some(old), Some(root)) =
        (path, ledger.root_at(from).await.map_err(unanswered)?, ledger.root_at(to).await.map_err(unanswered)?)
    else {
        return Err(Problem::bad_parameter("from", "the tree has no such sizes, or `from` is greater than `to`"));
    };
    let checkpoint = (to == signed.checkpoint.size).then(|| signed.note.clone());
    let (old_root, root, path) = (hex::encode(old), hex::encode(root), hexes(&path));
    Ok(Json(ConsistencyProof { from, old_root, to, root, path, checkpoint }))
}

/// How the ledger stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct LedgerStatus {
    /// Leaves of the tree: one for each event of the log, of all clinics.
    pub(crate) leaves: u64,
    /// Root of the tree as it is.
    pub(crate) root: Option<String>,
    /// `holds`, `checking` or `broken`: whether the tree agrees with the newest checkpoint.
    pub(crate) standing: &'static str,
    /// Why it is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    /// Size of the newest checkpoint.
    pub(crate) signed: Option<u64>,
    /// The newest checkpoint.
    pub(crate) checkpoint: Option<String>,
    /// The key that verifies it.
    pub(crate) key: Option<String>,
    /// Checkpoints also go to a file or a command outside.
    pub(crate) anchored: bool,
    /// What went wrong with that the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) anchor_trouble: Option<String>,
}

/// How the ledger stands: its size, the newest checkpoint, and whether they agree.
#[utoipa::path(get, path = "/clinics/{clinic}/audit/ledger", tag = "audit", operation_id = "getLedger",
    security(("staff" = [])), params(("clinic" = Uuid, Path, description = "The clinic")),
    responses((status = 200, body = LedgerStatus), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn status(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<Uuid>,
) -> ApiResult<Json<LedgerStatus>> {
    principal.allow(ClinicId(clinic), AUDIT)?;
    let (standing, why) = match app.ledger.standing() {
        Standing::Holds => ("holds", None),
        Standing::Checking => ("checking", None),
        Standing::Broken(why) => ("broken", Some(why)),
    };
    let (newest, leaves) = (app.ledger.newest(), app.views.ledger.size());
    Ok(Json(LedgerStatus {
        leaves,
        root: app.views.ledger.root_at(leaves).await.map_err(unanswered)?.map(hex::encode),
        standing,
        why,
        signed: newest.as_ref().map(|signed| signed.checkpoint.size),
        checkpoint: newest.as_ref().map(|signed| signed.note.clone()),
        key: app.ledger.verifier().map(|key| key.to_string()),
        anchored: app.ledger.anchors().any(),
        anchor_trouble: app.ledger.anchors().trouble(),
    }))
}
