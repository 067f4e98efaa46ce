//! Who saw whose data: the access log of a clinic, and of one person with every record and contact that is theirs.
//!
//! Persons are opaque ids here; members of staff have their names, since the log is there to say who.

use super::names::Names;
use crate::http::AppState;
use crate::http::auth::{AUDIT, Principal};
use crate::http::disclosure::{About, Access};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads::{self, Read};
use crate::http::wire::{cursor, date, named, page_limit, parse_cursor};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use booking_domain::ids::{ClinicId, MemberId, PatientId, SubjectId};
use booking_domain::time::{Tz, WallDate};
use booking_domain::values::{AccessOutcome, BadField};
use booking_projections::access::{AccessRow, Filter};
use booking_store::Position;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(export)).routes(routes!(of_patient))
}

/// Records of one read from the view.
const CHUNK: usize = 500;

/// Which records; every condition narrows.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccessQuery {
    /// One person: a record's id. Records that were merged with it and provisional contacts that stand on it count.
    pub(crate) patient: Option<Uuid>,
    /// One opaque id of a person, as records list it, and nothing else of theirs.
    pub(crate) subject: Option<Uuid>,
    /// By this member.
    pub(crate) member: Option<Uuid>,
    /// From this day on, `yyyy-mm-dd`.
    pub(crate) from: Option<String>,
    /// Up to this day, included.
    pub(crate) to: Option<String>,
    /// `shown` or `refused`.
    pub(crate) outcome: Option<String>,
    /// An operation of this document, such as `getPatient`.
    pub(crate) operation: Option<String>,
    /// `next` of the page before.
    pub(crate) cursor: Option<String>,
    /// Length of the page, up to 500; none: 100.
    pub(crate) limit: Option<u32>,
    /// Waits up to two seconds until this position is shown.
    pub(crate) after: Option<String>,
}

/// What an export holds.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportQuery {
    /// `csv` or `ndjson`.
    pub(crate) format: String,
    /// One person: a record's id, with everything that is theirs.
    pub(crate) patient: Option<Uuid>,
    /// By this member.
    pub(crate) member: Option<Uuid>,
    /// From this day on, `yyyy-mm-dd`.
    pub(crate) from: Option<String>,
    /// Up to this day, included.
    pub(crate) to: Option<String>,
    /// Waits up to two seconds until this position is shown.
    pub(crate) after: Option<String>,
}

/// What the records of one person are asked with.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonQuery {
    /// `next` of the page before.
    pub(crate) cursor: Option<String>,
    /// Length of the page, up to 500; none: 100.
    pub(crate) limit: Option<u32>,
    /// Waits up to two seconds until this position is shown.
    pub(crate) after: Option<String>,
}

/// Somebody asked for personal data.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct AccessEntry {
    /// Its place in the log.
    pub(crate) position: u64,
    /// When, RFC 3339.
    pub(crate) at: String,
    /// `staff`, `token`, `link` or `operator`.
    pub(crate) actor: &'static str,
    /// The member of staff, or the machine.
    pub(crate) member: Option<Uuid>,
    /// Name of the member; a machine's label.
    pub(crate) member_name: Option<String>,
    /// The operation of this document.
    #[schema(example = "getPatient")]
    pub(crate) operation: String,
    /// `shown` or `refused`.
    pub(crate) outcome: &'static str,
    /// Shown: the purpose that was given. Refused: `role`, `clinic` or `not_found`.
    pub(crate) reason: Option<String>,
    /// Whose data was shown, or would have been: opaque ids.
    pub(crate) subjects: Vec<Uuid>,
    /// The request, as in its `x-request-id`.
    pub(crate) request: Uuid,
}

/// A page of the access log.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccessPage {
    /// Newest first.
    pub(crate) entries: Vec<AccessEntry>,
    /// Cursor of the next page; none: there was nothing more.
    pub(crate) next: Option<String>,
}

/// Everything that is one person's: the records that were merged, and the provisional contacts of their appointments.
pub(crate) async fn person(app: &AppState, clinic: ClinicId, patient: PatientId) -> ApiResult<Vec<SubjectId>> {
    let survivor = app.engine.survivor(patient).await?;
    if survivor.1.state.clinic != Some(clinic) {
        return Err(Problem::not_found());
    }
    let mut records = app.views.directory.merged_ids(survivor.0);
    records.extend([patient, survivor.0]);
    let booked = app.views.appointments.of_patient(clinic, &records).await.map_err(reads::unanswered)?;
    let mut subjects: Vec<SubjectId> = records.into_iter().map(SubjectId::from).collect();
    subjects.extend(booked.iter().map(|row| row.subject));
    subjects.sort_unstable();
    subjects.dedup();
    Ok(subjects)
}

impl AccessQuery {
    fn filter(&self, clinic: ClinicId) -> ApiResult<Filter> {
        let outcome = |name: &str| {
            named("outcome", name, AccessOutcome::from_name).map_err(|e| Problem::bad_parameter(e.field, e.problem))
        };
        Ok(Filter {
            member: self.member.map(MemberId),
            from: day("from", self.from.as_deref())?,
            to: day("to", self.to.as_deref())?,
            outcome: self.outcome.as_deref().map(outcome).transpose()?,
            operation: self.operation.clone(),
            subjects: self.subject.map(|subject| vec![SubjectId(subject)]),
            ..Filter::of(clinic)
        })
    }
}

fn day(name: &'static str, text: Option<&str>) -> ApiResult<Option<WallDate>> {
    let bad = |e: BadField| Problem::bad_parameter(e.field, e.problem);
    text.map(|text| date(name, text)).transpose().map_err(bad)
}

/// A record as it is told.
async fn tell(names: &Names<'_>, zone: Tz, row: &AccessRow) -> ApiResult<AccessEntry> {
    let member_name = match row.member {
        Some(member) => names.name(member).await?,
        None => None,
    };
    Ok(AccessEntry {
        position: row.position().0,
        at: row.at.rfc3339(zone),
        actor: row.actor().name(),
        member: row.member.map(|m| m.0),
        member_name,
        operation: row.operation.clone(),
        outcome: row.outcome().name(),
        reason: row.reason.clone(),
        subjects: row.subjects.iter().map(|s| s.0).collect(),
        request: row.request.0,
    })
}

async fn tell_all(app: &AppState, clinic: ClinicId, rows: &[AccessRow]) -> ApiResult<Vec<AccessEntry>> {
    let (names, zone) = (Names::of(app, clinic), app.engine.rules(clinic).await?.state.zone());
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        entries.push(tell(&names, zone, row).await?);
    }
    Ok(entries)
}

async fn page(app: &AppState, filter: &Filter, before: Option<&str>, limit: Option<u32>) -> ApiResult<AccessPage> {
    let limit = page_limit(limit, 100, CHUNK)?;
    let before: Option<u64> = parse_cursor(before)?;
    let rows = app.views.access.page(filter, before.map(Position), limit).await.map_err(reads::unanswered)?;
    let next = rows.last().filter(|_| rows.len() >= limit).map(|row| cursor(&row.position().0));
    Ok(AccessPage { entries: tell_all(app, filter.clinic, &rows).await?, next })
}

/// Whom a query is about, noted before it is answered.
async fn narrowed(app: &AppState, access: &Access<'_>, filter: Filter, patient: Option<Uuid>) -> ApiResult<Filter> {
    let Some(patient) = patient.map(PatientId) else { return Ok(filter) };
    let subjects = access.found(person(app, filter.clinic, patient).await).await?;
    access.about(patient.into());
    Ok(Filter { subjects: Some(subjects), ..filter })
}

fn about(patient: Option<Uuid>) -> About {
    patient.map_or(About::Anybody, |patient| About::Patient(PatientId(patient)))
}

/// Who saw whose data in the clinic.
#[utoipa::path(get, path = "/clinics/{clinic}/audit/access", tag = "audit", operation_id = "listAccess",
    security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"), AccessQuery),
    responses((status = 200, body = AccessPage), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<Uuid>,
    ApiQuery(query): ApiQuery<AccessQuery>,
) -> ApiResult<Read<AccessPage>> {
    let clinic = ClinicId(clinic);
    let access = principal.opens(&app, clinic, AUDIT, "listAccess", about(query.patient)).await?;
    let fresh = reads::caught_up(&app, &["access", "patients", "appointments"], query.after.as_deref()).await?;
    let filter = narrowed(&app, &access, query.filter(clinic)?, query.patient).await?;
    let page = page(&app, &filter, query.cursor.as_deref(), query.limit).await?;
    access.answer(Read::new(page, fresh)).await
}

/// Who saw one person's data: for somebody who asks "who saw my information".
#[utoipa::path(get, path = "/clinics/{clinic}/patients/{patient}/access", tag = "audit",
    operation_id = "listPatientAccess", security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"), ("patient" = Uuid, Path, description = "The record"),
        PersonQuery),
    responses((status = 200, body = AccessPage), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn of_patient(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(path): ApiPath<(Uuid, Uuid)>,
    ApiQuery(query): ApiQuery<PersonQuery>,
) -> ApiResult<Read<AccessPage>> {
    let (clinic, patient): (ClinicId, PatientId) = reads::ids(path);
    let access = principal.opens(&app, clinic, AUDIT, "listPatientAccess", About::Patient(patient)).await?;
    let fresh = reads::caught_up(&app, &["access", "patients", "appointments"], query.after.as_deref()).await?;
    let filter = narrowed(&app, &access, Filter::of(clinic), Some(patient.0)).await?;
    let page = page(&app, &filter, query.cursor.as_deref(), query.limit).await?;
    access.answer(Read::new(page, fresh)).await
}

/// How an export is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    Csv,
    Ndjson,
}

impl Format {
    fn parse(name: &str) -> ApiResult<Self> {
        match name {
            "csv" => Ok(Self::Csv),
            "ndjson" => Ok(Self::Ndjson),
            _ => Err(Problem::bad_parameter("format", "must be csv or ndjson")),
        }
    }
    const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
        }
    }
    const fn file_name(self) -> &'static str {
        match self {
            Self::Csv => "attachment; filename=\"access.csv\"",
            Self::Ndjson => "attachment; filename=\"access.ndjson\"",
        }
    }
    fn head(self) -> Vec<u8> {
        match self {
            Self::Csv => rows([COLUMNS.map(str::to_owned)].into_iter()),
            Self::Ndjson => Vec::new(),
        }
    }
    fn write(self, entries: &[AccessEntry]) -> Vec<u8> {
        match self {
            Self::Csv => rows(entries.iter().map(columns)),
            Self::Ndjson => entries.iter().fold(Vec::new(), |mut lines, entry| {
                lines.extend(serde_json::to_vec(entry).unwrap_or_default());
                lines.push(b'\n');
                lines
            }),
        }
    }
}

const COLUMNS: [&str; 10] =
    ["position", "at", "actor", "member", "member_name", "operation", "outcome", "reason", "subjects", "request"];

fn columns(entry: &AccessEntry) -> [String; 10] {
    let subjects: Vec<String> = entry.subjects.iter().map(Uuid::to_string).collect();
    [
        entry.position.to_string(),
        entry.at.clone(),
        entry.actor.to_owned(),
        entry.member.map(|m| m.to_string()).unwrap_or_default(),
        entry.member_name.clone().unwrap_or_default(),
        entry.operation.clone(),
        entry.outcome.to_owned(),
        entry.reason.clone().unwrap_or_default(),
        subjects.join(" "),
        entry.request.to_string(),
    ]
    .map(|text| tame(&text))
}

/// A spreadsheet takes text that begins with one of these for a formula, and runs it: an apostrophe makes it text.
fn tame(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    // Judged as it is written: what stood before the sign may have been left out.
    let dangerous =
        plain.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) || text.starts_with(['\t', '\r', '\n']);
    if dangerous { format!("'{plain}") } else { plain }
}

fn rows(rows: impl Iterator<Item = [String; 10]>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        // Into memory, with as many columns each time: there is nothing that could fail.
        let _written = writer.write_record(&row);
    }
    writer.into_inner().unwrap_or_default()
}

/// The access log as a file: CSV that a spreadsheet can open without harm, or one JSON object a line.
#[utoipa::path(get, path = "/clinics/{clinic}/audit/access/export", tag = "audit", operation_id = "exportAccess",
    security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"), ExportQuery),
    responses((status = 200, body = String, content_type = "text/csv"), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn export(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<Uuid>,
    ApiQuery(query): ApiQuery<ExportQuery>,
) -> ApiResult<Response> {
    let clinic = ClinicId(clinic);
    let access = principal.opens(&app, clinic, AUDIT, "exportAccess", about(query.patient)).await?;
    let format = Format::parse(&query.format)?;
    reads::caught_up(&app, &["access", "patients", "appointments"], query.after.as_deref()).await?;
    let filter = Filter {
        member: query.member.map(MemberId),
        from: day("from", query.from.as_deref())?,
        to: day("to", query.to.as_deref())?,
        ..Filter::of(clinic)
    };
    let filter = narrowed(&app, &access, filter, query.patient).await?;
    let first = Some(Export { app: app.clone(), filter, format, before: None, head: true });
    let pages = futures::stream::unfold(first, |export| async move { export?.next().await });
    let headers = [(header::CONTENT_TYPE, format.media_type()), (header::CONTENT_DISPOSITION, format.file_name())];
    access.answer((headers, Body::from_stream(pages)).into_response()).await
}

/// An export on its way, page by page: it never stands in memory as a whole.
struct Export {
    app: AppState,
    filter: Filter,
    format: Format,
    before: Option<Position>,
    head: bool,
}

impl Export {
    /// The next piece. An error breaks the answer off, so that nobody takes a part for the whole.
    async fn next(mut self) -> Option<(Result<Bytes, std::io::Error>, Option<Self>)> {
        match self.piece().await {
            Ok((bytes, true)) => Some((Ok(bytes.into()), Some(self))),
            Ok((bytes, false)) => Some((Ok(bytes.into()), None)),
            Err(problem) => Some((Err(std::io::Error::other(problem.title)), None)),
        }
    }

    async fn piece(&mut self) -> ApiResult<(Vec<u8>, bool)> {
        let rows = self.app.views.access.page(&self.filter, self.before, CHUNK).await.map_err(reads::unanswered)?;
        let entries = tell_all(&self.app, self.filter.clinic, &rows).await?;
        self.before = rows.last().map(AccessRow::position);
        let mut bytes = if std::mem::take(&mut self.head) { self.format.head() } else { Vec::new() };
        bytes.extend(self.format.write(&entries));
        Ok((bytes, rows.len() >= CHUNK))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spreadsheet_takes_a_name_for_a_formula() {
        for (name, told) in [
            ("=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'=1"),
            ("\r=1", "'=1"),
            ("\u{1}=1", "'=1"),
            ("Zoé\u{1b}[31m\r\nRoy", "Zoé[31mRoy"),
            ("Zoé Roy", "Zoé Roy"),
            ("", ""),
        ] {
            assert_eq!(tame(name), told);
        }
    }

    #[test]
    fn a_line_of_csv_is_one_record_whatever_is_in_it() {
        let entry = AccessEntry {
            position: 7,
            at: "2026-11-23T09:00:00-05:00".to_owned(),
            actor: "staff",
            member: Some(Uuid::nil()),
            member_name: Some("=cmd, \"quoted\"\r\nnext".to_owned()),
            operation: "getPatient".to_owned(),
            outcome: "shown",
            reason: None,
            subjects: vec![Uuid::nil(), Uuid::max()],
            request: Uuid::nil(),
        };
        let text = String::from_utf8(Format::Csv.write(std::slice::from_ref(&entry))).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("\"'=cmd, \"\"quoted\"\"next\""), "{text}");
        let lines = String::from_utf8(Format::Ndjson.write(&[entry.clone(), entry])).unwrap();
        assert_eq!(lines.lines().count(), 2);
        assert!(lines.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["position"] == 7));
    }
}
