//! What staff use: signing in, setting up a clinic, opening schedules, working with appointments and patients.
//!
//! Every handler admits its caller first (`Principal::allow`), so that another clinic's things, unknown ones and
//! forbidden ones look the same. What is created gets its id from the command, so that a retry with the same
//! `Idempotency-Key` answers with the same thing; what exists is changed only against the `ETag` that was read.
//!
//! | file | holds |
//! |---|---|
//! | `session`, `members`, `tokens` | who works here |
//! | `setup`, `roster`, `departures`, `services`, `settings` | what patients may be offered; `service_form` is its JSON |
//! | `slots`, `bulk`, `templates` | schedules; `slot_form` is their JSON |
//! | `agenda`, `appointments`, `patients`, `reconciliation` | the daily work |
//! | `messages` | what became of messages about appointments |
//! | `erasures` | forgetting a person, and how long what is kept |

pub(crate) mod agenda;
pub(crate) mod appointments;
pub(crate) mod bulk;
pub(crate) mod departures;
pub(crate) mod erasure_case;
pub(crate) mod erasures;
pub(crate) mod members;
pub(crate) mod messages;
pub(crate) mod patients;
pub(crate) mod reconciliation;
pub(crate) mod roster;
pub(crate) mod service_form;
pub(crate) mod services;
pub(crate) mod session;
pub(crate) mod settings;
pub(crate) mod setup;
pub(crate) mod slot_form;
pub(crate) mod slots;
pub(crate) mod templates;
pub(crate) mod tokens;

use super::AppState;
use super::problem::{ApiResult, Problem};
use axum::http::StatusCode;
use booking_domain::clinic::Clinic;
use booking_domain::ids::AgendaId;
use booking_domain::time::WallDate;
use booking_domain::values::BadField;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(session::routes())
        .merge(members::routes())
        .merge(tokens::routes())
        .merge(setup::routes())
        .merge(roster::routes())
        .merge(departures::routes())
        .merge(services::routes())
        .merge(settings::routes())
        .merge(slots::routes())
        .merge(bulk::routes())
        .merge(templates::routes())
        .merge(agenda::routes())
        .merge(appointments::routes())
        .merge(patients::routes())
        .merge(reconciliation::routes())
        .merge(messages::routes())
        .merge(erasures::routes())
        .merge(erasure_case::routes())
}

/// Header of a command that creates something; read by `CommandHeaders`.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "describes to the OpenAPI document what an extractor reads")]
struct Retryable {
    /// 1 to 200 characters, new for each thing you want; a retry sends the same.
    #[param(rename = "Idempotency-Key")]
    idempotency_key: Option<String>,
}

/// Headers of a command that changes something; read by `CommandHeaders`.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "describes to the OpenAPI document what an extractor reads")]
struct Matching {
    /// The resource's `ETag` (or its `revision`, in double quotes) as you read it.
    #[param(rename = "If-Match")]
    if_match: String,
    /// 1 to 200 characters, new for each thing you want; a retry sends the same.
    #[param(rename = "Idempotency-Key")]
    idempotency_key: Option<String>,
}

/// A whole list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Listed<T> {
    /// Its items. Each has its own `revision`, which is what `If-Match` wants when it is changed.
    pub(crate) items: Vec<T>,
}

/// A day of the week.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Weekday {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

impl Weekday {
    /// These days as bits, Monday the lowest.
    fn bits(days: &[Self]) -> u8 {
        days.iter().fold(0, |bits, day| bits | 1 << (*day as u8))
    }
}

/// How long a read waits for a view to show what was acknowledged before it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Waits until a view shows everything that was acknowledged before this request: 503 if that takes too long.
async fn catch_up(app: &AppState, view: &str) -> ApiResult<()> {
    let reached = match app.log().head().await? {
        Some(head) => app.views.wait_for(view, head, PATIENCE).await,
        None => true,
    };
    if reached {
        return Ok(());
    }
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "view_behind", "What was stored last is not shown yet")
        .retry_after(1))
}

/// What a command must have left in its stream, or something is broken on our side.
fn made<T>(thing: Option<T>) -> ApiResult<T> {
    thing.ok_or_else(|| Problem::internal("a command succeeded and its outcome is not in the fold"))
}

/// Another clinic's agenda does not exist here. Streams of days name no clinic, so every path to one passes by this.
fn own_agenda(clinic: &Clinic, agenda: AgendaId) -> ApiResult<()> {
    clinic.agendas.get(&agenda).map(|_| ()).ok_or_else(Problem::not_found)
}

/// A date in a path; one that cannot be read names nothing that exists.
fn path_date(text: &str) -> ApiResult<WallDate> {
    WallDate::parse(text).ok_or_else(Problem::not_found)
}

/// The longest stretch of days that one request may name: slots lie at most three years ahead.
const MAX_DAYS: i32 = 3 * 366;

/// The days from `from` to `to`, both included.
fn days(field: &'static str, from: WallDate, to: WallDate) -> Result<impl Iterator<Item = WallDate>, BadField> {
    if to < from {
        return Err(BadField::new(field, "must not lie before the first day"));
    }
    if to.0 - from.0 >= MAX_DAYS {
        return Err(BadField::new(field, "must lie within three years of the first day"));
    }
    Ok((from.0..=to.0).map(WallDate))
}

/// The items in their order, each once.
fn distinct<T: Ord + Copy>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut seen = BTreeSet::new();
    items.into_iter().filter(|item| seen.insert(*item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekdays_are_bits_from_monday_on() {
        assert_eq!(Weekday::bits(&[Weekday::Monday, Weekday::Sunday, Weekday::Monday]), 0b100_0001);
        assert_eq!(serde_json::to_string(&Weekday::Wednesday).unwrap(), "\"wednesday\"");
    }

    #[test]
    fn a_stretch_of_days_has_both_ends_and_an_order_and_a_bound() {
        let first = WallDate(20_000);
        assert_eq!(days("to", first, first).unwrap().count(), 1);
        assert_eq!(days("to", first, first.plus_days(6)).unwrap().count(), 7);
        assert!(days("to", first, first.plus_days(-1)).is_err());
        assert!(days("to", first, first.plus_days(MAX_DAYS)).is_err());
    }
}
