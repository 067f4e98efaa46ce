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
use booking_store::fold::{FoldError, Folded};
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

impl Engine {
    /// The record that `patient` leads to after merges, read to its head.
    pub async fn survivor(&self, patient: PatientId) -> Result<(PatientId, Arc<Folded<Patient>>), FoldError> {
        let mut id = patient;
        let mut folded = self.read::<Patient>(&StreamName::patient(id)).await?;
        for _ in 0..MERGE_CHAIN {
            let Some(into) = folded.state.merged_into else { break };
            id = into;
            folded = self.read::<Patient>(&StreamName::patient(id)).await?;
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
        let Some((patient, mut facts, profile)) = self.living_record(visit.clinic, patient).await? else {
            return Ok(unrecognized);
        };
        facts.visit = Some(visit.id);
        if self.contact_on_file(visit, &profile).await? {
            facts.class = ViewerClass::Proven;
        }
        let mut viewer = Viewer { facts, patient: Some(patient) };
        // An unproven identity neither meets nor consumes a cap, or a stranger could ask whether somebody has
        // appointments, and use up their cap (8.4).
        let settings = &self.rules(visit.clinic).await?.state.settings;
        let binds = viewer.facts.class == ViewerClass::Proven || settings.recognition_proof == RecognitionProof::None;
        if let Some(service) = service.filter(|_| binds) {
            viewer.facts.counted = self.counted(visit.clinic, patient, service, except).await?;
        }
        Ok(viewer)
    }

    /// What a record would have cost, for somebody without one: a stream read to its head and personal data opened. The
    /// time of an answer then says little about who is known, also where no deadline evens it out (8.7).
    async fn read_as_if_recognized<R>(&self, visit: &Visit) -> Result<(), Failure<R>> {
        self.rules(visit.clinic).await?;
        // Once for the record, and once more where a proven contact would be compared with it.
        for _ in 0..=u8::from(Proof::from_code(visit.proof) != Proof::None) {
            let typed = self.vault.visit_identity(visit).await?;
            let opened = typed.and_then(|t| ProvisionalContact::from_plaintext(visit.identity.schema, t.expose()).ok());
            std::hint::black_box(opened);
        }
        Ok(())
    }

    /// 8.7: a contact that a code proved stands on the recognized record. One that came with somebody's health number
    /// and is not on their file proves nothing about them.
    async fn contact_on_file<R>(&self, visit: &Visit, profile: &Profile) -> Result<bool, Failure<R>> {
        let proof = Proof::from_code(visit.proof);
        if proof == Proof::None {
            return Ok(false);
        }
        let Some(bytes) = self.vault.visit_identity(visit).await? else { return Ok(false) };
        let typed = ProvisionalContact::from_plaintext(visit.identity.schema, bytes.expose());
        let Ok(typed) = typed else { return Err(Failure::Unavailable("a visit's identity does not decode".into())) };
        let email = proof.email() && profile.emails.iter().any(|e| Some(e) == typed.email.as_ref());
        let phone = proof.phone() && profile.phones.iter().any(|p| Some(p) == typed.cell_phone.as_ref());
        Ok(email || phone)
    }

    /// The viewer that a given patient would be: for their own changes, and for staff who preview.
    pub async fn viewer_of_patient<R>(
        &self,
        clinic: ClinicId,
        patient: PatientId,
        service: Option<ServiceId>,
    ) -> Result<Viewer, Failure<R>> {
        let Some((survivor, mut facts, _)) = self.living_record(clinic, patient).await? else {
            return Ok(Viewer { facts: ViewerFacts::unrecognized(None), patient: None });
        };
        if let Some(service) = service {
            facts.counted = self.counted(clinic, survivor, service, None).await?;
        }
        Ok(Viewer { facts, patient: Some(survivor) })
    }

    /// The record that a patient leads to, what the rules need of it, and its details; none if nobody is left to
    /// recognize: dead, erased, or of another clinic.
    async fn living_record<R>(
        &self,
        clinic: ClinicId,
        patient: PatientId,
    ) -> Result<Option<(PatientId, ViewerFacts, Profile)>, Failure<R>> {
        let (survivor, folded) = self.survivor(patient).await?;
        let record = &folded.state;
        if !record.is_live() || record.clinic != Some(clinic) {
            return Ok(None);
        }
        let Some(sealed) = &record.profile else { return Ok(None) };
        // Data that was erased leaves nobody to recognize.
        let Some(profile) = self.unseal::<Profile>(clinic, SubjectId::from(survivor), sealed).await? else {
            return Ok(None);
        };
        let facts = ViewerFacts {
            class: ViewerClass::Recognized,
            birth_date: Some(profile.birth_date),
            sex: Some(profile.sex),
            registration: Some(record.registration),
            visit: None,
            counted: None,
        };
        Ok(Some((survivor, facts, profile)))
    }

    /// Now, by this engine's clock.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }
}
