//! Why an availability is, or is not, online, and as whom: what the API's explanation says for every service, with who
//! set each rule and what would turn it round. To look as a patient is recorded before anything is shown.

use crate::http::AppState;
use crate::http::audit::explain::{Everything, Explanation, SetBy, Spot, explain_everything};
use crate::http::audit::past::Who;
use crate::http::auth::CARE;
use crate::http::problem::{ApiResult, Problem};
use crate::http::wire;
use crate::pages::staff::appointments::moment;
use crate::pages::staff::frame::SignedIn;
use crate::pages::text::Words;
use booking_domain::ids::{AgendaId, SlotId};
use booking_domain::time::{Tz, WallDate};
use serde::Deserialize;
use uuid::Uuid;

/// As whom a page looks. Nothing: as somebody whom nobody knows.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct AsWhom {
    /// The availability that is asked about: its start, RFC 3339.
    pub(super) start: Option<String>,
    /// `anonymous`, `recognized`, or a patient's id.
    viewer: Option<String>,
    /// A patient who returned no code is `recognized`; none: one who did.
    proof: Option<String>,
}

impl AsWhom {
    /// At an availability, as nobody in particular.
    pub(super) fn at(start: String) -> Self {
        Self { start: Some(start), ..Self::default() }
    }
    fn patient(&self) -> Option<Uuid> {
        self.viewer.as_deref().and_then(|viewer| viewer.parse().ok())
    }
    fn is_proven(&self) -> bool {
        self.proof.as_deref() != Some("recognized")
    }
    fn who(&self) -> Who {
        let patient = self.patient();
        let named = patient.is_some() || self.viewer.as_deref() == Some("recognized");
        let proof = if self.is_proven() { "proven" } else { "recognized" };
        Who { patient, proof: named.then(|| proof.to_owned()), ..Who::default() }
    }
}

/// What one rule said.
pub(super) struct Finding {
    pub(super) words: String,
    pub(super) passed: bool,
    /// Who set it, and when.
    pub(super) set_by: Option<String>,
}

/// What one service says.
pub(super) struct Of {
    pub(super) service: String,
    pub(super) offered: bool,
    pub(super) words: String,
    pub(super) findings: Vec<Finding>,
    /// The fewest changes that turn it round.
    pub(super) otherwise: Vec<String>,
}

/// The whole answer for one availability and one viewer.
pub(super) struct Explained {
    pub(super) start: String,
    pub(super) time: String,
    /// As whom, in words.
    pub(super) viewer: String,
    pub(super) recognized: bool,
    /// A patient, by id and name.
    pub(super) patient: Option<(Uuid, String)>,
    pub(super) proven: bool,
    pub(super) offered: bool,
    pub(super) services: Vec<Of>,
}

fn set_by(w: Words, set: &SetBy, zone: Tz) -> String {
    let who = match (&set.name, set.actor) {
        (Some(name), _) => name.clone(),
        (None, "staff" | "token") => w.t("actor-staff"),
        (None, "visit" | "link") => w.t("actor-patient"),
        _ => w.t("actor-system"),
    };
    w.tv("slot-set-by", &[("who", who), ("at", moment(w, &set.at, zone))])
}

fn of(w: Words, service: String, explanation: &Explanation, zone: Tz) -> Of {
    let either = |en: &str, fr: &str| if w.is_english() { en.to_owned() } else { fr.to_owned() };
    let findings = explanation.rules.iter().map(|rule| Finding {
        words: either(&rule.en, &rule.fr),
        passed: rule.passed,
        set_by: rule.set_by.as_ref().map(|set| set_by(w, set, zone)),
    });
    Of {
        service,
        offered: explanation.offered,
        words: either(&explanation.en, &explanation.fr),
        findings: findings.collect(),
        otherwise: explanation.smallest_change.iter().map(|change| either(&change.en, &change.fr)).collect(),
    }
}

/// Explains an availability of a slot.
pub(super) async fn explain(
    app: &AppState,
    signed: &SignedIn,
    (agenda, date, slot): (Uuid, &str, Uuid),
    start: &str,
    as_whom: &AsWhom,
) -> ApiResult<Explained> {
    signed.principal.allow(signed.principal.clinic, CARE)?;
    let w = signed.w;
    let zone = app.engine.rules(signed.principal.clinic).await?.state.zone();
    let at = wire::instant("start", start).map_err(|_| Problem::not_found())?;
    WallDate::parse(date).filter(|date| at.wall(zone).0 == *date).ok_or_else(Problem::not_found)?;
    let wanted = Spot { agenda: AgendaId(agenda), slot: SlotId(slot), start: at };
    let answer = explain_everything(app, &signed.principal, &as_whom.who(), wanted).await?;
    let Everything { services, patient } = answer;
    if services.iter().any(|(_, explanation)| !explanation.exists) {
        return Err(Problem::not_found());
    }
    let mut services: Vec<Of> = services.into_iter().map(|(name, told)| of(w, name, &told, zone)).collect();
    // What is offered first, then what comes nearest.
    services.sort_by_key(|of| (!of.offered, of.findings.iter().filter(|f| !f.passed).count()));
    let patient = as_whom.patient().map(|id| {
        let name = patient.as_ref().and_then(|name| name.get());
        let name = name.map_or_else(|| w.t("person-erased"), |name| format!("{} {}", name.first_name, name.last_name));
        (id, name)
    });
    let recognized = as_whom.viewer.as_deref() == Some("recognized");
    Ok(Explained {
        start: start.to_owned(),
        time: w.moment(at, zone),
        viewer: match &patient {
            Some((_, name)) if as_whom.is_proven() => w.tv("slot-as-proven", &[("who", name)]),
            Some((_, name)) => w.tv("slot-as-unproven", &[("who", name)]),
            None if recognized => w.t("slot-recognized"),
            None => w.t("slot-anonymous"),
        },
        recognized,
        patient,
        proven: as_whom.is_proven(),
        offered: services.iter().any(|of| of.offered),
        services,
    })
}
