//! Words for what the API names: statuses, kinds, refusals.

use crate::http::problem::Problem;
use crate::pages::text::Words;

/// A status of an appointment.
pub(super) fn status(w: Words, status: &str) -> String {
    match status {
        "booked" => w.t("status-booked"),
        "confirmed" => w.t("status-confirmed"),
        "arrived" => w.t("status-arrived"),
        "completed" => w.t("status-completed"),
        "cancelled" => w.t("status-cancelled"),
        "no_show" => w.t("status-no-show"),
        "moved" => w.t("status-moved"),
        _ => w.t("status-unknown"),
    }
}

/// How an availability stands, with what its icon says.
pub(super) fn availability(w: Words, state: &str, icon: &str) -> String {
    match (state, icon) {
        ("free", "cloud") => w.t("state-online"),
        ("free", "cloud_clock") => w.t("state-later-bare"),
        ("free", _) => w.t("state-free"),
        ("held", _) => w.t("state-held-bare"),
        ("booked", _) => w.t("desk-state-booked"),
        ("promised", _) => w.t("state-promised"),
        _ => w.t("state-withdrawn"),
    }
}

/// What became of a message about an appointment, in a sentence.
pub(super) fn message(w: Words, kind: &str, channel: Option<&str>, delivered: bool) -> String {
    let what = match kind {
        "change" => w.t("message-change"),
        "cancellation" => w.t("message-cancellation"),
        _ => w.t("message-booking"),
    };
    let how = match channel {
        Some("email") => w.t("message-by-email"),
        Some("sms") => w.t("message-by-sms"),
        _ => w.t("message-by-none"),
    };
    if delivered {
        w.tv("message-delivered", &[("what", what), ("how", how)])
    } else {
        w.tv("message-undelivered", &[("what", what), ("how", how)])
    }
}

/// How an appointment takes place.
pub(super) fn modality(w: Words, modality: &str) -> String {
    match modality {
        "in_person" => w.t("desk-modality-in-person"),
        "video" => w.t("desk-modality-video"),
        "telephone" => w.t("desk-modality-telephone"),
        "home_visit" => w.t("desk-modality-home-visit"),
        _ => w.t("status-unknown"),
    }
}

/// The modalities with their words, for a choice.
pub(super) fn modalities(w: Words) -> Vec<(&'static str, String)> {
    ["in_person", "video", "telephone", "home_visit"].into_iter().map(|name| (name, modality(w, name))).collect()
}

/// A sex as on file.
pub(super) fn sex(w: Words, sex: &str) -> String {
    match sex {
        "female" => w.t("desk-sex-female"),
        "male" => w.t("desk-sex-male"),
        _ => w.t("desk-sex-other"),
    }
}

/// What a message after a redirect says; codes that are not known say nothing.
pub(super) fn notice(w: Words, code: &str) -> Option<String> {
    Some(match code {
        "planned" => w.t("notice-planned"),
        "moved" => w.t("notice-moved"),
        "cancelled" => w.t("notice-cancelled"),
        "marked" => w.t("notice-marked"),
        "attached" => w.t("notice-attached"),
        "detached" => w.t("notice-detached"),
        "registered" => w.t("notice-registered"),
        "saved" => w.t("notice-saved"),
        "published" => w.t("notice-published"),
        "withdrawn" => w.t("notice-withdrawn"),
        "merged" => w.t("notice-merged"),
        "deleted" => w.t("notice-deleted"),
        _ => return None,
    })
}

/// Why something was refused, and how to go on.
pub(super) fn refusal(w: Words, problem: &Problem) -> String {
    match problem.code {
        "stale" => w.t("refused-stale"),
        "taken" => w.t("refused-taken"),
        "held" => w.t("refused-held"),
        "availability_gone" => w.t("refused-gone"),
        "wrong_status" => w.t("refused-status"),
        "cancelled" => w.t("refused-cancelled"),
        "moving" => w.t("refused-moving"),
        "other_patient" => w.t("refused-other-patient"),
        "nothing_provisional" => w.t("refused-nothing-provisional"),
        "would_cut" => w.t("refused-would-cut"),
        "merged" | "merge_pending" => w.t("refused-merged"),
        "same_record" => w.t("refused-same-record"),
        "deceased" => w.t("refused-deceased"),
        "erased" | "gone" => w.t("refused-erased"),
        "invalid_field" | "bad_parameter" => w.t("refused-field"),
        "idempotency_key_reused" | "in_flight" => w.t("refused-twice"),
        _ => w.t("refused-other"),
    }
}

/// What is wrong with a form: a sentence for each field that the API named, under the name that the page has for it.
pub(super) struct Errors {
    fields: Vec<(String, String)>,
}

impl Errors {
    /// Nothing is wrong.
    pub(super) const fn none() -> Self {
        Self { fields: Vec::new() }
    }
    /// What a problem says about fields. English pages add the API's own words.
    pub(super) fn of(w: Words, problem: &Problem) -> Self {
        let fields = problem.errors.iter().map(|error| {
            let name = error.pointer.trim_start_matches('/').to_owned();
            let said =
                if w.is_english() { format!("{}: {}", w.t("field-check"), error.message) } else { how(w, &name) };
            (name, said)
        });
        Self { fields: fields.collect() }
    }
    /// What is wrong with a field, by the end of its pointer.
    pub(super) fn at(&self, name: &str) -> Option<&str> {
        let is = |pointer: &str| pointer == name || pointer.strip_suffix(name).is_some_and(|rest| rest.ends_with('/'));
        self.fields.iter().find(|(pointer, _)| is(pointer)).map(|(_, said)| said.as_str())
    }
    /// Everything that is wrong.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(_, said)| said.as_str())
    }
    /// Something is wrong with a field.
    pub(super) fn any(&self) -> bool {
        !self.fields.is_empty()
    }
}

/// How a field is to be filled in.
fn how(w: Words, pointer: &str) -> String {
    let name = pointer.split('/').rfind(|part| part.parse::<usize>().is_err()).unwrap_or_default();
    match name {
        "date" | "from" | "to" | "until" | "first_days" | "first_day" | "except" => w.t("field-date"),
        "start" => w.t("field-start"),
        "end" => w.t("field-end"),
        "start_offset" | "end_offset" => w.t("field-offset"),
        "first_name" | "last_name" => w.t("field-name"),
        "birth_date" => w.t("field-birth-date"),
        "sex" => w.t("field-sex"),
        "health_number" | "health_number_expiry" => w.t("field-health-number"),
        "cell_phone" | "phones" => w.t("field-phone"),
        "email" | "emails" | "contact" => w.t("field-contact"),
        "patient" => w.t("field-patient"),
        "title" | "activity" => w.t("field-title"),
        "interval_minutes" => w.t("field-interval"),
        "reason" => w.t("field-reason"),
        "weekdays" | "agendas" | "agenda" | "slots" | "times" => w.t("field-choose"),
        _ => w.t("field-check"),
    }
}
