//! What messages say: one function for every origin, so that a booking by staff, by the portal or by a move reads the
//! same. Times are on the clinic's wall, with the zone's name; the patient's name is in no message.
//!
//! An SMS holds the clinic, date, time, reference and a link: nothing about a service, a reason or a practitioner.

use super::calendar::{Entry, calendar_file, method};
use super::channel::Attachment;
use crate::http::wire::shown_reference;
use crate::pages::text::Words;
use booking_domain::agenda_day::{Appointment, cutoff};
use booking_domain::clinic::Clinic;
use booking_domain::ids::AppointmentId;
use booking_domain::phi::Phi;
use booking_domain::time::Instant;
use booking_domain::values::{Language, Modality};
use booking_engine::vault::{MessageChannel, MessageKind};

/// Addresses of a clinic's pages, as messages name them.
#[derive(Clone, Debug)]
pub struct Links {
    /// Where the server is reached from outside, without a slash at the end.
    pub public_url: String,
    /// The clinic's address; none before its portal is configured.
    pub slug: Option<String>,
}

impl Links {
    /// The addresses of a clinic.
    pub fn of(public_url: &str, clinic: &Clinic) -> Self {
        let slug = clinic.portal.config.as_ref().map(|c| c.slug.clone());
        Self { public_url: public_url.trim_end_matches('/').to_owned(), slug }
    }
    /// The portal.
    pub fn portal(&self) -> Option<String> {
        Some(format!("{}/p/{}", self.public_url, self.slug.as_ref()?))
    }
    /// The page on which an appointment is changed; it asks for reference and birth date.
    pub fn manage(&self, language: Language) -> Option<String> {
        Some(format!("{}/{}/manage", self.portal()?, Words::of(language).code()))
    }
    /// The same page for whoever holds the appointment's link: its token stands in the fragment, which no server sees.
    pub fn own(&self, language: Language, token: &[u8; 32]) -> Option<String> {
        Some(format!("{}#l_{}", self.manage(language)?, hex::encode(token)))
    }
}

/// A notice that is due.
#[derive(Clone, Copy)]
pub struct Notice<'a> {
    /// Booking, change or cancellation.
    pub kind: MessageKind,
    /// The clinic.
    pub clinic: &'a Clinic,
    /// The appointment's id.
    pub id: AppointmentId,
    /// The appointment as it is now.
    pub appointment: &'a Appointment,
    /// See [`Entry::sequence`].
    pub sequence: u32,
    /// Addresses.
    pub links: &'a Links,
    /// The token of the appointment's link.
    pub token: &'a [u8; 32],
    /// Now.
    pub now: Instant,
}

/// What a message says.
pub struct Rendered {
    /// Heading of an e-mail.
    pub heading: String,
    /// Text.
    pub text: Phi<String>,
    /// Calendar file of an e-mail.
    pub calendar: Option<Attachment>,
}

/// The clinic's public name, on one line.
pub fn clinic_name(clinic: &Clinic) -> String {
    let name = clinic.registered.as_ref().map(|r| r.name.clone()).unwrap_or_default();
    name.replace(['\r', '\n'], " ")
}

/// A notice for this channel.
pub fn notice(notice: &Notice<'_>, channel: MessageChannel) -> Rendered {
    match channel {
        MessageChannel::Email => email(notice),
        MessageChannel::Sms => sms(notice),
    }
}

fn email(notice: &Notice<'_>) -> Rendered {
    let Notice { clinic, appointment, links, .. } = *notice;
    let language = appointment.language;
    let w = Words::of(language);
    let name = clinic_name(clinic);
    let (heading, opening) = match notice.kind {
        MessageKind::Change => (w.tv("msg-change-heading", &[("clinic", &name)]), w.t("msg-change-opening")),
        MessageKind::Cancellation => {
            (w.tv("msg-cancellation-heading", &[("clinic", &name)]), w.t("msg-cancellation-opening"))
        }
        _ => (w.tv("msg-booking-heading", &[("clinic", &name)]), w.t("msg-booking-opening")),
    };
    let cancelled = notice.kind == MessageKind::Cancellation;
    let mut ways = Vec::new();
    if !cancelled && let Some(link) = links.own(language, notice.token) {
        let until = w.moment(cutoff(clinic, appointment), clinic.zone());
        ways.push(w.tv("msg-change-link", &[("link", &link), ("until", &until)]));
    }
    if let Some(link) = links.portal() {
        ways.push(w.tv(if cancelled { "msg-portal-again" } else { "msg-portal" }, &[("link", &link)]));
    }
    let file =
        Entry { clinic, id: notice.id, appointment, sequence: notice.sequence, language, links, now: notice.now };
    let calendar = Attachment { method: method(appointment), text: Phi::new(calendar_file(&file)) };
    let blocks = [opening, details(notice, w).join("\n"), ways.join("\n\n"), signature(clinic, w)];
    let text = blocks.into_iter().filter(|block| !block.is_empty()).collect::<Vec<_>>().join("\n\n");
    Rendered { heading, text: Phi::new(format!("{text}\n")), calendar: Some(calendar) }
}

/// What a patient needs to know, a line each.
fn details(notice: &Notice<'_>, w: Words) -> Vec<String> {
    let Notice { clinic, appointment, .. } = *notice;
    let placement = &appointment.placement;
    let zone = w.zone(clinic.zone(), placement.span.start);
    let mut lines = vec![
        w.tv("msg-when", &[("when", &w.day_time(placement.date, placement.start)), ("zone", &zone)]),
        w.tv("msg-duration", &[("duration", &w.duration(placement.span.len_minutes()))]),
    ];
    if let Some(practitioner) = clinic.practitioners.get(&placement.practitioner) {
        lines.push(w.tv("msg-with", &[("practitioner", &practitioner.name)]));
    }
    if let Some(service) =
        appointment.service_name.as_ref().map(|s| s.get(appointment.language)).filter(|s| !s.is_empty())
    {
        lines.push(w.tv("msg-service", &[("service", service)]));
    }
    let modality = match appointment.modality {
        Modality::InPerson => Some(w.t("msg-in-person")),
        Modality::Video => Some(w.t("msg-video")),
        Modality::Telephone => Some(w.t("msg-telephone")),
        Modality::HomeVisit => Some(w.t("msg-home-visit")),
        Modality::Unknown(_) => None,
    };
    lines.extend(modality);
    lines.push(w.tv("msg-reference", &[("reference", &shown_reference(&appointment.reference))]));
    lines
}

fn signature(clinic: &Clinic, w: Words) -> String {
    let mut lines = vec![clinic_name(clinic)];
    if let Some(contact) = clinic.portal.config.as_ref().map(|c| &c.contact) {
        lines.extend(contact.address.lines().map(str::to_owned));
        if !contact.phone.is_empty() {
            lines.push(w.tv("msg-phone", &[("phone", &contact.phone)]));
        }
        lines.extend(contact.email.clone());
        lines.extend(contact.website.clone());
    }
    lines.join("\n")
}

fn sms(notice: &Notice<'_>) -> Rendered {
    let Notice { clinic, appointment, links, .. } = *notice;
    let language = appointment.language;
    let w = Words::of(language);
    let placement = &appointment.placement;
    let key = match notice.kind {
        MessageKind::Change => "msg-sms-change",
        MessageKind::Cancellation => "msg-sms-cancellation",
        _ => "msg-sms-booking",
    };
    let (name, when) = (clinic_name(clinic), w.day_time(placement.date, placement.start));
    let reference = shown_reference(&appointment.reference);
    let mut text = w.tv(key, &[("clinic", &name), ("when", &when), ("reference", &reference)]);
    let link =
        if notice.kind == MessageKind::Cancellation { links.portal() } else { links.own(language, notice.token) };
    if let Some(link) = link {
        text = format!("{text} {link}");
    }
    Rendered { heading: String::new(), text: Phi::new(plain(&text)), calendar: None }
}

/// A one-time code. It says who sent it and what it is for, and nothing about anybody.
pub fn code(clinic: &Clinic, digits: &str, language: Language, channel: MessageChannel) -> Rendered {
    let (w, name) = (Words::of(language), clinic_name(clinic));
    let minutes = booking_engine::vault::CODE_MINUTES.to_string();
    let variables = [("clinic", name.as_str()), ("code", digits), ("minutes", minutes.as_str())];
    match channel {
        MessageChannel::Email => {
            let blocks = [w.tv("msg-code-text", &variables), w.t("msg-code-not-you"), signature(clinic, w)];
            let text = Phi::new(format!("{}\n", blocks.join("\n\n")));
            Rendered { heading: w.tv("msg-code-heading", &[("clinic", &name)]), text, calendar: None }
        }
        MessageChannel::Sms => {
            let text = Phi::new(plain(&w.tv("msg-sms-code", &variables)));
            Rendered { heading: String::new(), text, calendar: None }
        }
    }
}

/// Without the spaces that would make an SMS half as long.
fn plain(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ").replace('\u{2019}', "'")
}
