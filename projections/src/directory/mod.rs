//! The patient directory: sealed rows in a table, opened profiles in memory, one matcher over both.
//!
//! What is personal is in memory only: the table holds sealed bytes, and no `Debug` here shows more than `[phi]`.
//! Profiles are opened in bulk, through a trait, so that this crate never sees a key.
//!
//! | file | holds |
//! |---|---|
//! | `row` | a patient's row and its fold |
//! | `people` | the records in memory with their index |
//! | `search` | what staff type into the search field |

mod people;
mod row;
mod search;

pub use people::{Directory, PatientEntry};
pub use row::PatientRow;

use crate::envelope::Envelope;
use crate::projection::{At, Rows, View, ViewError};
use crate::tables::{RowTable, Tables, id16, in_generation, unpack};
use async_trait::async_trait;
use booking_domain::ids::{ClinicId, PatientId, SubjectId};
use booking_domain::person::Profile;
use booking_domain::sealed::Sealed;
use booking_events::DomainEvent;
use futures::TryStreamExt;
use people::People;
use sqlx::{Row, SqliteConnection};
use std::collections::BTreeMap;

const VIEW: &str = "patients";
const TABLE: RowTable = RowTable { view: VIEW, name: "patients", key: &["id"], asked: &[] };

/// Opens sealed profiles; whoever holds the keys implements it.
#[async_trait]
pub trait ProfileOpener: Send + Sync {
    /// The profiles in the order in which they were given; none: erased, or its key is not to be had.
    async fn open_profiles(&self, clinic: ClinicId, sealed: &[(SubjectId, Sealed)]) -> Vec<Option<Profile>>;
}

/// Profiles that are opened in one call.
const BULK: usize = 1_000;

impl Directory {
    /// Opens the profiles of some rows, clinic by clinic.
    async fn opened<'a>(
        &self,
        rows: impl Iterator<Item = (PatientId, &'a PatientRow)> + Send,
    ) -> Vec<(PatientId, Option<Profile>)> {
        let mut sealed: BTreeMap<ClinicId, Vec<(SubjectId, Sealed)>> = BTreeMap::new();
        let mut all = Vec::new();
        for (id, row) in rows {
            if row.erased {
                all.push((id, None));
                continue;
            }
            sealed.entry(row.clinic).or_default().push((id.into(), row.profile.clone()));
        }
        for (clinic, of_clinic) in sealed {
            for bulk in of_clinic.chunks(BULK) {
                let mut opened = self.opener().open_profiles(clinic, bulk).await;
                opened.resize_with(bulk.len(), || None);
                all.extend(bulk.iter().map(|(subject, _)| PatientId(subject.0)).zip(opened));
            }
        }
        all
    }
}

#[async_trait]
impl View for Directory {
    const NAME: &'static str = VIEW;
    const VERSION: u32 = 3;
    const CATEGORIES: &'static [&'static str] = &["patient"];
    const TABLES: Tables = Tables { names: &["patients"], sql: include_str!("../../../migrations/views/patients.sql") };
    type Event = Envelope;
    type Key = PatientId;
    type Row = PatientRow;
    type Loaded = People;

    fn keys(&self, event: &Envelope) -> Vec<PatientId> {
        event.stream.id().map(PatientId).into_iter().collect()
    }

    fn fold(&self, event: &Envelope, rows: &mut Rows<PatientId, PatientRow>) -> Result<(), String> {
        let DomainEvent::Patient(happened) = &event.event else { return Err("not an event of a patient".to_owned()) };
        let id = event.stream.id().map(PatientId).ok_or("not a patient's stream")?;
        if let Some(next) = row::evolve(rows.get(&id), happened, event.stamp) {
            rows.put(id, next);
        }
        Ok(())
    }

    async fn read(
        &self,
        c: &mut SqliteConnection,
        at: At<'_>,
        key: &PatientId,
    ) -> Result<Option<PatientRow>, ViewError> {
        TABLE.read(c, at.generation, [key.bytes().into()]).await
    }

    async fn write(
        &self,
        c: &mut SqliteConnection,
        generation: i64,
        rows: &[(&PatientId, &PatientRow)],
    ) -> Result<(), ViewError> {
        TABLE.write(c, generation, rows.iter().map(|(id, row)| (vec![id.bytes().into()], *row))).await
    }

    async fn load(&self, c: &mut SqliteConnection, at: At<'_>) -> Result<People, ViewError> {
        let mut people = People::default();
        let sql = in_generation("SELECT id, body FROM patients_@ ORDER BY id", at.generation);
        let mut found = sqlx::query(sql).fetch(c);
        let mut bulk: Vec<(PatientId, PatientRow)> = Vec::with_capacity(BULK);
        loop {
            let row = found.try_next().await?;
            if let Some(row) = &row {
                let id = PatientId::from_bytes(id16(VIEW, row.try_get(0)?)?);
                bulk.push((id, unpack(VIEW, row.try_get(1)?)?));
            }
            if bulk.len() >= BULK || row.is_none() {
                let opened = self.opened(bulk.iter().map(|(id, row)| (*id, row))).await;
                let rows: BTreeMap<_, _> = bulk.drain(..).collect();
                for (id, profile) in opened {
                    if let Some(row) = rows.get(&id) {
                        people.put(id, row, profile);
                    }
                }
            }
            if row.is_none() {
                return Ok(people);
            }
        }
    }

    fn install(&self, loaded: People) {
        self.replace(loaded);
    }

    async fn publish(&self, rows: &[(&PatientId, &PatientRow)]) {
        let opened = self.opened(rows.iter().map(|(id, row)| (**id, *row))).await;
        let by_id: BTreeMap<_, _> = rows.iter().map(|(id, row)| (**id, *row)).collect();
        self.show(opened.into_iter().filter_map(|(id, profile)| Some((id, *by_id.get(&id)?, profile))));
    }
}
