//! Why an availability is, or is not, online: every rule that the one visibility function asked, in words, for each
//! service and a viewer that is chosen.

use crate::http::AppState;
use crate::http::auth::CARE;
use crate::http::problem::{ApiResult, Problem};
use crate::http::wire;
use crate::pages::staff::frame::SignedIn;
use crate::pages::text::Words;
use booking_domain::agenda_day::DayRefusal;
use booking_domain::clinic::Clinic;
use booking_domain::ids::{AgendaId, PatientId, ServiceId, SlotId};
use booking_domain::time::{Instant, WallDate};
use booking_domain::values::ViewerClass;
use booking_domain::visibility::{Candidate, Rule, Verdict, ViewerFacts, evaluate};
use uuid::Uuid;

/// What one rule said.
pub(super) struct Finding {
    pub(super) words: String,
    pub(super) passed: bool,
}

/// What one service says.
pub(super) struct Of {
    pub(super) service: String,
    pub(super) offered: bool,
    pub(super) publish_at: Option<String>,
    pub(super) findings: Vec<Finding>,
}

/// The whole answer for one availability and one viewer.
pub(super) struct Explained {
    pub(super) start: String,
    pub(super) time: String,
    pub(super) viewer: String,
    /// A patient's id, if it is one.
    pub(super) patient: Option<Uuid>,
    pub(super) offered: bool,
    pub(super) services: Vec<Of>,
}

fn rule(w: Words, rule: Rule) -> String {
    match rule {
        Rule::PortalActive => w.t("rule-portal-active"),
        Rule::ServiceActive => w.t("rule-service-active"),
        Rule::ActivityLinked => w.t("rule-activity-linked"),
        Rule::ActivityActive => w.t("rule-activity-active"),
        Rule::PractitionerFilter => w.t("rule-practitioner"),
        Rule::Origin => w.t("rule-origin"),
        Rule::Recognition => w.t("rule-recognition"),
        Rule::Criterion(place) => format!("{} ({})", w.t("rule-criterion"), u16::from(place) + 1),
        Rule::NotStarted => w.t("rule-not-started"),
        Rule::MinNotice => w.t("rule-min-notice"),
        Rule::Published => w.t("rule-published"),
        Rule::Cap => w.t("rule-cap"),
        Rule::Free => w.t("rule-free"),
    }
}

async fn facts(app: &AppState, signed: &SignedIn, viewer: Option<&str>, service: ServiceId) -> ApiResult<ViewerFacts> {
    let unrecognized = ViewerFacts::unrecognized(None);
    match viewer {
        Some("recognized") => Ok(ViewerFacts { class: ViewerClass::Proven, ..unrecognized }),
        Some(id) => match id.parse::<Uuid>() {
            Ok(patient) => {
                let clinic = signed.principal.clinic;
                let found = app.engine.viewer_of_patient::<DayRefusal>(clinic, PatientId(patient), Some(service));
                let mut facts = found.await.map_err(Problem::from)?.facts;
                // As somebody who returned the code; otherwise nothing that is restricted would ever be seen.
                if facts.class == ViewerClass::Recognized {
                    facts.class = ViewerClass::Proven;
                }
                Ok(facts)
            }
            Err(_) => Ok(unrecognized),
        },
        None => Ok(unrecognized),
    }
}

fn of(w: Words, clinic: &Clinic, name: &str, verdict: &Verdict) -> Of {
    let publish_at = verdict.publish_at.map(|at| {
        let moment = if at == Instant::MIN { w.t("slot-at-once") } else { w.moment(at, clinic.zone()) };
        w.tv("slot-publish-at", &[("moment", moment)])
    });
    let finding = |finding: &booking_domain::visibility::Finding| Finding {
        words: rule(w, finding.rule),
        passed: finding.passed,
    };
    Of {
        service: name.to_owned(),
        offered: verdict.offered,
        publish_at,
        findings: verdict.findings.iter().map(finding).collect(),
    }
}

/// Explains the availability of a slot that starts at `start` (RFC 3339).
pub(super) async fn explain(
    app: &AppState,
    signed: &SignedIn,
    (agenda, date, slot): (Uuid, &str, Uuid),
    start: &str,
    viewer: Option<&str>,
) -> ApiResult<Explained> {
    signed.principal.allow(signed.principal.clinic, CARE)?;
    let w = signed.w;
    let rules = app.engine.rules(signed.principal.clinic).await?;
    let clinic = &rules.state;
    let agenda = AgendaId(agenda);
    let on = WallDate::parse(date).filter(|_| clinic.agendas.contains_key(&agenda)).ok_or_else(Problem::not_found)?;
    let at = wire::instant("start", start).map_err(|_| Problem::not_found())?;
    let day = app.engine.day(agenda, on).await?;
    let occupancy = &day.state.occupancy;
    let found = occupancy.slot(SlotId(slot)).ok_or_else(Problem::not_found)?;
    let span = found.availabilities().find(|span| span.start == at).ok_or_else(Problem::not_found)?;
    let now = app.engine.now();
    let candidate = Candidate { slot: found, span, freedom: occupancy.freedom(found, span, None, None, now) };
    let mut services = Vec::with_capacity(clinic.services.len());
    for (id, service) in &clinic.services {
        let facts = facts(app, signed, viewer, *id).await?;
        let verdict = evaluate(clinic, service, &candidate, &facts, now);
        services.push(of(w, clinic, &service.config.internal_name, &verdict));
    }
    // What is offered first, then what comes nearest.
    services.sort_by_key(|of| (!of.offered, of.findings.iter().filter(|f| !f.passed).count()));
    let patient = viewer.and_then(|viewer| viewer.parse().ok());
    Ok(Explained {
        start: start.to_owned(),
        time: w.moment(at, clinic.zone()),
        viewer: match viewer {
            Some("recognized") => w.t("slot-recognized"),
            Some(_) if patient.is_some() => w.t("slot-patient"),
            _ => w.t("slot-anonymous"),
        },
        patient,
        offered: services.iter().any(|of| of.offered),
        services,
    })
}
