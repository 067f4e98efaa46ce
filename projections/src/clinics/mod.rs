//! Clinics, their staff and their templates: short streams, folded in memory.
//!
//! Their states are the domain's own and have no stored form of their own. The table holds only which streams there
//! are; a start folds those again, up to the checkpoint. A start reads no other part of the log.

mod world;

pub use world::Clinics;

use crate::envelope::Envelope;
use crate::projection::{At, Rows, View, ViewError};
use crate::tables::{Tables, in_generation, insert};
use async_trait::async_trait;
use booking_domain::clinic::Clinic;
use booking_domain::staff::Staff;
use booking_domain::stream::StreamName;
use booking_domain::template::Template;
use booking_events::DomainEvent;
use booking_store::EventStore;
use booking_store::fold::{Aggregate, FoldError, Folded, read_whole};
use futures::{StreamExt, TryStreamExt};
use sqlx::{Row, SqliteConnection};
use std::sync::Arc;
use world::World;

const VIEW: &str = "clinics";

/// What one of the streams makes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Part {
    /// A clinic.
    Clinic(Arc<Clinic>),
    /// A member of its staff, or a machine.
    Member(Arc<Staff>),
    /// A schedule template.
    Template(Arc<Template>),
}

impl Part {
    /// The empty state of a stream, by its category.
    fn empty(stream: &StreamName) -> Option<Self> {
        match stream.category() {
            "clinic" => Some(Self::Clinic(Arc::default())),
            "staff" => Some(Self::Member(Arc::default())),
            "template" => Some(Self::Template(Arc::default())),
            _ => None,
        }
    }

    async fn folded(store: &dyn EventStore, stream: &StreamName, at: At<'_>) -> Result<Option<Self>, ViewError> {
        Ok(match stream.category() {
            "clinic" => Some(Self::Clinic(refold(store, stream, at).await?)),
            "staff" => Some(Self::Member(refold(store, stream, at).await?)),
            "template" => Some(Self::Template(refold(store, stream, at).await?)),
            _ => None,
        })
    }
}

/// Folds a stream as far as the view has come, without what it was told to leave out.
async fn refold<A: Aggregate>(store: &dyn EventStore, stream: &StreamName, at: At<'_>) -> Result<Arc<A>, FoldError> {
    let mut folded = Folded::<A>::default();
    for event in read_whole(store, stream).await? {
        if Some(event.position) > at.position {
            break;
        }
        if !at.quarantined.contains(&event.position) {
            folded.apply(&event)?;
        }
    }
    Ok(Arc::new(folded.state))
}

#[async_trait]
impl View for Clinics {
    const NAME: &'static str = VIEW;
    const VERSION: u32 = 2;
    const CATEGORIES: &'static [&'static str] = &["clinic", "staff", "template"];
    const TABLES: Tables =
        Tables { names: &["clinic_streams"], sql: include_str!("../../../migrations/views/clinics.sql") };
    type Event = Envelope;
    type Key = StreamName;
    type Row = Part;
    type Loaded = World;

    fn keys(&self, event: &Envelope) -> Vec<StreamName> {
        vec![event.stream.clone()]
    }

    fn fold(&self, event: &Envelope, rows: &mut Rows<StreamName, Part>) -> Result<(), String> {
        let empty = Part::empty(&event.stream).ok_or("not a stream of a clinic")?;
        match (rows.change_or(&event.stream, || empty), &event.event) {
            (Part::Clinic(clinic), DomainEvent::Clinic(e)) => Arc::make_mut(clinic).evolve(e, event.stamp),
            (Part::Member(member), DomainEvent::Staff(e)) => Arc::make_mut(member).evolve(e, event.stamp),
            (Part::Template(template), DomainEvent::Template(e)) => Arc::make_mut(template).evolve(e, event.stamp),
            _ => return Err("an event of another aggregate".to_owned()),
        }
        Ok(())
    }

    async fn read(&self, c: &mut SqliteConnection, at: At<'_>, key: &StreamName) -> Result<Option<Part>, ViewError> {
        let sql = in_generation("SELECT 1 FROM clinic_streams_@ WHERE stream = ?", at.generation);
        let known = sqlx::query(sql).bind(key.as_str()).fetch_optional(c).await?;
        match known {
            Some(_) => Part::folded(self.store(), key, at).await,
            None => Ok(None),
        }
    }

    async fn write(
        &self,
        c: &mut SqliteConnection,
        generation: i64,
        rows: &[(&StreamName, &Part)],
    ) -> Result<(), ViewError> {
        let mut streams = rows.iter().map(|(stream, _)| Ok(vec![stream.as_str().to_owned().into()]));
        insert(c, "INSERT OR REPLACE INTO clinic_streams_@ (stream)", generation, &mut streams).await
    }

    async fn load(&self, c: &mut SqliteConnection, at: At<'_>) -> Result<World, ViewError> {
        let sql = in_generation("SELECT stream FROM clinic_streams_@", at.generation);
        let rows = sqlx::query(sql).fetch_all(c).await?;
        let mut streams = Vec::with_capacity(rows.len());
        for row in rows {
            let bad = |_| ViewError::Row { view: VIEW, why: "not the name of a stream".to_owned() };
            streams.push(StreamName::parse(row.try_get(0)?).map_err(bad)?);
        }
        // A log across a network answers each of them late, but several at once.
        let folds: Vec<_> = streams.iter().map(|stream| Part::folded(self.store(), stream, at)).collect();
        let parts: Vec<Option<Part>> = futures::stream::iter(folds).buffer_unordered(16).try_collect().await?;
        let mut world = World::default();
        parts.iter().flatten().for_each(|part| world.put(part));
        Ok(world)
    }

    fn install(&self, loaded: World) {
        self.replace(loaded);
    }

    async fn publish(&self, rows: &[(&StreamName, &Part)]) {
        self.show(rows.iter().map(|(_, part)| *part));
    }
}
