//! The cap on future appointments (8.4; design, section 4): a patient's, or those booked with a contact that a code
//! proved.
//!
//! A claim is taken on the person's own stream before the booking; the booking on the agenda-day is what counts. A
//! claim is dead when its booking is past, not live, or was never made. Dead claims are released when the cap seems
//! reached, and at no other time: cancel, move, merge and crashes need no further append.

use crate::Engine;
use crate::context::{Actor, Context};
use crate::transact::Failure;
use crate::viewer::{Counts, Moment};
use booking_domain::agenda_day::{AgendaDay, DayRefusal, decide_abandon_booking};
use booking_domain::clinic::Clinic;
use booking_domain::ids::{AgendaId, AppointmentId, ClinicId, PatientId, ServiceId, SubjectId};
use booking_domain::patient::Patient;
use booking_domain::quota::{self, Quota, QuotaRefusal, QuotaTaken};
use booking_domain::stream::StreamName;
use booking_domain::time::{Instant, WallDate};
use booking_domain::visibility::Rule;
use booking_store::fold::{FoldError, Folded, Upto};

/// After so many seconds a claim without a booking may be abandoned by anybody.
pub(crate) const CLAIM_PATIENCE_SECONDS: i64 = 120;
/// How long after its appointment a contact is known: staff may move it.
const CONTACT_DAYS: i64 = 30;
/// How far an appointment is followed through moves.
const MOVE_CHAIN: usize = 64;

/// What became of a claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Claimed {
    /// A live appointment in the future.
    Live,
    /// No booking yet, and its writer may still be on the way.
    Open,
    /// No booking, and its writer had time enough.
    Overdue,
    /// Past, not live, or given up.
    Dead,
}

impl Engine {
    /// How many appointments on these subjects' quota streams count against a service's cap at a moment. `except` is left
    /// out: a command does not count its own booking.
    pub(crate) async fn counted<R>(
        &self,
        subjects: &[SubjectId],
        service: ServiceId,
        except: Option<AppointmentId>,
        at: Moment,
    ) -> Result<u16, Failure<R>> {
        let mut count = 0u16;
        for subject in subjects {
            let quota = self.read_at::<Quota>(&StreamName::quota(*subject), at.upto).await?;
            for claim in quota.state.of(service).filter(|c| Some(c.booking) != except) {
                if matches!(self.claimed(claim, at).await?, Claimed::Live | Claimed::Open) {
                    count = count.saturating_add(1);
                }
            }
        }
        Ok(count)
    }

    /// The subjects on whose quota streams a viewer's next booking counts; its claim is taken on the first. Contacts are
    /// known from now on, for as long as the booking may be ahead.
    pub(crate) async fn quota_subjects(
        &self,
        (clinic, subject): (ClinicId, SubjectId),
        counts: &Counts,
        start: Instant,
    ) -> Result<Vec<SubjectId>, Failure<DayRefusal>> {
        Ok(match counts {
            Counts::Nobody => vec![],
            Counts::Patient(patient) => self.merged_subjects(*patient, Upto::Head).await?,
            Counts::Contacts(contacts) => {
                let until = start.plus_minutes(CONTACT_DAYS * 24 * 60);
                self.vault.take_contact_quotas(clinic, subject, contacts, until).await?
            }
        })
    }

    /// The subjects whose quota streams count for a patient: its own, and those of all records merged into it.
    pub(crate) async fn merged_subjects(&self, patient: PatientId, upto: Upto) -> Result<Vec<SubjectId>, FoldError> {
        let mut all = vec![patient];
        let mut next = 0;
        while let Some(id) = all.get(next).copied() {
            let folded = self.read_at::<Patient>(&StreamName::patient(id), upto).await?;
            let absorbed = folded.state.absorbed.iter().filter(|p| !all.contains(p)).copied().collect::<Vec<_>>();
            all.extend(absorbed);
            next += 1;
        }
        Ok(all.into_iter().map(SubjectId::from).collect())
    }

    async fn claimed(&self, claim: &QuotaTaken, at: Moment) -> Result<Claimed, FoldError> {
        let now = at.now;
        let (mut agenda, mut date): (AgendaId, WallDate) = (claim.agenda, claim.date);
        for _ in 0..MOVE_CHAIN {
            let day = self.read_at::<AgendaDay>(&StreamName::agenda_day(agenda, date), at.upto).await?;
            let Some(appointment) = day.state.appointments.get(&claim.booking) else {
                let gone = day.state.abandoned.contains(&claim.booking);
                // Promised here by a move that is being finished: it lives.
                if day.state.promises.contains_key(&claim.booking) {
                    return Ok(Claimed::Live);
                }
                let overdue = now.since(claim.taken_at) > CLAIM_PATIENCE_SECONDS * 1_000_000;
                return Ok(if gone {
                    Claimed::Dead
                } else if overdue {
                    Claimed::Overdue
                } else {
                    Claimed::Open
                });
            };
            match appointment.moved_to {
                Some(target) => (agenda, date) = target,
                None if appointment.is_live() && appointment.placement.span.start > now => return Ok(Claimed::Live),
                None => return Ok(Claimed::Dead),
            }
        }
        Ok(Claimed::Dead)
    }

    /// Takes a claim for a booking that is about to be made, on the first of these subjects' streams; the others count.
    /// None to take if no cap is set.
    pub(crate) async fn take_quota(
        &self,
        ctx: &Context,
        subjects: &[SubjectId],
        claim: QuotaTaken,
    ) -> Result<bool, Failure<DayRefusal>> {
        let rules = self.rules(ctx.clinic).await?;
        let Some(cap) = cap_of(&rules.state, claim.service) else { return Ok(false) };
        let Some((subject, others)) = subjects.split_first() else { return Ok(false) };
        let stream = StreamName::quota(*subject);
        for last_try in [false, true] {
            // Claims on the other streams narrow what this one may still give.
            let elsewhere = self.counted(others, claim.service, None, self.present()).await?;
            let room = cap.saturating_sub(elsewhere);
            let taken = self
                .transact(ctx, &stream, "quota", |q: &Folded<Quota>, now| {
                    quota::decide_take(&q.state, QuotaTaken { taken_at: now, ..claim }, usize::from(room))
                })
                .await;
            match taken {
                Ok(_) => return Ok(true),
                Err(Failure::Refused(QuotaRefusal::CapReached { .. })) if !last_try => {
                    self.release_dead_claims(ctx, *subject, claim.service).await?;
                }
                Err(failure) => return Err(failure.map(|_| DayRefusal::NotOffered(Rule::Cap))),
            }
        }
        Err(Failure::Refused(DayRefusal::NotOffered(Rule::Cap)))
    }

    /// Releases claims whose bookings are past, not live, or overdue; the latter are abandoned on their day first, so
    /// that a writer who was asleep is refused by the fold.
    async fn release_dead_claims(
        &self,
        ctx: &Context,
        subject: SubjectId,
        service: ServiceId,
    ) -> Result<(), Failure<DayRefusal>> {
        let quota = self.read::<Quota>(&StreamName::quota(subject)).await?;
        let at = self.present();
        for claim in quota.state.of(service) {
            let dead = match self.claimed(claim, at).await? {
                Claimed::Live | Claimed::Open => false,
                Claimed::Dead => true,
                Claimed::Overdue => self.abandon_booking(ctx, claim).await?,
            };
            if dead {
                self.release_claim(ctx, subject, claim.booking).await?;
            }
        }
        Ok(())
    }

    /// Ends a booking that was never made; false if it was made after all.
    async fn abandon_booking(&self, ctx: &Context, claim: &QuotaTaken) -> Result<bool, Failure<DayRefusal>> {
        let stream = StreamName::agenda_day(claim.agenda, claim.date);
        let child = child(ctx, &format!("abandon {}", claim.booking));
        let done = self
            .transact(&child, &stream, "abandon", |day: &Folded<AgendaDay>, _| {
                Ok::<_, DayRefusal>(decide_abandon_booking(&day.state, claim.booking))
            })
            .await?;
        Ok(done.folded.state.abandoned.contains(&claim.booking))
    }

    async fn release_claim(
        &self,
        ctx: &Context,
        subject: SubjectId,
        booking: AppointmentId,
    ) -> Result<(), Failure<DayRefusal>> {
        let child = child(ctx, &format!("release {booking}"));
        self.transact(&child, &StreamName::quota(subject), "release", |q: &Folded<Quota>, _| {
            Ok::<_, DayRefusal>(quota::decide_release(&q.state, booking))
        })
        .await?;
        Ok(())
    }

    /// Gives up a booking that was refused after its claim was taken: abandoned on its day, then released, so that
    /// the visitor's next choice is not refused for a claim of the last one.
    pub(crate) async fn give_up_claim(
        &self,
        ctx: &Context,
        subject: SubjectId,
        claim: &QuotaTaken,
    ) -> Result<(), Failure<DayRefusal>> {
        if self.abandon_booking(ctx, claim).await? {
            self.release_claim(ctx, subject, claim.booking).await?;
        }
        Ok(())
    }
}

/// The cap of a service: its own, else the clinic's.
pub(crate) fn cap_of(clinic: &Clinic, service: ServiceId) -> Option<u16> {
    let own = clinic.services.get(&service).and_then(|s| s.config.max_future_appointments);
    own.or(clinic.settings.max_future_appointments)
}

/// A command of the product's own that another one caused.
pub(crate) fn child(ctx: &Context, purpose: &str) -> Context {
    Context { command: ctx.id(purpose).into(), actor: Actor::System, body_hash: None, ..ctx.clone() }
}
