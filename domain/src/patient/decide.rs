//! The patient record's commands: `decide_*(&Patient, command) -> events or refusal`; nothing to do is an empty list.

use super::{
    MergeAbandoned, MergeCompleted, MergeDeclined, MergeReceived, Patient, PatientDeceased, PatientEvent,
    PatientMerged, PatientRegistered, PatientUpdated, Registration, RegistrationSet,
};
use crate::ids::{ClinicId, PatientId};
use crate::sealed::Sealed;
use crate::values::{BadField, Stale, check_match};

/// Why a command on a patient record is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PatientRefusal {
    /// The id belongs to a record of another clinic.
    #[error("this record exists already")]
    AlreadyRegistered,
    /// There is no such record.
    #[error("there is no such patient record")]
    UnknownPatient,
    /// The record leads to another.
    #[error("the record was merged into {into}")]
    Merged {
        /// The record that it leads to.
        into: PatientId,
    },
    /// The person died; a record of the dead neither takes in another nor leads to one.
    #[error("the record is marked as deceased; correct that before merging")]
    Deceased,
    /// The person's data was erased.
    #[error("the record was erased")]
    Erased,
    /// A record cannot be merged into itself.
    #[error("a record cannot be merged into itself")]
    SameRecord,
    /// The two records belong to two clinics.
    #[error("the two records belong to two clinics")]
    OtherClinic,
    /// Another record is being merged into this one; that merge has to end first.
    #[error("another record is being merged into this one; try again when that is done")]
    ReceivesMerge {
        /// The record on its way here.
        from: PatientId,
    },
    /// This attempt at merging was given up; a new one may be made.
    #[error("this merge was given up; start it again")]
    MergeDeclined,
    /// The survivor knows nothing of this merge.
    #[error("this merge was not announced on the surviving record")]
    MergeNotReceived,
    /// The resource changed since it was read.
    #[error(transparent)]
    Stale(#[from] Stale),
    /// A field breaks a rule of form.
    #[error(transparent)]
    BadField(#[from] BadField),
}

type Decision = Result<Vec<PatientEvent>, PatientRefusal>;

impl Patient {
    fn known(&self) -> Result<PatientId, PatientRefusal> {
        self.id.ok_or(PatientRefusal::UnknownPatient)
    }
    /// Refuses what is addressed to a record that leads elsewhere or holds nothing any more.
    fn writable(&self) -> Result<PatientId, PatientRefusal> {
        let id = self.known()?;
        match self.merged_into {
            Some(into) => Err(PatientRefusal::Merged { into }),
            None if self.erased => Err(PatientRefusal::Erased),
            None => Ok(id),
        }
    }
    fn mergeable(&self) -> Result<PatientId, PatientRefusal> {
        let id = self.writable()?;
        if self.deceased { Err(PatientRefusal::Deceased) } else { Ok(id) }
    }
}

/// `RegisterPatient`. A record that is there stays as it is, so that a broken import is resumed by running it again.
pub fn decide_register_patient(patient: &Patient, command: PatientRegistered) -> Decision {
    match patient.clinic {
        Some(clinic) if clinic == command.clinic => Ok(vec![]),
        Some(_) => Err(PatientRefusal::AlreadyRegistered),
        None => Ok(vec![PatientEvent::PatientRegistered(command)]),
    }
}

/// `UpdatePatient`. Details of the dead may be corrected.
pub fn decide_update_patient(patient: &Patient, profile: Sealed, if_match: Option<u64>) -> Decision {
    patient.writable()?;
    check_match(if_match, patient.touched)?;
    let same = patient.profile.as_ref() == Some(&profile);
    Ok(if same { vec![] } else { vec![PatientEvent::PatientUpdated(PatientUpdated { profile })] })
}

/// `SetRegistration`. That a practitioner is one of the clinic is for the caller to check, on the clinic's stream.
pub fn decide_set_registration(patient: &Patient, registration: Registration, if_match: Option<u64>) -> Decision {
    patient.writable()?;
    check_match(if_match, patient.touched)?;
    if matches!(registration, Registration::Unknown(_)) {
        return Err(BadField::new("registration", "is not known").into());
    }
    let same = patient.registration == registration;
    Ok(if same { vec![] } else { vec![PatientEvent::RegistrationSet(RegistrationSet { registration })] })
}

/// `MarkDeceased`; again with a date to add or correct it.
pub fn decide_mark_deceased(patient: &Patient, death_date: Option<Sealed>, if_match: Option<u64>) -> Decision {
    patient.writable()?;
    check_match(if_match, patient.touched)?;
    let nothing_new = patient.deceased && (death_date.is_none() || death_date == patient.death_date);
    Ok(if nothing_new { vec![] } else { vec![PatientEvent::PatientDeceased(PatientDeceased { death_date })] })
}

/// `ReceiveMerge`, on the survivor: the first step. `from_clinic` is the loser's clinic, which never changes.
pub fn decide_receive_merge(survivor: &Patient, from: PatientId, from_clinic: ClinicId) -> Decision {
    let id = survivor.known()?;
    if survivor.absorbed.contains(&from) || survivor.receiving.contains_key(&from) {
        return Ok(vec![]);
    }
    survivor.mergeable()?;
    if from == id {
        return Err(PatientRefusal::SameRecord);
    }
    if survivor.clinic != Some(from_clinic) {
        return Err(PatientRefusal::OtherClinic);
    }
    Ok(vec![PatientEvent::MergeReceived(MergeReceived { from })])
}

/// `MergePatient`, on the loser: the decisive step.
///
/// `received` is the survivor's `receiving[loser]`, read after the first step: the proof that the survivor stays
/// where it is until this merge has ended.
pub fn decide_merge(loser: &Patient, into: PatientId, received: u64) -> Decision {
    let id = loser.known()?;
    if loser.merged_into == Some(into) {
        return Ok(vec![]);
    }
    loser.mergeable()?;
    if into == id {
        return Err(PatientRefusal::SameRecord);
    }
    if loser.declined.get(&into).is_some_and(|last| received <= *last) {
        return Err(PatientRefusal::MergeDeclined);
    }
    if let Some((from, _)) = loser.receiving.first_key_value() {
        return Err(PatientRefusal::ReceivesMerge { from: *from });
    }
    Ok(vec![PatientEvent::PatientMerged(PatientMerged { into })])
}

/// `CompleteMerge`, on the survivor: the last step, once the loser leads here.
pub fn decide_complete_merge(survivor: &Patient, from: PatientId) -> Decision {
    survivor.known()?;
    if survivor.absorbed.contains(&from) {
        return Ok(vec![]);
    }
    if !survivor.receiving.contains_key(&from) {
        return Err(PatientRefusal::MergeNotReceived);
    }
    Ok(vec![PatientEvent::MergeCompleted(MergeCompleted { from })])
}

/// `DeclineMerge`, on the loser: ends an attempt that did not become decisive. Comes before [`decide_abandon_merge`].
///
/// If the loser leads to that survivor already the refusal is [`PatientRefusal::Merged`]: complete it instead.
pub fn decide_decline_merge(loser: &Patient, into: PatientId, received: u64) -> Decision {
    match loser.merged_into {
        Some(to) if to == into => return Err(PatientRefusal::Merged { into }),
        // It leads elsewhere for good, which ends the attempt as well.
        Some(_) => return Ok(vec![]),
        None => {}
    }
    let done = loser.declined.get(&into).is_some_and(|last| received <= *last);
    Ok(if done { vec![] } else { vec![PatientEvent::MergeDeclined(MergeDeclined { into, received })] })
}

/// `AbandonMerge`, on the survivor, after the loser declined the attempt that began at `received`. A later attempt stays.
pub fn decide_abandon_merge(survivor: &Patient, from: PatientId, received: u64) -> Decision {
    survivor.known()?;
    let pending = survivor.receiving.get(&from) == Some(&received);
    Ok(if pending { vec![PatientEvent::MergeAbandoned(MergeAbandoned { from, received })] } else { vec![] })
}

/// `ErasePatient`: closes the record before its keys go. Also a merged record is closed; one that was never there is not.
pub fn decide_erase_patient(patient: &Patient) -> Decision {
    patient.known()?;
    Ok(if patient.erased { vec![] } else { vec![PatientEvent::PatientErased] })
}
