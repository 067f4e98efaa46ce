//! Visits to the portal: one identification, good for at most a day. A visit and its subject's key are made in one
//! write, so that a booking later costs one durable commit in the log and none here but the keeping of the key.

use super::database::Row;
use super::error::{Result, VaultError};
use super::keys::TRIES;
use super::subjects::{SUBJECT_KEY_VERSION, new_key};
use super::token::{Token, same};
use super::writer::Statement;
use super::{Vault, draw, row, sql};
use booking_domain::ids::{ClinicId, PatientId, SubjectId, VisitId};
use booking_domain::phi::Phi;
use booking_domain::sealed::Sealed;
use booking_domain::time::Instant;
use booking_events::sealing::{Field, SubjectKey, open, seal};
use std::fmt;
use std::sync::Arc;

/// Hours after which a visit is deleted, with the keys that nobody kept; no visit lasts longer.
pub const VISIT_HOURS: i64 = 24;

/// A visit that is about to open.
#[derive(Clone, Debug)]
pub struct NewVisit {
    /// Its id.
    pub id: VisitId,
    /// The clinic of the portal.
    pub clinic: ClinicId,
    /// The subject that is made with it.
    pub subject: SubjectId,
    /// What the visitor typed, encoded; sealed before it is stored.
    pub identity: Phi<Vec<u8>>,
    /// The layout of `identity`.
    pub identity_schema: u16,
    /// The record that the visitor was recognized as, if any; never shown to the visitor.
    pub patient: Option<PatientId>,
    /// The language of the pages: `fr` or `en`.
    pub language: String,
    /// The proof state's code; 0: none.
    pub proof: u8,
    /// The version of the terms that were accepted.
    pub terms_version: u32,
    /// Now.
    pub opened_at: Instant,
    /// When it ends unless it is touched; at most [`VISIT_HOURS`] after its opening.
    pub expires_at: Instant,
    /// A keyed hash of where it came from, for limits per source.
    pub source_hash: Option<[u8; 32]>,
}

/// A visit as it is stored. Its `Debug` shows ids and times only.
#[derive(Clone)]
pub struct Visit {
    /// Its id.
    pub id: VisitId,
    /// The clinic of the portal.
    pub clinic: ClinicId,
    /// Its subject.
    pub subject: SubjectId,
    /// What the visitor typed, sealed under the subject's key as [`Field::VisitIdentity`].
    pub identity: Sealed,
    /// The record that the visitor was recognized as, if any.
    pub patient: Option<PatientId>,
    /// The language of the pages.
    pub language: String,
    /// The proof state's code; 0: none.
    pub proof: u8,
    /// The version of the terms that were accepted.
    pub terms_version: u32,
    /// When it was opened.
    pub opened_at: Instant,
    /// When it ends.
    pub expires_at: Instant,
    /// A keyed hash of where it came from.
    pub source_hash: Option<[u8; 32]>,
    draft: Option<Sealed>,
    token_hash: [u8; 32],
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Visit");
        shown.field("id", &self.id).field("clinic", &self.clinic).field("opened_at", &self.opened_at);
        shown.field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// A visit that was just opened.
#[derive(Debug)]
pub struct OpenedVisit {
    /// What the visitor's browser shows from now on. It is not stored.
    pub token: Token,
    /// The visit.
    pub visit: Visit,
    /// The key of its subject, to seal what goes into events.
    pub key: Arc<SubjectKey>,
}

/// What a visit's token leads to.
#[derive(Clone, Debug)]
pub enum VisitLookup {
    /// A visit that is going on.
    Open(Arc<Visit>),
    /// A visit that ended and is not deleted yet: its holder may be told to start again.
    Expired,
    /// No visit of this clinic.
    Unknown,
}

fn sealed(blob: &[u8]) -> Result<Sealed> {
    postcard::from_bytes(blob).map_err(|_| VaultError::Damaged("what a visit has sealed does not decode"))
}

impl Visit {
    const fn latest_end(opened_at: Instant) -> Instant {
        opened_at.plus_minutes(VISIT_HOURS * 60)
    }

    fn read(row: &Row) -> Result<Self> {
        let identity = sealed(&row::blob(row, 4)?)?;
        Ok(Self {
            id: VisitId::from_bytes(row::bytes(row, 0)?),
            clinic: ClinicId::from_bytes(row::bytes(row, 1)?),
            token_hash: row::bytes(row, 2)?,
            subject: SubjectId::from_bytes(row::bytes(row, 3)?),
            identity,
            patient: row::maybe_bytes(row, 5)?.map(PatientId::from_bytes),
            language: row::text(row, 6)?,
            proof: row::int(row, 7)?,
            terms_version: row::int(row, 8)?,
            opened_at: row::instant(row, 9)?,
            expires_at: row::instant(row, 10)?,
            source_hash: row::maybe_bytes(row, 11)?,
            draft: row::maybe_blob(row, 12)?.map(|blob| sealed(&blob)).transpose()?,
        })
    }
}

impl Vault {
    /// Opens a visit: the visit and its subject's key in one write, which shares its commit with the others that wait.
    pub async fn open_visit(&self, new: NewVisit) -> Result<OpenedVisit> {
        for _ in 0..TRIES {
            match self.try_to_open_visit(new.clone()).await {
                // Another node replaced a key at this moment.
                Err(VaultError::OldKeys) => self.look_at_keys_again().await?,
                outcome => return outcome,
            }
        }
        Err(VaultError::OldKeys)
    }

    async fn try_to_open_visit(&self, new: NewVisit) -> Result<OpenedVisit> {
        // Held until the row is written: no rotation ends in between.
        let roots = self.roots.read().await;
        let keys = self.clinic_keys_under(&roots, new.clinic).await?;
        let token = Token::draw(&*self.entropy);
        let (key, key_row) = new_key(self, &keys, new.subject, Some(new.id), new.opened_at);
        let identity = seal(
            &key,
            new.clinic,
            new.subject,
            Field::VisitIdentity,
            new.identity_schema,
            SUBJECT_KEY_VERSION,
            draw(&*self.entropy),
            draw(&*self.entropy),
            new.identity.expose(),
        );
        let stored =
            postcard::to_stdvec(&identity).map_err(|_| VaultError::Damaged("a sealed identity does not encode"))?;
        let visit = Visit {
            id: new.id,
            clinic: new.clinic,
            subject: new.subject,
            identity,
            patient: new.patient,
            language: new.language,
            proof: new.proof,
            terms_version: new.terms_version,
            opened_at: new.opened_at,
            expires_at: new.expires_at.min(Visit::latest_end(new.opened_at)),
            source_hash: new.source_hash,
            draft: None,
            token_hash: token.hash(),
        };
        let visit_row = vec![
            visit.id.bytes().into(),
            visit.clinic.bytes().into(),
            visit.token_hash.into(),
            visit.subject.bytes().into(),
            stored.into(),
            visit.patient.map(PatientId::bytes).into(),
            visit.language.clone().into(),
            i64::from(visit.proof).into(),
            i64::from(visit.terms_version).into(),
            visit.opened_at.0.into(),
            visit.expires_at.0.into(),
            visit.source_hash.into(),
        ];
        let (visits, subjects) = (self.visits.epoch(), self.subjects.epoch());
        self.writer
            .run(vec![
                Statement::Insert(&sql::INSERT_VISIT, visit_row),
                Statement::Insert(&sql::INSERT_SUBJECT_KEY, key_row),
            ])
            .await?;
        self.visits.put(visits, visit.token_hash, Arc::new(visit.clone()));
        self.subjects.put(subjects, (visit.clinic, visit.subject), Arc::clone(&key));
        Ok(OpenedVisit { token, visit, key })
    }

    /// The visit that this token opens in this clinic.
    pub async fn visit_by_token(&self, clinic: ClinicId, token: &Token, now: Instant) -> Result<VisitLookup> {
        let hash = token.hash();
        let known = self.visits.get(&hash);
        let found = if known.is_some() { known } else { self.load_visit(hash).await? };
        Ok(match found.filter(|visit| same(&visit.token_hash, &hash) && visit.clinic == clinic) {
            None => VisitLookup::Unknown,
            Some(visit) if now >= visit.expires_at => VisitLookup::Expired,
            Some(visit) => VisitLookup::Open(visit),
        })
    }

    async fn load_visit(&self, hash: [u8; 32]) -> Result<Option<Arc<Visit>>> {
        let epoch = self.visits.epoch();
        let row = self.readers.row(&sql::VISIT, [hash.into()]).await?;
        let visit = row.as_ref().map(Visit::read).transpose()?.map(Arc::new);
        if let Some(visit) = &visit {
            self.visits.put(epoch, hash, Arc::clone(visit));
        }
        Ok(visit)
    }

    /// What the visitor typed; `None` if the subject's key was destroyed.
    pub async fn visit_identity(&self, visit: &Visit) -> Result<Option<Phi<Vec<u8>>>> {
        let Some(key) = self.subject_key(visit.clinic, visit.subject).await? else { return Ok(None) };
        open(&key, visit.clinic, visit.subject, Field::VisitIdentity, &visit.identity)
            .map(|plain| Some(Phi::new(plain.to_vec())))
            .map_err(|_| VaultError::Damaged("a visit's sealed identity does not open"))
    }

    /// What the visitor chose and typed so far, with its layout; `None` if nothing was kept, or the key was destroyed.
    pub async fn visit_draft(&self, visit: &Visit) -> Result<Option<(u16, Phi<Vec<u8>>)>> {
        let Some(draft) = &visit.draft else { return Ok(None) };
        let Some(key) = self.subject_key(visit.clinic, visit.subject).await? else { return Ok(None) };
        open(&key, visit.clinic, visit.subject, Field::VisitDraft, draft)
            .map(|plain| Some((draft.schema, Phi::new(plain.to_vec()))))
            .map_err(|_| VaultError::Damaged("a visit's draft does not open"))
    }

    /// Keeps what the visitor chose and typed so far: in memory at once and on the disk soon, where one process has
    /// the vault: a power cut may lose the last of it, and the visitor chooses again.
    pub async fn keep_visit_draft(&self, visit: &Visit, schema: u16, draft: &Phi<Vec<u8>>) -> Result<()> {
        let key = self.subject_key(visit.clinic, visit.subject).await?.ok_or(VaultError::Gone)?;
        let draft = seal(
            &key,
            visit.clinic,
            visit.subject,
            Field::VisitDraft,
            schema,
            SUBJECT_KEY_VERSION,
            draw(&*self.entropy),
            draw(&*self.entropy),
            draft.expose(),
        );
        let stored = postcard::to_stdvec(&draft).map_err(|_| VaultError::Damaged("a sealed draft does not encode"))?;
        self.visits.update(&visit.token_hash, |visit| Arc::make_mut(visit).draft = Some(draft));
        let kept = vec![Statement::Change(&sql::SET_DRAFT, vec![visit.id.bytes().into(), stored.into()])];
        if self.readers.shared() {
            // The next request may come to another node, which knows only what is in the database.
            return self.writer.run(kept).await.map(drop);
        }
        self.writer.run_behind(kept);
        Ok(())
    }

    /// The visitor did something: the visit lasts at least until then, in memory at once and on the disk soon. Never
    /// longer than [`VISIT_HOURS`] after its opening.
    pub fn touch(&self, visit: &Visit, until: Instant) {
        let until = until.min(Visit::latest_end(visit.opened_at));
        self.visits.update(&visit.token_hash, |visit| {
            let visit = Arc::make_mut(visit);
            visit.expires_at = visit.expires_at.max(until);
        });
        let values = vec![visit.id.bytes().into(), until.0.into()];
        self.writer.run_behind(vec![Statement::Change(&sql::TOUCH_VISIT, values)]);
    }

    /// The visitor proved something, or was recognized: sets both on the disk and in memory.
    pub async fn prove_visit(&self, visit: &Visit, proof: u8, patient: Option<PatientId>) -> Result<()> {
        let values = vec![visit.id.bytes().into(), i64::from(proof).into(), patient.map(PatientId::bytes).into()];
        self.writer.run(vec![Statement::MustChange(&sql::PROVE_VISIT, values)]).await?;
        self.visits.update(&visit.token_hash, |visit| {
            let visit = Arc::make_mut(visit);
            (visit.proof, visit.patient) = (proof, patient);
        });
        Ok(())
    }

    /// A code proved a contact, which stands on the disk already: memory learns of it.
    pub(super) fn note_proof(&self, visit: &Visit, bit: u8) {
        self.visits.update(&visit.token_hash, |visit| Arc::make_mut(visit).proof |= bit);
    }

    /// The subjects of visits older than [`VISIT_HOURS`] whose keys nobody kept: [`Vault::purge_visits`] deletes them.
    pub async fn unkept_subjects(&self, now: Instant) -> Result<Vec<(ClinicId, SubjectId)>> {
        let rows = self.readers.rows(&sql::UNKEPT, [bound(now).into()]).await?;
        let read =
            |row: &Row| Ok((ClinicId::from_bytes(row::bytes(row, 1)?), SubjectId::from_bytes(row::bytes(row, 0)?)));
        rows.iter().map(read).collect()
    }

    /// Deletes visits older than [`VISIT_HOURS`], and the keys of those that never booked. `booked` is asked for each
    /// of these keys; one that is in use after all is kept: a crash between a booking and its keeping loses nothing.
    /// Returns how many keys were deleted.
    pub async fn purge_visits(&self, now: Instant, booked: impl Fn(SubjectId) -> bool) -> Result<usize> {
        let (kept, gone): (Vec<_>, Vec<_>) =
            self.unkept_subjects(now).await?.into_iter().partition(|(_, subject)| booked(*subject));
        let keep = |(clinic, subject): &(ClinicId, SubjectId)| {
            Statement::Change(&sql::KEEP_SUBJECT, vec![subject.bytes().into(), clinic.bytes().into()])
        };
        let mut statements: Vec<_> = kept.iter().map(keep).collect();
        statements.push(Statement::Change(&sql::PURGE_SUBJECTS, vec![bound(now).into()]));
        statements.push(Statement::Change(&sql::PURGE_VISITS, vec![bound(now).into()]));
        // Only a deleted key is worth emptying the write-ahead log for.
        if gone.is_empty() {
            self.writer.run(statements).await?;
        } else {
            self.writer.run_and_scrub(statements).await?;
        }
        self.subjects.forget(&gone);
        self.visits.retain(|_, visit| visit.opened_at.0 > bound(now));
        Ok(gone.len())
    }
}

/// The opening of the youngest visit that is to be deleted.
const fn bound(now: Instant) -> i64 {
    now.plus_minutes(-VISIT_HOURS * 60).0
}
