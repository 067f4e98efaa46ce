//! Everything in the order of the log; and one event with the proof that it is part of the signed history, each step of
//! it done here before the reader's eyes.

use super::Hall;
use super::lines::actor;
use super::then::{exact, read, with_query};
use crate::http::AppState;
use crate::http::audit::events::{self as api, AuditEvent, EventsQuery};
use crate::http::audit::ledger::{InclusionProof, ProofQuery, proof};
use crate::http::audit::sentences::name;
use crate::http::auth::AUDIT;
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::pages::render;
use crate::pages::staff::frame::SignedIn;
use crate::pages::text::Words;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use booking_events::ledger::proof::climb;
use booking_events::ledger::{Checkpoint, Hash, leaf_hash};
use booking_projections::ledger::event_hash;
use serde::Deserialize;
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/audit/events", get(list)).route("/audit/events/{event}", get(one))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    stream: String,
    actor: String,
    cursor: Option<String>,
}

/// An event in the list.
struct Row {
    position: u64,
    at: String,
    who: String,
    what: String,
    kind: String,
    stream: String,
    stream_href: String,
    id: Uuid,
}

impl Row {
    fn of(w: Words, event: &AuditEvent) -> Self {
        let said = event.fr.as_deref().zip(event.en.as_deref()).map(|(fr, en)| w.either(fr, en).to_owned());
        Self {
            position: event.position,
            at: exact(w, &event.occurred_at),
            who: actor(w, &event.actor),
            what: said.unwrap_or_else(|| name(&event.kind).to_owned()),
            kind: event.kind.clone(),
            stream_href: with_query("/audit/events", &[("stream", event.stream.as_str())]),
            stream: event.stream.clone(),
            id: event.id,
        }
    }
}

#[derive(askama::Template)]
#[template(path = "staff/audit/events.html")]
struct List {
    hall: Hall,
    stream: String,
    actor: String,
    /// Whose acts these are.
    actor_name: Option<String>,
    rows: Vec<Row>,
    next: Option<String>,
}

async fn list(State(app): State<AppState>, signed: SignedIn, RawQuery(query): RawQuery) -> ApiResult<Response> {
    signed.principal.allow(signed.principal.clinic, AUDIT)?;
    let asked: Asked = read(query.as_deref());
    let text = |text: &String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let by = text(&asked.actor).map(|id| id.parse().unwrap_or_default());
    let query = EventsQuery { stream: text(&asked.stream), actor: by, cursor: asked.cursor, limit: None };
    let path = ApiPath(signed.clinic());
    let answer = api::events(State(app.clone()), signed.principal.clone(), path, ApiQuery(query)).await;
    let answer = match answer {
        Ok(read) => Some(read.body),
        // No such stream: the page says that there is nothing.
        Err(problem) if problem.status == 404 => None,
        Err(problem) => return Err(problem),
    };
    let (events, next) = answer.map(|answer| (answer.events, answer.next)).unwrap_or_default();
    let kept = |cursor: String| {
        let pairs = [("stream", asked.stream.clone()), ("actor", asked.actor.clone()), ("cursor", cursor)];
        with_query("/audit/events", &pairs)
    };
    let page = List {
        actor_name: by.and_then(|_| events.first().and_then(|event| event.actor.name.clone())),
        rows: events.iter().map(|event| Row::of(signed.w, event)).collect(),
        next: next.map(kept),
        stream: asked.stream,
        actor: asked.actor,
        hall: Hall::new(&app, &signed, "events").await?,
    };
    render(&page)
}

/// One step of the verification.
struct Step {
    id: &'static str,
    words: String,
    /// What came out.
    value: String,
    good: bool,
}

/// One level of the way from the leaf to the root.
struct Level {
    sibling: String,
    gives: String,
}

/// The proof with its verification.
struct Proven {
    index: u64,
    size: u64,
    event_hash: String,
    steps: Vec<Step>,
    levels: Vec<Level>,
    checkpoint: String,
    good: bool,
}

#[derive(askama::Template)]
#[template(path = "staff/audit/event.html")]
struct One {
    hall: Hall,
    row: Row,
    fields: String,
    received_at: String,
    proven: Option<Proven>,
    /// Why there is no proof yet.
    unproven: Option<String>,
    key: Option<String>,
}
super::in_hall!(List, One);

async fn one(State(app): State<AppState>, signed: SignedIn, ApiPath(id): ApiPath<Uuid>) -> ApiResult<Response> {
    let path = ApiPath((signed.clinic(), id));
    let event = api::event(State(app.clone()), signed.principal.clone(), path).await?.body;
    let w = signed.w;
    let query = ApiQuery(ProofQuery { event: Some(id), leaf_hash: None, size: None });
    let (proven, unproven) = match proof(State(app.clone()), query).await {
        Ok(answer) => (Some(verified(&app, &signed, id, &answer.0).await?), None),
        Err(problem) if matches!(problem.code, "not_yet_signed" | "no_checkpoint") => {
            (None, Some(w.t("proof-not-yet")))
        }
        Err(problem) => return Err(problem),
    };
    let fields = event.fields.as_ref().and_then(|fields| serde_json::to_string_pretty(fields).ok());
    let page = One {
        fields: fields.or(event.unreadable.clone()).unwrap_or_default(),
        received_at: exact(w, &event.received_at),
        row: Row::of(w, &event),
        proven,
        unproven,
        key: app.ledger.verifier().map(|key| key.to_string()),
        hall: Hall::new(&app, &signed, "events").await?,
    };
    render(&page)
}

fn hash(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).ok().map(|()| hash)
}

/// Verifies a proof as somebody outside would, beginning with the bytes that the log holds.
async fn verified(app: &AppState, signed: &SignedIn, id: Uuid, proof: &InclusionProof) -> ApiResult<Proven> {
    let w = signed.w;
    let stored = api::by_id(app, signed.principal.clinic, id).await?.ok_or_else(Problem::not_found)?.0;
    let of_event = event_hash(&stored);
    let leaf = leaf_hash(proof.leaf_index, &of_event);
    let path: Vec<Hash> = proof.path.iter().filter_map(|text| hash(text)).collect();
    let climbed = climb(leaf, proof.leaf_index, proof.tree_size, &path).unwrap_or_default();
    let root = climbed.last().map(hex::encode).unwrap_or_default();
    let note = proof.checkpoint.clone().unwrap_or_default();
    let claimed = Checkpoint::claimed(&note);
    let signed_root = claimed.as_ref().is_some_and(|c| c.size == proof.tree_size && hex::encode(c.root) == root);
    let verifier = app.ledger.verifier();
    let signature = verifier.as_ref().is_some_and(|key| Checkpoint::open(&note, key).is_ok());
    let step = |id, words: String, value: String, good| Step { id, words, value, good };
    let levels = path.iter().zip(climbed.iter().skip(1));
    let levels = levels.map(|(sibling, gives)| Level { sibling: hex::encode(sibling), gives: hex::encode(gives) });
    let steps = vec![
        step("step-event", w.t("proof-step-event"), hex::encode(of_event), true),
        step("step-leaf", w.t("proof-step-leaf"), hex::encode(leaf), hex::encode(leaf) == proof.leaf_hash),
        step("step-path", w.t("proof-step-path"), root.clone(), root == proof.root && path.len() == proof.path.len()),
        step(
            "step-root",
            w.t("proof-step-root"),
            claimed.map(|c| hex::encode(c.root)).unwrap_or_default(),
            signed_root,
        ),
        step("step-key", w.t("proof-step-key"), verifier.map(|k| k.to_string()).unwrap_or_default(), signature),
    ];
    Ok(Proven {
        index: proof.leaf_index,
        size: proof.tree_size,
        event_hash: hex::encode(of_event),
        good: steps.iter().all(|step| step.good),
        steps,
        levels: levels.collect(),
        checkpoint: note,
    })
}
