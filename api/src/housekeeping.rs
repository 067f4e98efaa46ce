//! What runs beside requests: settling unfinished moves, writing demand, forgetting what is old. None of it is needed
//! for correctness: holds end by the clock, moves by whoever meets them.

use crate::app::App;
use crate::duties::{self, Duty};
use std::sync::Arc;
use std::time::Duration;

/// How long after its end a visit's keys are kept for a booking that may still be on the way.
const PURGE_MARGIN_MINUTES: i64 = 60;

/// Starts the tasks; they end with the application.
pub fn start(app: &Arc<App>) {
    let app = Arc::clone(app);
    tokio::spawn(async move {
        while !app.erasures.applied() && !app.stop.is_cancelled() {
            if let Err(error) = crate::erasures::apply(&app, Duration::from_secs(2)).await {
                tracing::warn!(%error, "the erasure list could not be applied yet; the service is not ready");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        let mut every_minute = tokio::time::interval(Duration::from_mins(1));
        every_minute.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = app.stop.cancelled() => return,
                _ = every_minute.tick() => round(&app).await,
            }
        }
    });
}

async fn round(app: &App) {
    // Each node's own.
    app.demand.flush(&app.engine).await;
    app.limits.forget_old(app.engine.now());
    finish_rotations(app).await;
    // One node's, asked for anew before each piece: none of them takes long, and the node may have slept.
    if ours(app).await {
        sweep(app).await;
    }
    if ours(app).await {
        default_recognition(app).await;
    }
    if ours(app).await {
        purge(app).await;
    }
    if ours(app).await {
        crate::erasures::sweep(app).await;
    }
}

async fn ours(app: &App) -> bool {
    duties::is_ours(&app.engine, Duty::Housekeeping).await
}

/// 8.7: where codes can be sent, clinics that chose nothing ask for one.
pub async fn default_recognition(app: &App) {
    for clinic in app.views.clinics.clinics().iter().filter_map(|clinic| clinic.id()) {
        match app.engine.default_recognition(clinic).await {
            Ok(false) => {}
            Ok(true) => tracing::info!(%clinic, "recognition is proven by a one-time code from now on"),
            Err(error) => tracing::warn!(%clinic, %error, "a clinic's settings could not be written; tried again"),
        }
    }
}

/// Goes on with the replacing of keys where a crash broke it off.
async fn finish_rotations(app: &App) {
    match app.engine.vault().finish_rotations(app.engine.now()).await {
        Ok(true) => tracing::info!("finished a replacing of keys that had been broken off"),
        Err(error) if !app.stop.is_cancelled() => {
            tracing::warn!(%error, "keys are not all replaced yet; tried again in a minute");
        }
        Ok(false) | Err(_) => {}
    }
}

/// Finishes or ends moves that were left unfinished; the availability view knows the days.
pub async fn sweep(app: &App) {
    let days = app.views.availability.promises();
    let owners: Vec<_> = app.views.clinics.clinics();
    let owned = days.into_iter().filter_map(|(agenda, date)| {
        let clinic = owners.iter().find(|c| c.agendas.contains_key(&agenda))?.id()?;
        Some((clinic, agenda, date))
    });
    match app.engine.sweep_moves(&owned.collect::<Vec<_>>()).await {
        Ok(0) => {}
        Ok(settled) => tracing::info!(settled, "settled unfinished moves"),
        Err(error) => tracing::warn!(%error, "unfinished moves could not be settled; tried again in a minute"),
    }
}

/// Deletes visits that are over, with the keys of those that never booked.
async fn purge(app: &App) {
    if !app.settle().await {
        return;
    }
    let before = app.engine.now().plus_minutes(-PURGE_MARGIN_MINUTES);
    let vault = app.engine.vault();
    let outcome = async {
        let mut booked = std::collections::HashSet::new();
        for (_, subject) in vault.unkept_subjects(before).await? {
            // A view that does not answer is no proof that nothing was booked.
            if app.views.appointments.subject_known(subject).await.unwrap_or(true) {
                booked.insert(subject);
            }
        }
        vault.purge_visits(before, |subject| booked.contains(&subject)).await?;
        vault.purge_sessions(app.engine.now()).await?;
        vault.purge_invitations(app.engine.now()).await?;
        vault.purge_idempotency(app.engine.now()).await?;
        vault.purge_contact_quotas(app.engine.now()).await?;
        vault.purge_messages(app.engine.now()).await
    };
    // A short command may have closed the stores meanwhile; the next start looks again.
    if let Err(error) = outcome.await
        && !app.stop.is_cancelled()
    {
        tracing::warn!(%error, "what is old could not be deleted; tried again in a minute");
    }
}
