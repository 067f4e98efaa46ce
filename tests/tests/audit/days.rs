//! Days of staff at work, against what the driver knows that they saw: nothing is missing from the access log, and nothing
//! is in it that did not happen.

use booking_domain::ids::MemberId;
use booking_domain::phi::Phi;
use booking_domain::time::WallDate;
use booking_domain::values::Role;
use booking_engine::{Actor, NewMember};
use booking_tests::Rng;
use booking_tests::http::looked::Looked;
use booking_tests::http::portal::id;
use booking_tests::http::{Person, SmallClinic, Staff, TestApp, TestClinic};
use booking_tests::seeds::rounds;
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

const DAY: &str = "2026-11-24";

/// An appointment as the driver knows it.
#[derive(Clone, Debug)]
struct Known {
    id: Uuid,
    /// The record that stands there.
    patient: Option<Uuid>,
    /// The person of the contact that was typed.
    contact: Option<Uuid>,
}

impl Known {
    /// Whose name a list shows.
    fn named(&self) -> Uuid {
        self.patient.or(self.contact).unwrap()
    }
    /// Whose data its details show.
    fn all(&self) -> Vec<Uuid> {
        self.patient.into_iter().chain(self.contact).collect()
    }
}

struct Office {
    app: TestApp,
    small: SmallClinic,
    staff: Vec<(Role, MemberId)>,
    patients: Vec<(Uuid, String)>,
    appointments: Vec<Known>,
    expected: Vec<Looked>,
    rng: Rng,
    made: u32,
}

impl Office {
    async fn open(seed: u64, members: usize) -> Self {
        let app = TestApp::start().await;
        let small = app.admin().sets_up().await;
        app.scheduler().publishes_slot(small.desk.agenda, DAY, ("06:00", "22:00"), small.activity).await;
        let roles = [Role::Scheduler, Role::Practitioner, Role::Administrator, Role::Auditor];
        let mut staff = Vec::new();
        for n in 0..members {
            let (member, role) = (MemberId(app.app.engine.fresh_command().0), roles[n % roles.len()]);
            let (name, email) = (Phi::new(format!("Member {n}")), Phi::new(format!("m{n}@parc.example")));
            let ctx = app.ctx(app.clinic.id, Actor::Operator);
            app.app.engine.add_member(&ctx, &NewMember { member, name, email, role }).await.unwrap();
            staff.push((role, member));
        }
        let (patients, appointments, expected) = (Vec::new(), Vec::new(), Vec::new());
        Self { app, small, staff, patients, appointments, expected, rng: Rng::new(seed), made: 0 }
    }

    fn somebody(&mut self) -> (Person, String) {
        self.made += 1;
        let n = self.made;
        // Nobody resembles anybody, so that nobody is proposed for anybody else.
        let letters: String = n.to_string().bytes().map(|digit| char::from(b'a' + digit - b'0')).collect();
        let surname = format!("Nom{letters}x");
        let person = Person::named(&format!("Prenom{letters}x"), &surname).but(|p| {
            p.cell_phone = Some(format!("514 555 {:04}", n % 10_000));
            p.birth_date = WallDate(-10_000 + i32::try_from(n).unwrap()).to_string();
        });
        (person, surname)
    }

    fn works_as(&self, (role, member): (Role, MemberId)) -> Staff<'_> {
        Staff::new(&self.app, TestClinic { members: vec![(role, member)], ..self.app.clinic.clone() }, role)
    }

    /// One member does one thing.
    async fn step(&mut self) {
        let who = self.staff[self.rng.below(self.staff.len())];
        let (role, member) = who;
        let cares = role != Role::Auditor;
        let receives = matches!(role, Role::Scheduler | Role::Administrator);
        let patient = self.rng.maybe(&self.patients);
        let appointment = self.rng.maybe(&self.appointments);
        let refused = |operation: &str, subjects: Vec<Uuid>| Looked::refused(member, operation, subjects, "role");
        match self.rng.below(10) {
            0 if receives => {
                let (person, surname) = self.somebody();
                let form = json!({ "details": person.record() });
                let answer = self.works_as(who).post("/patients", &form).await.ok();
                self.patients.push((id(&answer["id"]), surname));
                let shown = Looked::shown(member, "registerPatient", [id(&answer["id"])]);
                self.expected.push(shown);
            }
            1 => {
                let Some((id, _)) = patient else { return };
                let answer = self.works_as(who).get(&format!("/patients/{id}")).await;
                assert_eq!(answer.is_ok(), cares, "{}", answer.text);
                self.expected.push(if cares {
                    Looked::shown(member, "getPatient", [id])
                } else {
                    refused("getPatient", vec![id])
                });
            }
            2 => {
                let Some(known) = appointment else { return };
                let answer = self.works_as(who).get(&format!("/appointments/{}", known.id)).await;
                assert_eq!(answer.is_ok(), cares, "{}", answer.text);
                let shown = Looked::shown(member, "getAppointment", known.all());
                self.expected.push(if cares { shown } else { refused("getAppointment", vec![known.named()]) });
            }
            3 | 4 => {
                let (path, operation) = [
                    (format!("/agenda?from={DAY}"), "getAgenda"),
                    (format!("/appointments?from={DAY}&to={DAY}&limit=200"), "listAppointments"),
                ][self.rng.below(2)]
                .clone();
                let answer = self.works_as(who).get(&path).await;
                assert_eq!(answer.is_ok(), cares, "{}", answer.text);
                let everybody: BTreeSet<Uuid> = self.appointments.iter().map(Known::named).collect();
                if !cares {
                    self.expected.push(refused(operation, vec![]));
                } else if !everybody.is_empty() {
                    self.expected.push(Looked::shown(member, operation, everybody));
                }
            }
            5 => {
                let Some((id, surname)) = patient else { return };
                let answer = self.works_as(who).post("/patients/search", &json!({ "text": surname })).await;
                assert_eq!(answer.is_ok(), cares, "{}", answer.text);
                let shown = Looked::shown(member, "searchPatients", [id]);
                self.expected.push(if cares { shown } else { refused("searchPatients", vec![]) });
            }
            6 => {
                let answer = self.works_as(who).get("/reconciliation?limit=100").await;
                assert_eq!(answer.is_ok(), receives, "{}", answer.text);
                let waiting: Vec<Uuid> =
                    self.appointments.iter().filter(|a| a.patient.is_none()).map(Known::named).collect();
                if !receives {
                    self.expected.push(refused("listReconciliation", vec![]));
                } else if !waiting.is_empty() {
                    self.expected.push(Looked::shown(member, "listReconciliation", waiting));
                }
            }
            7 => {
                let Some((id, _)) = patient else { return };
                let answer = self.works_as(who).get(&format!("/patients/{id}/appointments")).await;
                assert_eq!(answer.is_ok(), cares, "{}", answer.text);
                let shown = Looked::shown(member, "listPatientAppointments", [id]);
                self.expected.push(if cares { shown } else { refused("listPatientAppointments", vec![id]) });
            }
            8 if receives => {
                let Some(known) = appointment.filter(|a| a.patient.is_none()) else { return };
                let Some((patient, _)) = patient else { return };
                // The driver reads the revision, which is a look of its own.
                let etag = self.works_as(who).get(&format!("/appointments/{}", known.id)).await.ok().etag();
                self.expected.push(Looked::shown(member, "getAppointment", known.all()));
                let path = format!("/appointments/{}/attach", known.id);
                let body = json!({ "patient": patient });
                let answer = self.works_as(who).changes(Method::POST, &path, &etag, &body).await;
                assert!(answer.is_ok(), "{}", answer.text);
                self.appointments.iter_mut().find(|a| a.id == known.id).unwrap().patient = Some(patient);
            }
            9 => {
                // Somebody books on the portal, which is no look of anybody's.
                if self.appointments.len() < 40 {
                    let (person, _) = self.somebody();
                    let visitor = self.app.visitor(&person).await;
                    let times = visitor.sees(self.small.service).await;
                    let first = times[0]["availability"].as_str().unwrap().to_owned();
                    let reference = visitor.books(self.small.service, &first).await.reference();
                    self.app.settle().await;
                    let rows = &self.app.app.views.appointments;
                    let compact = reference.replace('-', "");
                    let row = rows.by_reference(self.app.clinic.id, &compact).await.unwrap().remove(0);
                    self.appointments.push(Known { id: row.id.0, patient: None, contact: Some(row.subject.0) });
                }
            }
            _ => {
                // What is no personal data leaves nothing.
                let answer = self.works_as(who).get("/services").await;
                assert!(answer.is_ok());
            }
        }
        self.app.settle().await;
    }
}

#[tokio::test]
async fn the_access_log_holds_every_look_of_every_day_and_nothing_else() {
    let (days, members, steps) = (rounds(3, 50), usize::try_from(rounds(5, 20)).unwrap(), 40);
    println!("{days} days of {members} members: SEED=1 to {days}");
    let (mut looks, mut refused) = (0, 0);
    for seed in booking_tests::seeds::seeds(3, 50) {
        let mut office = Office::open(seed, members).await;
        let before = office.app.looked().await.len();
        for _ in 0..steps {
            office.step().await;
        }
        let mut found = office.app.looked().await.split_off(before);
        let mut expected = office.expected.clone();
        (looks, refused) =
            (looks + expected.len(), refused + expected.iter().filter(|l| l.outcome == "refused").count());
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "replay it with SEED={seed}");
        // And the view says the same as the log.
        let page = office.app.admin().get("/audit/access?limit=500").await.ok();
        assert_eq!(page.list("/entries").len(), before + found.len());
    }
    println!("  {looks} looks expected, {refused} of them refused: all found, and no other");
}
