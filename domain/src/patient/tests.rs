//! Patient records: commands, and a model of merges whose steps run in any order.

use super::*;
use proptest::prelude::*;

const CLINIC: ClinicId = ClinicId::from_bytes([1; 16]);
const THIS: PractitionerId = PractitionerId::from_bytes([2; 16]);
const COLLEAGUE: PractitionerId = PractitionerId::from_bytes([3; 16]);
const STRANGER: PractitionerId = PractitionerId::from_bytes([4; 16]);

fn id(n: usize) -> PatientId {
    PatientId::from_bytes([10 + u8::try_from(n).unwrap(); 16])
}
fn sealed(n: u8) -> Sealed {
    Sealed { seal_id: [n; 16], key_version: 1, schema: 1, nonce: [n; 24], ciphertext: vec![n] }
}

/// A stream and its fold, as the engine sees them.
#[derive(Clone, Default)]
struct Stream {
    state: Patient,
    length: u64,
}

impl Stream {
    fn registered(n: usize) -> Self {
        let command = PatientRegistered { patient: id(n), clinic: CLINIC, profile: sealed(0), imported: false };
        let mut stream = Self::default();
        stream.take(|p| decide_register_patient(p, command)).unwrap();
        stream
    }
    fn take(
        &mut self,
        decide: impl FnOnce(&Patient) -> Result<Vec<PatientEvent>, PatientRefusal>,
    ) -> Result<usize, PatientRefusal> {
        let events = decide(&self.state)?;
        for event in &events {
            self.state.evolve(event, Stamp { revision: self.length, ..Stamp::default() });
            self.length += 1;
        }
        Ok(events.len())
    }
}

#[test]
fn registering_again_changes_nothing_and_another_clinic_is_refused() {
    let mut patient = Stream::registered(0);
    let again = PatientRegistered { patient: id(0), clinic: CLINIC, profile: sealed(9), imported: true };
    assert_eq!(patient.take(|p| decide_register_patient(p, again.clone())), Ok(0));
    let foreign = PatientRegistered { clinic: ClinicId::default(), ..again };
    assert_eq!(patient.take(|p| decide_register_patient(p, foreign)), Err(PatientRefusal::AlreadyRegistered));
}

#[test]
fn nothing_can_be_said_of_a_record_that_is_not_there() {
    let nobody = Patient::default();
    let unknown = Err(PatientRefusal::UnknownPatient);
    assert_eq!(decide_update_patient(&nobody, sealed(1), None), unknown);
    assert_eq!(decide_set_registration(&nobody, Registration::Clinic, None), unknown);
    assert_eq!(decide_mark_deceased(&nobody, None, None), unknown);
    assert_eq!(decide_receive_merge(&nobody, id(1), CLINIC), unknown);
    assert_eq!(decide_merge(&nobody, id(1), 1), unknown);
    assert!(!nobody.is_live());
}

#[test]
fn updates_name_the_revision_that_they_saw_and_repeat_as_nothing() {
    let mut patient = Stream::registered(0);
    assert_eq!(patient.take(|p| decide_update_patient(p, sealed(1), Some(0))), Ok(1));
    assert_eq!(patient.take(|p| decide_update_patient(p, sealed(1), None)), Ok(0));
    let stale = patient.take(|p| decide_set_registration(p, Registration::Clinic, Some(0)));
    assert_eq!(stale, Err(PatientRefusal::Stale(crate::values::Stale { current: 1 })));
    assert_eq!(patient.take(|p| decide_set_registration(p, Registration::Clinic, Some(1))), Ok(1));
    assert_eq!(patient.take(|p| decide_set_registration(p, Registration::Clinic, None)), Ok(0));
    let unknown = patient.take(|p| decide_set_registration(p, Registration::Unknown(9), None));
    assert!(matches!(unknown, Err(PatientRefusal::BadField(_))));
}

#[test]
fn a_death_is_recorded_once_and_its_date_may_follow() {
    let mut patient = Stream::registered(0);
    assert!(patient.state.is_live());
    assert_eq!(patient.take(|p| decide_mark_deceased(p, None, None)), Ok(1));
    assert!(!patient.state.is_live());
    assert_eq!(patient.take(|p| decide_mark_deceased(p, None, None)), Ok(0));
    assert_eq!(patient.take(|p| decide_mark_deceased(p, Some(sealed(5)), None)), Ok(1));
    assert_eq!(patient.take(|p| decide_mark_deceased(p, Some(sealed(5)), None)), Ok(0));
}

#[test]
fn a_merge_is_three_steps_and_each_may_be_repeated() {
    let (mut survivor, mut loser) = (Stream::registered(0), Stream::registered(1));
    for expected in [1, 0] {
        assert_eq!(survivor.take(|p| decide_receive_merge(p, id(1), CLINIC)), Ok(expected));
    }
    let received = survivor.state.receiving[&id(1)];
    for expected in [1, 0] {
        assert_eq!(loser.take(|p| decide_merge(p, id(0), received)), Ok(expected));
    }
    for expected in [1, 0] {
        assert_eq!(survivor.take(|p| decide_complete_merge(p, id(1))), Ok(expected));
    }
    assert_eq!(survivor.state.absorbed, [id(1)]);
    assert!(survivor.state.receiving.is_empty());
    let merged = PatientRefusal::Merged { into: id(0) };
    assert_eq!(decide_update_patient(&loser.state, sealed(7), None), Err(merged.clone()));
    assert_eq!(decide_set_registration(&loser.state, Registration::Clinic, None), Err(merged.clone()));
    assert_eq!(decide_mark_deceased(&loser.state, None, None), Err(merged.clone()));
    assert_eq!(decide_receive_merge(&loser.state, id(2), CLINIC), Err(merged.clone()));
    assert_eq!(decide_merge(&loser.state, id(2), 1), Err(merged));
}

#[test]
fn a_record_is_not_merged_into_itself_a_dead_one_or_another_clinics() {
    let mut patient = Stream::registered(0);
    assert_eq!(decide_receive_merge(&patient.state, id(0), CLINIC), Err(PatientRefusal::SameRecord));
    assert_eq!(decide_merge(&patient.state, id(0), 1), Err(PatientRefusal::SameRecord));
    let foreign = decide_receive_merge(&patient.state, id(1), ClinicId::default());
    assert_eq!(foreign, Err(PatientRefusal::OtherClinic));
    assert_eq!(decide_complete_merge(&patient.state, id(1)), Err(PatientRefusal::MergeNotReceived));
    patient.take(|p| decide_mark_deceased(p, None, None)).unwrap();
    assert_eq!(decide_receive_merge(&patient.state, id(1), CLINIC), Err(PatientRefusal::Deceased));
    assert_eq!(decide_merge(&patient.state, id(1), 1), Err(PatientRefusal::Deceased));
}

#[test]
fn a_record_that_another_is_being_merged_into_stays_until_that_has_ended() {
    let (mut survivor, mut loser) = (Stream::registered(0), Stream::registered(1));
    survivor.take(|p| decide_receive_merge(p, id(1), CLINIC)).unwrap();
    let received = survivor.state.receiving[&id(1)];
    assert_eq!(decide_merge(&survivor.state, id(2), 1), Err(PatientRefusal::ReceivesMerge { from: id(1) }));
    loser.take(|p| decide_decline_merge(p, id(0), received)).unwrap();
    survivor.take(|p| decide_abandon_merge(p, id(1), received)).unwrap();
    assert_eq!(decide_merge(&loser.state, id(0), received), Err(PatientRefusal::MergeDeclined));
    assert_eq!(decide_merge(&survivor.state, id(2), 1).map(|e| e.len()), Ok(1));
    survivor.take(|p| decide_receive_merge(p, id(1), CLINIC)).unwrap();
    let received = survivor.state.receiving[&id(1)];
    assert_eq!(loser.take(|p| decide_merge(p, id(0), received)), Ok(1), "a new attempt is not bound by the old");
}

#[test]
fn a_late_abandonment_does_not_end_a_newer_attempt() {
    let mut survivor = Stream::registered(0);
    survivor.take(|p| decide_receive_merge(p, id(1), CLINIC)).unwrap();
    let first = survivor.state.receiving[&id(1)];
    let events = decide_abandon_merge(&survivor.state, id(1), first).unwrap();
    assert_eq!(events, [PatientEvent::MergeAbandoned(MergeAbandoned { from: id(1), received: first })]);
    survivor.take(|_| Ok(events.clone())).unwrap();
    assert!(survivor.state.receiving.is_empty());
    survivor.take(|p| decide_receive_merge(p, id(1), CLINIC)).unwrap();
    let second = survivor.state.receiving[&id(1)];
    assert_eq!(decide_abandon_merge(&survivor.state, id(1), first), Ok(vec![]));
    survivor.take(|_| Ok(events)).unwrap();
    assert_eq!(survivor.state.receiving.get(&id(1)), Some(&second), "nor does the fold let it");
}

#[test]
fn registration_with_a_practitioner_elsewhere_counts_as_none() {
    use RegistrationKind::{Clinic, NotRegistered, OtherPractitioner, ThisPractitioner};
    let cases = [
        (Registration::None, NotRegistered),
        (Registration::Elsewhere, NotRegistered),
        (Registration::Practitioner(STRANGER), NotRegistered),
        (Registration::Practitioner(THIS), ThisPractitioner),
        (Registration::Practitioner(COLLEAGUE), OtherPractitioner),
        (Registration::Clinic, Clinic),
    ];
    for (registration, only) in cases {
        for &kind in RegistrationKind::ALL {
            let got = registration.satisfies(&[kind], THIS, |p| p == THIS || p == COLLEAGUE);
            assert_eq!(got, kind == only, "{registration:?} {kind:?}");
        }
        assert!(registration.satisfies(RegistrationKind::ALL, THIS, |p| p != STRANGER));
        assert_eq!(Registration::from_code(registration.code(), registration.practitioner()), registration);
    }
    assert!(!Registration::Unknown(7).satisfies(RegistrationKind::ALL, THIS, |_| true));
}

/// Somebody who merges, or who ends merges that take too long; a step at a time, asleep between any two.
#[derive(Clone, Copy, Debug)]
enum Worker {
    Begin { from: usize, into: usize },
    Decide { from: usize, into: usize, received: u64 },
    Complete { from: usize, into: usize },
    Look { from: usize, into: usize },
    Decline { from: usize, into: usize, received: u64 },
    Abandon { from: usize, into: usize, received: u64 },
    Done,
}

impl Worker {
    fn step(self, records: &mut [Stream]) -> Self {
        match self {
            Self::Begin { from, into } => match records[into].take(|p| decide_receive_merge(p, id(from), CLINIC)) {
                Ok(_) => match records[into].state.receiving.get(&id(from)) {
                    Some(&received) => Self::Decide { from, into, received },
                    None => Self::Done,
                },
                Err(_) => Self::Done,
            },
            Self::Decide { from, into, received } => {
                match records[from].take(|p| decide_merge(p, id(into), received)) {
                    Ok(_) => Self::Complete { from, into },
                    Err(_) => Self::Decline { from, into, received },
                }
            }
            Self::Complete { from, into } => {
                let done = records[into].take(|p| decide_complete_merge(p, id(from)));
                assert!(done.is_ok(), "a decisive merge can always be completed: {done:?}");
                Self::Done
            }
            Self::Look { from, into } => match records[into].state.receiving.get(&id(from)) {
                Some(&received) => Self::Decline { from, into, received },
                None => Self::Done,
            },
            Self::Decline { from, into, received } => {
                match records[from].take(|p| decide_decline_merge(p, id(into), received)) {
                    Ok(_) => Self::Abandon { from, into, received },
                    Err(_) => Self::Complete { from, into },
                }
            }
            Self::Abandon { from, into, received } => {
                records[into].take(|p| decide_abandon_merge(p, id(from), received)).unwrap();
                Self::Done
            }
            Self::Done => Self::Done,
        }
    }
}

/// Follows the merges from every record; a circle would be longer than there are records.
fn assert_no_circle(records: &[Stream]) {
    for start in 0..records.len() {
        let mut at = start;
        let mut steps = 0;
        while let Some(into) = records[at].state.merged_into {
            at = (0..records.len()).find(|n| id(*n) == into).unwrap();
            steps += 1;
            assert!(steps <= records.len(), "a circle through record {start}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// Nine workers over three records, every interleaving possible: no circle, ever, and nothing left half done.
    #[test]
    fn no_interleaving_of_merges_makes_a_circle(
        jobs in prop::collection::vec((0..3_usize, 1..3_usize, any::<bool>()), 9),
        schedule in prop::collection::vec(0..9_usize, 0..60),
        dies in prop::option::weighted(0.2, (0..3_usize, 0..60_usize)),
    ) {
        let mut records: Vec<Stream> = (0..3).map(Stream::registered).collect();
        let mut workers: Vec<Worker> = jobs
            .iter()
            .map(|&(from, gap, merges)| {
                let into = (from + gap) % 3;
                if merges { Worker::Begin { from, into } } else { Worker::Look { from, into } }
            })
            .collect();
        for (time, &who) in schedule.iter().enumerate() {
            if let Some((record, _)) = dies.filter(|&(_, when)| when == time) {
                let _ = records[record].take(|p| decide_mark_deceased(p, None, None));
            }
            workers[who] = workers[who].step(&mut records);
            assert_no_circle(&records);
        }
        while let Some(who) = workers.iter().position(|w| !matches!(w, Worker::Done)) {
            workers[who] = workers[who].step(&mut records);
            assert_no_circle(&records);
        }
        for record in &records {
            prop_assert!(record.state.receiving.is_empty(), "a merge was left half done");
        }
        for (n, record) in records.iter().enumerate() {
            if let Some(into) = record.state.merged_into {
                let survivor = records.iter().find(|r| r.state.id == Some(into)).unwrap();
                prop_assert!(survivor.state.absorbed.contains(&id(n)));
            }
        }
    }
}
