//! Forgetting a person: the request, the decision with its ground, the cooling-off, the erasure; and the legal hold
//! that keeps all of it back.
//!
//! Stream `erasure-{subject}`, where the subject is that of a patient record or of a provisional contact. The names of
//! the events *are* the storage format. Erasing destroys keys, never events: what [`SubjectErased`] names can be read by
//! nobody any more, in every copy of the log, and the history still folds to the same state.
//!
//! Whether data must still be kept rests on other streams (appointments), so the caller computes `keep_until` after it
//! read them; a decision to erase waits for the cooling-off anyway, and is checked again when it is carried out.

use crate::ids::{ClinicId, PatientId, SubjectId};
use crate::sealed::Sealed;
use crate::time::Instant;
use crate::values::{BadField, ErasureBasis, ErasureGround, Stale, Stamp, check_match, check_range};
use std::collections::BTreeSet;

/// How long a clinic keeps what, and how long it waits before it forgets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retention {
    /// Years that a patient's data are kept after the last appointment.
    pub attached_years: u16,
    /// Days after the appointment, after which a provisional contact that was never attached is erased.
    pub provisional_days: u16,
    /// Days between the decision to erase and the erasure, in which it can be withdrawn.
    pub cooling_off_days: u16,
}

impl Default for Retention {
    fn default() -> Self {
        Self { attached_years: 10, provisional_days: 90, cooling_off_days: 7 }
    }
}

impl Retention {
    /// Refuses what nobody means.
    pub fn check(&self) -> Result<(), BadField> {
        check_range("attached_years", self.attached_years.into(), 1, 100)?;
        check_range("provisional_days", self.provisional_days.into(), 1, 3_660)?;
        check_range("cooling_off_days", self.cooling_off_days.into(), 0, 90)
    }
    /// Until when the data of somebody with a record are kept, whose last appointment ended then.
    #[must_use]
    pub const fn of_patient(&self, last: Instant) -> Instant {
        last.plus_minutes(self.attached_years as i64 * 365 * DAY + self.attached_years as i64 / 4 * DAY)
    }
    /// Until when a provisional contact that nobody attached is kept, whose last appointment ended then.
    #[must_use]
    pub const fn of_provisional(&self, last: Instant) -> Instant {
        last.plus_minutes(self.provisional_days as i64 * DAY)
    }
}

/// Minutes of a day; retention is reckoned in elapsed time.
const DAY: i64 = 24 * 60;

/// Somebody asked that a person be forgotten, or the time to keep the data is over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ErasureRequested {
    /// The clinic.
    pub clinic: ClinicId,
    /// The patient record; none for a provisional contact.
    pub patient: Option<PatientId>,
    /// Who or what asked.
    pub basis: ErasureBasis,
    /// In words, sealed under the clinic's audit key, which no erasure destroys.
    pub note: Option<Sealed>,
}

/// The request was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ErasureRefused {
    /// Why.
    pub ground: ErasureGround,
    /// Until when the data must be kept, where that is the ground.
    pub until: Option<Instant>,
    /// In words, sealed under the clinic's audit key.
    pub note: Option<Sealed>,
}

/// The request was granted; the data go when the cooling-off is over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ErasureApproved {
    /// First moment at which it may be carried out.
    pub not_before: Instant,
    /// In words, sealed under the clinic's audit key.
    pub note: Option<Sealed>,
}

/// These persons' keys are to be destroyed, everywhere and for ever. The erasure list is made of these events.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SubjectErased {
    /// The record, the records merged into it, and the provisional contacts of its appointments.
    pub subjects: Vec<SubjectId>,
}

/// What happens to a person's data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ErasureEvent {
    /// See [`ErasureRequested`].
    ErasureRequested(ErasureRequested),
    /// See [`ErasureRefused`].
    ErasureRefused(ErasureRefused),
    /// See [`ErasureApproved`].
    ErasureApproved(ErasureApproved),
    /// Whoever asked thinks better of it; nothing is erased.
    ErasureWithdrawn,
    /// See [`SubjectErased`].
    SubjectErased(SubjectErased),
    /// The data must be kept whatever is asked: proceedings, a complaint.
    LegalHoldPlaced,
    /// The legal hold is over.
    LegalHoldReleased,
}

/// How far a request is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Stage {
    /// Nobody asked, or the last request ended.
    #[default]
    None,
    /// Asked, not decided.
    Requested,
    /// Granted; carried out from then on.
    Approved(Instant),
    /// Carried out.
    Erased,
}

/// What became of the wish to forget a person.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Erasure {
    /// The clinic; none until something was asked.
    pub clinic: Option<ClinicId>,
    /// The patient record; none for a provisional contact.
    pub patient: Option<PatientId>,
    /// How far the request is.
    pub stage: Stage,
    /// A legal hold keeps everything back.
    pub held: bool,
    /// Whose keys were destroyed.
    pub erased: BTreeSet<SubjectId>,
    /// Revision that last touched it.
    pub touched: u64,
}

impl Erasure {
    /// Takes in an event of this stream, oldest first. Total.
    pub fn evolve(&mut self, event: &ErasureEvent, stamp: Stamp) {
        self.touched = stamp.revision;
        match event {
            ErasureEvent::ErasureRequested(e) => {
                self.clinic = Some(e.clinic);
                self.patient = e.patient;
                self.stage = Stage::Requested;
            }
            ErasureEvent::ErasureRefused(_) | ErasureEvent::ErasureWithdrawn => self.stage = Stage::None,
            ErasureEvent::ErasureApproved(e) => self.stage = Stage::Approved(e.not_before),
            ErasureEvent::SubjectErased(e) => {
                self.stage = Stage::Erased;
                self.erased.extend(&e.subjects);
            }
            ErasureEvent::LegalHoldPlaced => self.held = true,
            ErasureEvent::LegalHoldReleased => self.held = false,
        }
    }
}

/// Why a command on an erasure is refused. Grounds to keep the data are no such refusal: they are recorded.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ErasureRefusal {
    /// There is no such person at this clinic.
    #[error("there is no such person at this clinic")]
    UnknownPerson,
    /// Nothing is asked, or it was decided already.
    #[error("there is no open request")]
    NoRequest,
    /// It was carried out: nothing is left to decide.
    #[error("the data were erased")]
    Erased,
    /// The cooling-off lasts until then.
    #[error("the cooling-off is not over")]
    TooEarly(Instant),
    /// The resource changed since it was read.
    #[error(transparent)]
    Stale(#[from] Stale),
    /// A field breaks a rule of form.
    #[error(transparent)]
    BadField(#[from] BadField),
}

type Decision = Result<Vec<ErasureEvent>, ErasureRefusal>;

/// Why the data must be kept at this moment, if they must.
fn kept(erasure: &Erasure, keep_until: Option<Instant>, now: Instant) -> Option<ErasureEvent> {
    let (ground, until) = match keep_until.filter(|until| now < *until) {
        _ if erasure.held => (ErasureGround::LegalHold, None),
        Some(until) => (ErasureGround::Retention, Some(until)),
        None => return None,
    };
    Some(ErasureEvent::ErasureRefused(ErasureRefused { ground, until, note: None }))
}

/// `RequestErasure`. Asking twice is asking once.
pub fn decide_request(erasure: &Erasure, command: ErasureRequested) -> Decision {
    match erasure.stage {
        Stage::Erased => Err(ErasureRefusal::Erased),
        Stage::Requested | Stage::Approved(_) => Ok(vec![]),
        Stage::None => Ok(vec![ErasureEvent::ErasureRequested(command)]),
    }
}

/// `DecideErasure`. To approve what must be kept records a refusal with its ground.
pub fn decide_approval(
    erasure: &Erasure,
    approve: bool,
    note: Option<Sealed>,
    (keep_until, retention): (Option<Instant>, Retention),
    if_match: Option<u64>,
    now: Instant,
) -> Decision {
    match erasure.stage {
        Stage::None => return Err(ErasureRefusal::NoRequest),
        Stage::Erased => return Err(ErasureRefusal::Erased),
        Stage::Approved(_) if approve => return Ok(vec![]),
        Stage::Requested | Stage::Approved(_) => {}
    }
    check_match(if_match, erasure.touched)?;
    if !approve {
        let ground = ErasureGround::Decision;
        return Ok(vec![ErasureEvent::ErasureRefused(ErasureRefused { ground, until: None, note })]);
    }
    if let Some(refused) = kept(erasure, keep_until, now) {
        return Ok(vec![refused]);
    }
    let not_before = now.plus_minutes(i64::from(retention.cooling_off_days) * DAY);
    Ok(vec![ErasureEvent::ErasureApproved(ErasureApproved { not_before, note })])
}

/// `WithdrawErasure`, possible until it is carried out.
pub fn decide_withdraw(erasure: &Erasure, if_match: Option<u64>) -> Decision {
    match erasure.stage {
        Stage::Erased => Err(ErasureRefusal::Erased),
        Stage::None => Ok(vec![]),
        Stage::Requested | Stage::Approved(_) => {
            check_match(if_match, erasure.touched)?;
            Ok(vec![ErasureEvent::ErasureWithdrawn])
        }
    }
}

/// `EraseSubject`: carries out what was approved. `subjects` are whose keys go; who was found later goes later.
///
/// What came up meanwhile (a legal hold, a new appointment) refuses it, on the record.
pub fn decide_erase(erasure: &Erasure, subjects: &[SubjectId], keep_until: Option<Instant>, now: Instant) -> Decision {
    let new: BTreeSet<_> = subjects.iter().copied().filter(|s| !erasure.erased.contains(s)).collect();
    match erasure.stage {
        Stage::None | Stage::Requested => return Err(ErasureRefusal::NoRequest),
        Stage::Approved(not_before) if now < not_before => return Err(ErasureRefusal::TooEarly(not_before)),
        Stage::Approved(_) => {
            if let Some(refused) = kept(erasure, keep_until, now) {
                return Ok(vec![refused]);
            }
        }
        Stage::Erased if new.is_empty() => return Ok(vec![]),
        Stage::Erased => {}
    }
    Ok(vec![ErasureEvent::SubjectErased(SubjectErased { subjects: new.into_iter().collect() })])
}

/// `PlaceLegalHold` and `ReleaseLegalHold`.
pub fn decide_legal_hold(erasure: &Erasure, held: bool) -> Decision {
    if erasure.stage == Stage::Erased {
        return Err(ErasureRefusal::Erased);
    }
    Ok(match (erasure.held, held) {
        (false, true) => vec![ErasureEvent::LegalHoldPlaced],
        (true, false) => vec![ErasureEvent::LegalHoldReleased],
        _ => vec![],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant(1_800_000_000_000_000);
    const WHO: SubjectId = SubjectId::from_bytes([1; 16]);
    const PROVISIONAL: SubjectId = SubjectId::from_bytes([2; 16]);

    fn fold(events: impl IntoIterator<Item = ErasureEvent>) -> Erasure {
        let mut erasure = Erasure::default();
        for (revision, event) in (0..).zip(events) {
            erasure.evolve(&event, Stamp { revision, occurred_at: NOW });
        }
        erasure
    }

    fn requested() -> ErasureEvent {
        ErasureEvent::ErasureRequested(ErasureRequested {
            clinic: ClinicId::from_bytes([9; 16]),
            patient: None,
            basis: ErasureBasis::Person,
            note: None,
        })
    }

    fn approved(not_before: Instant) -> ErasureEvent {
        ErasureEvent::ErasureApproved(ErasureApproved { not_before, note: None })
    }

    fn approve(erasure: &Erasure, keep_until: Option<Instant>) -> Decision {
        decide_approval(erasure, true, None, (keep_until, Retention::default()), None, NOW)
    }

    #[test]
    fn what_is_granted_waits_for_the_cooling_off() {
        let granted = approve(&fold([requested()]), None).unwrap();
        let not_before = NOW.plus_minutes(7 * DAY);
        assert_eq!(granted, [approved(not_before)]);
        let erasure = fold([requested(), approved(not_before)]);
        assert_eq!(decide_erase(&erasure, &[WHO], None, NOW), Err(ErasureRefusal::TooEarly(not_before)));
        let erased = decide_erase(&erasure, &[WHO], None, not_before).unwrap();
        assert_eq!(erased, [ErasureEvent::SubjectErased(SubjectErased { subjects: vec![WHO] })]);
    }

    #[test]
    fn what_must_be_kept_is_refused_on_the_record() {
        let until = NOW.plus_minutes(DAY);
        let refused = approve(&fold([requested()]), Some(until)).unwrap();
        let ground = ErasureGround::Retention;
        assert_eq!(refused, [ErasureEvent::ErasureRefused(ErasureRefused { ground, until: Some(until), note: None })]);
        assert_eq!(approve(&fold([requested()]), Some(NOW)), approve(&fold([requested()]), None), "the last moment");

        let held = fold([requested(), approved(NOW), ErasureEvent::LegalHoldPlaced]);
        let refused = decide_erase(&held, &[WHO], None, NOW).unwrap();
        let ground = ErasureGround::LegalHold;
        assert_eq!(refused, [ErasureEvent::ErasureRefused(ErasureRefused { ground, until: None, note: None })]);
    }

    #[test]
    fn a_request_can_be_withdrawn_until_it_is_carried_out() {
        let withdrawn = fold([requested(), approved(NOW), ErasureEvent::ErasureWithdrawn]);
        assert_eq!(decide_erase(&withdrawn, &[WHO], None, NOW), Err(ErasureRefusal::NoRequest));
        let erased = SubjectErased { subjects: vec![WHO] };
        let erased = fold([requested(), approved(NOW), ErasureEvent::SubjectErased(erased)]);
        assert_eq!(decide_withdraw(&erased, None), Err(ErasureRefusal::Erased));
        assert_eq!(decide_legal_hold(&erased, true), Err(ErasureRefusal::Erased));
    }

    #[test]
    fn who_is_found_later_goes_later_and_nobody_twice() {
        let erased = SubjectErased { subjects: vec![WHO] };
        let erased = fold([requested(), approved(NOW), ErasureEvent::SubjectErased(erased)]);
        assert_eq!(decide_erase(&erased, &[WHO], None, NOW), Ok(vec![]));
        let late = decide_erase(&erased, &[WHO, PROVISIONAL], None, NOW).unwrap();
        assert_eq!(late, [ErasureEvent::SubjectErased(SubjectErased { subjects: vec![PROVISIONAL] })]);
    }
}
