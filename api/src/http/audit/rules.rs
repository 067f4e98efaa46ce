//! The history of a clinic's rules: who set what and when, newest first, with what each change changed.

use super::history::HistoryEntry;
use super::names::Names;
use super::tales::tell;
use crate::http::AppState;
use crate::http::auth::{AUDIT, Principal};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads::Read;
use crate::http::wire::{cursor, page_limit, parse_cursor};
use axum::extract::State;
use booking_domain::ids::ClinicId;
use booking_domain::stream::StreamName;
use booking_events::describe;
use booking_store::Recorded;
use booking_store::fold::{metadata_of, read_whole};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(rules))
}

/// Which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RulesQuery {
    /// `next` of the page before.
    pub(crate) cursor: Option<String>,
    /// Length of the page, up to 200; none: 50.
    pub(crate) limit: Option<u32>,
}

/// A field that a change of the rules changed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub(crate) struct FieldChange {
    /// The field under its wire name, such as `config.min_notice_minutes`.
    pub(crate) field: String,
    /// What stood there before; none: nothing.
    pub(crate) before: Option<String>,
    /// What stands there since; none: nothing.
    pub(crate) after: Option<String>,
}

/// One change of the rules.
#[derive(Serialize, ToSchema)]
pub(crate) struct RuleChange {
    /// What happened.
    #[serde(flatten)]
    pub(crate) entry: HistoryEntry,
    /// What is otherwise than before, where the same thing was set before.
    pub(crate) changes: Vec<FieldChange>,
}

/// A page of the history of the rules.
#[derive(Serialize, ToSchema)]
pub(crate) struct RulesHistory {
    /// Newest first.
    pub(crate) entries: Vec<RuleChange>,
    /// Cursor of the next page; none: there was nothing more.
    pub(crate) next: Option<String>,
}

/// Who set the clinic's rules, when, and what each change changed.
#[utoipa::path(get, path = "/clinics/{clinic}/audit/rules", tag = "audit", operation_id = "getRulesHistory",
    security(("staff" = [])), params(("clinic" = Uuid, Path, description = "The clinic"), RulesQuery),
    responses((status = 200, body = RulesHistory), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn rules(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<Uuid>,
    ApiQuery(query): ApiQuery<RulesQuery>,
) -> ApiResult<Read<RulesHistory>> {
    let clinic = ClinicId(clinic);
    principal.allow(clinic, AUDIT)?;
    let (limit, before) = (page_limit(query.limit, 50, 200)?, parse_cursor::<u64>(query.cursor.as_deref())?);
    let now = app.engine.rules(clinic).await?;
    let (names, zone) = (Names::of(&app, clinic), now.state.zone());
    let stream = read_whole(&**app.log(), &StreamName::clinic(clinic)).await?;
    let mut changed = changes(&stream);
    let mut entries = Vec::with_capacity(limit);
    let wanted = |event: &&Recorded| before.is_none_or(|before| event.revision < before);
    for event in stream.iter().rev().filter(wanted).take(limit) {
        let metadata = metadata_of(event)?;
        let Some(sentence) = tell(&now.state, event, metadata.actor) else { continue };
        let entry = HistoryEntry::of(&names, zone, (event, &metadata), sentence).await?;
        entries.push(RuleChange { entry, changes: changed.remove(&event.revision).unwrap_or_default() });
    }
    let next = entries.last().map(|last| last.entry.revision).filter(|last| *last > 0 && entries.len() >= limit);
    Ok(Read::new(RulesHistory { entries, next: next.map(|last| cursor(&last)) }, true))
}

/// What each event of the stream changed of what was set before it.
fn changes(stream: &[Recorded]) -> BTreeMap<u64, Vec<FieldChange>> {
    let mut set: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut changes = BTreeMap::new();
    for event in stream {
        let described = describe(&event.event_type, &event.payload).ok();
        let Some(json) = described.and_then(|text| serde_json::from_str::<Value>(&text).ok()) else { continue };
        let mut fields = BTreeMap::new();
        flatten("", &json, &mut fields);
        let thing = ["service", "activity", "practitioner", "agenda"].into_iter().find_map(|id| fields.get(id));
        let thing = format!("{} {}", event.event_type, thing.map_or("", String::as_str));
        if let Some(before) = set.insert(thing, fields.clone()) {
            changes.insert(event.revision, differences(&before, &fields));
        }
    }
    changes
}

fn differences(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<FieldChange> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    differs
        .map(|name| FieldChange {
            field: name.clone(),
            before: before.get(name).cloned(),
            after: after.get(name).cloned(),
        })
        .collect()
}

/// The leaves of a JSON value as texts, by their path.
fn flatten(path: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| flatten(&below(name), value, into)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, value)| flatten(&below(&n.to_string()), value, into));
        }
        Value::Null => {}
        Value::String(text) => {
            into.insert(path.to_owned(), text.clone());
        }
        other => {
            into.insert(path.to_owned(), other.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(value: &Value) -> BTreeMap<String, String> {
        let mut fields = BTreeMap::new();
        flatten("", value, &mut fields);
        fields
    }

    #[test]
    fn a_change_is_told_by_the_fields_that_differ() {
        let before = fields(&json!({ "config": { "notice": 0, "name": { "fr": "Suivi" }, "activities": ["a"] } }));
        let after = fields(&json!({ "config": { "notice": 90, "name": { "fr": "Suivi" }, "activities": ["a", "b"] } }));
        let told = |field: &str, before: Option<&str>, after: Option<&str>| FieldChange {
            field: field.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        let expected = [told("config.activities.1", None, Some("b")), told("config.notice", Some("0"), Some("90"))];
        assert_eq!(differences(&before, &after), expected);
        assert_eq!(differences(&after, &after), []);
    }
}
