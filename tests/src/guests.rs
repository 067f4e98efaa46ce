//! A client of the portal: one connection pool, and the requests that visitors make.

use booking_api::http::wire::availability_ref;
use booking_domain::ids::{ServiceId, VisitId};
use booking_engine::Place;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body; null if there was none.
    pub body: Value,
    /// The `ETag`, as it came.
    pub etag: Option<String>,
    /// The `Retry-After`, as it came.
    pub retry_after: Option<String>,
    /// How long it took.
    pub took: Duration,
}

impl Reply {
    /// The code of a problem.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
    /// The availabilities that a problem shows instead.
    pub fn alternatives(&self) -> Vec<String> {
        refs(&self.body["alternatives"])
    }
    /// Worth asking again with the same key.
    pub fn is_passing(&self) -> bool {
        self.status == 503 || self.code() == "in_flight"
    }
    /// The reference of a booked appointment, as it is stored.
    pub fn reference(&self) -> String {
        self.body["appointment"]["reference"].as_str().unwrap_or_default().replace('-', "")
    }
}

/// The references in a list of availabilities.
pub fn refs(list: &Value) -> Vec<String> {
    let texts = list.as_array().into_iter().flatten().filter_map(|a| a["availability"].as_str());
    texts.map(str::to_owned).collect()
}

/// What became of a request: an answer, or the connection broke and nobody knows.
pub type Heard = reqwest::Result<Reply>;

/// A visitor who identified.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The visit.
    pub visit: VisitId,
    /// Its token.
    pub token: String,
    /// The first name that was typed.
    pub name: String,
}

impl Guest {
    /// Whoever was let in under this name.
    pub fn of(reply: &Reply, name: &str) -> Self {
        let visit = reply.body["visit"].as_str().and_then(|v| v.parse().ok()).unwrap();
        Self { visit, token: reply.body["token"].as_str().unwrap().to_owned(), name: name.to_owned() }
    }
}

/// A clinic's portal at a server.
#[derive(Clone)]
pub struct Portal {
    http: Client,
    base: String,
    /// The service that visitors look for.
    pub service: ServiceId,
}

impl Portal {
    /// The portal of this address at this server.
    pub fn new(server: &str, slug: &str, service: ServiceId) -> Self {
        let pool = Client::builder().no_proxy().pool_max_idle_per_host(4_096).timeout(Duration::from_mins(1));
        let http = pool.tcp_nodelay(true).build().unwrap();
        Self { http, base: format!("http://{server}/api/v1/portal/{slug}"), service }
    }

    fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(token)
    }

    /// Opens a visit.
    pub async fn identify(&self, name: &str) -> reqwest::Result<Guest> {
        let reply = self.asks_in(name).await?;
        assert_eq!(reply.status, 201, "{reply:?}");
        Ok(Guest::of(&reply, name))
    }
    /// Asks for a visit.
    pub async fn asks_in(&self, name: &str) -> Heard {
        let who = json!({
            "first_name": name, "last_name": "Tremblay", "birth_date": "1990-02-03", "sex": "female",
            "cell_phone": "514 555 0123", "terms_accepted": true,
        });
        send(self.http.post(format!("{}/visits", self.base)).json(&who)).await
    }
    /// Opens many visits.
    pub async fn crowd(&self, many: usize) -> Vec<Guest> {
        let visits = (0..many).map(|n| async move { self.identify(&format!("Zoe {}", letters(n))).await.unwrap() });
        futures::future::join_all(visits).await
    }
    /// What can be booked, soonest first.
    pub async fn look(&self, guest: &Guest) -> Heard {
        let path = format!("/availabilities?service={}&limit=100", self.service);
        send(self.request(Method::GET, &path, &guest.token)).await
    }
    /// Books an availability.
    pub async fn book(&self, guest: &Guest, place: &str, hold: Option<&str>, key: &str) -> Heard {
        let mut wanted = json!({ "service": self.service.0, "availability": place });
        if let Some(hold) = hold {
            wanted["hold"] = hold.into();
        }
        send(self.request(Method::POST, "/appointments", &guest.token).header("idempotency-key", key).json(&wanted))
            .await
    }
    /// Holds an availability.
    pub async fn hold(&self, guest: &Guest, place: &str, key: &str) -> Heard {
        let wanted = json!({ "service": self.service.0, "availability": place });
        send(self.request(Method::POST, "/holds", &guest.token).header("idempotency-key", key).json(&wanted)).await
    }
    /// Looks at an appointment through its link.
    pub async fn own(&self, link: &str) -> Heard {
        send(self.request(Method::GET, "/appointment", link)).await
    }
    /// Cancels an appointment through its link.
    pub async fn cancel(&self, link: &str, etag: &str, key: &str) -> Heard {
        self.change(link, "/appointment/cancel", etag, key, &json!({ "birth_date": "1990-02-03" })).await
    }
    /// Moves an appointment through its link.
    pub async fn shift(&self, link: &str, etag: &str, place: &str, key: &str) -> Heard {
        self.change(link, "/appointment/move", etag, key, &json!({ "availability": place })).await
    }
    async fn change(&self, link: &str, path: &str, etag: &str, key: &str, body: &Value) -> Heard {
        let request = self.request(Method::POST, path, link).header("if-match", etag).header("idempotency-key", key);
        send(request.json(body)).await
    }
}

/// Asks until there is an answer that is not "try again".
pub async fn insist<A: Future<Output = Heard>>(ask: impl Fn() -> A) -> (Reply, usize) {
    for tries in 0..100 {
        let reply = ask().await.unwrap();
        if !reply.is_passing() {
            return (reply, tries);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("still no answer after a hundred tries");
}

/// The reference of a place.
pub fn reference(place: Place) -> String {
    availability_ref(place)
}

/// A number as letters: names have no digits.
pub fn letters(mut n: usize) -> String {
    let mut name = String::new();
    loop {
        name.push(char::from(b'a' + u8::try_from(n % 26).unwrap()));
        n /= 26;
        if n == 0 {
            return name;
        }
    }
}

async fn send(request: RequestBuilder) -> Heard {
    let begun = now();
    let response = request.send().await?;
    let status = response.status().as_u16();
    let header = |name| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let (etag, retry_after) = (header("etag"), header("retry-after"));
    let bytes = response.bytes().await?;
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Ok(Reply { status, body, etag, retry_after, took: begun.elapsed() })
}

/// A stopwatch, which says nothing about the time of day.
pub fn now() -> Instant {
    Instant::now()
}
