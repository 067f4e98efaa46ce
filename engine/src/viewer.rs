//! Who the viewer is, as far as decisions need to know: resolved from the visit and the patient's stream, read to
//! its head (8.28). Never stored.

use crate::Engine;
use crate::quota::cap_of;
use crate::transact::Failure;
use crate::vault::{KeyUse, Visit};
use booking_domain::clinic::Clinic;
use booking_domain::ids::{AppointmentId, ClinicId, PatientId, ServiceId, SubjectId, VisitId};
use booking_domain::patient::Patient;
use booking_domain::person::{Email, Phone, Profile, ProvisionalContact};
use booking_domain::stream::StreamName;
use booking_domain::time::Instant;
use booking_domain::values::{Proof, RecognitionProof, ViewerClass};
use booking_domain::visibility::ViewerFacts;
use booking_events::sealed_forms::Plaintext;
use booking_store::fold::{Aggregate, FoldError, Folded, Upto, load};
use std::sync::Arc;

/// Contacts that a code proved.
#[derive(Default)]
struct ProvenContacts {
    email: Option<Email>,
    phone: Option<Phone>,
}

impl ProvenContacts {
    /// 8.7: one of them stands on the recognized record. One that came with somebody's health number and is not on their
    /// file proves nothing about them.
    fn stands_on(&self, profile: &Profile) -> bool {
        let email = self.email.as_ref().is_some_and(|email| profile.emails.contains(email));
        let phone = self.phone.as_ref().is_some_and(|phone| profile.phones.contains(phone));
        email || phone
    }
}

/// How long a chain of merged records is followed. Merges make no circle; this bounds damage.
const MERGE_CHAIN: usize = 32;

/// A viewer: the facts, and the record behind them.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// What the rules need to know.
    pub facts: ViewerFacts,
    /// The living record that the visitor was matched with; none: unrecognized.
    pub patient: Option<PatientId>,
    /// Whose future appointments count against a cap.
    pub(crate) counts: Counts,
}

/// Whose future appointments count against a cap (8.4).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum Counts {
    /// Nobody's: no cap binds.
    #[default]
    Nobody,
    /// A patient's.
    Patient(PatientId),
    /// Those of contacts that a code proved, by their keyed hashes.
    Contacts(Vec<[u8; 32]>),
}

impl Viewer {
    const fn unrecognized(visit: Option<VisitId>) -> Self {
        Self { facts: ViewerFacts::unrecognized(visit), patient: None, counts: Counts::Nobody }
    }
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
        let mut viewer = Viewer::unrecognized(Some(visit.id));
        let known = if let Some(patient) = visit.patient {
            self.living_record(visit.clinic, patient, Upto::Head).await?.ok()
        } else {
            self.read_as_if_recognized(visit).await?;
            None
        };
        let proven = self.proven_contacts(visit).await?;
        if let Some((patient, facts, profile)) = known {
            let class = if proven.stands_on(&profile) { ViewerClass::Proven } else { facts.class };
            viewer.facts = ViewerFacts { class, visit: Some(visit.id), ..facts };
            viewer.patient = Some(patient);
        }
        let rules = self.rules(visit.clinic).await?;
        let Some(service) = service.filter(|service| cap_of(&rules.state, *service).is_some()) else {
            return Ok(viewer);
        };
        // An unproven identity neither meets nor consumes a cap, or a stranger could ask whether somebody has
        // appointments, and use up their cap (8.4). A contact is looked up whether or not a patient's cap binds: that
        // takes the same for both.
        let contacts = self.hashes_of(visit.clinic, &proven).await?;
        let mut subjects = self.vault.contact_quotas(&contacts).await?;
        let everybody = rules.state.settings.recognition_proof == RecognitionProof::None;
        let binds = viewer.facts.class == ViewerClass::Proven || everybody;
        viewer.counts = match viewer.patient.filter(|_| binds) {
            Some(patient) => {
                subjects = self.merged_subjects(patient, Upto::Head).await?;
                Counts::Patient(patient)
            }
            None if contacts.is_empty() => return Ok(viewer),
            None => Counts::Contacts(contacts),
        };
        viewer.facts.counted = Some(self.counted(&subjects, service, except, self.present()).await?);
        Ok(viewer)
    }

    /// What a record would have cost, for somebody without one: as many streams read to their heads, and as much personal
    /// data opened. The time of an answer then says little about who is known, also where no deadline evens it out (8.7).
    async fn read_as_if_recognized<R>(&self, visit: &Visit) -> Result<(), Failure<R>> {
        self.rules(visit.clinic).await?;
        let typed = self.vault.visit_identity(visit).await?;
        let opened = typed.and_then(|t| ProvisionalContact::from_plaintext(visit.identity.schema, t.expose()).ok());
        std::hint::black_box(opened.map(|contact| contact.to_profile()));
        Ok(())
    }

    /// The typed contacts that a code proved.
    async fn proven_contacts<R>(&self, visit: &Visit) -> Result<ProvenContacts, Failure<R>> {
        let proof = Proof::from_code(visit.proof);
        if proof == Proof::None {
            return Ok(ProvenContacts::default());
        }
        let Some(bytes) = self.vault.visit_identity(visit).await? else { return Ok(ProvenContacts::default()) };
        let typed = ProvisionalContact::from_plaintext(visit.identity.schema, bytes.expose());
        let Ok(typed) = typed else { return Err(Failure::Unavailable("a visit's identity does not decode".into())) };
        Ok(ProvenContacts {
            email: typed.email.filter(|_| proof.email()),
            phone: typed.cell_phone.filter(|_| proof.phone()),
        })
    }

    /// Keyed hashes of contacts, as the vault knows them.
    async fn hashes_of<R>(&self, clinic: ClinicId, proven: &ProvenContacts) -> Result<Vec<[u8; 32]>, Failure<R>> {
        let keys = self.vault.clinic_keys(clinic).await?;
        let hash = |kind: &[u8], contact: &str| {
            keys.keyed_hash(KeyUse::Lookup, &[b"quota of a contact", kind, contact.as_bytes()])
        };
        let email = proven.email.as_ref().map(|email| hash(b"email", &email.folded()));
        let phone = proven.phone.as_ref().map(|phone| hash(b"phone", phone.as_str()));
        Ok(email.into_iter().chain(phone).collect())
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
        let (survivor, mut facts, _) = match self.living_record(clinic, patient, at.upto).await? {
            Ok(known) => known,
            Err(why) => return Ok((Viewer::unrecognized(None), Some(why))),
        };
        let mut counts = Counts::Nobody;
        if let Some(service) = service {
            let rules = self.read_at::<Clinic>(&StreamName::clinic(clinic), at.upto).await?;
            if cap_of(&rules.state, service).is_some() {
                let subjects = self.merged_subjects(survivor, at.upto).await?;
                facts.counted = Some(self.counted(&subjects, service, None, at).await?);
                counts = Counts::Patient(survivor);
            }
        }
        Ok((Viewer { facts, patient: Some(survivor), counts }, None))
    }

    /// The record that a patient leads to, what the rules need of it, and its details; or why nobody is left to
    /// recognize: dead, of another clinic, or erased.
    async fn living_record<R>(
        &self,
        clinic: ClinicId,
        patient: PatientId,
        upto: Upto,
    ) -> Result<Result<(PatientId, ViewerFacts, Profile), NotKnown>, Failure<R>> {
        let (survivor, folded) = self.survivor_at(patient, upto).await?;
        let record = &folded.state;
        if !record.is_live() || record.clinic != Some(clinic) {
            return Ok(Err(NotKnown::NoRecord));
        }
        let Some(sealed) = &record.profile else { return Ok(Err(NotKnown::NoRecord)) };
        // Data that was erased leaves nobody to recognize.
        let Some(profile) = self.unseal::<Profile>(clinic, SubjectId::from(survivor), sealed).await? else {
            return Ok(Err(NotKnown::Erased));
        };
        let facts = ViewerFacts {
            class: ViewerClass::Recognized,
            birth_date: Some(profile.birth_date),
            sex: Some(profile.sex),
            registration: Some(record.registration),
            visit: None,
            counted: None,
        };
        Ok(Ok((survivor, facts, profile)))
    }

    /// Now, by this engine's clock.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }
}
