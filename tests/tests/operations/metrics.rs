//! What the operations listener tells: enough to see trouble coming, and nothing about anybody.

use booking_api::cli::serve::Listen;
use booking_tests::http::app::anywhere;
use booking_tests::http::{Person, SmallClinic, TestApp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_tell_of_routes_projections_and_the_log_and_of_nobody() {
    let listen = Listen { ops: Some(([127, 0, 0, 1], 0).into()), ..anywhere() };
    let app = TestApp::start_listening(listen, |options| options).await;
    let clinic = SmallClinic::with_a_morning(&app).await;
    let link = app.visitor(&Person::stranger()).await.books_at(clinic.service, "09:00").await;
    let _ = link.sees().await.ok();
    app.get("/api/v1/portal/nobody/services").await;
    app.get("/a/path/of/somebodys/invention?name=Ouellet").await;
    app.settle().await;
    let ops = app.operations();
    let answer = app.asks_at(&ops, "/metrics").await;
    assert!(
        answer.header("content-type").unwrap().starts_with("application/openmetrics-text"),
        "{:?}",
        answer.header("content-type")
    );
    let text = &answer.text;

    let value = |series: &str| -> f64 {
        let found = text.lines().find(|line| line.starts_with(series));
        let found = found.unwrap_or_else(|| panic!("no {series} in\n{text}"));
        found.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let visits = "booking_http_requests_total{method=\"POST\",route=\"/api/v1/portal/{slug}/visits\",status=\"";
    assert!(value(visits) >= 1.0);
    assert!(value("booking_http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"}") >= 1.0);
    assert!(value("booking_http_request_seconds_count{method=\"POST\",route=\"/api/v1/portal/{slug}/visits\"}") >= 1.0);
    for name in app.app.views.names() {
        let of = |metric: &str| value(&format!("booking_{metric}{{projection=\"{name}\"}}"));
        assert!(of("projection_lag").abs() < 0.5, "{name} has caught up");
        assert!(of("projection_seconds_since_poll") < 10.0, "{name}");
        assert!(of("projection_stopped").abs() < 0.5, "{name}");
    }
    let events = app.events().await.len();
    assert!(value("booking_log_events_total") + 0.5 > f64::from(u32::try_from(events).unwrap()), "{events}");
    for series in [
        "booking_appends_total",
        "booking_log_commits_total",
        "booking_log_commit_seconds_sum",
        "booking_log_commit_seconds_bucket{le=\"+Inf\"}",
        "booking_vault_commit_seconds_count",
        "booking_http_connections",
        "booking_ready",
    ] {
        assert!(value(series) > 0.0, "{series}");
    }
    for series in [
        "booking_conflicts_total",
        "booking_retries_total",
        "booking_log_queue",
        "booking_http_waiting{kind=\"staff\"}",
        "booking_http_shed_total{kind=\"visitor\"}",
        "booking_draining",
    ] {
        assert!(value(series) >= 0.0, "{series}");
    }
    // Every line is one of the format's, and ids, addresses and names are nowhere.
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let comment = ["# HELP ", "# TYPE ", "# UNIT "].iter().any(|begin| line.starts_with(begin));
        let series = line.starts_with("booking_") && line.rsplit(' ').next().is_some_and(|n| n.parse::<f64>().is_ok());
        assert!(comment || series || (line == "# EOF" && lines.peek().is_none()), "{line}");
    }
    let id = app.clinic.id.0;
    let ids = [id.to_string(), id.simple().to_string(), app.clinic.slug.clone()];
    for secret in ids.iter().map(String::as_str).chain(["Ouellet", "invention", "127.0.0.1"]) {
        assert!(!text.contains(secret), "{secret} in\n{text}");
    }
    // What is asked of the public listener is not answered there.
    assert_eq!(app.get("/metrics").await.status, 404);
    assert_eq!(app.asks_at(&ops, "/readyz").await.status, 200);
    app.app.draining.cancel();
    let draining = app.asks_at(&ops, "/readyz").await;
    assert_eq!((draining.status, draining["draining"].as_bool()), (503, Some(true)));
    app.stop().await;
}
