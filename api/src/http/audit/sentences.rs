//! What happened to an appointment, as one sentence in English and one in French. No name of a patient or of a staff
//! member is in any of them; practitioners have the public names that the clinic gave them.

use booking_domain::agenda_day::{AgendaDayEvent, Booking, Placement, SlotFacts, Source};
use booking_domain::clinic::Clinic;
use booking_domain::ids::{AgendaId, PractitionerId};
use booking_domain::time::{Instant, WallDate};
use booking_domain::values::{HoldEnd, ViewerClass};
use booking_events::Actor;

/// What is told in both languages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sentence {
    /// English.
    pub en: String,
    /// French.
    pub fr: String,
}

impl Sentence {
    /// These two.
    pub fn new(en: impl Into<String>, fr: impl Into<String>) -> Self {
        Self { en: en.into(), fr: fr.into() }
    }
    /// The same with something more in each language; `None` adds nothing.
    #[must_use]
    pub fn and(mut self, more: Option<(&str, &str)>) -> Self {
        if let Some((en, fr)) = more {
            self.en.push_str(en);
            self.fr.push_str(fr);
        }
        self
    }
    /// Ends it.
    #[must_use]
    pub fn stop(self) -> Self {
        Self { en: self.en + ".", fr: self.fr + "." }
    }
}

/// Who did it, as the subject of a sentence.
pub const fn who(actor: Actor) -> (&'static str, &'static str) {
    match actor {
        Actor::System => ("The system", "Le système"),
        Actor::Operator => ("The operator", "L’opérateur"),
        Actor::Staff(_) => ("A staff member", "Un membre du personnel"),
        Actor::Token(_) => ("A connected program", "Un programme connecté"),
        Actor::Visit(_) => ("A visitor of the portal", "Une personne sur le portail"),
        Actor::Link(_) => ("The holder of the appointment’s link", "Une personne munie du lien du rendez-vous"),
        Actor::Unknown(_) => ("Somebody", "Quelqu’un"),
    }
}

/// The clinic's words for agendas and times.
pub struct Teller<'a> {
    pub clinic: &'a Clinic,
}

impl<'a> Teller<'a> {
    /// With these names and this zone.
    pub const fn new(clinic: &'a Clinic) -> Self {
        Self { clinic }
    }

    fn practitioner(&self, id: PractitionerId) -> &str {
        self.clinic.practitioners.get(&id).map_or("?", |p| p.name.as_str())
    }
    fn of_agenda(&self, agenda: AgendaId) -> &str {
        self.clinic.practitioner_of(agenda).map_or("?", |id| self.practitioner(id))
    }
    /// Date and time of a moment: `2026-11-24 09:30`.
    pub fn moment(&self, at: Instant) -> String {
        let (date, time) = at.wall(self.clinic.zone());
        format!("{date} {time}")
    }
    fn place(&self, p: &Placement) -> (String, String) {
        let (date, start, end, with) = (p.date, p.start, p.end, self.practitioner(p.practitioner));
        (format!("on {date} from {start} to {end} with {with}"), format!("le {date} de {start} à {end} avec {with}"))
    }
    fn elsewhere(&self, agenda: AgendaId, date: WallDate) -> (String, String) {
        let with = self.of_agenda(agenda);
        (format!("{date} with {with}"), format!("{date} avec {with}"))
    }

    /// The sentence of an event; `agenda` and `date` are those of its stream.
    pub fn tell(&self, event: &AgendaDayEvent, actor: Actor, (agenda, date): (AgendaId, WallDate)) -> Sentence {
        let (en, fr) = who(actor);
        let did = |did: &str, fit: &str| Sentence::new(format!("{en} {did}"), format!("{fr} {fit}"));
        match event {
            AgendaDayEvent::SlotPublished(e) => {
                let (times, with) = (times(&e.facts), self.practitioner(e.practitioner));
                did(
                    &format!("opened the slot {} on {} with {with}", times.0, e.date),
                    &format!("a ouvert la plage {} le {} avec {with}", times.1, e.date),
                )
            }
            AgendaDayEvent::SlotAmended(e) => {
                let times = times(&e.facts);
                did(
                    &format!("changed the slot on {date}: {}", times.0),
                    &format!("a modifié la plage du {date} : {}", times.1),
                )
            }
            AgendaDayEvent::SlotWithdrawn(_) => did(
                &format!("withdrew what was free of the slot on {date}"),
                &format!("a retiré ce qui était libre de la plage du {date}"),
            ),
            AgendaDayEvent::HoldPlaced(e) => {
                let (start, until) = (self.moment(e.span.start), self.moment(e.expires_at));
                did(
                    &format!("held the time of {start} until {until}"),
                    &format!("a retenu la plage du {start} jusqu’au {until}"),
                )
            }
            AgendaDayEvent::HoldExtended(e) => {
                let until = self.moment(e.expires_at);
                did(&format!("extended the hold until {until}"), &format!("a prolongé la retenue jusqu’au {until}"))
            }
            AgendaDayEvent::HoldReleased(e) => match e.end {
                HoldEnd::Replaced => did("held another time instead", "a plutôt retenu une autre plage"),
                HoldEnd::Booked => did("used the hold to book", "a utilisé la retenue pour réserver"),
                HoldEnd::Released | HoldEnd::Unknown(_) => did("gave the held time back", "a libéré la plage retenue"),
            },
            AgendaDayEvent::AppointmentBooked(e) => {
                let (place_en, place_fr) = self.place(&e.placement);
                did(&format!("booked the appointment {place_en}"), &format!("a réservé le rendez-vous {place_fr}"))
                    .and(Some(whom(&e.booking)))
                    .and(admitted(&e.booking))
                    .and(overridden(&e.placement))
            }
            AgendaDayEvent::PatientAttached(_) => {
                did("attached a patient record to the appointment", "a attaché un dossier patient au rendez-vous")
            }
            AgendaDayEvent::PatientDetached(_) => did(
                "detached the patient record; the provisional contact details stand in its place again",
                "a détaché le dossier patient ; les coordonnées provisoires le remplacent de nouveau",
            ),
            AgendaDayEvent::AppointmentMoved(e) => {
                let (place_en, place_fr) = self.place(&e.placement);
                did(
                    &format!("moved the appointment: it is now {place_en}"),
                    &format!("a déplacé le rendez-vous : il est maintenant {place_fr}"),
                )
                .and(overridden(&e.placement))
                .and(dropped(&e.dropped))
            }
            AgendaDayEvent::MoveReserved(e) => {
                let (place_en, place_fr) = self.place(&e.placement);
                did(
                    &format!("had time promised for a move {place_en}"),
                    &format!("a fait promettre une plage pour un déplacement {place_fr}"),
                )
                .and(overridden(&e.placement))
            }
            AgendaDayEvent::AppointmentMovedOut(e) => {
                let (to_en, to_fr) = self.elsewhere(e.target_agenda, e.target_date);
                did(
                    &format!("moved the appointment away from {date}, to {to_en}"),
                    &format!("a déplacé le rendez-vous du {date} au {to_fr}"),
                )
                .and(dropped(&e.dropped))
            }
            AgendaDayEvent::AppointmentMovedIn(e) => {
                let (place_en, place_fr) = self.place(&e.placement);
                Sentence::new(
                    format!("The appointment arrived at its new time, {place_en}"),
                    format!("Le rendez-vous est arrivé à sa nouvelle place, {place_fr}"),
                )
            }
            AgendaDayEvent::MoveAbandoned(e) => {
                let (to_en, to_fr) = self.elsewhere(e.target_agenda, e.target_date);
                Sentence::new(
                    format!("The move to {to_en} was given up"),
                    format!("Le déplacement au {to_fr} a été abandonné"),
                )
            }
            AgendaDayEvent::MoveReleased(_) => {
                let (from_en, from_fr) = self.elsewhere(agenda, date);
                Sentence::new(
                    format!("The time promised to the move on {from_en} was given back"),
                    format!("La plage promise au déplacement du {from_fr} a été rendue"),
                )
            }
            AgendaDayEvent::AppointmentCancelled(e) => {
                let said = self.moment(e.cancelled_at);
                let by = if e.by_patient {
                    ("at the patient’s wish", "à la demande du patient")
                } else {
                    ("on the clinic’s part", "de la part de la clinique")
                };
                let kept = if e.dropped.is_empty() {
                    ("; the time may be booked again", " ; la plage peut être réservée de nouveau")
                } else {
                    ("; the availability was dropped", " ; la disponibilité a été supprimée")
                };
                let hidden = (!e.keep_record).then_some((
                    "; it is not shown in the patient’s list",
                    " ; il ne figure plus dans la liste du patient",
                ));
                did(
                    &format!("cancelled the appointment {}, as was said on {said}", by.0),
                    &format!("a annulé le rendez-vous {}, comme dit le {said}", by.1),
                )
                .and(Some(kept))
                .and(hidden)
            }
            AgendaDayEvent::AttendanceConfirmed(_) => {
                did("recorded that the patient will attend", "a noté que le patient sera présent")
            }
            AgendaDayEvent::PatientArrived(_) => {
                did("recorded that the patient arrived", "a noté l’arrivée du patient")
            }
            AgendaDayEvent::AppointmentCompleted(_) => {
                did("recorded that the appointment took place", "a noté que le rendez-vous a eu lieu")
            }
            AgendaDayEvent::NoShowRecorded(_) => {
                did("recorded that the patient did not come", "a noté que le patient ne s’est pas présenté")
            }
            AgendaDayEvent::BookingAbandoned(_) => Sentence::new(
                "The booking was given up before it was made",
                "La réservation a été abandonnée avant d’être faite",
            ),
        }
        .stop()
    }
}

fn times(facts: &SlotFacts) -> (String, String) {
    let (start, end) = (facts.start, facts.end);
    (format!("from {start} to {end}"), format!("de {start} à {end}"))
}

const fn whom(booking: &Booking) -> (&'static str, &'static str) {
    match booking.patient {
        Some(_) => (", for a patient record", ", pour un dossier patient"),
        None => (", with provisional contact details", ", avec des coordonnées provisoires"),
    }
}

fn admitted(booking: &Booking) -> Option<(&'static str, &'static str)> {
    booking.admission.as_ref().map(|admission| match admission.viewer_class {
        ViewerClass::Unrecognized => {
            (", online, as somebody who was not recognized", ", en ligne, sans être identifiée")
        }
        ViewerClass::Recognized => (", online, as somebody who was recognized", ", en ligne, en étant identifiée"),
        ViewerClass::Proven => {
            (", online, as somebody whose contact was proven", ", en ligne, avec une coordonnée prouvée")
        }
        ViewerClass::Unknown(_) => (", online", ", en ligne"),
    })
}

fn overridden(placement: &Placement) -> Option<(&'static str, &'static str)> {
    let said = ("; it was laid over others by an override", " ; il a été superposé à d’autres par dérogation");
    placement.overridden.then_some(said)
}

fn dropped(dropped: &[Source]) -> Option<(&'static str, &'static str)> {
    let said = ("; the original availability was dropped", " ; la disponibilité d’origine a été supprimée");
    (!dropped.is_empty()).then_some(said)
}

/// The name of an event without its version: `patient-attached`.
pub fn name(event_type: &str) -> &str {
    event_type.rsplit_once(".v").map_or(event_type, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_domain::agenda_day::{
        AboutAppointment, AppointmentCancelled, AppointmentMoved, HoldPlaced, MoveAbandoned,
    };
    use booking_domain::clinic::{AgendaOpened, ClinicEvent, ClinicRegistered, PractitionerRegistered};
    use booking_domain::ids::{AppointmentId, ClinicId, CommandId, HoldId, MemberId, SlotId, VisitId};
    use booking_domain::time::{Span, WallTime};
    use booking_domain::values::{Localized, Stamp};

    const AGENDA: AgendaId = AgendaId::from_bytes([2; 16]);
    const PRACTITIONER: PractitionerId = PractitionerId::from_bytes([3; 16]);
    const APPOINTMENT: AppointmentId = AppointmentId::from_bytes([4; 16]);
    // 2026-11-24 09:30 in Toronto.
    const START: Instant = Instant(1_795_530_600_000_000);

    fn clinic() -> Clinic {
        let mut clinic = Clinic::default();
        let events = [
            ClinicEvent::ClinicRegistered(ClinicRegistered {
                clinic: ClinicId::from_bytes([1; 16]),
                name: "Clinique".into(),
                zone: "America/Toronto".into(),
                administrator: MemberId::from_bytes([9; 16]),
            }),
            ClinicEvent::PractitionerRegistered(PractitionerRegistered {
                practitioner: PRACTITIONER,
                name: "Dr Roy".into(),
                profession: Localized::default(),
            }),
            ClinicEvent::AgendaOpened(AgendaOpened { agenda: AGENDA, practitioner: PRACTITIONER }),
        ];
        for event in &events {
            clinic.evolve(event, Stamp::default());
        }
        clinic
    }
    fn placement() -> Placement {
        let (start, end) = (WallTime(570), WallTime(600));
        let span = Span::minutes(START, 30);
        let date = WallDate::from_ymd(2026, 11, 24).unwrap();
        let (sources, practitioner) = (vec![], PRACTITIONER);
        let (only_selected, overridden, occupies) = (false, false, span);
        Placement { practitioner, date, start, end, span, occupies, sources, only_selected, overridden }
    }
    #[track_caller]
    fn told(event: &AgendaDayEvent, actor: Actor) -> (String, String) {
        let sentence = Teller::new(&clinic()).tell(event, actor, (AGENDA, placement().date));
        (sentence.en, sentence.fr)
    }

    #[test]
    fn a_move_says_where_the_appointment_is_now_and_what_was_dropped() {
        let slot = SlotId::from_bytes([5; 16]);
        let dropped = vec![Source { slot, span: Span::minutes(START, 30) }];
        let moved = AppointmentMoved { appointment: APPOINTMENT, placement: placement(), dropped, by_patient: false };
        let (en, fr) = told(&AgendaDayEvent::AppointmentMoved(moved), Actor::Staff(MemberId::from_bytes([9; 16])));
        assert_eq!(
            en,
            "A staff member moved the appointment: it is now on 2026-11-24 from 09:30 to 10:00 with Dr Roy; the original \
             availability was dropped."
        );
        assert_eq!(
            fr,
            "Un membre du personnel a déplacé le rendez-vous : il est maintenant le 2026-11-24 de 09:30 à 10:00 avec Dr \
             Roy ; la disponibilité d’origine a été supprimée."
        );
    }

    #[test]
    fn a_cancellation_says_whose_wish_it_was_when_it_was_said_and_what_became_of_the_time() {
        let cancelled = AppointmentCancelled {
            appointment: APPOINTMENT,
            cancelled_at: START,
            by_patient: true,
            reason: None,
            keep_record: false,
            dropped: vec![],
        };
        let (en, fr) = told(&AgendaDayEvent::AppointmentCancelled(cancelled), Actor::Link(APPOINTMENT));
        assert_eq!(
            en,
            "The holder of the appointment’s link cancelled the appointment at the patient’s wish, as was said on \
             2026-11-24 09:30; the time may be booked again; it is not shown in the patient’s list."
        );
        assert!(fr.contains("à la demande du patient, comme dit le 2026-11-24 09:30 ;"), "{fr}");
    }

    #[test]
    fn holds_and_moves_are_told_in_the_clinics_own_time() {
        let hold = HoldPlaced {
            hold: HoldId::from_bytes([6; 16]),
            visit: VisitId::from_bytes([7; 16]),
            slot: SlotId::from_bytes([5; 16]),
            span: Span::minutes(START, 30),
            placed_at: START.plus_minutes(-60),
            expires_at: START.plus_minutes(-55),
        };
        let (en, _) = told(&AgendaDayEvent::HoldPlaced(hold), Actor::Visit(VisitId::from_bytes([7; 16])));
        assert_eq!(en, "A visitor of the portal held the time of 2026-11-24 09:30 until 2026-11-24 08:35.");
        let abandoned = MoveAbandoned {
            appointment: APPOINTMENT,
            movement: CommandId::default(),
            target_agenda: AGENDA,
            target_date: placement().date,
        };
        let (en, fr) = told(&AgendaDayEvent::MoveAbandoned(abandoned), Actor::System);
        assert_eq!(en, "The move to 2026-11-24 with Dr Roy was given up.");
        assert_eq!(fr, "Le déplacement au 2026-11-24 avec Dr Roy a été abandonné.");
    }

    #[test]
    fn every_actor_has_a_name_that_is_nobodys() {
        let about = AgendaDayEvent::PatientArrived(AboutAppointment { appointment: APPOINTMENT });
        let member = MemberId::from_bytes([9; 16]);
        for actor in [Actor::System, Actor::Staff(member), Actor::Token(member), Actor::Unknown(member.0)] {
            let (en, fr) = told(&about, actor);
            assert!(en.ends_with(" recorded that the patient arrived."), "{en}");
            assert!(fr.ends_with(" a noté l’arrivée du patient."), "{fr}");
            assert!(!en.contains("09090909"), "{en}");
        }
    }

    #[test]
    fn a_name_has_no_version() {
        assert_eq!(name("patient-attached.v1"), "patient-attached");
        assert_eq!(name("odd"), "odd");
    }
}
