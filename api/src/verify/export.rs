//! An export: leaves from its lines, one after the other. What the rules need goes to a scratch database on the disk,
//! where it is sorted by stream; it is deleted with the verification.

use super::report::Alteration;
use super::signatures::{Believed, Checkpoints, Worth, judge};
use super::streams;
use super::tree::TreeCheck;
use super::{Options, Report, hash_of, ref_of, report_of, retained};
use crate::export::Line;
use anyhow::Context as _;
use booking_events::describe;
use booking_events::ledger::{Verifier, leaf_hash};
use booking_store::{RawEvent, RawLog};
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, QueryBuilder, Sqlite, SqliteConnection};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Rows of one insert.
const BATCH: usize = 200;
/// The tables of a log, without the triggers: what is put here is not believed, and may be anything.
const SCHEMA: &str = "CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE); \
    CREATE TABLE event_types (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE); \
    CREATE TABLE events (position INTEGER PRIMARY KEY, stream INTEGER NOT NULL, revision INTEGER NOT NULL, \
        event_id BLOB NOT NULL, type INTEGER NOT NULL, metadata BLOB NOT NULL, payload BLOB NOT NULL)";

pub(super) async fn verify(file: &Path, options: &Options) -> anyhow::Result<Report> {
    let open = || File::open(file).with_context(|| format!("cannot read {}", file.display()));
    let beside = last_line(open()?)?;
    let keys = if options.keys.is_empty() { beside.keys } else { options.keys.clone() };
    let (mut believed, mut others) = retained(options, &keys)?;
    let mut faults = Vec::new();
    match beside.checkpoint.map(|note| judge(&note, &keys, "the export's checkpoint")) {
        None => {}
        Some(Worth::Good(known)) => believed.push(known),
        Some(Worth::Unsigned) => others.push("the export's checkpoint is signed by none of the keys".to_owned()),
        Some(Worth::Bad(why)) => faults.push(no_leaf(format!("the export's checkpoint: {why}"))),
    }
    let mut scratch = Scratch::make().await?;
    let mut reading = Reading::default();
    let read = reading.lines(open()?, believed, &mut scratch).await;
    let rules = match &read {
        Ok(_) => scratch.judge().await?,
        Err(_) => streams::RulesFound::default(),
    };
    let mut ended = read?.end(None)?;
    // Lines that do not agree with themselves name the leaf, whatever the roots say.
    if let Some(first) = reading.first
        && !ended.altered.iter().any(|found| found.exact && found.first_bad_leaf <= first.first_bad_leaf)
    {
        ended.altered.push(first);
    }
    ended.altered.extend(faults);
    let mut not_checked = Vec::new();
    if reading.bare > 0 {
        not_checked.push(format!("what {} leaves of other clinics say: they are here as hashes alone", reading.bare));
    }
    let mut report = report_of(ended, rules, options, others, not_checked);
    report.timing.reading = reading.waited.as_millis();
    report.timing.hashing = reading.hashing.as_millis();
    Ok(report)
}

fn no_leaf(what: String) -> Alteration {
    Alteration { what, first_bad_leaf: None, exact: false, event: None }
}

/// What stands in the last line of an export.
#[derive(Default)]
struct Beside {
    checkpoint: Option<String>,
    keys: Vec<Verifier>,
}

fn last_line(file: File) -> anyhow::Result<Beside> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    const ENOUGH: u64 = 256 * 1024;
    let mut file = file;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(ENOUGH)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let Some(last) = text.lines().rfind(|line| !line.is_empty()) else { return Ok(Beside::default()) };
    match serde_json::from_str::<Line>(last) {
        Ok(Line::End { checkpoint, keys }) => {
            let keys = keys.iter().map(|key| Verifier::parse(key)).collect::<Result<_, _>>()?;
            Ok(Beside { checkpoint, keys })
        }
        _ => Ok(Beside::default()),
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    first: Option<Alteration>,
    bare: u64,
    waited: Duration,
    hashing: Duration,
}

impl Reading {
    async fn lines(&mut self, file: File, signed: Vec<Believed>, scratch: &mut Scratch) -> anyhow::Result<TreeCheck> {
        let mut check = TreeCheck::new(Checkpoints::of(None, &[])?, signed);
        let (mut input, mut text, mut number) = (BufReader::with_capacity(1 << 20, file), Vec::new(), 0_u64);
        loop {
            let start = Instant::now();
            text.clear();
            if input.read_until(b'\n', &mut text)? == 0 {
                break;
            }
            number += 1;
            let line = serde_json::from_slice::<Line>(&text);
            self.waited += start.elapsed();
            let start = Instant::now();
            match line {
                Err(error) => self.bad(check.size(), format!("line {number} is not one of an export: {error}"), None),
                Ok(Line::End { .. }) => {}
                Ok(Line::Leaf { leaf, leaf_hash }) => {
                    self.bare += 1;
                    self.due(leaf, check.size(), number);
                    let hash = hex_hash(&leaf_hash).unwrap_or_default();
                    check.leaf(hash, Some(hash), || None, "")?;
                }
                Ok(Line::Event(line)) => {
                    self.due(line.leaf, check.size(), number);
                    self.event(&mut check, *line, scratch).await?;
                }
            }
            self.hashing += start.elapsed();
        }
        Ok(check)
    }

    fn bad(&mut self, leaf: u64, what: String, event: Option<super::EventRef>) {
        if self.first.is_none() {
            self.first = Some(Alteration { what, first_bad_leaf: Some(leaf), exact: true, event });
        }
    }

    fn due(&mut self, leaf: u64, due: u64, line: u64) {
        if leaf != due {
            self.bad(due, format!("line {line} has leaf {leaf} where {due} was to come"), None);
        }
    }

    async fn event(
        &mut self,
        check: &mut TreeCheck,
        line: crate::export::EventLine,
        scratch: &mut Scratch,
    ) -> anyhow::Result<()> {
        let index = check.size();
        let claimed = hex_hash(&line.leaf_hash);
        // The position is in no hash, and follows from the place.
        if u64::try_from(line.position) != Ok(index + 1) {
            self.bad(index, format!("leaf {index} claims position {}", line.position), None);
        }
        let (event, told) = match line.into_raw() {
            Ok(parts) => parts,
            Err(why) => {
                self.bad(index, why.to_string(), None);
                return Ok(check.leaf([0; 32], claimed, || None, "the line cannot be read")?);
            }
        };
        let leaf = hash_of(&event).map_or([0; 32], |hash| leaf_hash(index, &hash));
        if Some(leaf) != claimed {
            let what = "the event's bytes do not give the hash of its leaf".to_owned();
            self.bad(index, what, Some(ref_of(index, &event)));
        } else if let Some(what) = told.differs_from(&event) {
            self.bad(index, what.to_owned(), Some(ref_of(index, &event)));
        }
        check.leaf(
            leaf,
            claimed,
            || Some(ref_of(index, &event)),
            "the event's bytes do not give the hash of its leaf",
        )?;
        scratch.put(index, event).await
    }
}

fn hex_hash(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).ok().map(|()| hash)
}

/// What a line tells of an event in words, beside its bytes.
pub(crate) struct Told {
    pub metadata: Value,
    pub fields: Value,
}

impl Told {
    /// What of it the bytes do not say.
    fn differs_from(&self, event: &RawEvent) -> Option<&'static str> {
        let metadata: Value = serde_json::from_slice(&event.metadata).unwrap_or(Value::Null);
        if metadata != self.metadata {
            return Some("the metadata as it is told is not what its bytes say");
        }
        let described = describe(event.event_type.as_deref().unwrap_or_default(), &event.payload);
        let fields = described.ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null);
        (fields != self.fields).then_some("the fields as they are told are not what the payload says")
    }
}

/// Events on the disk, to be read stream by stream.
struct Scratch {
    path: PathBuf,
    _folder: tempfile::TempDir,
    connection: Option<SqliteConnection>,
    waiting: Vec<(u64, RawEvent)>,
}

impl Scratch {
    async fn make() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a scratch directory")?;
        let path = folder.path().join("scratch.db");
        let mut connection = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Off)
            .synchronous(SqliteSynchronous::Off)
            .disable_statement_logging()
            .connect()
            .await?;
        sqlx::raw_sql(SCHEMA).execute(&mut connection).await?;
        Ok(Self { path, _folder: folder, connection: Some(connection), waiting: Vec::with_capacity(BATCH) })
    }

    /// Keeps what the rules ask for.
    async fn put(&mut self, leaf: u64, event: RawEvent) -> anyhow::Result<()> {
        let of_rules =
            |name: &str| ["clinic-", "agendaday-", "quota-"].iter().any(|category| name.starts_with(category));
        if event.stream.as_deref().is_some_and(of_rules) {
            self.waiting.push((leaf, event));
        }
        if self.waiting.len() >= BATCH { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> anyhow::Result<()> {
        let (Some(connection), false) = (self.connection.as_mut(), self.waiting.is_empty()) else { return Ok(()) };
        for (table, streams) in
            [("INSERT OR IGNORE INTO streams (name) ", true), ("INSERT OR IGNORE INTO event_types (name) ", false)]
        {
            let mut names = QueryBuilder::<Sqlite>::new(table);
            names.push_values(&self.waiting, |mut values, (_, event)| {
                values.push_bind(if streams { event.stream.clone() } else { event.event_type.clone() });
            });
            names.build().persistent(false).execute(&mut *connection).await?;
        }
        let mut rows = QueryBuilder::<Sqlite>::new(
            "INSERT OR IGNORE INTO events SELECT column1, (SELECT id FROM streams WHERE name = column2), column3, column4, \
             (SELECT id FROM event_types WHERE name = column5), column6, column7 FROM (",
        );
        rows.push_values(self.waiting.drain(..), |mut values, (leaf, event)| {
            values.push_bind(i64::try_from(leaf).unwrap_or(i64::MAX).saturating_add(1));
            values.push_bind(event.stream).push_bind(event.revision).push_bind(event.id);
            values.push_bind(event.event_type).push_bind(event.metadata).push_bind(event.payload);
        });
        rows.push(")");
        rows.build().persistent(false).execute(&mut *connection).await?;
        Ok(())
    }

    async fn judge(&mut self) -> anyhow::Result<streams::RulesFound> {
        self.flush().await?;
        if let Some(mut connection) = self.connection.take() {
            sqlx::raw_sql("CREATE INDEX events_by_stream ON events (stream, revision)")
                .execute(&mut connection)
                .await?;
            connection.close().await?;
        }
        let mut log = RawLog::open_unseen(&self.path).await?;
        let found = streams::check(&mut log).await?;
        log.close().await;
        Ok(found)
    }
}
