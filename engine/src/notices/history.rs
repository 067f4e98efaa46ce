//! An appointment's own history, over all the days it stood on, and where its patient can be reached.

use crate::Engine;
use crate::appointments::Whereabouts;
use crate::vault::VaultError;
use booking_domain::agenda_day::{AgendaDayEvent, Appointment};
use booking_domain::ids::{ClinicId, SubjectId};
use booking_domain::person::{Email, Phone, Profile};
use booking_domain::sealed::Sealed;
use booking_store::fold::{FoldError, decode, read_whole};

/// What an appointment's events say, read to their head.
#[derive(Clone, Debug)]
pub struct AppointmentHistory {
    /// Where it stands.
    pub whereabouts: Whereabouts,
    /// What it is now.
    pub appointment: Appointment,
    /// How many events it has had, over all its days. It only grows: the sequence number of its calendar entry.
    pub sequence: u32,
    /// Identity and contacts as they were typed at the booking, sealed.
    contact: Option<Sealed>,
}

/// Where somebody can be reached.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// E-mail address.
    pub email: Option<Email>,
    /// Telephone.
    pub phone: Option<Phone>,
}

impl std::fmt::Debug for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[phi]")
    }
}

/// Why nobody can be reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unreachable {
    /// The person's data were erased.
    Erased,
    /// The person died.
    Deceased,
}

impl Engine {
    /// The history of an appointment from where it was last known. None: no such appointment, or it left its day and
    /// its new one has not taken it in yet.
    pub async fn appointment_history(&self, known: Whereabouts) -> Result<Option<AppointmentHistory>, FoldError> {
        let at = self.locate(known).await?;
        let day = self.day(at.agenda, at.date).await?;
        let Some(appointment) = day.state.appointments.get(&at.appointment).filter(|a| a.moved_to.is_none()) else {
            return Ok(None);
        };
        let (mut sequence, mut contact) = (0u32, None);
        let mut days = vec![(at.agenda, at.date)];
        let mut next = 0;
        // Back through every day that it came from, each once.
        while let Some((agenda, date)) = days.get(next).copied() {
            for event in read_whole(&*self.log, &at.at((agenda, date)).stream()).await? {
                let event = decode::<AgendaDayEvent>(&event)?;
                if event.appointment() != Some(at.appointment) {
                    continue;
                }
                sequence = sequence.saturating_add(1);
                let booking = match &event {
                    AgendaDayEvent::AppointmentBooked(e) => Some(&e.booking),
                    AgendaDayEvent::AppointmentMovedIn(e) => {
                        let source = (e.source_agenda, e.source_date);
                        if !days.contains(&source) {
                            days.push(source);
                        }
                        Some(&e.booking)
                    }
                    _ => None,
                };
                if let Some(booking) = booking.filter(|_| contact.is_none()) {
                    contact.clone_from(&booking.contact);
                }
            }
            next += 1;
        }
        // The booking is the first; an entry that was never changed has sequence 0.
        let sequence = sequence.saturating_sub(1);
        Ok(Some(AppointmentHistory { whereabouts: at, appointment: appointment.clone(), sequence, contact }))
    }

    /// Where messages about an appointment go: to what was typed at the booking, also of a recognized visitor (8.7,
    /// R87); for a record that staff booked for, to its first e-mail address and its first telephone.
    pub async fn reach(
        &self,
        clinic: ClinicId,
        history: &AppointmentHistory,
    ) -> Result<Result<Reach, Unreachable>, ReachError> {
        let profile = match (&history.contact, history.appointment.patient) {
            (Some(contact), _) => self.unseal::<Profile>(clinic, history.appointment.subject, contact).await?,
            (None, Some(patient)) => {
                let (survivor, record) = self.survivor(patient).await?;
                if !record.state.erased && !record.state.is_live() {
                    return Ok(Err(Unreachable::Deceased));
                }
                match &record.state.profile {
                    Some(sealed) => self.unseal::<Profile>(clinic, SubjectId::from(survivor), sealed).await?,
                    None => None,
                }
            }
            (None, None) => None,
        };
        Ok(profile.map_or(Err(Unreachable::Erased), |profile| {
            Ok(Reach { email: profile.emails.into_iter().next(), phone: profile.phones.into_iter().next() })
        }))
    }
}

/// Why it is not known where somebody can be reached.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// The log does not answer, or an event cannot be read.
    #[error(transparent)]
    Log(#[from] FoldError),
    /// The vault does not answer.
    #[error(transparent)]
    Vault(#[from] VaultError),
}
