//! As whom a command looks at the portal, and the record of it: to look as somebody is to look at what is known of them.

use crate::app::App;
use crate::http::audit::past::Who;
use crate::http::problem::Problem;
use crate::http::reads;
use booking_domain::access::{AccessRecorded, PURPOSES};
use booking_domain::ids::{AppointmentId, ClinicId, PatientId, SubjectId};
use booking_domain::values::{AccessActor, AccessOutcome};
use booking_engine::Actor;
use std::sync::Arc;
use uuid::Uuid;

/// As whom; nothing: as somebody whom nobody knows.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct Viewer {
    /// As this patient.
    #[arg(long, conflicts_with = "visitor_of")]
    patient: Option<Uuid>,
    /// The patient has proven who they are.
    #[arg(long, requires = "patient")]
    proven: bool,
    /// As the visitor who booked this appointment online.
    #[arg(long, value_name = "APPOINTMENT")]
    visitor_of: Option<Uuid>,
    /// With the holds of this visit.
    #[arg(long)]
    visit: Option<Uuid>,
    /// Why somebody is looked at; kept in the record of it.
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(PURPOSES))]
    why: Option<String>,
}

impl Viewer {
    /// For the functions of the API.
    pub(super) fn who(&self) -> Who {
        let (patient, visit, appointment) = (self.patient, self.visit, self.visitor_of);
        Who { patient, proof: self.proven.then(|| "proven".to_owned()), visit, appointment }
    }

    /// Records that the operator looks as this person, before anything is printed. Nobody in particular: nothing.
    pub(super) async fn record(&self, app: &Arc<App>, clinic: ClinicId, operation: &str) -> anyhow::Result<()> {
        let subject = match (self.patient, self.visitor_of) {
            (Some(patient), _) => {
                let (_, record) = app.engine.survivor(PatientId(patient)).await?;
                anyhow::ensure!(record.state.clinic == Some(clinic), "there is no such patient in this clinic");
                SubjectId(patient)
            }
            (None, Some(appointment)) => return self.record_visitor(app, clinic, operation, appointment).await,
            (None, None) => return Ok(()),
        };
        looked(app, clinic, operation, subject, self.why.clone()).await
    }

    async fn record_visitor(
        &self,
        app: &Arc<App>,
        clinic: ClinicId,
        operation: &str,
        appointment: Uuid,
    ) -> anyhow::Result<()> {
        let row = reads::appointment(app, clinic, AppointmentId(appointment)).await.map_err(said)?;
        let subject = row.patient.map_or(row.subject, |patient| app.views.directory.survivor(patient).into());
        looked(app, clinic, operation, subject, self.why.clone()).await
    }
}

/// Records that the operator looked at somebody.
pub(super) async fn looked(
    app: &Arc<App>,
    clinic: ClinicId,
    operation: &str,
    subject: SubjectId,
    reason: Option<String>,
) -> anyhow::Result<()> {
    let entry = AccessRecorded {
        clinic,
        member: None,
        actor_kind: AccessActor::Operator,
        route: operation.to_owned(),
        subjects: vec![subject],
        outcome: AccessOutcome::Shown,
        reason,
        request: app.engine.fresh_command(),
    };
    app.access.record(Actor::Operator, entry).await?;
    Ok(())
}

/// A refusal of the API, for the terminal.
#[allow(clippy::needless_pass_by_value, reason = "stands where errors are mapped")]
pub(super) fn said(problem: Problem) -> anyhow::Error {
    let detail = problem.detail.as_deref().map(|detail| format!(": {detail}")).unwrap_or_default();
    let fields: Vec<String> = problem.errors.iter().map(|e| format!("; {} {}", e.pointer, e.message)).collect();
    anyhow::anyhow!("{}{detail}{}", problem.title, fields.concat())
}
