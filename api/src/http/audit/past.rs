//! Who looks, and when: the viewer and the moment that explanations and time travel are asked for.
//!
//! What the log says is taken from the log, as of the moment: rules, days, records, caps. What it cannot say any more is
//! told: a record whose key was destroyed is nobody's, now and in the past.

use super::replay::{AsOf, Shows, moment};
use crate::http::AppState;
use crate::http::disclosure::{About, Access};
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads;
use booking_domain::agenda_day::AgendaDay;
use booking_domain::clinic::{Clinic, ClinicRefusal};
use booking_domain::ids::{AgendaId, AppointmentId, ClinicId, PatientId, ServiceId, VisitId};
use booking_domain::stream::StreamName;
use booking_domain::time::WallDate;
use booking_domain::values::{RecognitionProof, ViewerClass};
use booking_domain::visibility::ViewerFacts;
use booking_engine::{Moment, NotKnown};
use booking_projections::availability::Availability;
use booking_store::fold::{Upto, load};
use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// When; none of them: now.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhenQuery {
    /// The `as_of` of an answer: shows that answer again.
    pub(crate) as_of: Option<String>,
    /// Position of an event: right after it.
    pub(crate) at_position: Option<u64>,
    /// RFC 3339: at that moment.
    pub(crate) at_time: Option<String>,
}

/// As whom. Nothing: as somebody whom nobody knows.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Who {
    /// As this patient; none: as somebody whom nobody knows, or with a `proof` somebody with a record of whom nothing
    /// else is known.
    pub(crate) patient: Option<Uuid>,
    /// The patient is `recognized` (the default) or has `proven` it.
    pub(crate) proof: Option<String>,
    /// With the holds of this visit.
    pub(crate) visit: Option<Uuid>,
    /// As the visitor who booked this appointment online: what its booking recorded of them.
    pub(crate) appointment: Option<Uuid>,
}

impl Who {
    /// Whom it names.
    pub(crate) fn about(&self) -> About {
        match (self.patient, self.appointment) {
            (Some(patient), _) => About::Patient(PatientId(patient)),
            (None, Some(appointment)) => About::Appointment(AppointmentId(appointment)),
            (None, None) => About::Anybody,
        }
    }

    /// Notes whom it names; somebody who is not the clinic's does not exist here.
    pub(crate) async fn note(&self, app: &AppState, clinic: ClinicId, access: &Access<'_>) -> ApiResult<()> {
        if let Some(patient) = self.patient.map(PatientId) {
            let (_, record) = app.engine.survivor(patient).await?;
            if record.state.clinic != Some(clinic) {
                return Err(Problem::not_found());
            }
            access.about(patient.into());
        }
        if let Some(appointment) = self.appointment {
            access.about_appointment(&reads::appointment(app, clinic, AppointmentId(appointment)).await?);
        }
        Ok(())
    }
}

/// Who an answer was worked out for.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct ShownTo {
    /// `unrecognized`, `recognized` or `proven`.
    pub(crate) class: &'static str,
    /// What cannot be said of them any more: `no_record` (there was none then) or `erased`.
    pub(crate) unknown: Option<&'static str>,
}

/// A viewer at a moment.
pub(crate) struct Viewed {
    /// What the rules need to know.
    pub(crate) facts: ViewerFacts,
    /// For the answer.
    pub(crate) told: ShownTo,
}

/// A moment of one clinic.
pub(crate) struct Past<'a> {
    pub(crate) app: &'a AppState,
    pub(crate) clinic: ClinicId,
    pub(crate) at: Moment,
    /// It is not now.
    pub(crate) earlier: bool,
}

impl<'a> Past<'a> {
    /// The moment that a query names.
    pub(crate) async fn of(app: &'a AppState, clinic: ClinicId, when: &WhenQuery) -> ApiResult<Self> {
        let shows = moment(app, when.as_of.as_deref(), when.at_position, when.at_time.as_deref()).await?;
        Ok(match shows {
            Shows::Now => Self { app, clinic, at: app.engine.present(), earlier: false },
            Shows::Past { upto, now } => Self { app, clinic, at: Moment { upto, now }, earlier: true },
        })
    }

    /// The token that shows it again; none for a moment that was given by the clock alone.
    pub(crate) fn as_of(&self) -> Option<AsOf> {
        match self.at.upto {
            Upto::Position(position) => Some(AsOf { position, instant: self.at.now }),
            Upto::Head | Upto::Moment(_) => None,
        }
    }

    /// The clinic's rules.
    pub(crate) async fn rules(&self) -> ApiResult<Arc<Clinic>> {
        if self.at.upto == Upto::Head {
            return Ok(Arc::new(self.app.engine.rules(self.clinic).await?.state.clone()));
        }
        let folded = load::<Clinic>(&**self.app.log(), &StreamName::clinic(self.clinic), self.at.upto).await?;
        Ok(Arc::new(folded.state))
    }

    /// One day of one agenda.
    pub(crate) async fn day(&self, agenda: AgendaId, date: WallDate) -> ApiResult<AgendaDay> {
        let stream = StreamName::agenda_day(agenda, date);
        Ok(load::<AgendaDay>(&**self.app.log(), &stream, self.at.upto).await?.state)
    }

    /// Everything that could be booked on these days.
    pub(crate) async fn availability(&self, rules: &Clinic, from: WallDate, to: WallDate) -> ApiResult<Availability> {
        let dates = || (from.0..=to.0).map(WallDate);
        let places: Vec<_> = rules.agendas.keys().flat_map(|agenda| dates().map(|date| (*agenda, date))).collect();
        let folds: Vec<_> = places
            .into_iter()
            .map(|(agenda, date)| async move {
                let day = self.day(agenda, date).await?;
                Ok::<_, Problem>(((agenda, date), day.occupancy))
            })
            .collect();
        let days: Vec<_> = futures::stream::iter(folds).buffered(16).try_collect().await?;
        Ok(Availability::of(self.clinic, days.into_iter().filter(|(_, day)| !day.slots.is_empty())))
    }

    /// What the rules know of a viewer; the caller has noted whom the query names.
    pub(crate) async fn viewer(&self, who: &Who, service: Option<ServiceId>) -> ApiResult<Viewed> {
        if who.patient.is_some() && who.appointment.is_some() {
            return Err(Problem::bad_parameter("appointment", "give either a patient or an appointment"));
        }
        let asked = match who.proof.as_deref() {
            None | Some("recognized") => ViewerClass::Recognized,
            Some("proven") => ViewerClass::Proven,
            Some(_) => return Err(Problem::bad_parameter("proof", "must be recognized or proven")),
        };
        let mut visit = who.visit.map(VisitId);
        let (mut patient, mut class) = (who.patient.map(PatientId), asked);
        if let Some(appointment) = who.appointment {
            let row = reads::appointment(self.app, self.clinic, AppointmentId(appointment)).await?;
            let admission = row.admission.as_ref().ok_or_else(Problem::not_found)?;
            class = admission.viewer_class;
            // Whom staff attached later was not known to the portal.
            patient = row.patient.filter(|_| !row.attached && class != ViewerClass::Unrecognized);
            let at = reads::whereabouts(&row);
            let day = self.app.engine.day(at.agenda, at.date).await?;
            visit = visit.or(day.state.appointments.get(&row.id).and_then(|a| a.visit));
        }
        let Some(patient) = patient else {
            return Ok(match (&who.proof, who.appointment) {
                (Some(_), None) => somebody(class, visit),
                _ => nobody(visit, None),
            });
        };
        let rules = self.rules().await?;
        // As on the portal, a cap binds whoever is proven, and everybody who is recognized where nobody has to prove it.
        let proof_is_asked = rules.settings.recognition_proof != RecognitionProof::None;
        let counting = service.filter(|_| class == ViewerClass::Proven || !proof_is_asked);
        let known = self.app.engine.viewer_at::<ClinicRefusal>(self.clinic, patient, counting, self.at).await?;
        match known {
            (viewer, None) => {
                let facts = ViewerFacts { class, visit, ..viewer.facts };
                let told = ShownTo { class: class.name(), unknown: None };
                Ok(Viewed { facts, told })
            }
            (_, Some(NotKnown::NoRecord)) => Ok(nobody(visit, Some("no_record"))),
            (_, Some(NotKnown::Erased)) => Ok(nobody(visit, Some("erased"))),
        }
    }
}

/// Somebody with a record of whom nothing else is known: what such a criterion needs is missing (8.1), no cap counts.
fn somebody(class: ViewerClass, visit: Option<VisitId>) -> Viewed {
    let told = ShownTo { class: class.name(), unknown: None };
    Viewed { facts: ViewerFacts { class, ..ViewerFacts::unrecognized(visit) }, told }
}

fn nobody(visit: Option<VisitId>, unknown: Option<&'static str>) -> Viewed {
    let told = ShownTo { class: ViewerClass::Unrecognized.name(), unknown };
    Viewed { facts: ViewerFacts::unrecognized(visit), told }
}
