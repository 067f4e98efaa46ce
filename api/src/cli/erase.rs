//! `erase`: forgetting somebody, step by step, as the operator: asked, decided, carried out; legal holds.
//!
//! The same steps as over the API, with the same grounds to refuse: nothing is erased that must be kept, or before the
//! cooling-off is over.

use super::viewer::said;
use super::{Data, Exit, answer, open};
use crate::app::App;
use crate::erasures::{Person, belongings, carry_out};
use crate::http::clinics::erasures::{self as api, ErasureCase};
use crate::http::problem::Problem;
use booking_domain::ids::ClinicId;
use booking_domain::values::ErasureBasis;
use booking_engine::{Actor, Context};
use clap::Subcommand;
use std::sync::Arc;
use uuid::Uuid;

/// Whose case, in which clinic.
#[derive(clap::Args, Clone)]
pub(super) struct Whose {
    #[command(flatten)]
    data: Data,
    /// The clinic.
    #[arg(long)]
    clinic: ClinicId,
    /// The person of the case, as `erase list` and `erase request` print it.
    #[arg(long)]
    person: Uuid,
}

#[derive(Subcommand)]
pub(super) enum EraseCommand {
    /// Take down that somebody wishes to be forgotten; nothing is erased by this.
    Request {
        #[command(flatten)]
        data: Data,
        /// The clinic.
        #[arg(long)]
        clinic: ClinicId,
        /// A patient record; the records merged with it go with it.
        #[arg(long, conflicts_with = "appointment", required_unless_present = "appointment")]
        patient: Option<Uuid>,
        /// An appointment whose contact was never attached to a record.
        #[arg(long)]
        appointment: Option<Uuid>,
        /// Who asked, and how. It outlives the erasure: name nobody.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Grant or refuse a request. What must be kept is refused on the record: exit code 1.
    Decide {
        #[command(flatten)]
        whose: Whose,
        /// Grant it.
        #[arg(long, conflicts_with = "refuse", required_unless_present = "refuse")]
        approve: bool,
        /// Refuse it.
        #[arg(long)]
        refuse: bool,
        /// Why. It outlives the erasure: name nobody.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Take a request back that was not carried out.
    Withdraw(Whose),
    /// Carry out what was granted, once the cooling-off is over. A running server does so by itself.
    CarryOut(Whose),
    /// Place a legal hold: nothing of the person is erased until it is released.
    Hold(Whose),
    /// Release a legal hold.
    Release(Whose),
    /// List the cases of a clinic.
    List {
        #[command(flatten)]
        data: Data,
        /// The clinic.
        #[arg(long)]
        clinic: ClinicId,
        /// Only what is not decided, or not carried out yet.
        #[arg(long)]
        open: bool,
    },
}

impl EraseCommand {
    const fn data(&self) -> &Data {
        match self {
            Self::Request { data, .. } | Self::List { data, .. } => data,
            Self::Decide { whose, .. }
            | Self::Withdraw(whose)
            | Self::CarryOut(whose)
            | Self::Hold(whose)
            | Self::Release(whose) => &whose.data,
        }
    }
}

pub(super) async fn run(command: EraseCommand, json: bool) -> anyhow::Result<()> {
    let app = open(command.data()).await?;
    let outcome = step(&app, command, json).await;
    app.close().await;
    outcome
}

fn context(app: &Arc<App>, clinic: ClinicId) -> Context {
    let (command, received_at) = (app.engine.fresh_command(), app.engine.now());
    Context { clinic, actor: Actor::Operator, command, received_at, body_hash: None, traceparent: None }
}

async fn step(app: &Arc<App>, command: EraseCommand, json: bool) -> anyhow::Result<()> {
    let case = match command {
        EraseCommand::List { clinic, open, .. } => return list(app, clinic, open, json).await,
        EraseCommand::Request { clinic, patient, appointment, note, .. } => {
            let whom = api::person_named(app, clinic, patient, appointment).await.map_err(said)?;
            let note = api::note(&note).map_err(|bad| said(bad.into()))?;
            let (ctx, named) = (context(app, clinic), (whom.subject(), whom.patient()));
            let done = app.engine.request_erasure(&ctx, named, ErasureBasis::Person, note.as_ref()).await;
            done.map_err(|failure| said(failure.into()))?;
            shown(app, clinic, whom).await?
        }
        EraseCommand::Decide { whose, approve, note, .. } => {
            let whom = of(app, &whose).await?;
            let note = api::note(&note).map_err(|bad| said(bad.into()))?;
            let keep_until = belongings(app, whose.clinic, whom).await.map_err(said)?.keep_until;
            let ctx = context(app, whose.clinic);
            let decided = app.engine.decide_erasure(&ctx, whom.subject(), approve, note.as_ref(), keep_until, None);
            decided.await.map_err(|failure| said(failure.into()))?;
            let case = shown(app, whose.clinic, whom).await?;
            if approve && case.progress != "approved" {
                print(&case, json)?;
                return Err(Exit(1).into());
            }
            case
        }
        EraseCommand::Withdraw(whose) => {
            let whom = of(app, &whose).await?;
            let taken_back = app.engine.withdraw_erasure(&context(app, whose.clinic), whom.subject(), None).await;
            taken_back.map_err(|failure| said(failure.into()))?;
            shown(app, whose.clinic, whom).await?
        }
        EraseCommand::CarryOut(whose) => {
            let whom = of(app, &whose).await?;
            carry_out(app, &context(app, whose.clinic), whom).await.map_err(said)?;
            shown(app, whose.clinic, whom).await?
        }
        EraseCommand::Hold(whose) => hold(app, &whose, true).await?,
        EraseCommand::Release(whose) => hold(app, &whose, false).await?,
    };
    print(&case, json)
}

async fn of(app: &Arc<App>, whose: &Whose) -> anyhow::Result<Person> {
    api::case(app, whose.clinic, whose.person).await.map_err(said)
}

async fn hold(app: &Arc<App>, whose: &Whose, held: bool) -> anyhow::Result<ErasureCase> {
    let whom = api::case_or_record(app, whose.clinic, whose.person).await.map_err(said)?;
    let done = app.engine.legal_hold(&context(app, whose.clinic), whom.subject(), held).await;
    done.map_err(|failure| said(failure.into()))?;
    shown(app, whose.clinic, whom).await
}

/// The case as the list shows it.
async fn shown(app: &Arc<App>, clinic: ClinicId, whom: Person) -> anyhow::Result<ErasureCase> {
    Ok(api::answer(app, clinic, whom, None).await.map_err(said)?.body)
}

async fn list(app: &Arc<App>, clinic: ClinicId, open: bool, json: bool) -> anyhow::Result<()> {
    const PAGE: usize = 200;
    let zone = app.engine.rules(clinic).await?.state.zone();
    let mut after = None;
    loop {
        let rows = app.views.erasures.of_clinic(clinic, open, after, PAGE).await;
        let rows = rows.map_err(|error| said(Problem::internal(error)))?;
        for (person, row) in &rows {
            print(&ErasureCase::of_row(*person, row, zone), json)?;
        }
        after = rows.last().map(|(person, _)| *person);
        if rows.len() < PAGE {
            return Ok(());
        }
    }
}

fn print(case: &ErasureCase, json: bool) -> anyhow::Result<()> {
    if json {
        answer(&serde_json::to_string(case)?);
        return Ok(());
    }
    let held = if case.legal_hold { "  legal hold" } else { "" };
    let ground = case.ground.map(|ground| format!("  {ground}")).unwrap_or_default();
    let until = case.until.as_deref().map(|until| format!("  {until}")).unwrap_or_default();
    answer(&format!("{}  {}{ground}{until}{held}", case.person, case.progress));
    Ok(())
}
