//! What is due, decided at the moment of sending. Pure: an appointment as it is now, what it is about, what was told.

use crate::vault::MessageKind;
use booking_domain::agenda_day::Appointment;
use booking_domain::time::Instant;
use booking_domain::values::{BookedBy, Status};
use sha2::{Digest, Sha256};

/// What a notice says, as a hash: the same again need not be told again.
pub type Fingerprint = [u8; 32];

/// What has to be told now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// This, with this fingerprint.
    Send(MessageKind, Fingerprint),
    /// Nothing; why, in a word.
    Nothing(&'static str),
}

/// What has to be told about an appointment because of what happened. `told`: what its patient was told last.
///
/// One message tells everything that waits: of two moves the newest state; of a booking and its cancellation only the
/// cancellation. A change whose cancellation is on its way already is left to that.
pub fn due(happened: &[MessageKind], appointment: &Appointment, told: Option<Fingerprint>, now: Instant) -> Due {
    let cancelled = appointment.status == Status::Cancelled;
    let fingerprint = fingerprint(appointment);
    let kind = if happened.contains(&MessageKind::Cancellation) {
        MessageKind::Cancellation
    } else if happened.contains(&MessageKind::Change) {
        MessageKind::Change
    } else {
        MessageKind::Booking
    };
    // R80, R81, R82, in this order.
    if appointment.activity.is_none() {
        Due::Nothing("no_activity")
    } else if !appointment.notify {
        Due::Nothing("not_wanted")
    } else if appointment.booked_by == BookedBy::External {
        Due::Nothing("external")
    } else if appointment.placement.span.start <= now {
        Due::Nothing("past")
    } else if cancelled != (kind == MessageKind::Cancellation) {
        Due::Nothing("cancelled")
    } else if told == Some(fingerprint) {
        Due::Nothing("told_already")
    } else if !cancelled && !appointment.is_ahead() {
        Due::Nothing("under_way")
    } else {
        Due::Send(kind, fingerprint)
    }
}

/// Hash of what a patient cares about: whether it takes place, when, with whom, how.
fn fingerprint(appointment: &Appointment) -> Fingerprint {
    let (span, mut hash) = (appointment.placement.span, Sha256::new());
    hash.update(b"clinic-booking/notice/v1");
    hash.update([u8::from(appointment.status == Status::Cancelled), appointment.modality.code()]);
    hash.update(span.start.0.to_be_bytes());
    hash.update(span.end.0.to_be_bytes());
    hash.update(appointment.placement.practitioner.bytes());
    hash.finalize().into()
}
