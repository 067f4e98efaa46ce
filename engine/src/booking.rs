//! `HoldAvailability` and `BookAppointment`, for patients, staff and external channels.

use crate::Engine;
use crate::context::Context;
use crate::transact::{Committed, Failure, Outcome};
use crate::vault::{KeyUse, Visit};
use booking_domain::agenda_day::{
    AgendaDay, BookOnline, Booking, DayRefusal, HoldAvailability, Selected, Wish, decide_book_online,
    decide_extend_hold, decide_hold, decide_plan, decide_release_hold,
};
use booking_domain::ids::{
    ActivityId, AgendaId, AppointmentId, ClinicId, CommandId, HoldId, PatientId, ServiceId, SubjectId,
};
use booking_domain::person::Profile;
use booking_domain::quota::QuotaTaken;
use booking_domain::reference::Reference;
use booking_domain::stream::StreamName;
use booking_domain::time::{Instant, WallDate};
use booking_domain::values::{BadField, BookedBy, HoldEnd, Language, Modality};
use booking_domain::visibility::Rule;
use booking_events::sealed_forms::Reason;
use booking_store::fold::{FoldError, Folded};
use sha2::{Digest, Sha256};

/// An availability in its agenda and day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The agenda.
    pub agenda: AgendaId,
    /// Wall date of the day.
    pub date: WallDate,
    /// The availability.
    pub selected: Selected,
}

/// `BookAppointment` by a visitor of the portal.
#[derive(Clone, Debug)]
pub struct OnlineBooking {
    /// The availability.
    pub place: Place,
    /// The service.
    pub service: ServiceId,
    /// The hold that the visitor relies on.
    pub hold: Option<HoldId>,
    /// The reason for the visit (8.17).
    pub reason: Option<Reason>,
    /// When the terms were accepted.
    pub terms_accepted_at: Instant,
    /// Whether messages may be sent.
    pub notify: bool,
}

/// Whom staff book for.
#[derive(Clone, Debug)]
pub enum For {
    /// A patient record.
    Patient(PatientId),
    /// Somebody without a record: identity and contacts as they were told.
    Provisional(Box<Profile>),
}

/// `BookAppointment` by staff, or by an external channel.
#[derive(Clone, Debug)]
pub struct PlannedBooking {
    /// The agenda.
    pub agenda: AgendaId,
    /// When.
    pub wish: Wish,
    /// Whom for.
    pub person: For,
    /// Activity; without one no message is sent (R80).
    pub activity: Option<ActivityId>,
    /// Modality; none: the activity's.
    pub modality: Option<Modality>,
    /// Why.
    pub reason: Option<Reason>,
    /// Whether messages may be sent (R81).
    pub notify: bool,
    /// Language of messages.
    pub language: Language,
    /// The external channel that booked it (8.24); none: staff.
    pub channel: Option<String>,
}

/// What a booking gives its patient.
#[derive(Clone, Debug)]
pub struct Booked {
    /// The appointment.
    pub appointment: AppointmentId,
    /// The agenda.
    pub agenda: AgendaId,
    /// Wall date.
    pub date: WallDate,
    /// Its day after the booking.
    pub committed: Committed<AgendaDay>,
}

impl Engine {
    /// `HoldAvailability` for a visit (8.9).
    pub async fn hold(
        &self,
        ctx: &Context,
        visit: &Visit,
        place: Place,
        service: ServiceId,
    ) -> Result<(HoldId, Committed<AgendaDay>), Failure<DayRefusal>> {
        let rules = self.rules(ctx.clinic).await?;
        let viewer = self.viewer(visit, Some(service)).await?;
        let hold = HoldId(ctx.id("hold"));
        let Selected { slot, start } = place.selected;
        let command = HoldAvailability { hold, visit: visit.id, service, slot, start, viewer: viewer.facts };
        let stream = StreamName::agenda_day(place.agenda, place.date);
        let committed = self
            .transact(ctx, &stream, "hold", |day: &Folded<AgendaDay>, now| {
                decide_hold(&day.state, &rules.state, &command, now)
            })
            .await?;
        if committed.trace.is_some() {
            return Ok((hold, committed));
        }
        // Held by this visit already: that hold is the answer.
        let own =
            |h: &&booking_domain::agenda_day::Hold| h.visit == visit.id && h.slot == slot && h.span.start == start;
        let existing = committed.folded.state.occupancy.holds.iter().find(own).map(|h| h.id);
        Ok((existing.unwrap_or(hold), committed))
    }

    /// True if this command has had its outcome on an agenda-day: it is a retry, and asks for nothing new.
    pub async fn is_done(&self, command: CommandId, (agenda, date): (AgendaId, WallDate)) -> Result<bool, FoldError> {
        let day = self.read::<AgendaDay>(&StreamName::agenda_day(agenda, date)).await?;
        Ok(day.commands.contains_key(&command))
    }

    /// Puts a hold's end off.
    pub async fn extend_hold(
        &self,
        ctx: &Context,
        visit: &Visit,
        (agenda, date): (AgendaId, WallDate),
        hold: HoldId,
    ) -> Outcome<AgendaDay, DayRefusal> {
        let rules = self.rules(ctx.clinic).await?;
        let stream = StreamName::agenda_day(agenda, date);
        self.transact(ctx, &stream, "extend", |day: &Folded<AgendaDay>, now| {
            decide_extend_hold(&day.state, &rules.state, hold, visit.id, now)
        })
        .await
    }

    /// `ReleaseHold`; what is gone already is nothing to do.
    pub async fn release_hold(
        &self,
        ctx: &Context,
        visit: &Visit,
        (agenda, date): (AgendaId, WallDate),
        hold: HoldId,
        end: HoldEnd,
    ) -> Outcome<AgendaDay, DayRefusal> {
        let stream = StreamName::agenda_day(agenda, date);
        self.transact(ctx, &stream, "release", |day: &Folded<AgendaDay>, now| {
            decide_release_hold(&day.state, hold, visit.id, end, now)
        })
        .await
    }

    /// `BookAppointment` on the portal. One append, which is the booking; with a cap the claim comes first.
    pub async fn book_online(
        &self,
        ctx: &Context,
        visit: &Visit,
        identity: &Profile,
        command: &OnlineBooking,
    ) -> Result<Booked, Failure<DayRefusal>> {
        let Place { agenda, date, selected } = command.place;
        let rules = self.rules(ctx.clinic).await?;
        let clinic = &rules.state;
        let stream = StreamName::agenda_day(agenda, date);
        let appointment = AppointmentId(ctx.id("appointment"));
        let known = self.read::<AgendaDay>(&stream).await?;
        if known.commands.contains_key(&ctx.command) {
            let nothing = |_: &Folded<AgendaDay>, _| Ok(vec![]);
            let committed = self.transact(ctx, &stream, "book", nothing).await?;
            return Ok(Booked { appointment, agenda, date, committed });
        }
        check_reason(clinic, command.service, command.reason.as_ref()).map_err(Failure::Refused)?;
        let viewer = self.viewer_except(visit, Some(command.service), Some(appointment)).await?;
        let reason = match &command.reason {
            Some(reason) => Some(self.seal(ctx.clinic, visit.subject, reason).await?),
            None => None,
        };
        let (reference, link_hash) = self.names(ctx.clinic, appointment).await?;
        let booking = Booking {
            appointment,
            clinic: ctx.clinic,
            agenda,
            reference: reference.compact(),
            link_hash,
            booked_by: BookedBy::PatientOnline,
            channel: None,
            patient: viewer.patient,
            subject: visit.subject,
            contact: Some(self.seal(ctx.clinic, visit.subject, identity).await?),
            reason,
            visit: Some(visit.id),
            terms_accepted_at: Some(command.terms_accepted_at),
            language: Language::from_name(&visit.language).unwrap_or(Language::Fr),
            notify: command.notify,
            activity: None,
            modality: Modality::InPerson,
            service_name: None,
            admission: None,
        };
        let service = command.service;
        let book = BookOnline { booking, service, selected, hold: command.hold, viewer: viewer.facts.clone() };

        let claim = QuotaTaken { booking: appointment, service, agenda, date, taken_at: self.clock.now() };
        let mut claimed = None;
        if viewer.facts.counted.is_some() {
            // What the rules refuse now takes no claim.
            decide_book_online(&known.state, clinic, &book, self.clock.now()).map_err(Failure::Refused)?;
            let subjects = self.quota_subjects((ctx.clinic, visit.subject), &viewer.counts, selected.start).await?;
            if self.take_quota(ctx, &subjects, claim).await? {
                claimed = subjects.first().copied();
            }
        }
        // Given back, so that the fold takes the booking in where it lies: held here, the whole day would be copied.
        drop(known);
        let booked = self
            .transact(ctx, &stream, "book", |day: &Folded<AgendaDay>, now| {
                decide_book_online(&day.state, clinic, &book, now)
            })
            .await;
        let committed = match (booked, claimed) {
            (Err(Failure::Refused(refusal)), Some(subject)) => {
                self.give_up_claim(ctx, subject, &claim).await?;
                return Err(Failure::Refused(refusal));
            }
            (other, _) => other?,
        };
        // The key outlives the visit from now on. If this is lost, the purge finds the booking in the log's views.
        self.vault.keep_subject_behind(visit.subject);
        Ok(Booked { appointment, agenda, date, committed })
    }

    /// `BookAppointment` by staff, with or without a slot, or by an external channel.
    pub async fn plan(&self, ctx: &Context, command: &PlannedBooking) -> Result<Booked, Failure<DayRefusal>> {
        let rules = self.rules(ctx.clinic).await?;
        let clinic = &rules.state;
        let bad = |field, problem: &str| Failure::Refused(DayRefusal::from(BadField::new(field, problem)));
        let practitioner = clinic.practitioner_of(command.agenda).ok_or_else(|| bad("agenda", "is not known"))?;
        let (agenda, date) = (command.agenda, command.wish.date);
        let stream = StreamName::agenda_day(agenda, date);
        let appointment = AppointmentId(ctx.id("appointment"));
        let day = self.read::<AgendaDay>(&stream).await?;
        // What was booked stays booked, whatever became of the patient since.
        if day.commands.contains_key(&ctx.command) {
            let nothing = |_: &Folded<AgendaDay>, _| Ok(vec![]);
            let committed = self.transact(ctx, &stream, "book", nothing).await?;
            return Ok(Booked { appointment, agenda, date, committed });
        }
        let (patient, subject, contact) = match &command.person {
            For::Patient(id) => {
                let (survivor, record) = self.survivor(*id).await?;
                if record.state.clinic != Some(ctx.clinic) || !record.state.is_live() {
                    return Err(bad("patient", "is not a living patient of this clinic"));
                }
                (Some(survivor), SubjectId::from(survivor), None)
            }
            For::Provisional(profile) => {
                let subject = SubjectId(ctx.id("subject"));
                self.vault.create_subject(ctx.clinic, subject, ctx.received_at).await?;
                (None, subject, Some(self.seal(ctx.clinic, subject, &**profile).await?))
            }
        };
        let reason = match &command.reason {
            Some(reason) => Some(self.seal(ctx.clinic, subject, reason).await?),
            None => None,
        };
        let selected = command.wish.selected;
        let of_slot = selected.and_then(|s| day.state.occupancy.slot(s.slot)).and_then(|s| s.activity);
        let activity = command.activity.or(of_slot);
        let of_activity = activity.and_then(|a| clinic.activities.get(&a)).map(|a| a.modality);
        let (reference, link_hash) = self.names(ctx.clinic, appointment).await?;
        let external = command.channel.is_some();
        let booking = Booking {
            appointment,
            clinic: ctx.clinic,
            agenda,
            reference: reference.compact(),
            link_hash,
            booked_by: if external { BookedBy::External } else { BookedBy::Staff },
            channel: command.channel.clone(),
            patient,
            subject,
            contact,
            reason,
            visit: None,
            terms_accepted_at: None,
            language: command.language,
            // An external channel sends its own messages (R82).
            notify: command.notify && !external,
            activity,
            modality: command.modality.or(of_activity).unwrap_or(Modality::InPerson),
            service_name: None,
            admission: None,
        };
        let committed = self
            .transact(ctx, &stream, "book", |day: &Folded<AgendaDay>, now| {
                decide_plan(&day.state, clinic, practitioner, &booking, command.wish, now)
            })
            .await?;
        Ok(Booked { appointment, agenda, date, committed })
    }

    /// Reference and hash of the link's token: both follow from the appointment's id, so that a retry finds them again.
    async fn names<R>(
        &self,
        clinic: ClinicId,
        appointment: AppointmentId,
    ) -> Result<(Reference, [u8; 32]), Failure<R>> {
        let keys = self.vault.clinic_keys(clinic).await?;
        let hash = keys.keyed_hash(KeyUse::Link, &[b"reference", &appointment.bytes()]);
        let mut entropy = [0; 6];
        entropy.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        let token = self.link_token(clinic, appointment).await?;
        Ok((Reference::from_entropy(entropy), hash_of_link(&token)))
    }

    /// The token of an appointment's link: shown to its patient, kept nowhere.
    pub async fn link_token(
        &self,
        clinic: ClinicId,
        appointment: AppointmentId,
    ) -> Result<[u8; 32], crate::vault::VaultError> {
        let keys = self.vault.clinic_keys(clinic).await?;
        Ok(keys.keyed_hash(KeyUse::Link, &[b"token", &appointment.bytes()]))
    }
}

/// What of a link's token stands in the log.
#[must_use]
pub fn hash_of_link(token: &[u8; 32]) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// 8.17: a reason from the list, or typed, as the service asks.
pub fn check_reason(
    clinic: &booking_domain::clinic::Clinic,
    service: ServiceId,
    reason: Option<&Reason>,
) -> Result<(), DayRefusal> {
    let Some(service) = clinic.services.get(&service) else { return Err(DayRefusal::NotOffered(Rule::ServiceActive)) };
    let config = &service.config;
    let empty = reason.is_none_or(|r| r.choice.is_none() && r.text.trim().is_empty());
    if empty && config.reason_required {
        return Err(BadField::new("reason", "must be given").into());
    }
    let Some(reason) = reason else { return Ok(()) };
    if reason.choice.is_some_and(|c| usize::from(c) >= config.reasons.len()) {
        return Err(BadField::new("reason.choice", "is not in the list").into());
    }
    if !reason.text.trim().is_empty() && !config.free_text_reason {
        return Err(BadField::new("reason.text", "is not asked for").into());
    }
    booking_domain::values::check_text("reason.text", &reason.text, 0, 500)?;
    Ok(())
}
