//! Visitors of a portal and holders of a link, as verbs over HTTP.

use super::answer::Answer;
use super::app::{Asked, TestApp};
use super::people::Person;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// Somebody with a visit.
pub struct Visitor<'a> {
    app: &'a TestApp,
    slug: String,
    /// The visit's token.
    pub token: String,
}

impl<'a> Visitor<'a> {
    /// Opens a visit at this portal.
    pub async fn opens(app: &'a TestApp, slug: &str, person: &Person) -> Self {
        let opened = opening(app, slug, &person.typed()).await.ok();
        Self { app, slug: slug.to_owned(), token: opened.str("/token").to_owned() }
    }
    /// Somebody whose visit is open already.
    #[must_use]
    pub fn with(app: &'a TestApp, slug: &str, token: &str) -> Self {
        Self { app, slug: slug.to_owned(), token: token.to_owned() }
    }
    /// A request to a path below the portal's.
    #[must_use]
    pub fn asks(&self, method: Method, path: &str) -> Asked {
        self.app.asks(method, &format!("/api/v1/portal/{}{path}", self.slug)).token(&self.token)
    }
    /// Reads a path below the portal's.
    pub async fn get(&self, path: &str) -> Answer {
        self.asks(Method::GET, path).answer().await
    }
    /// The services to choose from, as they are answered.
    pub async fn services(&self) -> Answer {
        self.app.settle().await;
        self.get("/services").await
    }
    /// The ids of the services to choose from.
    pub async fn sees_services(&self) -> Vec<Uuid> {
        let answer = self.services().await.ok();
        answer.list("/services").iter().map(|s| id(&s["id"])).collect()
    }
    /// The availabilities of a service.
    pub async fn sees(&self, service: Uuid) -> Vec<Value> {
        self.app.settle().await;
        let answer = self.get(&format!("/availabilities?service={service}&limit=100")).await.ok();
        answer.list("/availabilities").to_vec()
    }
    /// When the availabilities of a service begin: `mm-dd HH:MM`.
    pub async fn sees_times(&self, service: Uuid) -> Vec<String> {
        self.sees(service).await.iter().map(start).collect()
    }
    /// The availability that begins then, `HH:MM` on the first day that has it.
    pub async fn finds(&self, service: Uuid, time: &str) -> String {
        let seen = self.sees(service).await;
        let found = seen.iter().find(|a| a["start_time"] == time);
        text(&found.unwrap_or_else(|| panic!("nothing at {time} in {seen:?}"))["availability"])
    }
    /// Asks for a hold.
    pub async fn asks_to_hold(&self, service: Uuid, availability: &str) -> Answer {
        let wanted = json!({ "service": service, "availability": availability });
        self.asks(Method::POST, "/holds").json(&wanted).answer().await
    }
    /// Holds an availability; answers the hold.
    pub async fn holds(&self, service: Uuid, availability: &str) -> String {
        self.asks_to_hold(service, availability).await.ok().str("/hold").to_owned()
    }
    /// Puts the end of a hold off.
    pub async fn extends(&self, hold: &str) -> Answer {
        self.asks(Method::POST, &format!("/holds/{hold}/extend")).answer().await
    }
    /// Gives a hold back.
    pub async fn releases(&self, hold: &str) -> Answer {
        self.asks(Method::DELETE, &format!("/holds/{hold}")).answer().await
    }
    /// Sends a booking with a key.
    pub async fn sends_booking(&self, key: &str, booking: &Value) -> Answer {
        self.asks(Method::POST, "/appointments").key(key).json(booking).answer().await
    }
    /// Asks for an availability, without a hold.
    pub async fn asks_to_book(&self, service: Uuid, availability: &str) -> Answer {
        self.sends_booking("only-try", &json!({ "service": service, "availability": availability })).await
    }
    /// Books an availability after one that was refused: with a key of its own.
    pub async fn asks_to_book_again(&self, service: Uuid, availability: &str) -> LinkHolder<'a> {
        let booking = json!({ "service": service, "availability": availability });
        LinkHolder::of(self.app, &self.slug, self.sends_booking("another-try", &booking).await.ok())
    }
    /// Books an availability, without a hold.
    pub async fn books(&self, service: Uuid, availability: &str) -> LinkHolder<'a> {
        let booked = self.asks_to_book(service, availability).await.ok();
        booked.has_status(201);
        LinkHolder::of(self.app, &self.slug, booked)
    }
    /// Books the availability that begins then.
    pub async fn books_at(&self, service: Uuid, time: &str) -> LinkHolder<'a> {
        self.books(service, &self.finds(service, time).await).await
    }
}

/// Sends the identification form.
pub async fn opening(app: &TestApp, slug: &str, typed: &Value) -> Answer {
    app.asks(Method::POST, &format!("/api/v1/portal/{slug}/visits")).json(typed).answer().await
}

/// Somebody with the link of an appointment.
pub struct LinkHolder<'a> {
    app: &'a TestApp,
    slug: String,
    /// The link's token.
    pub token: String,
    /// What the booking answered.
    pub booked: Option<Answer>,
}

impl<'a> LinkHolder<'a> {
    /// With this token.
    #[must_use]
    pub fn new(app: &'a TestApp, slug: &str, token: &str) -> Self {
        Self { app, slug: slug.to_owned(), token: token.to_owned(), booked: None }
    }
    fn of(app: &'a TestApp, slug: &str, booked: Answer) -> Self {
        let link = Self::new(app, slug, booked.str("/link_token"));
        Self { booked: Some(booked), ..link }
    }
    /// The reference that was given at the booking.
    #[must_use]
    pub fn reference(&self) -> String {
        self.booked.as_ref().unwrap().str("/appointment/reference").to_owned()
    }
    /// The position of the booking.
    #[must_use]
    pub fn position(&self) -> String {
        self.booked.as_ref().unwrap().position()
    }
    /// A request about the appointment.
    #[must_use]
    pub fn asks(&self, method: Method, path: &str) -> Asked {
        self.app.asks(method, &format!("/api/v1/portal/{}/appointment{path}", self.slug)).token(&self.token)
    }
    /// The appointment as it stands.
    pub async fn sees(&self) -> Answer {
        self.asks(Method::GET, "").answer().await
    }
    /// The times to move to.
    pub async fn sees_targets(&self) -> Vec<Value> {
        self.app.settle().await;
        self.asks(Method::GET, "/availabilities?limit=100").answer().await.ok().list("/availabilities").to_vec()
    }
    /// Cancels, as of this `ETag`, with the birth date of everybody who is [`Person::named`].
    pub async fn cancels(&self, etag: &str) -> Answer {
        self.cancels_as(etag, "1985-06-15").await
    }
    /// Cancels, as of this `ETag`, with this birth date.
    pub async fn cancels_as(&self, etag: &str, birth_date: &str) -> Answer {
        let asked = json!({ "birth_date": birth_date });
        self.asks(Method::POST, "/cancel").if_match(etag).json(&asked).answer().await
    }
    /// Moves, as of this `ETag`.
    pub async fn moves(&self, etag: &str, availability: &str) -> Answer {
        let to = json!({ "availability": availability });
        self.asks(Method::POST, "/move").if_match(etag).json(&to).answer().await
    }
    /// Says that they will attend.
    pub async fn confirms(&self) -> Answer {
        self.asks(Method::POST, "/confirm").answer().await
    }
}

/// Looks an appointment up by its reference and a birth date.
pub async fn looks_up(app: &TestApp, slug: &str, reference: &str, birth_date: &str) -> Answer {
    let typed = json!({ "reference": reference, "birth_date": birth_date });
    app.asks(Method::POST, &format!("/api/v1/portal/{slug}/appointment/lookup")).json(&typed).answer().await
}

/// A text of an answer.
#[must_use]
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// An id of an answer.
#[must_use]
#[track_caller]
pub fn id(value: &Value) -> Uuid {
    text(value).parse().unwrap_or_else(|_| panic!("{value} is no id"))
}

/// When an availability begins: `mm-dd HH:MM`.
fn start(availability: &Value) -> String {
    let date = text(&availability["date"]);
    format!("{} {}", date.get(5..).unwrap_or_default(), text(&availability["start_time"]))
}
