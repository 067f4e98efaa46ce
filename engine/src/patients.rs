//! Commands on patient records: register, update, registration, death, merge.

use crate::Engine;
use crate::context::Context;
use crate::transact::{Failure, Outcome};
use crate::vault::VaultError;
use booking_domain::ids::{PatientId, SubjectId};
use booking_domain::patient::{self, Patient, PatientRefusal, PatientRegistered, Registration};
use booking_domain::person::Profile;
use booking_domain::stream::StreamName;
use booking_domain::time::WallDate;
use booking_domain::values::BadField;
use booking_events::sealed_forms::DeathDate;
use booking_store::fold::Folded;

/// `RegisterPatient` as it arrives.
#[derive(Clone, Debug)]
pub struct NewPatient {
    /// The record's id: from the command, or from an import's external key.
    pub id: PatientId,
    /// Who it is.
    pub profile: Profile,
    /// Registration with a family doctor.
    pub registration: Registration,
    /// It comes by an import.
    pub imported: bool,
}

impl Engine {
    fn on_patient<'a>(
        &'a self,
        ctx: &'a Context,
        id: PatientId,
        step: &'a str,
        decide: impl Fn(&Patient) -> Result<Vec<patient::PatientEvent>, PatientRefusal> + Send + Sync + 'a,
    ) -> impl Future<Output = Outcome<Patient, PatientRefusal>> + Send + 'a {
        let clinic = ctx.clinic;
        async move {
            self.transact(ctx, &StreamName::patient(id), step, |p: &Folded<Patient>, _| {
                // A record of another clinic looks like none.
                if p.state.clinic.is_some_and(|owner| owner != clinic) {
                    return Err(PatientRefusal::UnknownPatient);
                }
                decide(&p.state)
            })
            .await
        }
    }

    /// `RegisterPatient`: the key first, then the record, in one append.
    pub async fn register_patient(&self, ctx: &Context, new: &NewPatient) -> Outcome<Patient, PatientRefusal> {
        self.check_registration(ctx, new.registration).await?;
        let subject = SubjectId::from(new.id);
        self.vault.create_subject(ctx.clinic, subject, ctx.received_at).await?;
        self.register_with_key(ctx, new).await
    }

    /// The same for a record whose key is there already: an import makes keys in bulk.
    pub async fn register_with_key(&self, ctx: &Context, new: &NewPatient) -> Outcome<Patient, PatientRefusal> {
        let profile = self.seal(ctx.clinic, SubjectId::from(new.id), &new.profile).await?;
        let (patient, clinic, imported) = (new.id, ctx.clinic, new.imported);
        let registered = PatientRegistered { patient, clinic, profile, imported };
        self.on_patient(ctx, new.id, "register", |p| {
            let mut events = patient::decide_register_patient(p, registered.clone())?;
            if !events.is_empty() && new.registration != Registration::None {
                let registration = new.registration;
                events.push(patient::PatientEvent::RegistrationSet(patient::RegistrationSet { registration }));
            }
            Ok(events)
        })
        .await
    }

    /// `UpdatePatient`: the details as a whole.
    pub async fn update_patient(
        &self,
        ctx: &Context,
        id: PatientId,
        profile: &Profile,
        if_match: Option<u64>,
    ) -> Outcome<Patient, PatientRefusal> {
        let known = self.read::<Patient>(&StreamName::patient(id)).await?;
        if known.state.clinic != Some(ctx.clinic) {
            return Err(Failure::Refused(PatientRefusal::UnknownPatient));
        }
        let sealed = match self.seal(ctx.clinic, SubjectId::from(id), profile).await {
            Err(VaultError::Gone) => return Err(Failure::Refused(PatientRefusal::Erased)),
            other => other?,
        };
        // The same details sealed again are other bytes: nothing to do is decided on what they say.
        let before = match &known.state.profile {
            Some(sealed) => self.unseal::<Profile>(ctx.clinic, SubjectId::from(id), sealed).await?,
            None => None,
        };
        let same = before.as_ref() == Some(profile);
        self.on_patient(ctx, id, "update", |p| {
            let sealed = if same { p.profile.clone().unwrap_or_else(|| sealed.clone()) } else { sealed.clone() };
            patient::decide_update_patient(p, sealed, if_match)
        })
        .await
    }

    /// `SetRegistration`.
    pub async fn set_registration(
        &self,
        ctx: &Context,
        id: PatientId,
        registration: Registration,
        if_match: Option<u64>,
    ) -> Outcome<Patient, PatientRefusal> {
        self.check_registration(ctx, registration).await?;
        self.on_patient(ctx, id, "registration", |p| patient::decide_set_registration(p, registration, if_match)).await
    }

    async fn check_registration(
        &self,
        ctx: &Context,
        registration: Registration,
    ) -> Result<(), Failure<PatientRefusal>> {
        let Some(practitioner) = registration.practitioner() else { return Ok(()) };
        let rules = self.rules(ctx.clinic).await?;
        if rules.state.practitioners.contains_key(&practitioner) {
            return Ok(());
        }
        Err(Failure::Refused(BadField::new("registration.practitioner", "is not known").into()))
    }

    /// `MarkDeceased`.
    pub async fn mark_deceased(
        &self,
        ctx: &Context,
        id: PatientId,
        date: Option<WallDate>,
        if_match: Option<u64>,
    ) -> Outcome<Patient, PatientRefusal> {
        let known = self.read::<Patient>(&StreamName::patient(id)).await?;
        if known.state.clinic != Some(ctx.clinic) {
            return Err(Failure::Refused(PatientRefusal::UnknownPatient));
        }
        let sealed = match date {
            Some(date) => Some(self.seal(ctx.clinic, SubjectId::from(id), &DeathDate { date }).await?),
            None => None,
        };
        self.on_patient(ctx, id, "deceased", |p| patient::decide_mark_deceased(p, sealed.clone(), if_match)).await
    }

    /// `MergePatients`: `loser` leads to `survivor` from now on. Announced on the survivor, decided on the loser,
    /// completed on the survivor; a broken run is finished by running it again.
    pub async fn merge_patients(
        &self,
        ctx: &Context,
        loser: PatientId,
        survivor: PatientId,
    ) -> Outcome<Patient, PatientRefusal> {
        let from = self.read::<Patient>(&StreamName::patient(loser)).await?;
        if from.state.clinic != Some(ctx.clinic) {
            return Err(Failure::Refused(PatientRefusal::UnknownPatient));
        }
        let announce = own_step(ctx, "announce");
        let announced = self
            .on_patient(&announce, survivor, "announce", |p| patient::decide_receive_merge(p, loser, ctx.clinic))
            .await?;
        let received = announced.folded.state.receiving.get(&loser).copied();
        if let Some(received) = received {
            let merged = self.on_patient(ctx, loser, "merge", |p| patient::decide_merge(p, survivor, received)).await;
            if let Err(Failure::Refused(refusal)) = merged {
                let decline = own_step(ctx, "decline");
                let declined = self
                    .on_patient(&decline, loser, "decline", |p| patient::decide_decline_merge(p, survivor, received))
                    .await;
                if declined.is_ok() {
                    let abandon = own_step(ctx, "abandon");
                    self.on_patient(&abandon, survivor, "abandon", |p| {
                        patient::decide_abandon_merge(p, loser, received)
                    })
                    .await?;
                }
                return Err(Failure::Refused(refusal));
            }
            merged?;
        }
        let complete = own_step(ctx, "complete");
        self.on_patient(&complete, survivor, "complete", |p| patient::decide_complete_merge(p, loser)).await
    }
}

/// A later step of the same command on another stream, by the same person.
fn own_step(ctx: &Context, purpose: &str) -> Context {
    Context { actor: ctx.actor, ..crate::quota::child(ctx, purpose) }
}
