//! A node whose read models lag says so, and the other one does not; whoever asks for a position is answered with what
//! stands there, on whichever node, as soon as it is shown.

use super::servers::Shared;
use booking_tests::http::portal::Visitor;
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Answer, Person, SmallClinic, TestApp};
use reqwest::Method;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use std::time::{Duration, Instant};

/// Holds a node's read models back: while this lives, nothing can be written to their file. What is shown stays.
struct HeldBack(SqliteConnection);

impl HeldBack {
    async fn of(node: &TestApp) -> Self {
        let file =
            SqliteConnectOptions::new().filename(node.data().join("views.db")).busy_timeout(Duration::from_secs(5));
        let mut connection = file.connect().await.unwrap();
        connection.execute("BEGIN IMMEDIATE").await.unwrap();
        Self(connection)
    }

    async fn ends(mut self) {
        self.0.execute("ROLLBACK").await.unwrap();
        self.0.close().await.unwrap();
    }
}

/// What a scheduler sees of tomorrow's appointments on a node, as of a position.
async fn appointments(node: &TestApp, token: &str, after: &str) -> Answer {
    let path = format!("/api/v1/clinics/{}/appointments?from={TOMORROW}&to={TOMORROW}&after={after}", node.clinic.id);
    node.asks(Method::GET, &path).token(token).answer().await.ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_lags_says_so_and_one_that_is_asked_for_a_position_waits_for_it() {
    let shared = Shared::new().await;
    let a = shared.first().await;
    let clinic = SmallClinic::with_a_morning(&a).await;
    let b = shared.joins(&a).await;
    a.settle().await;
    b.settle().await;
    let token = a.scheduler().token().await;
    let visitor = a.visitor(&Person::stranger()).await;
    let there = Visitor::with(&b, &a.clinic.slug, &visitor.token);
    let at_nine = visitor.finds(clinic.service, "09:00").await;
    let at_twenty_past = visitor.finds(clinic.service, "09:20").await;

    let held_back = HeldBack::of(&b).await;
    let booking = serde_json::json!({ "service": clinic.service, "availability": at_nine });
    let booked = visitor.sends_booking("the first", &booking).await.ok();
    let position = booked.position();
    // Staff: shown and current on one node, not shown and said so on the other, which answers all the same, soon.
    let begun = Instant::now();
    let (here, late) = tokio::join!(appointments(&a, &token, &position), appointments(&b, &token, &position));
    assert_eq!((here.list("/appointments").len(), here.header("booking-stale")), (1, None), "{}", here.text);
    assert_eq!((late.list("/appointments").len(), late.header("booking-stale")), (0, Some("true")), "{}", late.text);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    // What visitors are offered is shown from memory before its rows are written: it is not held back with them.
    let path = format!("/availabilities?service={}&limit=100&after={position}", clinic.service);
    let (here, late) = (visitor.get(&path).await.ok(), there.get(&path).await.ok());
    let offers = |answer: &Answer| answer.list("/availabilities").iter().any(|a| a["availability"] == at_nine.as_str());
    assert_eq!((offers(&here), here["stale"].as_bool()), (false, Some(false)), "{}", here.text);
    assert_eq!((offers(&late), late["stale"].as_bool()), (false, Some(false)), "{}", late.text);
    // A position that no node has seen is waited for, and then said not to be there.
    let far = position.parse::<u64>().unwrap() + 1_000_000_000;
    let not_yet = there.get(&path.replace(&position, &far.to_string())).await.ok();
    assert_eq!((offers(&not_yet), not_yet["stale"].as_bool()), (false, Some(true)), "{}", not_yet.text);
    let other = b.visitor(&Person::named("Yolande", "Tremblay")).await;
    assert_eq!(other.asks_to_book(clinic.service, &at_nine).await.status, 409);
    // A command is decided on the log: the node that lags books, and nobody else gets that time.
    let booking = serde_json::json!({ "service": clinic.service, "availability": at_twenty_past });
    let second = there.sends_booking("the second", &booking).await.ok().position();

    // Whoever asked for the position meanwhile is answered when it is shown, and is not told that it is stale.
    let (waits, ()) = tokio::join!(appointments(&b, &token, &second), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        held_back.ends().await;
    });
    assert_eq!((waits.list("/appointments").len(), waits.header("booking-stale")), (2, None), "{}", waits.text);
    b.settle().await;
    let now = there.get(&path).await.ok();
    assert_eq!((offers(&now), now["stale"].as_bool()), (false, Some(false)), "{}", now.text);
    b.stop().await;
    a.stop().await;
}
