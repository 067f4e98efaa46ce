//! Who may do what, for every operation of the API's own document: whoever is not allowed gets the same 401 or 404 for
//! what is there, what is another clinic's and what is nowhere. An operation without a row here fails the test.

use booking_domain::values::Role;
use booking_engine::vault::Staff as Account;
use booking_tests::http::portal::id;
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Answer, Person, TestApp, TestClinic};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use uuid::Uuid;

const ADMINISTRATION: May = May::Staff(&[Role::Administrator]);
const RECEPTION: May = May::Staff(&[Role::Administrator, Role::Scheduler]);
const CARE: May = May::Staff(&[Role::Administrator, Role::Scheduler, Role::Practitioner]);
const AUDIT: May = May::Staff(&[Role::Administrator, Role::Auditor]);
const STAFF: May = May::Staff(&[Role::Administrator, Role::Scheduler, Role::Practitioner, Role::Auditor]);

/// Who may.
#[derive(Clone, Copy)]
enum May {
    Anybody,
    Visitors,
    /// The visit whose it is.
    FirstVisitor,
    Links,
    Staff(&'static [Role]),
}

/// The rows: every operation, and who may.
const ROWS: &[(&str, May)] = &[
    ("acceptInvitation", May::Anybody),
    ("getCheckpoint", May::Anybody),
    ("getLedgerKey", May::Anybody),
    ("proveConsistency", May::Anybody),
    ("proveInclusion", May::Anybody),
    ("getPortal", May::Anybody),
    ("lookUpAppointment", May::Anybody),
    ("openVisit", May::Anybody),
    ("signIn", May::Anybody),
    ("bookAppointment", May::Visitors),
    ("extendHold", May::FirstVisitor),
    ("getVisit", May::Visitors),
    ("getWork", May::Visitors),
    ("holdAvailability", May::Visitors),
    ("listAvailabilities", May::Visitors),
    ("listServices", May::Visitors),
    ("releaseHold", May::FirstVisitor),
    ("proveContact", May::Visitors),
    ("sendCode", May::Visitors),
    ("cancelOwnAppointment", May::Links),
    ("confirmOwnAttendance", May::Links),
    ("getOwnAppointment", May::Links),
    ("listOwnTargets", May::Links),
    ("moveOwnAppointment", May::Links),
    ("activatePortal", ADMINISTRATION),
    ("carryOutErasure", ADMINISTRATION),
    ("decideErasure", ADMINISTRATION),
    ("setLegalHold", ADMINISTRATION),
    ("setRetention", ADMINISTRATION),
    ("requestErasure", RECEPTION),
    ("withdrawErasure", RECEPTION),
    ("getRetention", AUDIT),
    ("listErasures", AUDIT),
    ("getErasure", AUDIT),
    ("addMember", ADMINISTRATION),
    ("changeActivity", ADMINISTRATION),
    ("changeMemberRole", ADMINISTRATION),
    ("changePractitioner", ADMINISTRATION),
    ("changeService", ADMINISTRATION),
    ("changeSettings", ADMINISTRATION),
    ("configurePortal", ADMINISTRATION),
    ("configureService", ADMINISTRATION),
    ("deactivatePortal", ADMINISTRATION),
    ("deactivatePractitioner", ADMINISTRATION),
    ("deactivateService", ADMINISTRATION),
    ("defineActivity", ADMINISTRATION),
    ("disableMember", ADMINISTRATION),
    ("enableMember", ADMINISTRATION),
    ("inviteMember", ADMINISTRATION),
    ("issueToken", ADMINISTRATION),
    ("listMembers", ADMINISTRATION),
    ("listTokens", ADMINISTRATION),
    ("openAgenda", ADMINISTRATION),
    ("previewService", ADMINISTRATION),
    ("previewServiceChange", ADMINISTRATION),
    ("reactivatePractitioner", ADMINISTRATION),
    ("registerPractitioner", ADMINISTRATION),
    ("retireActivity", ADMINISTRATION),
    ("revokeToken", ADMINISTRATION),
    ("amendSlot", RECEPTION),
    ("applyTemplate", RECEPTION),
    ("attachPatient", RECEPTION),
    ("cancelAppointment", RECEPTION),
    ("createTemplate", RECEPTION),
    ("deleteTemplate", RECEPTION),
    ("detachPatient", RECEPTION),
    ("listReconciliation", RECEPTION),
    ("markDeceased", RECEPTION),
    ("mergePatients", RECEPTION),
    ("moveAppointment", RECEPTION),
    ("planAppointment", RECEPTION),
    ("publishBulk", RECEPTION),
    ("publishRecurring", RECEPTION),
    ("publishSlot", RECEPTION),
    ("registerFromAppointment", RECEPTION),
    ("registerPatient", RECEPTION),
    ("setRegistration", RECEPTION),
    ("undoBulk", RECEPTION),
    ("updatePatient", RECEPTION),
    ("withdrawSlot", RECEPTION),
    ("confirmAttendance", CARE),
    ("getAgenda", CARE),
    ("getAppointment", CARE),
    ("getAppointmentHistory", STAFF),
    ("getPatient", CARE),
    ("getSlot", CARE),
    ("listAppointments", CARE),
    ("listPatientAppointments", CARE),
    ("listTemplates", CARE),
    ("listUndelivered", CARE),
    ("markArrived", CARE),
    ("markCompleted", CARE),
    ("markNoShow", CARE),
    ("searchPatients", CARE),
    ("exportAccess", AUDIT),
    ("getLedger", AUDIT),
    ("listAccess", AUDIT),
    ("listEvents", AUDIT),
    ("listPatientAccess", AUDIT),
    ("getEvent", AUDIT),
    ("getPatientHistory", AUDIT),
    ("getRulesHistory", AUDIT),
    ("searchAudit", AUDIT),
    ("replayAppointment", AUDIT),
    ("explainAvailability", STAFF),
    ("getClinic", STAFF),
    ("getClinicService", STAFF),
    ("getPortalSetup", STAFF),
    ("getSession", STAFF),
    ("getSettings", STAFF),
    ("listActivities", STAFF),
    ("listAgendas", STAFF),
    ("listClinicServices", STAFF),
    ("listPractitioners", STAFF),
    ("readFeed", STAFF),
    ("getSlotHistory", STAFF),
    ("replayAgenda", STAFF),
    ("replayAvailabilities", STAFF),
    ("replayPortal", STAFF),
    ("replayServices", STAFF),
    ("signOut", STAFF),
    ("streamFeed", STAFF),
];

/// Operations that answer "nothing to do" to whoever may do such things, the same whether the thing is somebody else's or
/// nobody's: they may be repeated, and what is gone already is no mistake.
const NOTHING_TO_DO: &[(&str, u16)] = &[("undoBulk", 200), ("releaseHold", 204), ("extendHold", 410)];

/// Public reads whose query names what is there only after a checkpoint was signed; `audit::ledger` tests them.
const ASKED_BY_QUERY: &[&str] = &["getCheckpoint", "proveConsistency", "proveInclusion"];

/// Somebody who asks.
#[derive(Clone)]
enum Caller {
    Nobody,
    Visit { first: bool, token: String },
    Link(String),
    Staff { clinic: Uuid, role: Role, account: Account },
    Machine(String),
    Expired(String),
}

/// A clinic's things, by the name of the path's parameter.
struct Things {
    clinic: TestClinic,
    ids: BTreeMap<&'static str, String>,
}

struct Matrix {
    app: TestApp,
    own: Things,
    foreign: Things,
    callers: Vec<(&'static str, Caller)>,
    document: Value,
}

async fn things(app: &TestApp, clinic: &TestClinic) -> (Things, Vec<String>, Vec<String>) {
    let (admin, scheduler) = (app.staff(clinic, Role::Administrator), app.staff(clinic, Role::Scheduler));
    let small = admin.sets_up().await;
    let slot = scheduler.publishes_slot(small.desk.agenda, TOMORROW, ("09:00", "11:00"), small.activity).await;
    let patient = scheduler.registers(&Person::named("Ève", "Tremblay")).await;
    let _ = scheduler.post("/erasures", &json!({ "patient": patient })).await.ok();
    let (mut visits, mut links) = (Vec::new(), Vec::new());
    let mut appointment = None;
    for (person, time) in [(Person::stranger(), "09:00"), (Person::named("Nina", "Simard"), "09:20")] {
        let visitor = booking_tests::http::Visitor::opens(app, &clinic.slug, &person).await;
        let link = visitor.books_at(small.service, time).await;
        appointment.get_or_insert(id(&scheduler.finds(TOMORROW, &link.reference()).await["id"]));
        visits.push(visitor.token.clone());
        links.push(link.token.clone());
    }
    let visitor = booking_tests::http::Visitor::opens(app, &clinic.slug, &Person::stranger()).await;
    let wanted = visitor.finds(small.service, "09:40").await;
    let hold = visitor.holds(small.service, &wanted).await;
    visits.insert(0, visitor.token.clone());
    let from = json!({ "agenda": small.desk.agenda, "first_day": TOMORROW, "slots": [slot] });
    let template = id(&scheduler.post("/templates", &json!({ "name": "t", "from": from })).await.ok()["id"]);
    app.settle().await;
    let events = app.events().await;
    let event = events.iter().rfind(|e| e.stream.as_str() == format!("clinic-{}", clinic.id.0.simple())).unwrap();
    let token = admin.post("/tokens", &json!({ "label": "hub", "role": "scheduler" })).await.ok();
    let ids = BTreeMap::from([
        ("activity", small.activity.to_string()),
        ("agenda", small.desk.agenda.to_string()),
        ("appointment", appointment.unwrap().to_string()),
        ("bulk", Uuid::from_u128(7).to_string()),
        ("clinic", clinic.id.to_string()),
        ("date", TOMORROW.to_owned()),
        ("event", event.id.to_string()),
        ("hold", hold),
        ("member", clinic.member(Role::Practitioner).to_string()),
        ("patient", patient.to_string()),
        ("person", patient.to_string()),
        ("practitioner", small.desk.practitioner.to_string()),
        ("service", small.service.to_string()),
        ("slot", slot.to_string()),
        ("slug", clinic.slug.clone()),
        ("template", template.to_string()),
        ("token", id(&token["id"]).to_string()),
    ]);
    visits.truncate(2);
    (Things { clinic: clinic.clone(), ids }, visits, links)
}

impl Matrix {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let (own, visits, links) = things(&app, &app.clinic.clone()).await;
        let other = app.another_clinic("autre-clinique").await;
        let (foreign, _, _) = things(&app, &other).await;
        let vault = app.app.engine.vault();
        let lapsed = Account { clinic: app.clinic.id, member: app.clinic.member(Role::Administrator) };
        let long_ago = booking_domain::time::Instant(app.now().0 - 24 * 3_600 * 1_000_000);
        let expired = vault.open_session(lapsed, long_ago).await.unwrap();
        let machine = app.admin().post("/tokens", &json!({ "label": "hub", "role": "scheduler" })).await.ok();
        let staff = |clinic: &TestClinic, role: Role| Caller::Staff {
            clinic: clinic.id.0,
            role,
            account: Account { clinic: clinic.id, member: clinic.member(role) },
        };
        let callers = vec![
            ("nobody", Caller::Nobody),
            ("visit A", Caller::Visit { first: true, token: visits[0].clone() }),
            ("visit B", Caller::Visit { first: false, token: visits[1].clone() }),
            ("link A", Caller::Link(links[0].clone())),
            ("link B", Caller::Link(links[1].clone())),
            ("administrator", staff(&own.clinic, Role::Administrator)),
            ("scheduler", staff(&own.clinic, Role::Scheduler)),
            ("scheduler elsewhere", staff(&foreign.clinic, Role::Scheduler)),
            ("practitioner", staff(&own.clinic, Role::Practitioner)),
            ("auditor", staff(&own.clinic, Role::Auditor)),
            ("machine", Caller::Machine(machine.str("/token").to_owned())),
            ("expired session", Caller::Expired(format!("s_{}", expired.reveal().as_str()))),
        ];
        let document = serde_json::to_value(booking_api::http::openapi()).unwrap();
        Self { app, own, foreign, callers, document }
    }

    /// A value of the right form for a schema: required fields alone.
    fn sample(&self, schema: &Value, name: &str, of: &Things) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let found = self.document.pointer(reference.trim_start_matches('#')).unwrap();
            return self.sample(found, name, of);
        }
        if let Some(example) = schema.get("example") {
            return example.clone();
        }
        if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
            return first.clone();
        }
        for several in ["oneOf", "anyOf"] {
            let options = schema[several].as_array().map(Vec::as_slice).unwrap_or_default();
            if let Some(first) = options.iter().find(|s| s["type"] != "null") {
                return self.sample(first, name, of);
            }
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let mut all = Map::new();
            for part in parts {
                all.extend(self.sample(part, name, of).as_object().cloned().unwrap_or_default());
            }
            return Value::Object(all);
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().find_map(|k| k.as_str().filter(|k| *k != "null")).unwrap_or("null"),
            other => other.as_str().unwrap_or("object"),
        };
        match kind {
            "string" if schema["format"] == "uuid" => {
                let named = name.trim_end_matches('s');
                let named = if named == "into" {
                    "patient"
                } else if named == "activitie" {
                    "activity"
                } else {
                    named
                };
                of.ids.get(named).map_or(json!(Uuid::from_u128(1)), |id| json!(id))
            }
            "string" => match name {
                "date" | "from" | "to" | "first_day" | "birth_date" => json!(TOMORROW),
                "start" => json!("09:00"),
                "end" => json!("10:00"),
                "format" => json!("ndjson"),
                _ => json!("x"),
            },
            "integer" | "number" => json!(20),
            "boolean" => json!(true),
            "array" => json!([self.sample(&schema["items"], name, of)]),
            _ => {
                let required = schema["required"].as_array().cloned().unwrap_or_default();
                let field = |name: &Value| {
                    let name = name.as_str()?;
                    Some((name.to_owned(), self.sample(&schema["properties"][name], name, of)))
                };
                Value::Object(required.iter().filter_map(field).collect())
            }
        }
    }

    async fn token(&self, caller: &Caller) -> Option<String> {
        match caller {
            Caller::Nobody => None,
            Caller::Visit { token, .. } | Caller::Link(token) | Caller::Machine(token) | Caller::Expired(token) => {
                Some(token.clone())
            }
            // One for each request: signing out is among them.
            Caller::Staff { account, .. } => {
                let token = self.app.app.engine.vault().open_session(*account, self.app.now()).await.unwrap();
                Some(format!("s_{}", token.reveal().as_str()))
            }
        }
    }

    fn request(&self, method: &Method, path: &str, operation: &Value, ids: &BTreeMap<&str, String>) -> (String, Value) {
        let of = if ids["clinic"] == self.foreign.ids["clinic"] { &self.foreign } else { &self.own };
        let mut filled = path.to_owned();
        for (name, value) in ids {
            filled = filled.replace(&format!("{{{name}}}"), value);
        }
        let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut query = Vec::new();
        for parameter in parameters.iter().filter(|p| p["in"] == "query" && p["required"] == true) {
            let name = parameter["name"].as_str().unwrap();
            let value = self.sample(&parameter["schema"], name, of);
            query.push(format!("{name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
        }
        if operation["operationId"] == "explainAvailability" {
            let (agenda, slot) = (&of.ids["agenda"], &of.ids["slot"]);
            query.push(format!("agenda={agenda}&slot={slot}&start=2026-11-24T09:40:00-05:00"));
        }
        if !query.is_empty() {
            write!(filled, "?{}", query.join("&")).unwrap();
        }
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        let body = if body.is_null() || *method == Method::GET { Value::Null } else { self.sample(body, "", of) };
        (filled, body)
    }
}

/// The body without what differs from request to request.
fn plain(answer: &Answer) -> Value {
    let mut body = answer.body.clone();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("request_id");
    }
    body
}

fn keys(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            into.insert(key.clone());
            keys(value, into);
        }),
        Value::Array(items) => items.iter().for_each(|item| keys(item, into)),
        _ => {}
    }
}

#[tokio::test]
async fn whoever_may_not_cannot_tell_what_is_there_from_what_is_not() {
    let matrix = Matrix::new().await;
    let rows: BTreeMap<&str, May> = ROWS.iter().copied().collect();
    let mut told = BTreeSet::new();
    let mut denied: BTreeMap<u16, Value> = BTreeMap::new();
    let mut nothing: BTreeMap<String, Value> = BTreeMap::new();
    let (mut cells, mut refused, mut wrong) = (0, 0, Vec::new());
    let mut fields: BTreeMap<(String, &str), BTreeSet<String>> = BTreeMap::new();
    let paths = matrix.document["paths"].as_object().unwrap().clone();
    for (path, item) in &paths {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            let Some(may) = rows.get(name) else {
                wrong.push(format!("{name} ({method} {path}) has no row in this matrix"));
                continue;
            };
            told.insert(name.to_owned());
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let inner: Vec<&str> = path
                .split(['{', '}'])
                .skip(1)
                .step_by(2)
                .filter(|p| !matches!(*p, "clinic" | "slug" | "date"))
                .collect();
            let outer = if path.contains("{clinic}") {
                Some("clinic")
            } else if path.contains("{slug}") {
                Some("slug")
            } else {
                None
            };
            for target in ["own", "foreign", "random"] {
                let mut ids = matrix.own.ids.clone();
                let replaced: Vec<&str> = if inner.is_empty() { outer.into_iter().collect() } else { inner.clone() };
                if target != "own" && replaced.is_empty() {
                    continue;
                }
                for parameter in &replaced {
                    let other = match (target, *parameter) {
                        ("foreign", _) => matrix.foreign.ids[parameter].clone(),
                        ("random", "slug") => "nulle-part".to_owned(),
                        ("random", "hold") => {
                            let own = &matrix.own.ids["hold"];
                            format!("{}AAAAAAAA", &own[..own.len() - 8])
                        }
                        ("random", _) => Uuid::from_u128(0x4242_4242_4242_4242_8242_4242_4242_4242).to_string(),
                        _ => continue,
                    };
                    ids.insert(parameter, other);
                }
                for (who, caller) in &matrix.callers {
                    let (path, body) = matrix.request(&method, path, operation, &ids);
                    let mut asked =
                        matrix.app.asks(method.clone(), &path).if_match("\"4095\"").key(&format!("{cells}"));
                    if let Some(token) = matrix.token(caller).await {
                        asked = asked.token(&token);
                    }
                    if !body.is_null() {
                        asked = asked.json(&body);
                    }
                    cells += 1;
                    let elsewhere = target == "foreign" && inner.is_empty();
                    let allowed = match (may, caller) {
                        (May::Anybody, _) => true,
                        (May::Visitors, Caller::Visit { .. }) | (May::Links, Caller::Link(_)) => target == "own",
                        (May::FirstVisitor, Caller::Visit { first, .. }) => *first && target == "own",
                        (May::Staff(roles), Caller::Staff { clinic, role, .. }) => {
                            let at = if elsewhere { matrix.foreign.clinic.id.0 } else { matrix.own.clinic.id.0 };
                            let here = outer.is_none() || *clinic == at;
                            roles.contains(role) && here && target == if elsewhere { "foreign" } else { "own" }
                        }
                        (May::Staff(roles), Caller::Machine(_)) => roles.contains(&Role::Scheduler) && target == "own",
                        _ => false,
                    };
                    let cell = format!("{name} by {who} of {target}: {method} {path}");
                    if name == "streamFeed" {
                        // A stream that is allowed does not end.
                        if !allowed {
                            let status = asked.status().await;
                            if !matches!(status, 401 | 404) {
                                wrong.push(format!("{cell}: {status}"));
                            }
                        }
                        continue;
                    }
                    let answer = asked.answer().await;
                    if allowed {
                        let bad = matches!(answer.status, 401 | 404) && !matches!(may, May::Anybody)
                            || answer.status >= 500
                            || method == Method::GET
                                && !answer.is_ok()
                                && target == "own"
                                && !ASKED_BY_QUERY.contains(&name);
                        if bad {
                            wrong.push(format!("{cell}: allowed, and {} {}", answer.status, answer.text));
                        }
                        if method == Method::GET && answer.is_ok() {
                            keys(&answer.body, fields.entry((name.to_owned(), who)).or_default());
                            let auditor = *who == "auditor";
                            let personal = ["Tremblay", "Ouellet", "Simard", "514555", "1985-06-15"];
                            if auditor && personal.iter().any(|text| answer.text.contains(text)) {
                                wrong.push(format!("{cell}: the auditor sees somebody: {}", answer.text));
                            }
                        }
                        continue;
                    }
                    refused += 1;
                    let kind = match (may, caller) {
                        (May::FirstVisitor, Caller::Visit { .. }) => true,
                        (May::Staff(roles), Caller::Staff { clinic, role, .. }) => {
                            roles.contains(role) && *clinic == matrix.own.clinic.id.0
                        }
                        (May::Staff(roles), Caller::Machine(_)) => roles.contains(&Role::Scheduler),
                        _ => false,
                    };
                    if kind && NOTHING_TO_DO.contains(&(name, answer.status)) {
                        let same = nothing.entry(name.to_owned()).or_insert_with(|| plain(&answer));
                        if *same != plain(&answer) {
                            wrong.push(format!("{cell}: told apart by {}", answer.text));
                        }
                        continue;
                    }
                    let same = denied.entry(answer.status).or_insert_with(|| plain(&answer));
                    if !matches!(answer.status, 401 | 404) || *same != plain(&answer) {
                        wrong.push(format!("{cell}: not allowed, and {} {}", answer.status, answer.text));
                    }
                }
            }
        }
    }
    wrong.extend(rows.keys().filter(|row| !told.contains(**row)).map(|row| format!("{row} is no operation any more")));
    assert!(wrong.is_empty(), "{} of {cells} cells:\n{}", wrong.len(), wrong.join("\n"));
    println!("{cells} cells of {} operations, {refused} of them refused alike", told.len());
    golden(&fields);
}

/// The fields that each role reads, as they were reviewed; `BLESS=1` writes them anew.
fn golden(fields: &BTreeMap<(String, &str), BTreeSet<String>>) {
    let mut text = String::from("# Names of the fields in each operation's answer, by who reads it.\n");
    for ((operation, who), keys) in fields {
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        writeln!(text, "{operation} | {who} | {}", keys.join(" ")).unwrap();
    }
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/fields.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
    let new: Vec<&str> = text.lines().filter(|line| !reviewed.lines().any(|known| known == *line)).collect();
    assert!(new.is_empty(), "fields that nobody reviewed; BLESS=1 writes them:\n{}", new.join("\n"));
    let personal = ["first_name", "last_name", "birth_date", "health_number", "phones", "emails", "addresses"];
    for ((operation, who), keys) in fields {
        let seen = personal.iter().any(|field| keys.contains(*field));
        assert!(*who != "auditor" || !seen, "the auditor reads personal fields in {operation}");
    }
}
