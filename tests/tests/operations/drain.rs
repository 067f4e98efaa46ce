//! A server is stopped and started again while people book: no request fails, no connection is reset, nothing that was
//! acknowledged is lost. The socket belongs to the supervisor, which is this test.

use booking_api::AppOptions;
use booking_api::cli::serve::{Listen, Serving};
use booking_domain::ids::AppointmentId;
use booking_domain::time::Instant;
use booking_engine::Clock;
use booking_tests::http::{Person, TestApp};
use booking_tests::load::{bookings, check_log};
use booking_tests::seeds::rounds;
use booking_tests::world::MORNING;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const DATA: &str = "OPERATIONS_CHILD_DATA";
const CLOCK: &str = "OPERATIONS_CHILD_CLOCK";
const LISTENS: &str = "the child listens";
/// People who book at the same time.
const CLIENTS: usize = 6;
/// How long a server goes on answering after it was told to stop.
const DRAIN: Duration = Duration::from_millis(600);

/// A clock that begins where a test says and goes on from there.
struct RunningClock {
    begin: Instant,
    since: std::time::Instant,
}

impl RunningClock {
    fn from(begin: Instant) -> Self {
        Self { begin, since: std::time::Instant::now() }
    }
}

impl Clock for RunningClock {
    fn now(&self) -> Instant {
        Instant(self.begin.0 + i64::try_from(self.since.elapsed().as_micros()).unwrap())
    }
}

/// The child's side: serves until it is told to stop. Without a data directory in the environment there is nothing to do.
#[test]
fn this_binary_serves_until_it_is_told_to_stop() {
    let Some(data) = std::env::var_os(DATA) else { return };
    let begin = Instant(std::env::var(CLOCK).unwrap().parse().unwrap());
    let clock = Arc::new(RunningClock::from(begin));
    let options = AppOptions { clock, source_limits: false, answer_after: None, drain: DRAIN, ..AppOptions::new(data) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let anywhere = ([127, 0, 0, 1], 0).into();
        let serving = Serving::start(options, Listen { public: anywhere, ops: Some(anywhere) }).await.unwrap();
        println!("\n{LISTENS}");
        serving.until_stopped().await.unwrap();
    });
}

/// A server process whose socket is ours.
struct Server(Child);

impl Server {
    fn start(data: &Path, socket: &TcpListener, now: Instant) -> Self {
        // As systemd passes a socket on: as file descriptor 3, said in the environment.
        let pass_on = "exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$0\" \"$@\"";
        let mut command = Command::new("sh");
        command.arg("-c").arg(pass_on).arg(std::env::current_exe().unwrap());
        command.args(["drain::this_binary_serves_until_it_is_told_to_stop", "--exact", "--nocapture"]);
        command.env(DATA, data).env(CLOCK, now.0.to_string());
        command.stdin(Stdio::from(OwnedFd::from(socket.try_clone().unwrap()))).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == LISTENS), "the child did not start to listen");
        std::thread::spawn(move || lines.for_each(drop));
        Self(child)
    }

    fn is_told_to_stop(&self) {
        assert!(Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().unwrap().success());
    }

    /// Waits for its end; answers whether it was a good one.
    fn ends(&mut self) -> bool {
        self.0.wait().unwrap().success()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a client was told, over all restarts.
struct Books<'a> {
    base: String,
    service: String,
    over: &'a AtomicBool,
    asked: &'a AtomicUsize,
}

impl Books<'_> {
    async fn ask(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let answer = request.send().await.unwrap_or_else(|error| panic!("a request was not answered: {error:?}"));
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap_or_else(|error| panic!("an answer broke off: {error:?}"));
        self.asked.fetch_add(1, Ordering::Relaxed);
        assert!(status < 500, "{status}: {text}");
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// Books until it is over; the acknowledged appointments.
    async fn run(&self, who: usize) -> Vec<String> {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(2)).build().unwrap();
        let mut acknowledged = Vec::new();
        let mut round = 0;
        while !self.over.load(Ordering::Relaxed) {
            round += 1;
            let person = Person::named(&format!("Zoltane{who}n{round}"), "Ouellet");
            let (_, visit) = self.ask(client.post(format!("{}/visits", self.base)).json(&person.typed())).await;
            let token = visit["token"].as_str().unwrap().to_owned();
            let url = format!("{}/availabilities?service={}&limit=50", self.base, self.service);
            let (_, seen) = self.ask(client.get(url).bearer_auth(&token)).await;
            let all = seen["availabilities"].as_array().unwrap();
            if all.is_empty() {
                continue;
            }
            let place = &all[(who * 7 + round) % all.len()]["availability"];
            let booking = json!({ "service": self.service, "availability": place });
            let book = client.post(format!("{}/appointments", self.base)).bearer_auth(&token).json(&booking);
            let (status, booked) = self.ask(book.header("idempotency-key", format!("{who}-{round}"))).await;
            if status == 201 {
                acknowledged.push(booked["appointment"]["reference"].as_str().unwrap().to_owned());
            } else {
                assert_eq!(status, 409, "{booked}");
            }
        }
        acknowledged
    }
}

/// Follows the clinic's feed until the server ends it, over and over; a stream that breaks is a failure.
async fn follows(address: &str, clinic: &str, token: &str, over: &AtomicBool) -> usize {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut ended = 0;
    while !over.load(Ordering::Relaxed) {
        let url = format!("http://{address}/api/v1/clinics/{clinic}/feed/stream");
        let mut stream = client.get(url).bearer_auth(token).send().await.unwrap();
        assert_eq!(stream.status().as_u16(), 200);
        while let Some(_piece) = stream.chunk().await.unwrap_or_else(|error| panic!("a stream broke: {error:?}")) {}
        ended += 1;
        // As a browser does, which comes again after a while.
        tokio::time::sleep(DRAIN / 4).await;
    }
    ended
}

/// Whether the server says that it is ready, on its operations listener.
async fn ready(data: &Path) -> Option<u16> {
    let door: Value = serde_json::from_str(&std::fs::read_to_string(data.join("operator.json")).ok()?).ok()?;
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap();
    let asked = client.get(format!("http://{}/readyz", door["address"].as_str()?)).send().await.ok()?;
    Some(asked.status().as_u16())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_restarted_under_load_and_nobody_notices() {
    let restarts = rounds(2, 100);
    let app = TestApp::start().await;
    let clinic = app.admin().sets_up().await;
    for n in 0..14 {
        let date = format!("2026-11-{}", 24 + n % 7);
        let hours = if n < 7 { ("08:00", "12:00") } else { ("13:00", "20:00") };
        app.scheduler().publishes_slot(clinic.desk.agenda, &date, hours, clinic.activity).await;
        if restarts > 10 {
            // Enough for all of them.
            for desk in 0..6 {
                let desk = app.admin().hires(&format!("Dre Numero{n}x{desk}")).await;
                app.scheduler().publishes_slot(desk.agenda, &date, hours, clinic.activity).await;
            }
        }
    }
    let auditor = app.staff(&app.clinic, booking_domain::values::Role::Auditor).token().await;
    let slug = app.clinic.slug.clone();
    let id = app.clinic.id.to_string();
    let dir = app.stop().await;

    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let clock = RunningClock::from(MORNING);
    let (over, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (base, service) = (format!("http://{address}/api/v1/portal/{slug}"), clinic.service.to_string());
    let books = Books { base, service, over: &over, asked: &asked };
    let operator = async {
        let mut server = Server::start(dir.path(), &socket, clock.now());
        for restart in 0..restarts {
            let before = asked.load(Ordering::Relaxed);
            while asked.load(Ordering::Relaxed) < before + 3 * CLIENTS {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert_eq!(ready(dir.path()).await, Some(200), "restart {restart}");
            server.is_told_to_stop();
            let told = std::time::Instant::now();
            // Not ready first, and still answering.
            while ready(dir.path()).await == Some(200) {
                assert!(told.elapsed() < DRAIN, "restart {restart}: it stays ready while it ends");
            }
            let (data, next, now) = (dir.path().to_owned(), socket.try_clone().unwrap(), clock.now());
            server = tokio::task::spawn_blocking(move || {
                assert!(server.ends(), "restart {restart}: the server did not end in good order");
                assert!(told.elapsed() < Duration::from_secs(15), "restart {restart}: {:?}", told.elapsed());
                Server::start(&data, &next, now)
            })
            .await
            .unwrap();
        }
        let before = asked.load(Ordering::Relaxed);
        while asked.load(Ordering::Relaxed) < before + CLIENTS {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        over.store(true, Ordering::Relaxed);
        server
    };
    let clients = futures::future::join_all((0..CLIENTS).map(|who| books.run(who)));
    let crowd = async {
        let (server, acknowledged) = tokio::join!(operator, clients);
        server.is_told_to_stop();
        (server, acknowledged)
    };
    let ((mut server, acknowledged), streams) = tokio::join!(crowd, follows(&address, &id, &auditor, &over));
    assert!(server.ends());
    let acknowledged: Vec<String> = acknowledged.into_iter().flatten().collect();
    let requests = asked.load(Ordering::Relaxed);
    println!("{restarts} restarts, {requests} requests, {} bookings, {streams} streams", acknowledged.len());
    assert!(!acknowledged.is_empty() && streams as u64 >= restarts);

    // What was acknowledged is there, once.
    let app = booking_api::App::open(AppOptions::without_signing(dir.path())).await.unwrap();
    let log = booking_tests::load::events_of(&**app.log()).await;
    assert_eq!(check_log(&log), Vec::<String>::new());
    let stored: BTreeSet<AppointmentId> = bookings(&log).iter().map(|(_, booked)| booked.booking.appointment).collect();
    let different: BTreeSet<&String> = acknowledged.iter().collect();
    assert_eq!(different.len(), acknowledged.len(), "a reference was given twice");
    assert_eq!(stored.len(), acknowledged.len(), "as many are stored as were acknowledged");
    app.close().await;
}
