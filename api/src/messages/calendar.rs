//! The calendar file of an appointment (RFC 5545). Instants are written in UTC, so that no reader needs to know the
//! clinic's zone. The entry keeps its id when the appointment is moved, and its sequence number grows.

use super::render::Links;
use crate::http::wire::shown_reference;
use crate::pages::text::Words;
use booking_domain::agenda_day::Appointment;
use booking_domain::clinic::Clinic;
use booking_domain::ids::AppointmentId;
use booking_domain::time::Instant;
use booking_domain::values::{Language, Modality, Status};
use icalendar::{Calendar, Component, Event, EventLike, EventStatus, Property};

/// What a calendar file is made from.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The clinic.
    pub clinic: &'a Clinic,
    /// The appointment's id.
    pub id: AppointmentId,
    /// The appointment as it is now; a cancelled one takes the entry out of the calendar.
    pub appointment: &'a Appointment,
    /// From [`AppointmentHistory`](booking_engine::AppointmentHistory): it only grows.
    pub sequence: u32,
    /// The language of its words.
    pub language: Language,
    /// Addresses of the clinic's pages.
    pub links: &'a Links,
    /// When the file is made.
    pub now: Instant,
}

/// `PUBLISH`, or `CANCEL` for an appointment that was cancelled.
pub fn method(appointment: &Appointment) -> &'static str {
    if appointment.status == Status::Cancelled { "CANCEL" } else { "PUBLISH" }
}

/// The file. It names neither the patient nor the service, and holds no token: calendars are shared.
pub fn calendar_file(entry: &Entry<'_>) -> String {
    let Entry { clinic, appointment, language, .. } = *entry;
    let w = Words::of(language);
    let name = super::render::clinic_name(clinic);
    let contact = clinic.portal.config.as_ref().map(|c| &c.contact);
    let practitioner = clinic.practitioners.get(&appointment.placement.practitioner);
    let mut lines = vec![
        practitioner.map(|p| w.tv("msg-with", &[("practitioner", &p.name)])).unwrap_or_default(),
        w.tv("msg-reference", &[("reference", &shown_reference(&appointment.reference))]),
        contact.map(|c| w.tv("msg-phone", &[("phone", &c.phone)])).unwrap_or_default(),
    ];
    lines.extend(entry.links.manage(language).map(|link| w.tv("msg-manage-plain", &[("link", &link)])));
    lines.retain(|line| !line.is_empty());
    let cancelled = appointment.status == Status::Cancelled;
    let mut event = Event::new();
    event
        .uid(&format!("appointment-{}@clinic-booking", entry.id.0.simple()))
        .sequence(entry.sequence)
        .timestamp(entry.now.to_utc())
        .starts(appointment.placement.span.start.to_utc())
        .ends(appointment.placement.span.end.to_utc())
        .summary(&w.tv("msg-calendar-summary", &[("clinic", &name)]))
        .description(&lines.join("\n"))
        .status(if cancelled { EventStatus::Cancelled } else { EventStatus::Confirmed });
    if appointment.modality == Modality::InPerson
        && let Some(contact) = contact.filter(|c| !c.address.is_empty())
    {
        event.location(&contact.address.replace('\n', ", "));
    }
    if let Some(address) = contact.and_then(|c| c.email.as_ref()) {
        let mut organizer = Property::new("ORGANIZER", format!("mailto:{address}"));
        organizer.add_parameter("CN", &format!("\"{}\"", name.replace(['"', '\n', '\r'], " ")));
        event.append_property(organizer.done());
    }
    let mut calendar = Calendar::new();
    calendar.append_property(Property::new("METHOD", method(appointment)));
    calendar.push(event.done());
    calendar.to_string()
}
