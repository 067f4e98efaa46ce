//! A clinic's log goes to a cluster and back with its data directory: everything is there, nobody is told twice.

use booking_api::messages::MessageOptions;
use booking_api::moving::{Place, Switch, copy_log};
use booking_api::{AppOptions, Cluster};
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Person, SmallClinic, TestApp};
use kurrent_double::Double;

fn telling(options: AppOptions) -> AppOptions {
    let messages = MessageOptions { shown: true, public_url: "https://rv.example.ca".to_owned(), ..Default::default() };
    AppOptions { messages, ..options }
}

async fn shown(app: &TestApp) -> usize {
    // Until nothing came for a while: the worker has read the log to its end.
    let (mut known, mut quiet) = (0, 0);
    while quiet < 25 {
        let shown = app.app.engine.vault().shown_messages(app.clinic.id, 100).await.unwrap().len();
        quiet = if shown == known { quiet + 1 } else { 0 };
        known = shown;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    known
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clinic_moves_to_a_cluster_and_back_and_goes_on() {
    let app = TestApp::start_with(telling).await;
    let clinic = SmallClinic::with_a_morning(&app).await;
    let first = app.visitor(&Person::stranger()).await.books_at(clinic.service, "09:00").await.reference();
    let told = shown(&app).await;
    let (registered, clock) = (app.clinic.clone(), std::sync::Arc::clone(&app.clock));
    let booked = async |app: &TestApp| {
        let day = app.scheduler().sees_day(clinic.desk.agenda, TOMORROW).await;
        day.iter().filter(|line| line.contains("booked")).count()
    };

    let double = Double::start().unwrap();
    let cluster: Place = double.connection().parse().unwrap();
    let file = Place::in_directory(app.data());
    // Once while the server runs, and once more when it has stopped.
    copy_log(&file, &cluster, Some(app.data()), |_| ()).await.unwrap();
    assert!(Switch::of(app.data(), &file, &cluster).await.is_err(), "a server's data directory went over beneath it");
    app.visitor(&Person::named("Ondine", "Tremblay")).await.books_at(clinic.service, "09:20").await;
    let dir = app.stop().await;
    let switch = Switch::of(dir.path(), &file, &cluster).await.unwrap();
    let outcome = copy_log(&file, &cluster, Some(dir.path()), |_| ()).await.unwrap();
    let signed = outcome.signed.as_ref().map(|signed| signed.size);
    assert!(outcome.copied.appended > 0 && signed == Some(outcome.copied.events));
    switch.carry_out(&cluster, &outcome).await.unwrap();
    assert!(dir.path().join("events.db.moved").exists() && !dir.path().join("events.db").exists());

    let on = Cluster::at(double.connection());
    let moved = |options| telling(AppOptions { cluster: Some(on.clone()), ..options });
    let app = TestApp::on_with(dir, registered.clone(), std::sync::Arc::clone(&clock), moved).await;
    app.settle().await;
    assert_eq!(booked(&app).await, 2);
    assert_eq!(shown(&app).await, told * 2, "somebody was told again, or never");
    app.visitor(&Person::named("Alizée", "Gagnon")).await.books_at(clinic.service, "09:40").await;
    assert_eq!(booked(&app).await, 3);

    let dir = app.stop().await;
    let new = Place::File(dir.path().join("new.db"));
    let switch = Switch::of(dir.path(), &cluster, &new).await.unwrap();
    let outcome = copy_log(&cluster, &new, Some(dir.path()), |_| ()).await.unwrap();
    switch.carry_out(&new, &outcome).await.unwrap();
    let app = TestApp::on_with(dir, registered, clock, telling).await;
    app.settle().await;
    assert_eq!(booked(&app).await, 3);
    let day = app.scheduler().finds(TOMORROW, &first).await;
    assert_eq!(day["name"]["last_name"], "Ouellet", "{day}");
    // Three were booked, and each was told of it once.
    assert!(told > 0);
    assert_eq!(shown(&app).await, told * 3, "{told} at the first booking");
    app.stop().await;
}
