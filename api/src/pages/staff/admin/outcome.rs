//! What became of a posted form: stored, refused with a reason beside each field, or out of date.

use super::Admin;
use crate::http::problem::{ApiResult, Problem};
use crate::pages::staff::changed::changed_by;
use crate::pages::text::Words;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use booking_domain::stream::StreamName;
use serde::Deserialize;
use std::time::Duration;

/// What a page says about the form that was sent before.
#[derive(Default)]
pub(in crate::pages::staff) struct Outcome {
    /// It was stored; in a sentence.
    pub(super) notice: Option<String>,
    /// What is wrong, by the id of the field.
    pub(super) errors: Errors,
    /// It was out of date: who changed what it was about, and when.
    pub(super) stale: Option<String>,
    /// What stands otherwise now than it was typed in a form that was out of date.
    pub(super) typed: Vec<Line>,
}

/// A label and a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::pages::staff) struct Line {
    pub(super) label: String,
    pub(super) text: String,
}

impl Line {
    pub(super) fn new(label: String, text: impl Into<String>) -> Self {
        Self { label, text: text.into() }
    }
}

/// The fields of a form, as lines that can be compared and read.
pub(super) trait Fields: Clone {
    /// Each field with its label.
    fn lines(&self, w: Words) -> Vec<Line>;
}

/// What is wrong with which field.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::pages::staff) struct Errors(Vec<(&'static str, String)>);

impl Errors {
    pub(super) fn one(id: &'static str, message: String) -> Self {
        Self(vec![(id, message)])
    }
    /// Adds what is wrong with a field; the first finding about it stands.
    pub(super) fn add(&mut self, id: &'static str, message: String) {
        if self.of(id).is_none() {
            self.0.push((id, message));
        }
    }
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub(super) fn of(&self, id: &str) -> Option<&str> {
        self.0.iter().find(|(of, _)| *of == id).map(|(_, message)| message.as_str())
    }
    pub(super) fn all(&self) -> &[(&'static str, String)] {
        &self.0
    }
}

impl Outcome {
    /// After the redirect that follows a success.
    pub(super) fn after(done: &After, w: Words) -> Self {
        let notice = match done.done.as_deref() {
            Some("saved") => Some(w.t("admin-done-saved")),
            Some("added") => Some(w.t("admin-done-added")),
            Some("on") => Some(w.t("admin-done-on")),
            Some("off") => Some(w.t("admin-done-off")),
            Some("away") => Some(w.t("admin-done-away")),
            Some("back") => Some(w.t("admin-done-back")),
            Some("revoked") => Some(w.t("admin-done-revoked")),
            _ => None,
        };
        Self { notice, ..Self::default() }
    }
    pub(super) fn errors(errors: Errors) -> Self {
        Self { errors, ..Self::default() }
    }
    /// A refusal of something that the page shows a list of, or of a form whose current state is filled in anew.
    pub(super) async fn of(
        refused: Refused,
        admin: &Admin,
        stream: &StreamName,
        (typed, current): (Vec<Line>, &[Line]),
    ) -> ApiResult<Self> {
        match refused {
            Refused::Fields(errors) => Ok(Self::errors(errors)),
            Refused::Stale(revision) => {
                let stale = Some(changed_by(&admin.app, &admin.principal, admin.w(), stream, revision).await?);
                Ok(Self { stale, typed: differing(typed, current), ..Self::default() })
            }
        }
    }
    /// The same of a form with fields, and what its fields show now: what was typed, or what stands if that was out of
    /// date.
    pub(super) async fn of_form<F: Fields>(refused: Refused, admin: &Admin, typed: &F, now: F) -> ApiResult<(Self, F)> {
        let texts = (typed.lines(admin.w()), &now.lines(admin.w())[..]);
        let stale = matches!(refused, Refused::Stale(_));
        let outcome = Self::of(refused, admin, &admin.stream(), texts).await?;
        Ok((outcome, if stale { now } else { typed.clone() }))
    }
    /// The same of a button.
    pub(super) async fn of_button(refused: Refused, admin: &Admin, stream: &StreamName) -> ApiResult<Self> {
        Self::of(refused, admin, stream, (vec![], &[])).await
    }
    /// The status of a page that says this.
    pub(super) const fn status(&self) -> StatusCode {
        if self.stale.is_some() {
            StatusCode::PRECONDITION_FAILED
        } else if self.errors.0.is_empty() {
            StatusCode::OK
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        }
    }
}

/// `?done=saved`: what the form before did.
#[derive(Debug, Default, Deserialize)]
pub(super) struct After {
    pub(super) done: Option<String>,
}

/// The page after a form that was stored: a reload of it sends nothing again.
pub(super) fn stored(path: &str, done: &str) -> Response {
    Redirect::to(&format!("{path}?done={done}")).into_response()
}

/// A refusal that a page can explain.
pub(super) enum Refused {
    /// The fields are to be corrected.
    Fields(Errors),
    /// The form is out of date; the revision now.
    Stale(u64),
}

/// Which field of a page a pointer of the API is about, and the key of what is to be done there.
pub(super) type Explain = fn(pointer: &str) -> (&'static str, &'static str);

/// What a refusal means for the form on the page. What cannot be put right there goes on as it is.
pub(super) fn refused(problem: Problem, w: Words, explain: Explain) -> ApiResult<Refused> {
    let one = |id, key: String| Ok(Refused::Fields(Errors::one(id, key)));
    match problem.code {
        "stale" => Ok(Refused::Stale(problem.current_revision.unwrap_or_default())),
        "invalid_field" if !problem.errors.is_empty() => {
            let mut errors = Errors::default();
            for error in &problem.errors {
                let (id, key) = explain(&error.pointer);
                errors.add(id, w.t(key));
            }
            Ok(Refused::Fields(errors))
        }
        "slug_taken" => one("slug", w.t("admin-bad-slug-taken")),
        "no_message_channel" => one("recognition_proof", w.t("admin-bad-no-channel")),
        "agenda_exists" => one("main", w.t("admin-bad-agenda-exists")),
        "portal_not_configured" => one("slug", w.t("admin-bad-portal-not-configured")),
        "member_disabled" => one("main", w.t("admin-bad-member-disabled")),
        "token_issued" => one("main", w.t("admin-bad-token-issued")),
        // Somebody went back and sent the same form with something else in it.
        "idempotency_key_reused" => one("main", w.t("admin-bad-sent-before")),
        _ => Err(problem),
    }
}

/// Sends a form to the API. `parse` reads the fields of the page; a second click finds the first at work, waits for
/// it, and gets the same outcome.
pub(super) async fn submit<A, T, F: Future<Output = ApiResult<T>>>(
    w: Words,
    explain: Explain,
    parse: impl Fn() -> Result<A, Errors>,
    call: impl Fn(A) -> F,
) -> ApiResult<Result<T, Refused>> {
    let mut tries = 40;
    loop {
        let form = match parse() {
            Ok(form) => form,
            Err(errors) => return Ok(Err(Refused::Fields(errors))),
        };
        match call(form).await {
            Ok(done) => return Ok(Ok(done)),
            Err(problem) if problem.code == "in_flight" && tries > 0 => {
                tries -= 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(problem) => return refused(problem, w, explain).map(Err),
        }
    }
}

/// The same of a button, which has nothing to read.
pub(super) async fn press<T, F: Future<Output = ApiResult<T>>>(
    w: Words,
    call: impl Fn() -> F,
) -> ApiResult<Result<T, Refused>> {
    submit(w, |_| ("main", "admin-bad-form"), || Ok(()), |()| call()).await
}

/// What was typed otherwise than it stands now.
fn differing(typed: Vec<Line>, current: &[Line]) -> Vec<Line> {
    typed.into_iter().filter(|line| !current.contains(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_domain::values::{BadField, Language};

    const W: Words = Words(Language::En);

    #[test]
    fn every_field_that_is_wrong_is_named_once_and_with_words_of_ours() {
        let explain: Explain = |pointer| match pointer {
            "/contact/phone" => ("phone", "admin-bad-phone"),
            _ => ("main", "admin-bad-form"),
        };
        let bad = [BadField::new("contact.phone", "a"), BadField::new("contact.phone", "b"), BadField::new("x", "c")];
        let Ok(Refused::Fields(errors)) = refused(Problem::invalid(bad), W, explain) else { panic!() };
        assert_eq!(errors.all().len(), 2);
        assert_eq!(errors.of("phone"), Some(W.t("admin-bad-phone").as_str()));
    }

    #[test]
    fn what_cannot_be_put_right_on_the_page_goes_on_as_it_is() {
        let problem = refused(Problem::not_found(), W, |_| ("main", "admin-bad-form")).err().unwrap();
        assert_eq!(problem.code, "not_found");
    }

    #[test]
    fn a_form_that_was_out_of_date_keeps_what_differs() {
        let line = |label: &str, text: &str| Line::new(label.to_owned(), text);
        let kept =
            differing(vec![line("Name", "A"), line("Minutes", "20")], &[line("Name", "A"), line("Minutes", "30")]);
        assert_eq!(kept, [line("Minutes", "20")]);
    }
}
