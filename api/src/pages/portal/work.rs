//! Under load the visitor's device works for a moment before it gets another time. A script does it while the visitor
//! reads; without one the page names the other ways on.

use super::fields::Fields;
use super::shell::{Link, Shell};
use super::visiting::with_status;
use super::{Step, Visiting};
use crate::http::extract::ApiQuery;
use crate::http::problem::{ApiResult, Problem};
use crate::http::work::{self, WhatFor, Work};
use crate::pages::text::Words;
use crate::pages::{assets, render};
use askama::Template;
use axum::response::Response;

#[derive(Template)]
#[template(path = "portal/work.html")]
struct Page {
    w: Words,
    css: String,
    s: Shell,
    script: String,
    work: String,
    action: String,
    /// The form that was sent, to be sent again with the solution.
    fields: Vec<(String, String)>,
    /// A code can be sent: it stands for the work.
    code: Option<Link>,
}

/// What a form that takes a time has to work out, if anything; the work begins as soon as the page is there.
pub(super) async fn asked(visiting: &Visiting) -> ApiResult<Option<String>> {
    let (headers, wanted) = (visiting.headers.clone(), ApiQuery(WhatFor { purpose: None }));
    let work =
        work::current(visiting.app(), visiting.peer(), headers, visiting.portal(), visiting.visitor(), wanted).await?;
    written(&work.0)
}

fn written(work: &Work) -> ApiResult<Option<String>> {
    work.required.then(|| serde_json::to_string(work).map_err(Problem::internal)).transpose()
}

/// The address of the script that works.
pub(super) fn script() -> String {
    assets::address("work.js")
}

/// The page that works for what a form asked for, and sends the form again.
pub(super) async fn page(visiting: &Visiting, problem: &Problem, step: Step, form: &Fields) -> ApiResult<Response> {
    let work = problem.work.as_ref().map(written).transpose()?.flatten().unwrap_or_default();
    let (w, s) = (visiting.words, visiting.shell());
    let action = s.address(step.name());
    let fields = form.without("work");
    let visit = visiting.visit().await?;
    let ways = visiting.code_ways(&visit).await?;
    let then = [("then".to_owned(), step.name().to_owned())];
    let code = (!ways.is_empty()).then(|| s.link_with("code", w.t("work-code"), "button", &then));
    let page = render(&Page { w, css: s.css.clone(), s, script: script(), work, action, fields, code })?;
    Ok(with_status(page, problem.status))
}
