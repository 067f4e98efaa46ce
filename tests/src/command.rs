//! Every command as a value: to run it, run it again, and compare what came back.

use crate::actors::Visitor;
use booking_domain::clinic::{ActivityDefined, ServiceConfigured, Settings};
use booking_domain::ids::{ActivityId, AgendaId, HoldId, PatientId, PractitionerId, ServiceId, SlotId};
use booking_domain::patient::Registration;
use booking_domain::person::Profile;
use booking_domain::time::WallDate;
use booking_domain::values::HoldEnd;
use booking_engine::{
    Booked, BulkReport, Cancel, Changed, Committed, Context, Engine, Failure, LaidBy, Mark, MoveTo, NewPatient,
    OnlineBooking, Place, PlannedBooking, SlotDraft, Whereabouts,
};
use booking_store::Position;
use std::fmt::{Debug, Display};

/// A command.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are the engine's own")]
pub enum Command {
    PublishSlot(SlotDraft),
    PublishMany { drafts: Vec<SlotDraft>, laid_by: LaidBy },
    AmendSlot { slot: SlotId, draft: SlotDraft },
    WithdrawSlot { agenda: AgendaId, date: WallDate, slot: SlotId },
    Hold { visitor: Visitor, place: Place, service: ServiceId },
    Extend { visitor: Visitor, day: (AgendaId, WallDate), hold: HoldId },
    Release { visitor: Visitor, day: (AgendaId, WallDate), hold: HoldId },
    Book { visitor: Visitor, booking: OnlineBooking },
    Plan(PlannedBooking),
    Attach { at: Whereabouts, patient: PatientId },
    Detach { at: Whereabouts },
    Mark { at: Whereabouts, mark: Mark },
    Cancel { at: Whereabouts, cancel: Cancel },
    Move { at: Whereabouts, to: MoveTo, drop_original: bool },
    RegisterPatient(Box<NewPatient>),
    UpdatePatient { id: PatientId, profile: Box<Profile> },
    SetRegistration { id: PatientId, registration: Registration },
    MarkDeceased { id: PatientId },
    Merge { loser: PatientId, survivor: PatientId },
    ConfigureService(Box<ServiceConfigured>),
    DeactivateService(ServiceId),
    ChangeSettings(Settings),
    Portal { on: bool },
    DefineActivity(ActivityDefined),
    RetireActivity(ActivityId),
    Practitioner { id: PractitionerId, active: bool },
}

/// What came back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It was done, or there was nothing to do.
    Done {
        /// What the caller is told: ids, whereabouts.
        said: String,
        /// Position of its last event; none if there was nothing to do.
        position: Option<Position>,
        /// An earlier run of the same command had done it.
        replayed: bool,
    },
    /// It was refused, and why.
    Refused(String),
    /// It has no outcome, and why.
    Failed(String),
}

impl Answer {
    /// True if it left events.
    #[must_use]
    pub const fn left_events(&self) -> bool {
        matches!(self, Self::Done { position: Some(_), .. })
    }
    /// True if it was done, or there was nothing to do.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }
}

fn failed<R: Debug>(failure: Failure<R>) -> Answer
where
    Failure<R>: Display,
{
    match failure {
        Failure::Refused(refusal) => Answer::Refused(format!("{refusal:?}")),
        other => Answer::Failed(format!("{other}")),
    }
}

fn done<A>(said: &dyn Debug, committed: &Committed<A>) -> Answer {
    Answer::Done { said: format!("{said:?}"), position: committed.position(), replayed: committed.replayed }
}

fn plain<A, R: Display + Debug>(result: Result<Committed<A>, Failure<R>>) -> Answer {
    result.map_or_else(failed, |c| done(&(), &c))
}

fn booked<R: Display + Debug>(result: Result<Booked, Failure<R>>) -> Answer {
    result.map_or_else(failed, |b| done(&(b.appointment, b.agenda, b.date), &b.committed))
}

fn changed<R: Display + Debug>(result: Result<Changed, Failure<R>>) -> Answer {
    result.map_or_else(failed, |c| done(&c.whereabouts, &c.committed))
}

fn bulk<R: Display + Debug>(result: Result<BulkReport, Failure<R>>) -> Answer {
    result.map_or_else(failed, |r| {
        let laid: Vec<_> = r.laid.iter().map(|l| l.slot).collect();
        // Whether a slot was there before is what tells two runs apart.
        let replayed = !r.laid.is_empty() && r.laid.iter().all(|l| l.existed);
        Answer::Done { said: format!("{:?} {laid:?} {:?}", r.bulk, r.left_out), position: r.position, replayed }
    })
}

impl Command {
    /// Runs it.
    pub async fn run(&self, engine: &Engine, ctx: &Context) -> Answer {
        match self.clone() {
            Self::PublishSlot(draft) => plain(engine.publish_slot(ctx, &draft).await),
            Self::PublishMany { drafts, laid_by } => bulk(engine.publish_many(ctx, &drafts, laid_by, false).await),
            Self::AmendSlot { slot, draft } => plain(engine.amend_slot(ctx, slot, &draft, None).await),
            Self::WithdrawSlot { agenda, date, slot } => {
                engine.withdraw_slot(ctx, agenda, date, slot, None).await.map_or_else(failed, |(w, _)| Answer::Done {
                    said: String::new(),
                    position: w.position,
                    replayed: false,
                })
            }
            Self::Hold { visitor, place, service } => engine
                .hold(ctx, &visitor.visit, place, service)
                .await
                .map_or_else(failed, |(hold, committed)| done(&hold, &committed)),
            Self::Extend { visitor, day, hold } => plain(engine.extend_hold(ctx, &visitor.visit, day, hold).await),
            Self::Release { visitor, day, hold } => {
                plain(engine.release_hold(ctx, &visitor.visit, day, hold, HoldEnd::Released).await)
            }
            Self::Book { visitor, booking } => {
                booked(engine.book_online(ctx, &visitor.visit, &visitor.identity, &booking).await)
            }
            Self::Plan(planned) => booked(engine.plan(ctx, &planned).await),
            Self::Attach { at, patient } => changed(engine.attach(ctx, at, patient, None).await),
            Self::Detach { at } => changed(engine.detach(ctx, at, None).await),
            Self::Mark { at, mark } => changed(engine.mark(ctx, at, mark, None).await),
            Self::Cancel { at, cancel } => changed(engine.cancel(ctx, at, &cancel, None).await),
            Self::Move { at, to, drop_original } => {
                changed(engine.move_appointment(ctx, at, &to, drop_original, None).await)
            }
            other => other.run_on_records(engine, ctx).await,
        }
    }

    async fn run_on_records(self, engine: &Engine, ctx: &Context) -> Answer {
        match self {
            Self::RegisterPatient(new) => plain(engine.register_patient(ctx, &new).await),
            Self::UpdatePatient { id, profile } => plain(engine.update_patient(ctx, id, &profile, None).await),
            Self::SetRegistration { id, registration } => {
                plain(engine.set_registration(ctx, id, registration, None).await)
            }
            Self::MarkDeceased { id } => plain(engine.mark_deceased(ctx, id, None, None).await),
            Self::Merge { loser, survivor } => plain(engine.merge_patients(ctx, loser, survivor).await),
            Self::ConfigureService(service) => plain(engine.configure_service(ctx, &service, None).await),
            Self::DeactivateService(service) => plain(engine.deactivate_service(ctx, service, None).await),
            Self::ChangeSettings(settings) => plain(engine.change_settings(ctx, &settings, None).await),
            Self::Portal { on: true } => plain(engine.activate_portal(ctx, None).await),
            Self::Portal { on: false } => plain(engine.deactivate_portal(ctx, None).await),
            Self::DefineActivity(activity) => plain(engine.define_activity(ctx, &activity, None).await),
            Self::RetireActivity(activity) => plain(engine.retire_activity(ctx, activity, None).await),
            Self::Practitioner { id, active: true } => plain(engine.reactivate_practitioner(ctx, id, None).await),
            Self::Practitioner { id, active: false } => plain(engine.deactivate_practitioner(ctx, id, None).await),
            other => unreachable!("{other:?} was run before"),
        }
    }
}
