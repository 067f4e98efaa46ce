//! Forgetting people, searched for: many people with their whole stories, half of them erased. Afterwards nothing of them
//! is in any file, answer, export or line of the log, nor in the memory of a process that was started since; everything of
//! the others is still served. The history's root is what it was, and so is every fold.

use crate::load::child::Server;
use booking_api::erasures;
use booking_api::operator::Door;
use booking_api::verify::{History, Options, Verdict, verify};
use booking_domain::agenda_day::AgendaDay;
use booking_domain::ids::{ClinicId, SubjectId};
use booking_domain::stream::StreamName;
use booking_domain::time::WallDate;
use booking_store::fold::{Folded, Upto, load};
use booking_tests::Rng;
use booking_tests::canaries::{Canaries, DataDirectory};
use booking_tests::http::portal::id;
use booking_tests::http::setup::service_form;
use booking_tests::http::{Person, SmallClinic, TestApp};
use booking_tests::seeds::rounds;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{ConnectOptions, Connection};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

/// The first day on which they have appointments; each next one is the day after.
const FIRST_DAY: &str = "2026-11-24";
/// Appointments of one day: from six to twenty-two, every twenty minutes.
const A_DAY: usize = 48;

/// Somebody, and what became of them.
struct Somebody {
    person: Person,
    reason: String,
    /// The record; none for a contact that nobody attached.
    record: Option<Uuid>,
    appointment: Uuid,
    /// The person of the contact that came with the appointment.
    contact: SubjectId,
    erased: bool,
}

impl Somebody {
    /// What nobody but them has.
    fn values(&self) -> Vec<String> {
        let p = &self.person;
        let all = [Some(&p.first_name), Some(&p.last_name), p.health_number.as_ref(), p.cell_phone.as_ref()];
        all.into_iter().flatten().chain([&self.reason]).chain(&p.email).cloned().collect()
    }
}

fn letters(rng: &mut Rng, n: usize) -> String {
    (0..n).map(|_| char::from(b'a' + u8::try_from(rng.below(26)).unwrap())).collect()
}

fn capital(text: &str) -> String {
    text[..1].to_uppercase() + &text[1..]
}

fn somebody(rng: &mut Rng) -> (Person, String) {
    let (first, last) = (capital(&letters(rng, 9)), capital(&format!("{}é{}", letters(rng, 5), letters(rng, 5))));
    let digits = |rng: &mut Rng, n: usize| {
        (0..n).map(|_| char::from(b'0' + u8::try_from(rng.below(10)).unwrap())).collect::<String>()
    };
    let phone = format!("514 {}{} {}", 2 + rng.below(8), digits(rng, 2), digits(rng, 4));
    let number =
        format!("{} {}01 0{}{}", letters(rng, 4).to_uppercase(), digits(rng, 2), 1 + rng.below(9), digits(rng, 2));
    let person = Person {
        email: Some(format!("{}@{}.example", letters(rng, 10), letters(rng, 8))),
        birth_date: WallDate(-12_000 + i32::try_from(rng.below(20_000)).unwrap()).to_string(),
        sex: "female".to_owned(),
        health_number: Some(number),
        cell_phone: Some(phone),
        first_name: first,
        last_name: last,
    };
    (person, format!("motif {}", letters(rng, 12)))
}

struct Story {
    app: TestApp,
    small: SmallClinic,
    people: Vec<Somebody>,
}

impl Story {
    /// So many people come, each in one of four ways; every other one of each way will be erased.
    async fn of(count: usize, seed: u64) -> Self {
        let app = TestApp::start().await;
        let small = app.admin().sets_up().await;
        let etag = app.admin().get(&format!("/services/{}", small.service)).await.ok().etag();
        let form = service_form(&[small.activity], &json!({ "free_text_reason": true }));
        let path = format!("/services/{}", small.service);
        let _ = app.admin().changes(Method::PUT, &path, &etag, &form).await.ok();
        let mut story = Self { app, small, people: Vec::new() };
        let mut rng = Rng::new(seed);
        for n in 0..count {
            if n % A_DAY == 0 {
                let (day, agenda) = (Story::day(n), story.small.desk.agenda);
                story.app.scheduler().publishes_slot(agenda, &day, ("06:00", "22:00"), story.small.activity).await;
            }
            story.comes(n, &mut rng).await;
        }
        story
    }

    fn day(n: usize) -> String {
        WallDate::parse(FIRST_DAY).unwrap().plus_days(i32::try_from(n / A_DAY).unwrap()).to_string()
    }

    async fn comes(&mut self, n: usize, rng: &mut Rng) {
        let (person, reason) = somebody(rng);
        let (app, small, day) = (&self.app, &self.small, Self::day(n));
        let scheduler = app.scheduler();
        let way = n / 2 % 4;
        let mut record = None;
        if way < 2 {
            record = Some(scheduler.registers(&person).await);
        }
        let minute = 360 + 20 * (n % A_DAY);
        let (start, end) = (clock(minute), clock(minute + 20));
        let appointment = if way == 1 {
            let more = json!({ "contact": person.contact(), "reason": reason });
            let planned = scheduler.plans(small.desk.agenda, &day, (&start, &end), &more).await.ok();
            id(&planned["id"])
        } else {
            let visitor = app.visitor(&person).await;
            let seen = visitor.sees(small.service).await;
            let wanted = seen.iter().find(|a| a["date"] == json!(day) && a["start_time"] == json!(start));
            let wanted = wanted.unwrap_or_else(|| panic!("nothing on {day} at {start}"))["availability"].clone();
            let booking = json!({ "service": small.service, "availability": wanted, "reason": { "text": reason } });
            let booked = visitor.sends_booking("k", &booking).await.ok();
            id(&scheduler.finds(&day, booked.str("/appointment/reference")).await["id"])
        };
        let opened = scheduler.opens(appointment).await;
        if way == 1 || (way == 0 && opened["to_identify"] == true) {
            let _ = scheduler.attaches(appointment, record.unwrap()).await.ok();
        }
        if way == 2 {
            // The record is made from what was typed, and the reason of a cancellation is personal as well.
            let made = scheduler.registers(&person).await;
            record = Some(made);
            let _ = scheduler.attaches(appointment, made).await.ok();
            let _ = scheduler.does(appointment, "cancel", &json!({ "reason": reason })).await.ok();
        }
        app.settle().await;
        let row = app.app.views.appointments.by_id(appointment.into()).await.unwrap().unwrap();
        let (contact, erased) = (row.subject, n.is_multiple_of(2));
        self.people.push(Somebody { person, reason, record, appointment, contact, erased });
    }

    fn canaries(&self, erased: bool) -> Canaries {
        Canaries::of(self.people.iter().filter(|p| p.erased == erased).flat_map(Somebody::values))
    }

    /// Eleven years later half of them are forgotten: on request, and the contacts that nobody attached by themselves.
    async fn forgets(&self) {
        let app = &self.app;
        app.goes_to("2037-11-24", "09:00");
        let mut cases = Vec::new();
        for somebody in &self.people {
            match (somebody.erased, somebody.record) {
                (true, Some(record)) => {
                    let asked = app.scheduler().post("/erasures", &json!({ "patient": record })).await.ok();
                    let person = id(&asked["person"]);
                    let approval = json!({ "approve": true, "note": "Demande écrite" });
                    let path = format!("/erasures/{person}/decision");
                    let decided = app.admin().changes(Method::POST, &path, &asked.etag(), &approval).await.ok();
                    assert_eq!(decided["progress"], "approved", "{}", decided.text);
                    cases.push(person);
                }
                (true, None) => {}
                (false, record) => {
                    // The others are kept by a legal hold, which contacts need so as not to go by themselves.
                    let person = record.unwrap_or(somebody.contact.0);
                    let hold = app.admin().asks(Method::PUT, &format!("/erasures/{person}/legal-hold")).await;
                    let _ = hold.json(&json!({ "held": true })).answer().await.ok();
                }
            }
        }
        app.settle().await;
        erasures::sweep(&app.app).await;
        app.settle().await;
        app.goes_to("2037-12-03", "09:00");
        for person in cases {
            let done = app.admin().post(&format!("/erasures/{person}/carry-out"), &Value::Null).await.ok();
            assert_eq!(done["progress"], "erased", "{}", done.text);
        }
        erasures::sweep(&app.app).await;
        app.settle().await;
    }

    /// Every agenda-day, folded from the log without any key.
    async fn folds(&self) -> BTreeMap<StreamName, Folded<AgendaDay>> {
        let mut folds = BTreeMap::new();
        for event in self.app.events().await {
            if event.stream.category() == "agendaday" && !folds.contains_key(&event.stream) {
                let folded = load::<AgendaDay>(&**self.app.app.log(), &event.stream, Upto::Head).await.unwrap();
                folds.insert(event.stream, folded);
            }
        }
        folds
    }

    /// Everything that staff and auditors can be answered, by path.
    fn paths(&self) -> Vec<String> {
        let mut paths: Vec<String> = ["/reconciliation?limit=100", "/erasures", "/audit/events?limit=500"]
            .into_iter()
            .chain(["/audit/access?limit=500", "/audit/access/export?format=csv", "/audit/access/export?format=ndjson"])
            .map(str::to_owned)
            .collect();
        let days: BTreeSet<String> = (0..self.people.len()).map(Self::day).collect();
        for day in days {
            paths.push(format!("/agenda?from={day}"));
            paths.push(format!("/appointments?from={day}&to={day}&limit=200"));
            paths.push(format!("/audit/agenda?from={day}"));
        }
        for somebody in &self.people {
            paths.push(format!("/appointments/{}", somebody.appointment));
            paths.push(format!("/audit/appointments/{}/history", somebody.appointment));
            if let Some(record) = somebody.record {
                paths.push(format!("/patients/{record}"));
                paths.push(format!("/patients/{record}/appointments"));
                paths.push(format!("/patients/{record}/access"));
            }
        }
        paths
    }
}

fn clock(minute: usize) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn copied(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    copy_into(from, to.path());
    to
}

fn copy_into(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, to) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if path.is_dir() {
            std::fs::create_dir_all(&to).unwrap();
            copy_into(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}

/// The newest checkpoint of a data directory, as somebody else would have kept it.
fn kept_checkpoint(data: &Path) -> String {
    let mut notes = Vec::new();
    for entry in std::fs::read_dir(data.join("checkpoints")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "txt") && !path.ends_with("keys.txt") {
            notes.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
        }
    }
    notes.sort();
    notes.pop().expect("a checkpoint was signed").1
}

/// Everything that a process has in its memory and may read.
fn memory_of(process: u32, mut look: impl FnMut(&[u8])) {
    let memory = std::fs::File::open(format!("/proc/{process}/mem")).unwrap();
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let (mut seen, mut bytes) = (0_u64, vec![0; 4 << 20]);
    for line in maps.lines() {
        let mut parts = line.split_whitespace();
        let (range, rights) = (parts.next().unwrap(), parts.next().unwrap());
        if !rights.starts_with('r') || line.ends_with("[vvar]") || line.ends_with("[vsyscall]") {
            continue;
        }
        let (from, to) = range.split_once('-').unwrap();
        let (mut at, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        // Pieces overlap, so that nothing hides on a border.
        while at < to {
            let wanted = usize::try_from((to - at).min(bytes.len() as u64)).unwrap();
            let Ok(read) = memory.read_at(&mut bytes[..wanted], at) else { break };
            look(&bytes[..read]);
            seen += read as u64;
            at += read as u64;
            if read == 0 || at >= to {
                break;
            }
            at -= 4_096.min(read as u64 / 2);
        }
    }
    assert!(seen > 1 << 20, "the memory could not be read");
}

fn hits(found: &BTreeSet<booking_tests::canaries::Hit>) -> Vec<String> {
    found.iter().map(|hit| format!("{} ({})", hit.value, hit.form)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_the_erased_is_left_anywhere_and_everything_of_the_others_is_served() {
    let (count, seed) = (usize::try_from(rounds(16, 200)).unwrap(), 1);
    let story = Story::of(count, seed).await;
    let (erased, others) = (story.canaries(true), story.canaries(false));
    let before = story.folds().await;
    let events = story.app.events().await;
    // A copy of before, as a backup would be.
    let mut backup = None;
    let Story { app, small, people } = story;
    let app = app.restarts_after(|options| options, |data| backup = Some(copied(data))).await;
    let backup = backup.unwrap();
    let story = Story { app, small, people };
    story.forgets().await;

    // The history and every fold are what they were.
    let after = story.app.events().await;
    assert!(after.iter().zip(&events).all(|(a, b)| (a.id, &a.payload, &a.metadata) == (b.id, &b.payload, &b.metadata)));
    assert!(after.len() > events.len());
    let folds = story.folds().await;
    assert_eq!(folds.len(), before.len());
    assert!(before.iter().all(|(stream, fold)| folds[stream].state == fold.state), "a fold changed");

    // Answers and exports.
    let (mut answered, mut of_others) = (0, BTreeSet::new());
    for path in story.paths() {
        for staff in [story.app.scheduler(), story.app.practitioner(), story.app.auditor(), story.app.admin()] {
            let answer = staff.get(&path).await;
            assert!(answer.status < 500, "{path}: {}", answer.text);
            let found = erased.in_bytes(answer.text.as_bytes());
            assert!(found.is_empty(), "{path}: {:?}", hits(&found));
            of_others.extend(others.in_bytes(answer.text.as_bytes()).into_iter().map(|hit| hit.value));
            answered += 1;
        }
    }
    for somebody in story.people.iter().filter(|p| !p.erased) {
        let told = |value: &String| of_others.contains(value) || value.starts_with("motif");
        assert!(somebody.values().iter().all(told), "{:?} is not served any more", somebody.person);
        assert!(of_others.contains(&somebody.reason), "{} is not served any more", somebody.reason);
    }

    // Files: nobody stands there in the clear.
    let (clinic, now) = (story.app.clinic.clone(), story.app.now());
    let token = {
        let member = clinic.member(booking_domain::values::Role::Scheduler);
        story.app.session(clinic.id, member).await
    };
    let Story { app, small: _small, people } = story;
    let (paths, clock) = (people_paths(&people), std::sync::Arc::clone(&app.clock));
    let data = app.stop().await;
    for (canaries, whose) in [(&erased, "erased"), (&others, "others")] {
        assert_eq!(canaries.in_files(data.path()), [], "{whose}");
    }
    let told = tempfile::tempdir().unwrap();
    in_memory(data.path(), told.path(), now, (clinic.id, &token, &paths), (&erased, &others)).await;

    // The root is what was signed before.
    let options = Options { retained: vec![("kept".to_owned(), kept_checkpoint(backup.path()))], ..Options::default() };
    let report = verify(&History::Data(data.path().to_owned()), &options).await.unwrap();
    assert_eq!(report.verdict, Verdict::Ok, "{:#?}", report.lines());
    let whole = told.path().join("history.ndjson");
    let mut file = std::fs::File::create(&whole).unwrap();
    booking_api::export::export(data.path(), None, &mut file, |_| ()).await.unwrap();
    for canaries in [&erased, &others] {
        assert_eq!(canaries.in_files(told.path()), [], "the export, or what the server logged");
    }
    println!(
        "{count} people, {} of them erased, {} values: {answered} answers, files, an export, the log and the memory",
        count / 2,
        6 * count
    );
    older_vault(data, backup.path(), (clinic, clock), &people, (&erased, &others)).await;
}

fn people_paths(people: &[Somebody]) -> Vec<String> {
    let path = |p: &Somebody| p.record.map_or(format!("/appointments/{}", p.appointment), |r| format!("/patients/{r}"));
    people.iter().map(path).collect()
}

/// A process that was started since, and has looked everybody up: its memory, its log, and what it tells operators.
async fn in_memory(
    data: &Path,
    told: &Path,
    now: booking_domain::time::Instant,
    (clinic, token, paths): (ClinicId, &str, &[String]),
    (erased, others): (&Canaries, &Canaries),
) {
    let server = Server::start_telling(data, now, &told.join("server.log"));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for path in paths {
        let url = format!("http://{}/api/v1/clinics/{clinic}{path}", server.address);
        let answer = client.get(url).bearer_auth(token).send().await.unwrap().text().await.unwrap();
        assert!(erased.in_bytes(answer.as_bytes()).is_empty(), "{path}");
    }
    assert!(Door::of(data).is_ok());
    let door: Value = serde_json::from_str(&std::fs::read_to_string(data.join("operator.json")).unwrap()).unwrap();
    for path in ["readyz", "livez", "metrics"] {
        let url = format!("http://{}/{path}", door["address"].as_str().unwrap());
        let answer = client.get(url).send().await.unwrap().text().await.unwrap();
        for canaries in [erased, others] {
            assert!(canaries.in_bytes(answer.as_bytes()).is_empty(), "{path}: {answer}");
        }
    }
    let (mut gone, mut there) = (BTreeSet::new(), BTreeSet::new());
    memory_of(server.process(), |bytes| {
        gone.extend(erased.in_bytes(bytes));
        there.extend(others.in_bytes(bytes));
    });
    assert!(gone.is_empty(), "in memory: {:?}", hits(&gone));
    assert!(there.len() >= paths.len() / 2, "the search finds nobody, not even who is there");
    server.kill();
    let log = std::fs::read(told.join("server.log")).unwrap();
    assert!(log.len() > 1_000, "the server's log was not captured");
}

/// The vault of before comes back: nobody is served before the erasures were applied again.
async fn older_vault(
    data: DataDirectory,
    backup: &Path,
    (clinic, clock): (booking_tests::http::TestClinic, std::sync::Arc<booking_engine::ManualClock>),
    people: &[Somebody],
    (erased, others): (&Canaries, &Canaries),
) {
    for name in ["vault.db", "vault.db-wal", "vault.db-shm"] {
        let _ = std::fs::remove_file(data.path().join(name));
        if backup.join(name).exists() {
            std::fs::copy(backup.join(name), data.path().join(name)).unwrap();
        }
    }
    // Somebody writes to the vault for a while, so that nothing can be destroyed yet.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.path().join("vault.db"));
    let mut busy = options.connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut busy).await.unwrap();
    let app = TestApp::on(data, clinic, clock).await;
    let keys = async |erased: bool| {
        let of = |p: &&Somebody| p.erased == erased;
        let subjects: Vec<_> = people.iter().filter(of).map(|p| p.record.map_or(p.contact, SubjectId)).collect();
        app.app.engine.vault().with_key(app.clinic.id, &subjects).await.unwrap().len()
    };
    assert_eq!(
        (keys(true).await, keys(false).await),
        (people.len() / 2, people.len() / 2),
        "the old vault has them all"
    );
    assert!(!app.app.erasures.applied());
    app.get(&format!("/api/v1/portal/{}", app.clinic.slug)).await.is(503, "starting");
    sqlx::query("ROLLBACK").execute(&mut busy).await.unwrap();
    busy.close().await.unwrap();
    for _ in 0..1_000 {
        if app.app.erasures.applied() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(app.app.erasures.applied(), "the erasures were not applied again");
    let _ = app.get(&format!("/api/v1/portal/{}", app.clinic.slug)).await.ok();
    assert_eq!((keys(true).await, keys(false).await), (0, people.len() / 2));
    let mut of_others = BTreeSet::new();
    for path in people_paths(people) {
        let answer = app.scheduler().get(&path).await;
        assert!(erased.in_bytes(answer.text.as_bytes()).is_empty(), "{path}");
        of_others.extend(others.in_bytes(answer.text.as_bytes()));
    }
    assert!(of_others.len() >= people.len() / 2);
}
