//! Commands on the wish to forget a person, and the erasure itself.
//!
//! An erasure is four steps: the record is closed ([`Engine::close_records`]), so that nothing new is attached to it;
//! then [`Engine::erase`] writes whose keys go, which is the decisive append; then the edge copies the list outside the
//! databases; then the vault destroys the keys. Whoever finds a key of somebody on the list destroys it: after a crash
//! between the steps, or when an older vault was restored.

use crate::Engine;
use crate::context::Context;
use crate::transact::{Failure, Outcome};
use crate::vault::{VaultError, draw};
use booking_domain::erasure::{self, Erasure, ErasureEvent, ErasureRefusal, ErasureRequested};
use booking_domain::ids::{ClinicId, PatientId, SubjectId};
use booking_domain::patient::{self, Patient, PatientRefusal};
use booking_domain::sealed::Sealed;
use booking_domain::stream::StreamName;
use booking_domain::time::Instant;
use booking_domain::values::ErasureBasis;
use booking_events::sealed_forms::{Note, Plaintext};
use booking_events::sealing::{self, Field};
use booking_store::fold::{FoldError, Folded};

impl Engine {
    async fn on_erasure(
        &self,
        ctx: &Context,
        subject: SubjectId,
        step: &str,
        decide: impl Fn(&Erasure, Instant) -> Result<Vec<ErasureEvent>, ErasureRefusal> + Send + Sync,
    ) -> Outcome<Erasure, ErasureRefusal> {
        self.transact(ctx, &StreamName::erasure(subject), step, |e: &Folded<Erasure>, now| {
            // A person of another clinic looks like nobody.
            if e.state.clinic.is_some_and(|owner| owner != ctx.clinic) {
                return Err(ErasureRefusal::UnknownPerson);
            }
            decide(&e.state, now)
        })
        .await
    }

    /// `RequestErasure` for a patient record, or for a provisional contact. That the person is one of this clinic's is
    /// for the caller to see to.
    pub async fn request_erasure(
        &self,
        ctx: &Context,
        (subject, patient): (SubjectId, Option<PatientId>),
        basis: ErasureBasis,
        note: Option<&Note>,
    ) -> Outcome<Erasure, ErasureRefusal> {
        let note = self.sealed_note(ctx.clinic, subject, note).await?;
        let request = ErasureRequested { clinic: ctx.clinic, patient, basis, note };
        self.on_erasure(ctx, subject, "request", |e, _| erasure::decide_request(e, request.clone())).await
    }

    /// `DecideErasure`. `keep_until`: until when the data must be kept, if they must. To approve what must be kept
    /// records a refusal.
    pub async fn decide_erasure(
        &self,
        ctx: &Context,
        subject: SubjectId,
        approve: bool,
        note: Option<&Note>,
        keep_until: Option<Instant>,
        if_match: Option<u64>,
    ) -> Outcome<Erasure, ErasureRefusal> {
        let retention = self.rules(ctx.clinic).await?.state.retention;
        let note = self.sealed_note(ctx.clinic, subject, note).await?;
        self.on_erasure(ctx, subject, "decide", |e, now| {
            erasure::decide_approval(e, approve, note.clone(), (keep_until, retention), if_match, now)
        })
        .await
    }

    /// `WithdrawErasure`.
    pub async fn withdraw_erasure(
        &self,
        ctx: &Context,
        subject: SubjectId,
        if_match: Option<u64>,
    ) -> Outcome<Erasure, ErasureRefusal> {
        self.on_erasure(ctx, subject, "withdraw", |e, _| erasure::decide_withdraw(e, if_match)).await
    }

    /// `PlaceLegalHold`, `ReleaseLegalHold`.
    pub async fn legal_hold(&self, ctx: &Context, subject: SubjectId, held: bool) -> Outcome<Erasure, ErasureRefusal> {
        self.on_erasure(ctx, subject, "legal-hold", |e, _| erasure::decide_legal_hold(e, held)).await
    }

    /// The state of a person's erasure, read to its head.
    pub async fn erasure(&self, subject: SubjectId) -> Result<std::sync::Arc<Folded<Erasure>>, FoldError> {
        self.read::<Erasure>(&StreamName::erasure(subject)).await
    }

    /// `ErasePatient` on these records: from now on nothing is attached to them or merged with them.
    pub async fn close_records(&self, ctx: &Context, records: &[PatientId]) -> Result<(), Failure<PatientRefusal>> {
        for record in records {
            let step = crate::quota::child(ctx, &format!("close {record}"));
            let step = Context { actor: ctx.actor, ..step };
            self.transact(&step, &StreamName::patient(*record), "erase", |p: &Folded<Patient>, _| {
                patient::decide_erase_patient(&p.state)
            })
            .await?;
        }
        Ok(())
    }

    /// `EraseSubject`: the decisive append. The keys are still there: the caller copies the list, then has
    /// [`crate::vault::Vault::destroy_subjects`] destroy them.
    pub async fn erase(
        &self,
        ctx: &Context,
        subject: SubjectId,
        subjects: &[SubjectId],
        keep_until: Option<Instant>,
    ) -> Outcome<Erasure, ErasureRefusal> {
        self.on_erasure(ctx, subject, "erase", |e, now| erasure::decide_erase(e, subjects, keep_until, now)).await
    }

    /// Opens words about an erasure; none if they cannot be read any more. Whoever shows them answers for the record of it.
    pub async fn open_erasure_note(
        &self,
        clinic: ClinicId,
        subject: SubjectId,
        sealed: &Sealed,
    ) -> Result<Option<Note>, VaultError> {
        let keys = self.vault.clinic_keys(clinic).await?;
        let key = keys.audit_of(sealed.key_version);
        let opened = key.map(|key| sealing::open(key, clinic, subject, Field::Note, sealed));
        Ok(opened.and_then(Result::ok).and_then(|bytes| Note::from_plaintext(sealed.schema, &bytes).ok()))
    }

    /// Words about an erasure outlive it: they are sealed under the clinic's audit key.
    async fn sealed_note(
        &self,
        clinic: ClinicId,
        subject: SubjectId,
        note: Option<&Note>,
    ) -> Result<Option<Sealed>, VaultError> {
        let Some(note) = note else { return Ok(None) };
        let keys = self.vault.clinic_keys(clinic).await?;
        let (seal_id, nonce) = (draw(&*self.entropy), draw(&*self.entropy));
        let (schema, version, plaintext) = (Note::SCHEMA, keys.version(), note.to_plaintext());
        let sealed =
            sealing::seal(keys.audit(), clinic, subject, Field::Note, schema, version, seal_id, nonce, &plaintext);
        Ok(Some(sealed))
    }
}
