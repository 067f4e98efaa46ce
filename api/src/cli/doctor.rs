//! `doctor`: what is wrong, and what to do about it.

use super::{Data, answer, say};
use crate::app::{App, DataInUse};
use crate::ledger::{KEY_FILE, Standing};
use crate::operator::Door;
use booking_domain::time::{Tz, resolve};
use booking_engine::vault::VaultError;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

/// What to do about a read model that stopped.
const STOPPED: &str = "Run a newer release if the event is newer; else `clinic-booking quarantine`, with a reason: see \
                       \"A bad event\" in docs/operations.md.";

/// What to do about a vault's server that does not answer.
const NO_VAULT: &str = "Look at the PostgreSQL server, at the way to it, and at user and password in the vault's address. \
                        Nothing that was acknowledged is lost, and nodes go on by themselves when it is back.";

/// What to do about a data directory that does not open.
const DOES_NOT_OPEN: &str = "Read the message; a damaged views.db is made again with `clinic-booking rebuild --discard`, a \
                             damaged log or vault comes back from a backup.";

/// What to do about a vault that does not open.
fn of_vault(error: &VaultError) -> &'static str {
    match error {
        VaultError::Unsuitable(_) => {
            "Give the vault a database of its own on the primary of PostgreSQL 13 or newer, or the vault that the log belongs \
             to: an empty one opens nothing of it."
        }
        VaultError::NewerDatabase { .. } | VaultError::NewerFile { .. } => {
            "Another node runs a newer release: run it here as well. An older one never changes what a newer one made."
        }
        VaultError::MissingRootKey { .. } | VaultError::WrongRootKey | VaultError::OldKeys => {
            "Copy root.key (and root.key.next, if there is one) from another node, or from where you keep it, mode 600."
        }
        VaultError::Database(_) => NO_VAULT,
        error if error.is_passing() => NO_VAULT,
        _ => DOES_NOT_OPEN,
    }
}

/// Something that was looked at.
struct Finding {
    good: bool,
    what: String,
    remedy: &'static str,
}

pub(super) async fn run(data: &Data, json: bool) -> anyhow::Result<()> {
    let mut findings = files(data);
    match App::open(data.without_signing()).await {
        Ok(app) => {
            findings.extend(inside(&app).await);
            app.close().await;
        }
        Err(error) if error.downcast_ref::<DataInUse>().is_some() => {
            say("A server runs on this data directory: its files were looked at, and it was asked how it is.");
            findings.extend(of_server(data).await);
        }
        Err(error) => findings.push(Finding {
            good: false,
            what: format!("the data directory does not open: {error:#}"),
            remedy: error.downcast_ref::<VaultError>().map_or(DOES_NOT_OPEN, of_vault),
        }),
    }
    let bad = findings.iter().filter(|f| !f.good).count();
    for finding in findings {
        if json {
            let Finding { good, what, remedy } = &finding;
            answer(
                &serde_json::json!({ "ok": good, "finding": what, "remedy": (!good).then_some(remedy) }).to_string(),
            );
        } else if finding.good {
            answer(&format!("ok    {}", finding.what));
        } else {
            answer(&format!("WRONG {}\n      {}", finding.what, finding.remedy));
        }
    }
    anyhow::ensure!(bad == 0, "{bad} findings");
    Ok(())
}

fn files(data: &Data) -> Vec<Finding> {
    let on_a_cluster = data.log.is_some();
    let data = data.data.as_path();
    let key = data.join("root.key");
    let mode = |path: &std::path::Path| std::fs::metadata(path).map(|m| m.permissions().mode() & 0o777);
    let private = |path: &std::path::Path| mode(path).is_ok_and(|mode| mode.trailing_zeros() >= 6);
    let signing = data.join(KEY_FILE);
    vec![
        Finding {
            good: !data.join("restore.unfinished").exists(),
            what: "no restore was left unfinished".to_owned(),
            remedy: "Run the same `clinic-booking restore` again.",
        },
        Finding {
            good: !signing.exists() || private(&signing),
            what: format!("nobody else reads the signing key {}", signing.display()),
            remedy: "chmod 600, and think about who may have read it: whoever has it and the log can sign another history.",
        },
        Finding {
            good: on_a_cluster || data.join("events.db").exists(),
            what: if on_a_cluster {
                "log on a cluster".to_owned()
            } else {
                format!("log {}", data.join("events.db").display())
            },
            remedy: "Nothing was ever stored here, or the log is gone: restore it from a backup.",
        },
        Finding {
            good: private(&key),
            what: format!("root key {} (keep a copy apart from the data)", key.display()),
            remedy: "Without it nothing personal can be read. If it is there: chmod 600. If not: restore your copy.",
        },
        Finding {
            good: !data.join("root.key.next").exists(),
            what: "no replacing of the root key was left unfinished".to_owned(),
            remedy: "Copy root.key.next to a safe place, then `clinic-booking keys rotate-root`. Do not delete it: the \
                     vault may need it already.",
        },
    ]
}

/// What a running server says of itself.
async fn of_server(data: &Data) -> Vec<Finding> {
    let told = match Door::of(&data.data) {
        Ok(door) => door.ready().await,
        Err(error) => Err(error),
    };
    let told = match told {
        Ok(told) => told,
        Err(error) => {
            return vec![Finding {
                good: false,
                what: format!("the server says how it is: {error:#}"),
                remedy: "It is starting, ending or stuck: look at its log. If it stays so, restart it.",
            }];
        }
    };
    let says = |pointer: &str| told.pointer(pointer).and_then(serde_json::Value::as_bool).unwrap_or(false);
    let mut findings = vec![
        Finding {
            good: says("/log"),
            what: "the server's log answers".to_owned(),
            remedy: "Look at the disk, or at the cluster's servers; nothing that was acknowledged is lost.",
        },
        Finding { good: says("/vault"), what: "the server's vault answers".to_owned(), remedy: NO_VAULT },
        Finding {
            good: says("/joined"),
            what: "the server's read models have seen what the log held at its start".to_owned(),
            remedy: "It goes on by itself; one that stopped is named below.",
        },
        Finding {
            good: says("/clock"),
            what: "the server's clock is right, as far as log and vault know".to_owned(),
            remedy: "Set this machine's clock, and look at the time service: no command is taken meanwhile.",
        },
        Finding {
            good: says("/ledger/holds"),
            what: "the server found the history that was signed".to_owned(),
            remedy: "See docs/verify.md: `clinic-booking verify` names the first event that differs.",
        },
        Finding {
            good: says("/erasures"),
            what: "everybody on the erasure list is gone from the vault".to_owned(),
            remedy: "It goes on by itself as soon as the read models have caught up.",
        },
    ];
    let projections = told.get("projections").and_then(serde_json::Value::as_array);
    for projection in projections.into_iter().flatten() {
        let name = projection.get("name").and_then(serde_json::Value::as_str).unwrap_or_default();
        let healthy = projection.get("healthy").and_then(serde_json::Value::as_bool).unwrap_or(false);
        let why = projection.get("stopped").and_then(serde_json::Value::as_str);
        findings.push(Finding {
            good: healthy,
            what: why.map_or_else(|| format!("read model {name}"), |why| format!("read model {name} stopped: {why}")),
            remedy: STOPPED,
        });
    }
    findings
}

/// Waits until every read model has seen the log's end, or stopped.
async fn caught_up(app: &App, patience: Duration) -> bool {
    let Ok(Some(head)) = app.log().head().await else { return true };
    let settled = async {
        loop {
            let all = app.views.status();
            if all.iter().all(|status| status.stopped.is_some() || status.position >= Some(head)) {
                return all.iter().all(|status| status.stopped.is_none());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(patience, settled).await.unwrap_or(false)
}

async fn inside(app: &App) -> Vec<Finding> {
    let mut findings = Vec::new();
    let caught_up = caught_up(app, Duration::from_mins(1)).await;
    findings.push(Finding {
        good: caught_up,
        what: "read models have caught up with the log".to_owned(),
        remedy: "See which one stopped below; `clinic-booking rebuild` makes it again.",
    });
    app.ledger.checked_within(Duration::from_mins(1)).await;
    let standing = app.ledger.standing();
    findings.push(Finding {
        good: standing == Standing::Holds,
        what: match standing {
            Standing::Broken(why) => format!("the history agrees with the newest checkpoint: {why}"),
            _ => "the history agrees with the newest checkpoint".to_owned(),
        },
        remedy: "See docs/verify.md: `clinic-booking verify` names the first event that differs; keep what is there, and \
                 restore the log from a backup that agrees with the checkpoints.",
    });
    for status in app.views.status() {
        findings.push(Finding {
            good: status.stopped.is_none(),
            what: match &status.stopped {
                None => format!("read model {}", status.name),
                Some(why) => format!("read model {} stopped: {why}", status.name),
            },
            remedy: STOPPED,
        });
    }
    findings.push(clock(app).await);
    findings.extend(zones(app));
    findings
}

/// The log's last event must not lie in this machine's future.
async fn clock(app: &App) -> Finding {
    let mut last = booking_domain::time::Instant::MIN;
    if let Ok(Some(event)) = app.log().last().await
        && let Ok(metadata) = booking_events::Metadata::parse(event.metadata.as_bytes())
    {
        last = metadata.occurred_at;
    }
    Finding {
        good: last.since(app.engine.now()) <= 60_000_000 && !app.engine.is_clock_off(),
        what: "this machine's clock is not behind the log, nor off the clock of the vault's server".to_owned(),
        remedy: "Set the clock, and look at the time service: commands are refused while it is more than a minute off.",
    }
}

/// 8.19: after an update of the zone data, future times whose instant no longer equals their wall time.
fn zones(app: &App) -> Vec<Finding> {
    let now = app.engine.now();
    let mut findings = Vec::new();
    for clinic in app.views.clinics.clinics() {
        let zone: Tz = clinic.zone();
        let mut moved = 0usize;
        let today = now.wall(zone).0;
        for agenda in clinic.agendas.keys() {
            for ahead in 0..400 {
                let date = today.plus_days(ahead);
                let Some(day) = app.views.availability.day(*agenda, date) else { continue };
                let shifted = |slot: &&booking_domain::agenda_day::Slot| {
                    slot.span.start.wall(zone) != (slot.date, slot.start)
                        || resolve(slot.date, slot.start, zone).first_or_missing().is_none()
                };
                moved += day.slots.iter().filter(shifted).count();
            }
        }
        let name = clinic.registered.as_ref().map(|r| r.name.clone()).unwrap_or_default();
        findings.push(Finding {
            good: moved == 0,
            what: format!("{name}: future slots stand at their wall times ({moved} do not)"),
            remedy: "The zone's rules changed since they were published: withdraw and publish them again, and call \
                     whoever is booked.",
        });
    }
    findings
}
