//! A data directory from a backup, as it was at a position of the log.
//!
//! The log is copied event by event and its tree held against every checkpoint that was kept; the vault is put beside it, and
//! the data directory is opened once, so that what is wrong is known before anybody is served. Who was erased after that
//! position stays erased: from the lists of both folders, from lists that the caller has, and from the events that are left
//! out, everybody on them is on the new directory's list before it is opened.

use super::manifest::{LogManifest, VaultManifest};
use super::{text_of, write_whole};
use crate::app::{App, AppOptions};
use crate::erasures::LIST;
use crate::ledger::{KEY_FILE, KEYS_FILE, NotesOfFile, Shelf, Standing};
use crate::log_place::Cluster;
use crate::moving::{Place, cursors};
use anyhow::Context as _;
use booking_domain::erasure::ErasureEvent;
use booking_events::Metadata;
use booking_store::copy::{Copied, CopyOptions, FileInOrder, InOrder as _, copy};
use booking_store::fold::decode;
use booking_store::{Position, RawLog};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is restored, from where, to where.
#[derive(Clone, Debug)]
pub struct Restore {
    /// The log's folder.
    pub log_from: PathBuf,
    /// The vault's folder.
    pub vault_from: PathBuf,
    /// The root key that the vault was under.
    pub root_key: PathBuf,
    /// The key that signs the ledger; none: the next start makes one under a new name.
    pub ledger_key: Option<PathBuf>,
    /// Lists of erased persons that are newer than the backup.
    pub erasures: Vec<PathBuf>,
    /// Up to this position of the backup's log; none: all of it.
    pub to_position: Option<u64>,
    /// The data directory that is made.
    pub data: PathBuf,
    /// The cluster that the log goes to; none: into the data directory.
    pub cluster: Option<String>,
}

/// What was restored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Restored {
    /// Events of the log.
    pub events: u64,
    /// Root of the ledger's tree over them, in hexadecimal.
    pub root: String,
    /// Checkpoints that agree with it.
    pub checkpoints: usize,
    /// Events of the backup that were left out.
    pub left_out: u64,
    /// Checkpoints speak of events that were left out: they were put aside, and the ledger goes on under a new key.
    pub ledger_begins_anew: bool,
    /// Persons on the erasure list.
    pub erased: usize,
}

/// Makes a data directory. One that was broken off is made again; any other that has something in it is refused.
pub async fn restore(what: &Restore, told: impl FnMut(u64) + Send) -> anyhow::Result<Restored> {
    let (log, vault) = (LogManifest::read(&what.log_from)?, VaultManifest::read(&what.vault_from)?);
    let events = what.to_position.unwrap_or(log.events);
    anyhow::ensure!(events <= log.events, "the backup ends at position {}, before {events}", log.events);
    anyhow::ensure!(
        events <= vault.keys_of_events,
        "the copy of the vault is older than this log needs: it has the keys of the first {} events, and {events} are to be \
         restored. Take the vault's folder of the same backup or of a later one, or restore to position {}",
        vault.keys_of_events,
        vault.keys_of_events
    );
    let unfinished = prepare(&what.data)?;
    let copied = restore_log(what, &vault, events, told).await?;
    let shelf = Shelf::at(&what.log_from);
    let checkpoints = believed(&shelf, &copied)?;
    // Where the vault was copied with a shorter log, the log has to be the same up to there.
    if let Some(root) = copied.roots.get(&vault.keys_of_events) {
        anyhow::ensure!(hex::encode(root) == vault.root, "this vault is of another log");
    }
    let erased = list_of_erased(what, events).await?;
    let checkpoints_dir = what.data.join("checkpoints");
    std::fs::create_dir_all(&checkpoints_dir)?;
    write_whole(&what.data.join(LIST), lines(&erased).as_bytes())?;
    let begins_anew = keep_checkpoints(&shelf, &checkpoints_dir, copied.events)?;
    restore_vault(what, &vault, &copied).await?;
    if let Some(key) = what.ledger_key.as_deref().filter(|_| !begins_anew) {
        secret(key, &what.data.join(KEY_FILE))?;
    }
    open_once(what).await?;
    std::fs::remove_file(&unfinished)?;
    Ok(Restored {
        events: copied.events,
        root: hex::encode(copied.root),
        checkpoints,
        left_out: log.events - copied.events,
        ledger_begins_anew: begins_anew,
        erased: erased.len(),
    })
}

/// A directory that is empty, or that an earlier run left unfinished. Answers the mark that says so.
fn prepare(data: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(data).with_context(|| format!("cannot make {}", data.display()))?;
    super::private(data, 0o700)?;
    let mark = data.join("restore.unfinished");
    let empty = std::fs::read_dir(data)?.next().is_none();
    anyhow::ensure!(
        empty || mark.exists(),
        "{} is not empty: restore into a new directory, and keep the old one until the new one serves",
        data.display()
    );
    write_whole(&mark, b"made by clinic-booking restore; complete when this file is gone\n")?;
    // What an earlier run wrote beside the log is written anew.
    booking_projections::discard(&data.join("views.db"))?;
    for name in ["vault.db", "vault.db-wal", "vault.db-shm", "log.id"] {
        match std::fs::remove_file(data.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(mark)
}

async fn restore_log(
    what: &Restore,
    vault: &VaultManifest,
    events: u64,
    told: impl FnMut(u64) + Send,
) -> anyhow::Result<Copied> {
    let mut sizes: BTreeSet<u64> =
        Shelf::at(&what.log_from).notes()?.into_iter().flat_map(|file| file.notes).map(|(size, _)| size).collect();
    sizes.insert(vault.keys_of_events);
    let mut source = Place::in_directory(&what.log_from).read().await?;
    let to = what.cluster.clone().map_or_else(|| Place::in_directory(&what.data), Place::Cluster);
    let target = to.write().await?;
    let options = CopyOptions { sizes, until: Some(events), ..target.options() };
    let outcome = copy(&mut *source, target.store(), &options, told).await;
    target.close().await;
    let copied = outcome?;
    anyhow::ensure!(copied.events == events, "the backup's log ends at position {}", copied.events);
    Ok(copied)
}

/// Every checkpoint that speaks of what was restored has to agree with it.
fn believed(shelf: &Shelf, copied: &Copied) -> anyhow::Result<usize> {
    let mut good = 0;
    for NotesOfFile { path, notes } in shelf.notes()? {
        for (size, note) in notes.iter().filter(|(size, _)| *size <= copied.events && *size > 0) {
            let signed = shelf.believe(note).with_context(|| format!("a checkpoint in {}", path.display()))?;
            anyhow::ensure!(
                copied.roots.get(size) == Some(&signed.root),
                "the first {size} events of the backup are not those that were signed: it was altered, or is damaged; keep it \
                 as it is, and restore another one"
            );
            good += 1;
        }
    }
    Ok(good)
}

/// Everybody who was erased, as far as anything that is left says so.
async fn list_of_erased(what: &Restore, events: u64) -> anyhow::Result<BTreeSet<(String, String)>> {
    #[derive(serde::Deserialize)]
    struct Line {
        clinic: String,
        subject: String,
    }
    let mut all = BTreeSet::new();
    let own = [what.log_from.join("erasures.ndjson"), what.vault_from.join("erasures.ndjson")];
    for path in own.iter().filter(|path| path.exists()).chain(&what.erasures) {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        for line in text.lines().filter(|line| !line.is_empty()) {
            let Line { clinic, subject } =
                serde_json::from_str(line).with_context(|| format!("{} is no erasure list", path.display()))?;
            all.insert((clinic, subject));
        }
    }
    let log = RawLog::open(&what.log_from.join("events.db")).await?;
    let mut rest = FileInOrder::new(log);
    loop {
        let page = rest.next().await?;
        if page.is_empty() {
            return Ok(all);
        }
        let later = page.iter().filter(|event| event.position > Position(events));
        for event in later.filter(|event| event.event_type.starts_with("subject-erased.")) {
            let clinic = Metadata::parse(event.metadata.as_bytes())?.clinic;
            if let ErasureEvent::SubjectErased(erased) = decode::<ErasureEvent>(event)? {
                all.extend(erased.subjects.iter().map(|subject| (clinic.to_string(), subject.to_string())));
            }
        }
    }
}

fn lines(erased: &BTreeSet<(String, String)>) -> String {
    let line = |(clinic, subject): &(String, String)| serde_json::json!({ "clinic": clinic, "subject": subject });
    text_of(erased.iter().map(|person| line(person).to_string()))
}

/// Puts the checkpoints into the new directory. Where some speak of what was left out, all are put aside: signing on under
/// the same name would contradict them. True: so it was.
fn keep_checkpoints(shelf: &Shelf, folder: &Path, events: u64) -> anyhow::Result<bool> {
    let all = shelf.notes()?;
    let anew = all.iter().flat_map(|file| &file.notes).any(|(size, _)| *size > events);
    let to = if anew { folder.join("before-restore") } else { folder.to_owned() };
    std::fs::create_dir_all(&to)?;
    for NotesOfFile { path, notes } in all {
        let Some(name) = path.file_name() else { continue };
        write_whole(&to.join(name), text_of(notes.into_iter().map(|(_, note)| note)).as_bytes())?;
    }
    let keys = text_of(shelf.keys()?.iter().map(ToString::to_string));
    if !keys.is_empty() {
        write_whole(&to.join(KEYS_FILE), keys.as_bytes())?;
    }
    Ok(anew)
}

/// The vault, with its followers set back to what the restored log has.
async fn restore_vault(what: &Restore, manifest: &VaultManifest, copied: &Copied) -> anyhow::Result<()> {
    let vault = what.data.join("vault.db");
    secret(&what.vault_from.join("vault.db"), &vault)?;
    secret(&what.root_key, &what.data.join("root.key"))?;
    cursors::set(&vault, &manifest.seen, &copied.to).await
}

/// A copy for its owner alone, on the disk.
fn secret(from: &Path, to: &Path) -> anyhow::Result<()> {
    let bytes = std::fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    write_whole(to, &bytes)
}

/// Opens the directory as a server would: the root key fits, the read models are made, the erasures are applied.
async fn open_once(what: &Restore) -> anyhow::Result<()> {
    let cluster = what.cluster.clone().map(Cluster::at);
    let options = AppOptions { cluster, ..AppOptions::without_signing(&what.data) };
    let app = App::open(options).await.context("the restored directory does not open")?;
    let outcome = async {
        anyhow::ensure!(app.settle_within(Duration::from_hours(1)).await, "the read models did not catch up");
        app.ledger.checked_within(Duration::from_mins(1)).await;
        if let Standing::Broken(why) = app.ledger.standing() {
            anyhow::bail!("{why}");
        }
        crate::erasures::apply(&app, Duration::from_mins(1)).await?;
        anyhow::ensure!(app.erasures.applied(), "the erasure list could not be applied");
        Ok(())
    };
    let outcome = outcome.await;
    app.close().await;
    outcome
}
