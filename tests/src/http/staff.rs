//! Everybody who works at a clinic, as verbs over HTTP.

use super::answer::Answer;
use super::app::{Asked, TestApp, TestClinic};
use super::people::Person;
use super::portal::{id, text};
use booking_domain::values::Role;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// Somebody who works at a clinic, signed in.
pub struct Staff<'a> {
    /// The server.
    pub app: &'a TestApp,
    /// Where they work.
    pub clinic: TestClinic,
    /// What they may do.
    pub role: Role,
}

impl<'a> Staff<'a> {
    /// Somebody of this clinic in this role.
    #[must_use]
    pub const fn new(app: &'a TestApp, clinic: TestClinic, role: Role) -> Self {
        Self { app, clinic, role }
    }
    /// The session's token.
    pub async fn token(&self) -> String {
        self.app.session(self.clinic.id, self.clinic.member(self.role)).await
    }
    /// A request to a path below the clinic's.
    pub async fn asks(&self, method: Method, path: &str) -> Asked {
        let token = self.token().await;
        self.app.asks(method, &format!("/api/v1/clinics/{}{path}", self.clinic.id)).token(&token)
    }
    /// Reads a path below the clinic's.
    pub async fn get(&self, path: &str) -> Answer {
        self.asks(Method::GET, path).await.answer().await
    }
    /// Posts to a path below the clinic's.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.asks(Method::POST, path).await.json(body).answer().await
    }
    /// Puts or posts to a path, as of this `ETag`.
    pub async fn changes(&self, method: Method, path: &str, etag: &str, body: &Value) -> Answer {
        self.asks(method, path).await.if_match(etag).json(body).answer().await
    }

    /// Registers a patient; answers the record's id.
    pub async fn registers(&self, person: &Person) -> Uuid {
        self.registers_with(person, &Value::Null).await
    }
    /// Registers a patient with a registration with a family doctor.
    pub async fn registers_with(&self, person: &Person, registration: &Value) -> Uuid {
        let form = json!({ "details": person.record(), "registration": registration });
        let answer = self.post("/patients", &form).await.ok();
        self.app.settle().await;
        id(&answer["id"])
    }

    /// One day of all agendas.
    pub async fn agenda(&self, date: &str) -> Answer {
        self.app.settle().await;
        self.get(&format!("/agenda?from={date}")).await.ok()
    }
    /// One day of one agenda.
    pub async fn day(&self, agenda: Uuid, date: &str) -> Value {
        let answer = self.agenda(date).await;
        let found = answer.list("/days").iter().find(|day| day["agenda"] == json!(agenda));
        found.cloned().unwrap_or_else(|| panic!("no such agenda: {}", answer.text))
    }
    /// The availabilities of an agenda's day: `HH:MM state icon`.
    pub async fn sees_day(&self, agenda: Uuid, date: &str) -> Vec<String> {
        let day = self.day(agenda, date).await;
        let slots = day["slots"].as_array().unwrap().iter();
        let all = slots.flat_map(|slot| slot["availabilities"].as_array().unwrap().clone());
        all.map(|a| format!("{} {} {}", text(&a["start_time"]), text(&a["state"]), text(&a["icon"]))).collect()
    }
    /// The appointment with this reference, as the list of its day shows it.
    pub async fn finds(&self, date: &str, reference: &str) -> Value {
        self.app.settle().await;
        let answer = self.get(&format!("/appointments?from={date}&to={date}&limit=200")).await.ok();
        let plain = |text: &str| text.replace('-', "");
        let found = answer.list("/appointments").iter().find(|a| plain(&text(&a["reference"])) == plain(reference));
        found.cloned().unwrap_or_else(|| panic!("no {reference} on {date}: {}", answer.text))
    }
    /// An appointment with everything that staff may see.
    pub async fn opens(&self, appointment: Uuid) -> Answer {
        self.app.settle().await;
        self.get(&format!("/appointments/{appointment}")).await.ok()
    }
    /// Does something to an appointment as it stands now.
    pub async fn does(&self, appointment: Uuid, what: &str, body: &Value) -> Answer {
        let etag = self.opens(appointment).await.etag();
        self.changes(Method::POST, &format!("/appointments/{appointment}/{what}"), &etag, body).await
    }
    /// Attaches a record.
    pub async fn attaches(&self, appointment: Uuid, patient: Uuid) -> Answer {
        self.does(appointment, "attach", &json!({ "patient": patient })).await
    }
    /// Undoes an attachment.
    pub async fn detaches(&self, appointment: Uuid) -> Answer {
        self.does(appointment, "detach", &Value::Null).await
    }
    /// Cancels an appointment.
    pub async fn cancels(&self, appointment: Uuid, keep_availability: bool) -> Answer {
        self.does(appointment, "cancel", &json!({ "keep_availability": keep_availability })).await
    }
    /// The queue of those whose patient is to be identified.
    pub async fn queue(&self) -> Vec<Value> {
        self.app.settle().await;
        self.get("/reconciliation").await.ok().list("/waiting").to_vec()
    }
    /// Plans an appointment; `more` goes over the form.
    pub async fn plans(&self, agenda: Uuid, date: &str, (start, end): (&str, &str), more: &Value) -> Answer {
        let mut form = json!({ "agenda": agenda, "date": date, "start": start, "end": end });
        merge(&mut form, more);
        self.post("/appointments", &form).await
    }
}

/// Puts the fields of one object over those of another.
pub fn merge(into: &mut Value, more: &Value) {
    for (key, value) in more.as_object().into_iter().flatten() {
        into[key] = value.clone();
    }
}
