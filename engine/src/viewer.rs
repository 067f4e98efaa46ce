//! Who the viewer is, as far as decisions need to know: resolved from the visit and the patient's stream, read to
//! its head (8.28). Never stored.

use crate::Engine;
use crate::transact::Failure;
use crate::vault::Visit;
use booking_domain::ids::{AppointmentId, ClinicId, PatientId, ServiceId, SubjectId};
use booking_domain::patient::Patient;
use booking_domain::person::{Profile, ProvisionalContact};
use booking_domain::stream::StreamName;
use booking_domain::time::Instant;
use booking_domain::values::{Proof, RecognitionProof, ViewerClass};
use booking_domain::visibility::ViewerFacts;
use booking_events::sealed_forms::Plaintext;
use booking_store::fold::{Aggregate, FoldError, Folded, Upto, load};
use std::sync::Arc;

/// How long a chain of merged records is followed. Merges make no circle; this bounds damage.
const MERGE_CHAIN: usize = 32;

/// A viewer: the facts, and the record behind them.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// What the rules need to know.
    pub facts: ViewerFacts,
    /// The living record that the visitor was matched with; none: unrecognized.
    pub patient: Option<PatientId>,
}

/// A moment of the log and of the clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// How far the log is read.
    pub upto: Upto,
    /// What the clock shows.
    pub now: Instant,
}

/// Why nothing is known of a patient whom somebody looks as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotKnown {
    /// There was no such record in the clinic at that moment, or it had ended.
    NoRecord,
    /// What it held was erased since.
    Erased,
}

impl Engine {
    /// This moment.
    pub fn present(&self) -> Moment {
        Moment { upto: Upto::Head, now: self.clock.now() }
    }

    /// A stream as it was at a moment.
    pub(crate) async fn read_at<A: Aggregate>(
        &self,
        stream: &StreamName,
        upto: Upto,
    ) -> Result<Arc<Folded<A>>, FoldError> {
        match upto {
            Upto::Head => self.read(stream).await,
            past => Ok(Arc::new(load(&*self.log, stream, past).await?)),
        }
    }

    /// The record that `patient` leads to after merges, read to its head.
    pub async fn survivor(&self, patient: PatientId) -> Result<(PatientId, Arc<Folded<Patient>>), FoldError> {
        self.survivor_at(patient, Upto::Head).await
    }

    async fn survivor_at(
        &self,
        patient: PatientId,
        upto: Upto,
    ) -> Result<(PatientId, Arc<Folded<Patient>>), FoldError> {
        let mut id = patient;
        let mut folded = self.read_at::<Patient>(&StreamName::patient(id), upto).await?;
        for _ in 0..MERGE_CHAIN {
            let Some(into) = folded.state.merged_into else { break };
            id = into;
            folded = self.read_at::<Patient>(&StreamName::patient(id), upto).await?;
        }
        Ok((id, folded))
    }

    /// The viewer of a visit, for one service (whose cap may count). A merged record follows the survivor; a dead or
    /// erased one counts as unrecognized, and nothing tells the visitor so.
    pub async fn viewer<R>(&self, visit: &Visit, service: Option<ServiceId>) -> Result<Viewer, Failure<R>> {
        self.viewer_except(visit, service, None).await
    }

    /// The same, for a command that does not count its own booking.
    pub(crate) async fn viewer_except<R>(
        &self,
        visit: &Visit,
        service: Option<ServiceId>,
        except: Option<AppointmentId>,
    ) -> Result<Viewer, Failure<R>> {
        let unrecognized = Viewer { facts: ViewerFacts::unrecognized(Some(visit.id)), patient: None };
        let Some(patient) = visit.patient else {
            self.read_as_if_recognized(visit).await?;
            return Ok(unrecognized);
        };
        let mut viewer = self.viewer_of_patient(visit.clinic, patient, None).await?;
        viewer.facts.visit = Some(visit.id);
        let Some(patient) = viewer.patient else { return Ok(viewer) };
        if Proof::from_code(visit.proof) == Proof::Contact {
            viewer.facts.class = ViewerClass::Proven;
        }
        // An unproven identity neither meets nor consumes a cap, or a stranger could ask whether somebody has
        // appointments, and use up their cap (8.4).
        let settings = &self.rules(visit.clinic).await?.state.settings;
        let binds = viewer.facts.class == ViewerClass::Proven || settings.recognition_proof == RecognitionProof::None;
        if let Some(service) = service.filter(|_| binds) {
            viewer.facts.counted = self.counted(visit.clinic, patient, service, except, self.present()).await?;
        }
        Ok(viewer)
    }

    /// What a record would have cost, for somebody without one: a stream read to its head and personal data opened. The
    /// time of an answer then says little about who is known, also where no deadline evens it out (8.7).
    async fn read_as_if_recognized<R>(&self, visit: &Visit) -> Result<(), Failure<R>> {
        self.rules(visit.clinic).await?;
        let typed = self.vault.visit_identity(visit).await?;
        let opened = typed.and_then(|t| ProvisionalContact::from_plaintext(visit.identity.schema, t.expose()).ok());
        std::hint::black_box(opened);
        Ok(())
    }

    /// The viewer that a given patient would be: for their own changes, and for staff who preview.
    pub async fn viewer_of_patient<R>(
        &self,
        clinic: ClinicId,
        patient: PatientId,
        service: Option<ServiceId>,
    ) -> Result<Viewer, Failure<R>> {
        Ok(self.viewer_at(clinic, patient, service, self.present()).await?.0)
    }

    /// The same at any moment, and why nothing is known of the patient, if that is so. Rules and records are those of
    /// the moment; what a key that was destroyed since had sealed is gone for the past as well.
    pub async fn viewer_at<R>(
        &self,
        clinic: ClinicId,
        patient: PatientId,
        service: Option<ServiceId>,
        at: Moment,
    ) -> Result<(Viewer, Option<NotKnown>), Failure<R>> {
        let nobody = |why| (Viewer { facts: ViewerFacts::unrecognized(None), patient: None }, Some(why));
        let (survivor, folded) = self.survivor_at(patient, at.upto).await?;
        let record = &folded.state;
        if !record.is_live() || record.clinic != Some(clinic) {
            return Ok(nobody(NotKnown::NoRecord));
        }
        let Some(sealed) = &record.profile else { return Ok(nobody(NotKnown::NoRecord)) };
        // Data that was erased leaves nobody to recognize.
        let Some(profile) = self.unseal::<Profile>(clinic, SubjectId::from(survivor), sealed).await? else {
            return Ok(nobody(NotKnown::Erased));
        };
        let counted = match service {
            Some(service) => self.counted(clinic, survivor, service, None, at).await?,
            None => None,
        };
        let facts = ViewerFacts {
            class: ViewerClass::Recognized,
            birth_date: Some(profile.birth_date),
            sex: Some(profile.sex),
            registration: Some(record.registration),
            visit: None,
            counted,
        };
        Ok((Viewer { facts, patient: Some(survivor) }, None))
    }

    /// Now, by this engine's clock.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }
}
