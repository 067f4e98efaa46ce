//! A clinic's settings: delays, caps, holds, the patient's cut-off, how recognition is proven.

use super::Matching;
use crate::http::AppState;
use crate::http::auth::{ADMINISTRATION, ANY_STAFF, Principal};
use crate::http::commands::{Done, begin};
use crate::http::extract::{ApiJson, ApiPath, CommandHeaders};
use crate::http::problem::{ApiResult, Problem};
use crate::http::wire::named;
use axum::extract::State;
use booking_domain::clinic::Settings;
use booking_domain::ids::ClinicId;
use booking_domain::values::{BadField, RecognitionProof};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(read, change))
}

/// All settings of a clinic (8.4, 8.7, 8.9, 8.11, 8.13). A service's own value goes before the clinic's.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingsForm {
    /// Shortest time between booking and start, in minutes; 0: none.
    #[schema(example = 120)]
    pub(crate) min_notice_minutes: u32,
    /// Longest time between publication and start, in minutes of elapsed time; none: no limit.
    #[serde(default)]
    pub(crate) max_horizon_minutes: Option<u32>,
    /// How many future appointments of a service a patient may have; none: no cap.
    #[serde(default)]
    pub(crate) max_future_appointments: Option<u16>,
    /// How long a time is kept for a visitor who fills in the rest, in minutes: 1 to 60.
    #[schema(example = 5)]
    pub(crate) hold_minutes: u16,
    /// Last moment for a patient's own change, in minutes before the start.
    #[schema(example = 1440)]
    pub(crate) change_cutoff_minutes: u32,
    /// `none`: recognition alone opens restricted services, so that a stranger who knows somebody's data can learn
    /// that they are a patient here. `one_time_code`: a code must come back from a contact that is on file; needs a
    /// channel for messages.
    #[schema(example = "none")]
    pub(crate) recognition_proof: String,
    /// Recurring slots may be offered online too.
    #[serde(default)]
    pub(crate) offer_recurring_online: bool,
}

impl SettingsForm {
    fn of(settings: &Settings) -> Self {
        Self {
            min_notice_minutes: settings.min_notice_minutes,
            max_horizon_minutes: settings.max_horizon_minutes,
            max_future_appointments: settings.max_future_appointments,
            hold_minutes: settings.hold_minutes,
            change_cutoff_minutes: settings.change_cutoff_minutes,
            recognition_proof: settings.recognition_proof.name().to_owned(),
            offer_recurring_online: settings.offer_recurring_online,
        }
    }

    fn parse(&self) -> Result<Settings, BadField> {
        Ok(Settings {
            min_notice_minutes: self.min_notice_minutes,
            max_horizon_minutes: self.max_horizon_minutes,
            max_future_appointments: self.max_future_appointments,
            hold_minutes: self.hold_minutes,
            change_cutoff_minutes: self.change_cutoff_minutes,
            recognition_proof: named("recognition_proof", &self.recognition_proof, RecognitionProof::from_name)?,
            offer_recurring_online: self.offer_recurring_online,
        })
    }
}

/// The clinic's settings.
#[utoipa::path(get, path = "/clinics/{clinic}/settings", tag = "clinic", operation_id = "getSettings",
    security(("staff" = [])), params(("clinic" = Uuid, Path, description = "The clinic")),
    responses((status = 200, body = SettingsForm), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
) -> ApiResult<Done<SettingsForm>> {
    principal.allow(clinic, ANY_STAFF)?;
    let rules = app.engine.rules(clinic).await?;
    Ok(Done::ok(SettingsForm::of(&rules.state.settings)).revision(rules.state.settings_touched))
}

/// Sets all settings; they take effect at once, on open slots too (8.3). Booked appointments are never touched.
#[utoipa::path(put, path = "/clinics/{clinic}/settings", tag = "clinic", operation_id = "changeSettings",
    security(("staff" = [])), params(Matching, ("clinic" = Uuid, Path, description = "The clinic")),
    request_body = SettingsForm,
    responses((status = 200, body = SettingsForm), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem),
        (status = 428, body = Problem)))]
pub(crate) async fn change(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
    headers: CommandHeaders,
    ApiJson { value: form, bytes }: ApiJson<SettingsForm>,
) -> ApiResult<Done<SettingsForm>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let if_match = headers.require_match()?;
    let settings = form.parse()?;
    let begun = begin(&app, clinic, principal.actor(), "changeSettings", &headers, &bytes).await?;
    let done = app.engine.change_settings(&begun.ctx, &settings, Some(if_match)).await?;
    let clinic = &done.folded.state;
    Ok(Done::ok(SettingsForm::of(&clinic.settings)).revision(clinic.settings_touched).position(done.position()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_read_back_as_they_were_written() {
        let all = Settings {
            min_notice_minutes: 120,
            max_horizon_minutes: Some(60 * 24 * 90),
            max_future_appointments: Some(2),
            hold_minutes: 7,
            change_cutoff_minutes: 0,
            recognition_proof: RecognitionProof::OneTimeCode,
            offer_recurring_online: true,
        };
        for settings in [Settings::default(), all] {
            let json = serde_json::to_string(&SettingsForm::of(&settings)).unwrap();
            let form: SettingsForm = serde_json::from_str(&json).unwrap();
            assert_eq!(form.parse(), Ok(settings));
        }
    }

    #[test]
    fn a_proof_that_is_not_known_is_refused() {
        let form = SettingsForm { recognition_proof: "dna".to_owned(), ..SettingsForm::of(&Settings::default()) };
        assert_eq!(form.parse().unwrap_err().field, "recognition_proof");
    }
}
