//! Patient records: thousands at once, each on a stream of its own, so that their appends share commits. Sealing happens
//! in the engine; what was sealed is opened only to compare.

use super::apply::Run;
use super::patients::{PatientEntry, RegistrationEntry};
use super::report::{Change, ImportError, ImportReport, Kind, failed, shown};
use booking_domain::ids::{PatientId, SubjectId};
use booking_domain::patient::{Patient, Registration};
use booking_domain::person::Profile;
use booking_engine::NewPatient;
use booking_store::Position;
use futures::StreamExt;
use std::collections::HashSet;

/// How many keys are made before their records.
const BATCH: usize = 2_000;

/// What became of one record, and why it was left out if it was.
type Outcome = (Change, Option<&'static str>, Option<Position>);

impl Run<'_> {
    /// The id of a record.
    pub fn patient(&self, key: &str) -> PatientId {
        self.ids.of("patient", &[key])
    }

    fn registration(&self, entry: &RegistrationEntry) -> Registration {
        match entry {
            RegistrationEntry::None => Registration::None,
            RegistrationEntry::Clinic => Registration::Clinic,
            RegistrationEntry::Elsewhere => Registration::Elsewhere,
            RegistrationEntry::Practitioner(key) => Registration::Practitioner(self.ids.of("practitioner", &[key])),
        }
    }

    /// Brings in all records.
    pub async fn patients(&self, entries: &[PatientEntry], report: &mut ImportReport) -> Result<(), ImportError> {
        self.progress.stage("patients", shown(entries.len()));
        for batch in entries.chunks(BATCH) {
            let subjects: Vec<SubjectId> = batch.iter().map(|e| SubjectId::from(self.patient(&e.key))).collect();
            // Whoever was erased gets no key again, and so is left out.
            let keys: HashSet<SubjectId> = if self.options.dry_run {
                HashSet::new()
            } else {
                let made = self.engine.vault().create_subjects(self.clinic, &subjects, self.engine.now()).await?;
                made.into_keys().collect()
            };
            let keys = &keys;
            let mut work = futures::stream::iter(batch)
                .map(|entry| async move { (entry, self.patient_row(entry, keys).await) })
                .buffer_unordered(self.options.in_flight.max(1));
            while let Some((entry, outcome)) = work.next().await {
                let (change, note, position) = outcome?;
                report.count(Kind::Patients, change);
                report.notes.extend(note.map(|note| entry.at.problem("", note)));
                report.reached(position);
                self.progress.advance(1);
            }
        }
        Ok(())
    }

    async fn patient_row(&self, entry: &PatientEntry, keys: &HashSet<SubjectId>) -> Result<Outcome, ImportError> {
        let id = self.patient(&entry.key);
        let registration = self.registration(&entry.registration);
        if self.options.dry_run {
            let (survivor, folded) = self.engine.survivor(id).await?;
            let merged = survivor != id;
            return self.compare(entry, &folded.state, registration, merged).await.map(|(c, note)| (c, note, None));
        }
        if !keys.contains(&SubjectId::from(id)) {
            return Ok((Change::LeftOut, Some(ERASED), None));
        }
        let what = || format!("{}:{}", entry.at.file, entry.at.line);
        let new = NewPatient { id, profile: entry.profile.clone(), registration, imported: true };
        let done = self.engine.register_with_key(&self.context(), &new).await.map_err(failed(what()))?;
        if done.trace.is_some() {
            return Ok((Change::Created, None, done.position()));
        }
        let state = &done.folded.state;
        let (change, note) = self.compare(entry, state, registration, state.merged_into.is_some()).await?;
        if change != Change::Updated {
            return Ok((change, note, None));
        }
        // Each is nothing to do if it is so already.
        let updated = self.engine.update_patient(&self.context(), id, &entry.profile, None).await;
        let updated = updated.map_err(failed(what()))?.position();
        let set = self.engine.set_registration(&self.context(), id, registration, None).await;
        Ok((change, note, updated.max(set.map_err(failed(what()))?.position())))
    }

    async fn compare(
        &self,
        entry: &PatientEntry,
        known: &Patient,
        registration: Registration,
        merged: bool,
    ) -> Result<(Change, Option<&'static str>), ImportError> {
        let (Some(id), Some(sealed)) = (known.id, &known.profile) else { return Ok((Change::Created, None)) };
        if merged {
            return Ok((Change::LeftOut, Some("is left out: the record was merged into another")));
        }
        if self.options.keep_existing {
            return Ok((Change::Unchanged, None));
        }
        #[expect(clippy::disallowed_methods, reason = "compared with the file, and not shown")]
        let Some(profile) = self.engine.open::<Profile>(self.clinic, SubjectId::from(id), sealed).await? else {
            return Ok((Change::LeftOut, Some(ERASED)));
        };
        let same = profile == entry.profile && known.registration == registration;
        Ok((if same { Change::Unchanged } else { Change::Updated }, None))
    }
}

const ERASED: &str = "is left out: the person's data was erased";
