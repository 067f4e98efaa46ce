//! Why an availability was, or was not, shown to somebody at a moment: every rule with who set it, and the fewest
//! changes that turn it round.

use super::lines::kind;
use super::then::{Slider, Then, exact, read};
use super::viewer::Viewer;
use super::{Hall, reason};
use crate::http::AppState;
use crate::http::audit::explain::{ExplainQuery, Explanation, explain};
use crate::http::audit::replay::Steps;
use crate::http::extract::{ApiPath, ApiQueries};
use crate::http::problem::ApiResult;
use crate::pages::render;
use crate::pages::staff::frame::SignedIn;
use crate::pages::text::Words;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use booking_domain::clinic::Clinic;
use booking_domain::matching::fold_name;
use serde::Deserialize;
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/audit/explain", get(page))
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Asked {
    service: String,
    availability: String,
    agenda: String,
    slot: String,
    start: String,
}

impl Asked {
    fn pairs(&self) -> Vec<(String, String)> {
        let pairs = [
            ("availability", &self.availability),
            ("agenda", &self.agenda),
            ("slot", &self.slot),
            ("start", &self.start),
        ];
        let given = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        given.map(|(name, value)| (name.to_owned(), value.clone())).collect()
    }
    fn query(&self, service: Uuid) -> ExplainQuery {
        let text = |text: &String| (!text.is_empty()).then(|| text.clone());
        let id = |text: &String| (!text.is_empty()).then(|| text.parse().unwrap_or_default());
        ExplainQuery {
            service,
            availability: text(&self.availability),
            agenda: id(&self.agenda),
            slot: id(&self.slot),
            start: text(&self.start),
        }
    }
}

/// A service to choose.
struct Choice {
    id: Uuid,
    name: String,
    chosen: bool,
}

/// What one rule said.
struct Rule {
    words: String,
    passed: bool,
    /// Who set it, and when.
    set_by: Option<String>,
}

/// The whole answer.
struct Verdict {
    offered: bool,
    words: String,
    now: String,
    viewer: String,
    publish_at: Option<String>,
    rules: Vec<Rule>,
    otherwise: Vec<String>,
}

#[derive(askama::Template)]
#[template(path = "staff/audit/explain.html")]
struct Page {
    hall: Hall,
    slider: Slider,
    viewer: Viewer,
    kept: Vec<(String, String)>,
    services: Vec<Choice>,
    /// An availability is chosen.
    asked: bool,
    alert: Option<String>,
    verdict: Option<Verdict>,
    why: String,
}
super::in_hall!(Page);

async fn page(State(app): State<AppState>, mut signed: SignedIn, RawQuery(query): RawQuery) -> ApiResult<Response> {
    let (asked, viewer, then): (Asked, Viewer, Then) =
        (read(query.as_deref()), read(query.as_deref()), read(query.as_deref()));
    let reasoned = reason::given(&mut signed);
    if viewer.is_somebody() && !reasoned {
        return reason::ask(&app, &signed, "explain", signed.w.t("audit-explain")).await;
    }
    let w = signed.w;
    let rules = app.engine.rules(signed.principal.clinic).await?;
    let services = services(&rules.state, &asked.service);
    let chosen = services.iter().find(|service| service.chosen).or(services.first()).map(|service| service.id);
    let target = !asked.pairs().is_empty();
    let answer = match chosen.filter(|_| target) {
        None => None,
        Some(service) => {
            let query = ApiQueries((asked.query(service), viewer.who(), then.when(rules.state.zone())));
            let path = ApiPath(signed.clinic());
            Some(explain(State(app.clone()), signed.principal.clone(), path, query).await)
        }
    };
    let (verdict, alert) = match answer {
        None => (None, None),
        Some(Ok(read)) => (Some(read.body), None),
        Some(Err(problem)) if problem.status == 404 => (None, Some(w.t("explain-nothing"))),
        Some(Err(problem)) if problem.status == 400 => (None, Some(w.t("audit-bad-moment"))),
        Some(Err(problem)) => return Err(problem),
    };
    let mut own = viewer.pairs();
    own.extend(asked.pairs());
    own.extend(chosen.map(|service| ("service".to_owned(), service.to_string())));
    own.push(reason::kept(&signed));
    let shown = verdict.as_ref().map_or_else(String::new, |verdict| verdict.now.clone());
    let shown = if shown.is_empty() { app.engine.now().rfc3339(rules.state.zone()) } else { shown };
    let then_pairs = then.pairs().into_iter().map(|(name, value)| (name.to_owned(), value));
    let page = Page {
        // The moments of the rules that spoke are the steps: each is a link beside its rule.
        slider: Slider::new(w, "/audit/explain", own.clone(), &then, &shown, Steps::default()),
        kept: asked.pairs().into_iter().chain(then_pairs).collect(),
        verdict: verdict.map(|verdict| Verdict::of(w, &verdict)),
        viewer,
        services,
        asked: target,
        alert,
        why: signed.principal.purpose.unwrap_or_default().to_owned(),
        hall: Hall::new(&app, &signed, "explain").await?,
    };
    render(&page)
}

fn services(clinic: &Clinic, chosen: &str) -> Vec<Choice> {
    let all = clinic.services.iter().map(|(id, service)| Choice {
        id: id.0,
        name: service.config.internal_name.clone(),
        chosen: id.0.to_string() == chosen,
    });
    let mut all: Vec<Choice> = all.collect();
    all.sort_by_cached_key(|choice| (fold_name(&choice.name), choice.id));
    all
}

impl Verdict {
    fn of(w: Words, e: &Explanation) -> Self {
        let said = |en: &str, fr: &str| w.either(fr, en).to_owned();
        let rules = e.rules.iter().map(|rule| Rule {
            words: said(&rule.en, &rule.fr),
            passed: rule.passed,
            set_by: rule.set_by.as_ref().map(|set| {
                let who = set.name.clone().unwrap_or_else(|| kind(w, set.actor));
                let revision = set.revision.to_string();
                let what = set.what.clone();
                w.tv(
                    "explain-set-by",
                    &[("who", who), ("at", exact(w, &set.at)), ("what", what), ("revision", revision)],
                )
            }),
        });
        Self {
            offered: e.offered,
            words: said(&e.en, &e.fr),
            now: exact(w, &e.now),
            viewer: match (e.viewer.unknown, e.viewer.class) {
                (Some("erased"), _) => w.t("explain-viewer-erased"),
                (Some(_), _) => w.t("explain-viewer-no-record"),
                (None, "proven") => w.t("explain-viewer-proven"),
                (None, "recognized") => w.t("explain-viewer-recognized"),
                (None, _) => w.t("slot-anonymous"),
            },
            publish_at: e.publish_at.as_deref().map(|at| exact(w, at)),
            rules: rules.collect(),
            otherwise: e.smallest_change.iter().map(|change| said(&change.en, &change.fr)).collect(),
        }
    }
}
