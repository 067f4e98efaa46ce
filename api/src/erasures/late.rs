//! What is found of somebody after they were erased, and contacts that nothing holds back any more: read from the log,
//! from a cursor on, so that a round costs what is new and not what was ever erased.
//!
//! Something more of an erased person is there if a process ended between the erasure's decision and the closing of the
//! records: a contact that was attached, a record that was merged. Each such event is read once.

use super::{Person, belongings, by_itself, carry_out, forget_contact};
use crate::app::App;
use crate::http::problem::ApiResult;
use crate::http::reads;
use booking_domain::agenda_day::AgendaDayEvent;
use booking_domain::erasure::ErasureEvent;
use booking_domain::ids::{PatientId, SubjectId};
use booking_engine::vault::VaultError;
use booking_projections::erasures::ErasureRow;
use booking_store::fold::decode;
use booking_store::{Position, Recorded};
use std::collections::{BTreeSet, HashMap};

/// The vault's name for how far the log was read.
const CURSOR: &str = "erasures";
/// Events of one read.
const PAGE: usize = 1_000;

/// Everybody who was erased, by each person whose key went: who asked to be forgotten. Known after the first round.
pub(super) type Erased = Option<HashMap<SubjectId, SubjectId>>;

/// What a page of the log gives reason to look at.
#[derive(Default)]
struct Reasons {
    erased: BTreeSet<SubjectId>,
    released: BTreeSet<SubjectId>,
    touched: BTreeSet<PatientId>,
}

impl Reasons {
    fn add(&mut self, event: &Recorded) -> ApiResult<()> {
        let of_stream = event.stream.id();
        let is = |prefix: &str| event.event_type.starts_with(prefix);
        match event.stream.category() {
            "erasure" if is("subject-erased.") || is("legal-hold-released.") => {
                match (decode::<ErasureEvent>(event)?, of_stream.map(SubjectId)) {
                    (ErasureEvent::SubjectErased(_), Some(person)) => self.erased.insert(person),
                    (ErasureEvent::LegalHoldReleased, Some(person)) => self.released.insert(person),
                    _ => false,
                };
            }
            "agendaday" if is("appointment-booked.") || is("appointment-moved-in.") || is("patient-attached.") => {
                let patient = match decode::<AgendaDayEvent>(event)? {
                    AgendaDayEvent::AppointmentBooked(e) => e.booking.patient,
                    AgendaDayEvent::AppointmentMovedIn(e) => e.booking.patient,
                    AgendaDayEvent::PatientAttached(e) => Some(e.patient),
                    _ => None,
                };
                self.touched.extend(patient);
            }
            // Received, completed: whichever of the two streams the erased record is.
            "patient" if is("merge-") || is("patient-merged.") => self.touched.extend(of_stream.map(PatientId)),
            _ => {}
        }
        Ok(())
    }
}

/// Reads the log on from where the last round ended to where the views are, and carries out what is found.
pub(super) async fn follow(app: &App) -> ApiResult<()> {
    let vault = app.engine.vault();
    let mut erased = app.erasures.late.lock().await;
    // Asked before the views are: what they hold is of this position, or later.
    let end = app.views.position_of(&["appointments", "erasures"]).unwrap_or(Position(0));
    let Some(mut from) = vault.cursor(CURSOR).await? else {
        // The first round of an installation looks at everybody, once.
        for (subject, row) in app.views.erasures.carried_out().await.map_err(reads::unanswered)? {
            look_again(app, subject, &row).await?;
        }
        return Ok(vault.begin_cursor(CURSOR, end).await?);
    };
    if end <= from {
        return Ok(());
    }
    if app.views.erasures.is_empty().await.map_err(reads::unanswered)? {
        return looked_upto(app, from, end).await;
    }
    let known = match &mut *erased {
        Some(known) => known,
        none => none.insert(listed(app).await?),
    };
    while from < end {
        let page = app.log().read_all((from.0 > 0).then_some(from), PAGE).await?;
        let Some(to) = page.next.map(|next| next.min(end)).filter(|to| *to > from) else { return Ok(()) };
        let mut reasons = Reasons::default();
        for event in page.events.iter().filter(|event| event.position <= to) {
            reasons.add(event)?;
        }
        look(app, known, reasons).await?;
        looked_upto(app, from, to).await?;
        from = to;
    }
    Ok(())
}

/// Moves the cursor.
async fn looked_upto(app: &App, from: Position, to: Position) -> ApiResult<()> {
    match app.engine.vault().post(CURSOR, (from, to), &[]).await {
        // Another round moved it: that one has looked.
        Ok(()) | Err(VaultError::Gone) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn listed(app: &App) -> ApiResult<HashMap<SubjectId, SubjectId>> {
    let rows = app.views.erasures.carried_out().await.map_err(reads::unanswered)?;
    let each = |(person, row): (SubjectId, ErasureRow)| row.erased.into_iter().map(move |subject| (subject, person));
    Ok(rows.into_iter().flat_map(each).collect())
}

async fn look(app: &App, known: &mut HashMap<SubjectId, SubjectId>, reasons: Reasons) -> ApiResult<()> {
    let mut persons = reasons.erased;
    let row_of = async |person| app.views.erasures.of(person).await.map_err(reads::unanswered);
    for person in &persons {
        if let Some(row) = row_of(*person).await? {
            known.extend(row.erased.into_iter().map(|subject| (subject, *person)));
        }
    }
    persons.extend(reasons.touched.into_iter().filter_map(|record| known.get(&record.into())));
    for person in persons {
        if let Some(row) = row_of(person).await? {
            look_again(app, person, &row).await?;
        }
    }
    // A contact whose time was over while it was held. Where it is not over yet, the usual round comes to it.
    for subject in reasons.released {
        let rows = app.views.appointments.of_subject(subject).await.map_err(reads::unanswered)?;
        if let Some(row) = rows.first() {
            forget_contact(app, row.clinic, row, app.engine.now()).await?;
        }
    }
    Ok(())
}

/// Erases what there is of an erased person beyond what was named.
async fn look_again(app: &App, subject: SubjectId, row: &ErasureRow) -> ApiResult<()> {
    let Some(patient) = row.patient else { return Ok(()) };
    let person = Person::Patient(patient);
    let late = belongings(app, row.clinic, person).await?;
    if late.subjects.iter().any(|found| !row.erased.contains(found)) {
        tracing::info!(%subject, "something more of an erased person was found");
        carry_out(app, &by_itself(app, row.clinic), person).await?;
    }
    Ok(())
}
