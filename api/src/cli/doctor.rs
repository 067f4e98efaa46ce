//! `doctor`: what is wrong, and what to do about it.

use super::{Data, answer, say};
use crate::app::{App, DataInUse};
use crate::ledger::Standing;
use booking_domain::time::{Tz, resolve};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

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
            say("A server runs on this data directory: only its files were looked at. Ask its /readyz for the rest.");
        }
        Err(error) => findings.push(Finding {
            good: false,
            what: format!("the data directory does not open: {error:#}"),
            remedy: "Read the message; a damaged views.db is made again with `clinic-booking rebuild --discard`, a damaged \
                     log or vault comes back from a backup.",
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
    let mode = std::fs::metadata(&key).map(|m| m.permissions().mode() & 0o777);
    vec![
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
            good: mode.as_ref().is_ok_and(|m| m.trailing_zeros() >= 6),
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

async fn inside(app: &App) -> Vec<Finding> {
    let mut findings = Vec::new();
    let caught_up = app.settle_within(Duration::from_mins(1)).await;
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
            remedy: "Run a newer release if the event is newer; else quarantine that event, with a reason.",
        });
    }
    findings.push(clock(app).await);
    findings.extend(zones(app));
    findings
}

/// The log's last event must not lie in this machine's future.
async fn clock(app: &App) -> Finding {
    let mut last = booking_domain::time::Instant::MIN;
    if let Ok(Some(head)) = app.log().head().await
        && let Ok(page) = app.log().read_all(Some(booking_store::Position(head.0.saturating_sub(1))), 10).await
    {
        let times = page.events.iter().filter_map(|e| booking_events::Metadata::parse(&e.metadata).ok());
        last = times.map(|m| m.occurred_at).max().unwrap_or(last);
    }
    Finding {
        good: last.since(app.engine.now()) <= 60_000_000,
        what: "this machine's clock is not behind the log".to_owned(),
        remedy: "Set the clock: commands are refused while it is more than a minute behind what was recorded.",
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
