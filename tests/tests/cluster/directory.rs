//! A server whose log is on a cluster, and what its data directory remembers.

use booking_api::{App, AppOptions, Cluster};
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Person, SmallClinic, TestApp};
use kurrent_double::{Call, Double, Fault};

fn on(double: &Double) -> impl FnOnce(AppOptions) -> AppOptions + use<> {
    let cluster = Cluster::at(double.connection());
    move |options| AppOptions { cluster: Some(cluster), ..options }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_booking_on_a_cluster_survives_a_lost_answer_and_a_restart() {
    let double = Double::start().unwrap();
    let app = TestApp::start_with(on(&double)).await;
    let clinic = SmallClinic::with_a_morning(&app).await;
    let visitor = app.visitor(&Person::stranger()).await;
    double.plan(Call::Append, [Fault::LoseAnswer]);
    let link = visitor.books_at(clinic.service, "09:00").await;
    let reference = link.reference();
    assert!(double.happened().iter().any(|(_, fault)| *fault == Fault::LoseAnswer));
    let shown = link.sees().await.ok();
    assert_eq!(shown.str("/reference"), reference);

    let app = app.restarts(on(&double)).await;
    app.settle().await;
    let day = app.scheduler().sees_day(clinic.desk.agenda, TOMORROW).await;
    assert_eq!(day.iter().filter(|line| line.contains("booked")).count(), 1, "{day:?}");
    assert!(!app.data().join("events.db").exists(), "a log was made beside the cluster's");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_directory_takes_no_other_log_than_its_own() {
    let double = Double::start().unwrap();
    let app = TestApp::start_with(on(&double)).await;
    let (clinic, clock) = (app.clinic.clone(), std::sync::Arc::clone(&app.clock));
    let dir = app.restarts(on(&double)).await.stop().await;
    let opened = async |double: &Double, data: &std::path::Path| {
        App::open(on(double)(booking_tests::http::app::options(data, &clock)))
            .await
            .err()
            .map(|error| format!("{error:#}"))
    };
    // Another log, an emptied one, and none at all.
    let other = Double::start().unwrap();
    let refused = opened(&other, dir.path()).await.expect("an empty log was taken");
    assert!(refused.contains("another log"), "{refused}");
    other.intrude("orders-1", "order-placed");
    let refused = opened(&other, dir.path()).await.expect("a foreign database was taken");
    assert!(refused.contains("not a booking log"), "{refused}");
    // A log with people, and a directory without their keys.
    let empty = booking_tests::http::app::data_directory();
    let refused = opened(&double, empty.path()).await.expect("a log without its vault was taken");
    assert!(refused.contains("no vault"), "{refused}");
    assert!(!empty.path().join("vault.db").exists(), "a vault was made for a log whose vault is elsewhere");
    // A directory with a log of its own.
    for file in ["events.db", "vault.db"] {
        std::fs::write(empty.path().join(file), "a log and its vault").unwrap();
    }
    let refused = opened(&double, empty.path()).await.expect("two logs were taken for one");
    assert!(refused.contains("a log of its own"), "{refused}");
    // Its own log it takes.
    let app = TestApp::on_with(dir, clinic, clock, on(&double)).await;
    app.stop().await;
}
