//! `clinic create`, `clinic list`.

use super::{Data, answer, open, say, wait_for_check};
use crate::app::App;
use anyhow::Context as _;
use booking_domain::clinic::ClinicRegistered;
use booking_domain::ids::MemberId;
use booking_domain::phi::Phi;
use booking_domain::values::Role;
use booking_engine::{Actor, Context, NewMember};
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum ClinicCommand {
    /// Register a clinic with its first administrator; prints a one-time link, good for an hour.
    Create {
        #[command(flatten)]
        data: Data,
        /// Public name.
        #[arg(long)]
        name: String,
        /// IANA zone, fixed for good.
        #[arg(long, default_value = "America/Toronto")]
        zone: String,
        /// E-mail address of the first administrator.
        #[arg(long)]
        admin_email: String,
        /// Name of the first administrator.
        #[arg(long)]
        admin_name: String,
    },
    /// List clinics.
    List {
        #[command(flatten)]
        data: Data,
    },
}

pub(super) async fn run(command: ClinicCommand, json: bool) -> anyhow::Result<()> {
    match command {
        ClinicCommand::Create { data, name, zone, admin_email, admin_name } => {
            let app = App::open(data.without_signing()).await?;
            wait_for_check(&app).await;
            let outcome = create(&app, name, zone, admin_email, admin_name, json).await;
            app.close().await;
            outcome
        }
        ClinicCommand::List { data } => {
            let app = open(&data).await?;
            for clinic in app.views.clinics.clinics() {
                let Some(registered) = &clinic.registered else { continue };
                let slug = clinic.portal.slugs.last().cloned().unwrap_or_default();
                if json {
                    let line =
                        serde_json::json!({ "clinic": registered.clinic, "name": registered.name, "slug": slug });
                    answer(&line.to_string());
                } else {
                    answer(&format!("{}  {}  {}", registered.clinic, registered.name, slug));
                }
            }
            app.close().await;
            Ok(())
        }
    }
}

async fn create(
    app: &App,
    name: String,
    zone: String,
    email: String,
    person: String,
    json: bool,
) -> anyhow::Result<()> {
    let engine = &app.engine;
    let (clinic, member) = (engine.fresh_clinic(), MemberId(engine.fresh_command().0));
    let ctx = |command| Context {
        clinic,
        actor: Actor::Operator,
        command,
        received_at: engine.now(),
        body_hash: None,
        traceparent: None,
    };
    let registered = ClinicRegistered { clinic, name, zone, administrator: member };
    engine.register_clinic(&ctx(engine.fresh_command()), &registered).await?;
    let new = NewMember { member, name: Phi::new(person), email: Phi::new(email), role: Role::Administrator };
    let token = engine.add_member(&ctx(engine.fresh_command()), &new).await.context("first administrator")?;
    let token = format!("i_{}", token.reveal().as_str());
    if json {
        answer(&serde_json::json!({ "clinic": clinic, "administrator": member, "invitation": token }).to_string());
    } else {
        answer(&format!("clinic      {clinic}\ninvitation  {token}"));
        say("Set a password with it within an hour: open /staff/invitation on the server and paste it there.");
    }
    if app.root_key_made {
        say(&super::serve::key_warning(&app.data));
    }
    Ok(())
}
