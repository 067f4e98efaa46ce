//! A clinic before its first booking: portal, roster, services, schedules, as verbs over HTTP.

use super::answer::Answer;
use super::app::TestApp;
use super::portal::{id, text};
use super::staff::{Staff, merge};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// A practitioner and their agenda.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Desk {
    /// The practitioner.
    pub practitioner: Uuid,
    /// The agenda.
    pub agenda: Uuid,
}

/// A clinic with one practitioner, one activity of twenty minutes and one service that is open to everyone.
pub struct SmallClinic {
    /// The practitioner.
    pub desk: Desk,
    /// The activity.
    pub activity: Uuid,
    /// The service.
    pub service: Uuid,
}

/// Internal names, which no patient may ever read (R6).
pub const ACTIVITY_NAME: &str = "zz-interne-suivi";
/// The same for services.
pub const SERVICE_NAME: &str = "zz-interne-48h-hub";
/// The day after the clock's first.
pub const TOMORROW: &str = "2026-11-24";

impl Staff<'_> {
    /// Configures the portal under the clinic's address and switches it on.
    pub async fn opens_portal(&self) {
        let form = json!({ "slug": self.clinic.slug, "contact": { "phone": "514 555-0100" },
            "terms": { "fr": "Conditions", "en": "Terms" } });
        let etag = self.get("/portal").await.ok().etag();
        let etag = self.changes(Method::PUT, "/portal", &etag, &form).await.ok().etag();
        let done = self.changes(Method::POST, "/portal/activate", &etag, &Value::Null).await.ok();
        assert_eq!(done["active"], true);
        self.app.settle().await;
    }
    /// Switches the portal off.
    pub async fn closes_portal(&self) {
        let etag = self.get("/portal").await.ok().etag();
        let _ = self.changes(Method::POST, "/portal/deactivate", &etag, &Value::Null).await.ok();
    }
    /// Defines an activity.
    pub async fn defines_activity(&self, name: &str, minutes: u16) -> Uuid {
        let form = json!({ "name": name, "duration_minutes": minutes });
        id(&self.post("/activities", &form).await.ok()["id"])
    }
    /// Hires a practitioner and opens an agenda.
    pub async fn hires(&self, name: &str) -> Desk {
        let hired = self.post("/practitioners", &json!({ "name": name })).await.ok();
        let practitioner = id(&hired["id"]);
        let opened = self.post("/agendas", &json!({ "practitioner": practitioner })).await.ok();
        Desk { practitioner, agenda: id(&opened["id"]) }
    }
    /// Configures a new service, open to everyone and at once; `more` goes over the form.
    pub async fn configures_service(&self, activities: &[Uuid], more: &Value) -> Uuid {
        id(&self.post("/services", &service_form(activities, more)).await.ok()["id"])
    }
    /// Changes some of the settings.
    pub async fn settles(&self, more: &Value) {
        let now = self.get("/settings").await.ok();
        let mut form = now.body.clone();
        merge(&mut form, more);
        let _ = self.changes(Method::PUT, "/settings", &now.etag(), &form).await.ok();
    }
    /// Asks for a slot; `more` goes over the form.
    pub async fn asks_for_slot(&self, agenda: Uuid, date: &str, (start, end): (&str, &str), more: &Value) -> Answer {
        let mut form = json!({ "date": date, "start": start, "end": end });
        merge(&mut form, more);
        self.post(&format!("/agendas/{agenda}/slots"), &form).await
    }
    /// Publishes a slot of an activity.
    pub async fn publishes_slot(&self, agenda: Uuid, date: &str, times: (&str, &str), activity: Uuid) -> Uuid {
        id(&self.asks_for_slot(agenda, date, times, &json!({ "activity": activity })).await.ok()["id"])
    }
    /// A clinic with one of everything, and its portal on.
    pub async fn sets_up(&self) -> SmallClinic {
        self.opens_portal().await;
        let desk = self.hires("Dre Roy").await;
        let activity = self.defines_activity(ACTIVITY_NAME, 20).await;
        let service = self.configures_service(&[activity], &Value::Null).await;
        SmallClinic { desk, activity, service }
    }
}

/// A service, open to everyone and at once; `more` goes over the form.
#[must_use]
pub fn service_form(activities: &[Uuid], more: &Value) -> Value {
    let mut form = json!({ "internal_name": SERVICE_NAME, "public_name": { "fr": "Consultation", "en": "Visit" },
        "activities": activities, "reason_required": false });
    merge(&mut form, more);
    form
}

impl SmallClinic {
    /// A small clinic whose first slot is tomorrow from nine to ten: three availabilities.
    pub async fn with_a_morning(app: &TestApp) -> Self {
        let small = app.admin().sets_up().await;
        app.scheduler().publishes_slot(small.desk.agenda, TOMORROW, ("09:00", "10:00"), small.activity).await;
        small
    }
    /// How staff name one of tomorrow's availabilities in commands.
    pub async fn availability(&self, staff: &Staff<'_>, time: &str) -> Value {
        let day = staff.day(self.desk.agenda, TOMORROW).await;
        availability_of(&day, time)
    }
}

/// How staff name the availability of an agenda's day that begins then.
#[must_use]
pub fn availability_of(day: &Value, time: &str) -> Value {
    for slot in day["slots"].as_array().into_iter().flatten() {
        for availability in slot["availabilities"].as_array().into_iter().flatten() {
            if availability["start_time"] == time {
                return json!({ "slot": id(&slot["id"]), "start": text(&availability["start"]) });
            }
        }
    }
    panic!("nothing at {time} in {day}")
}
