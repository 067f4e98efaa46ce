//! Commands on a clinic: set-up, portal, activities, practitioners, services, settings.

use crate::Engine;
use crate::context::{Actor, Context};
use crate::transact::{Failure, Outcome};
use booking_domain::clinic::{
    self, ActivityDefined, AgendaOpened, Clinic, ClinicEvent, ClinicRefusal, ClinicRegistered, PortalConfigured,
    PractitionerRegistered, ServiceConfigured, Settings,
};
use booking_domain::erasure::Retention;
use booking_domain::ids::{ActivityId, ClinicId, PractitionerId, ServiceId};
use booking_domain::slug::{self, Slug, SlugRefusal};
use booking_domain::stream::StreamName;
use booking_domain::values::{BadField, RecognitionProof};
use booking_store::fold::FoldError;
use std::sync::Arc;

/// Why a portal cannot be configured.
#[derive(Debug, thiserror::Error)]
pub enum PortalRefusal {
    /// The clinic refuses.
    #[error(transparent)]
    Clinic(#[from] ClinicRefusal),
    /// The address cannot be had.
    #[error(transparent)]
    Slug(#[from] SlugRefusal),
}

impl Engine {
    /// The clinic's rules, read to the head of its stream.
    pub async fn rules(&self, clinic: ClinicId) -> Result<Arc<booking_store::fold::Folded<Clinic>>, FoldError> {
        self.read::<Clinic>(&StreamName::clinic(clinic)).await
    }

    async fn on_clinic(
        &self,
        ctx: &Context,
        decide: impl Fn(&Clinic) -> Result<Vec<ClinicEvent>, ClinicRefusal> + Send + Sync,
    ) -> Outcome<Clinic, ClinicRefusal> {
        let stream = StreamName::clinic(ctx.clinic);
        self.transact(ctx, &stream, "clinic", |folded, _| decide(&folded.state)).await
    }

    /// `RegisterClinic`: makes the clinic's key, then the clinic. Its first administrator is added by `add_member`.
    pub async fn register_clinic(&self, ctx: &Context, command: &ClinicRegistered) -> Outcome<Clinic, ClinicRefusal> {
        self.vault.create_clinic(ctx.clinic, ctx.received_at).await?;
        self.on_clinic(ctx, |c| clinic::decide_register_clinic(c, command.clone())).await
    }

    /// `ConfigurePortal`: the address is claimed first, then the portal is configured with it.
    pub async fn configure_portal(
        &self,
        ctx: &Context,
        config: &PortalConfigured,
        if_match: Option<u64>,
    ) -> Outcome<Clinic, PortalRefusal> {
        let slug = Slug::parse(&config.slug)
            .map_err(|e| Failure::Refused(ClinicRefusal::from(BadField::new("slug", e.to_string())).into()))?;
        // The clinic's own rules first, so that a refused portal claims no address.
        let known = self.rules(ctx.clinic).await?;
        if !known.commands.contains_key(&ctx.command) {
            clinic::decide_configure_portal(&known.state, config.clone(), if_match)
                .map_err(|e| Failure::Refused(e.into()))?;
        }
        self.claim_slug(ctx, &slug).await.map_err(|f| f.map(PortalRefusal::Slug))?;
        self.on_clinic(ctx, |c| clinic::decide_configure_portal(c, config.clone(), if_match))
            .await
            .map_err(|f| f.map(PortalRefusal::Clinic))
    }

    async fn claim_slug(&self, ctx: &Context, slug: &Slug) -> Result<(), Failure<SlugRefusal>> {
        let stream = StreamName::slug(&slug.hash());
        let known = self.read::<slug::SlugOwner>(&stream).await?;
        let used = match known.state.clinic() {
            Some(owner) => self.rules(owner).await?.state.portal.slugs.iter().any(|s| s == slug.as_str()),
            None => false,
        };
        let decide = |folded: &booking_store::fold::Folded<slug::SlugOwner>, now| {
            slug::decide_claim(&folded.state, ctx.clinic, slug, now, used)
        };
        self.transact(ctx, &stream, "slug", decide).await.map(|_| ())
    }

    /// `ActivatePortal`.
    pub async fn activate_portal(&self, ctx: &Context, if_match: Option<u64>) -> Outcome<Clinic, ClinicRefusal> {
        self.on_clinic(ctx, |c| clinic::decide_activate_portal(c, if_match)).await
    }
    /// `DeactivatePortal`.
    pub async fn deactivate_portal(&self, ctx: &Context, if_match: Option<u64>) -> Outcome<Clinic, ClinicRefusal> {
        self.on_clinic(ctx, |c| clinic::decide_deactivate_portal(c, if_match)).await
    }
    /// `DefineActivity`.
    pub async fn define_activity(
        &self,
        ctx: &Context,
        command: &ActivityDefined,
        if_match: Option<u64>,
    ) -> Outcome<Clinic, ClinicRefusal> {
        self.on_clinic(ctx, |c| clinic::decide_define_activity(c, command.clone(), if_match)).await
    }
    /// `RetireActivity`.
    pub async fn retire_activity(
        &self,
        ctx: &Context,
        activity: ActivityId,
        if_match: Option<u64>,
    ) -> Outcome<Clinic, ClinicRefusal> {
        self.on_clinic(ctx, |c| clinic::decide_retire_activity(c, activity, if_match)).await
    }
    /// `RegisterPractitioner`.
    pub async fn register_practitioner(
        &self,
        ctx: &Context,
        command: &PractitionerRegistered,
        if_match: Option<u64>,
    ) -> Outcome<Clinic, ClinicRefusal> {
        self.on_clinic(ctx, |c| clinic::decide_register_practitioner(c, command.clone(), if_match)).await
    }
    /// `DeactivatePractitioner`.
    pub async fn deactivate_practitioner(
        &self,
        ctx: &Context,
        practitioner: PractitionerId,
        if_match: Option<u64>,
    ) -> Outcome<Clinic, ClinicRefusal> {
        self.on_clinic(ctx, |c| clinic::decide_deactivate_practitioner(c, practitioner, if_match)).await
    }
    /// `ReactivatePractitioner`.
    pub async fn reactivate_practitioner(
        &self,
        ctx: &Context,
        practitioner: PractitionerId,
        if_match: Option<u64>,
    ) -> Outcome<Clinic, ClinicRefusal> {
        self.on_clinic(ctx, |c| clinic::decide_reactivate_practitioner(c, practitioner, if_match)).await
    }
    /// `OpenAgenda`.
    pub async fn open_agenda(&self, ctx: &Context, command: &AgendaOpened) -> Outcome<Clinic, ClinicRefusal> {
        self.on_clinic(ctx, |c| clinic::decide_open_agenda(c, command.clone())).await
    }
    /// `ConfigureService`.
    pub async fn configure_service(
        &self,
        ctx: &Context,
        command: &ServiceConfigured,
        if_match: Option<u64>,
    ) -> Outcome<Clinic, ClinicRefusal> {
        self.on_clinic(ctx, |c| clinic::decide_configure_service(c, command.clone(), if_match)).await
    }
    /// `DeactivateService`.
    pub async fn deactivate_service(
        &self,
        ctx: &Context,
        service: ServiceId,
        if_match: Option<u64>,
    ) -> Outcome<Clinic, ClinicRefusal> {
        self.on_clinic(ctx, |c| clinic::decide_deactivate_service(c, service, if_match)).await
    }
    /// `SetRetention`.
    pub async fn set_retention(
        &self,
        ctx: &Context,
        retention: Retention,
        if_match: Option<u64>,
    ) -> Outcome<Clinic, ClinicRefusal> {
        self.on_clinic(ctx, |c| clinic::decide_set_retention(c, retention, if_match)).await
    }
    /// Where codes can be sent, a clinic that never chose any settings asks for one (8.7). It is written into the
    /// clinic's history like any other change, so that a replay knows it too. Answers whether it was written.
    pub async fn default_recognition(&self, clinic: ClinicId) -> Result<bool, Failure<ClinicRefusal>> {
        let unchosen = |c: &Clinic| c.registered.is_some() && c.settings_touched == 0;
        if !self.options.message_channel || !unchosen(&self.rules(clinic).await?.state) {
            return Ok(false);
        }
        let ctx = Context {
            clinic,
            actor: Actor::System,
            command: self.fresh_command(),
            received_at: self.now(),
            body_hash: None,
            traceparent: None,
        };
        let settings = Settings { recognition_proof: RecognitionProof::OneTimeCode, ..Settings::default() };
        let decide = |c: &Clinic| {
            let settings = if unchosen(c) { settings.clone() } else { c.settings.clone() };
            clinic::decide_change_settings(c, settings, None, true)
        };
        Ok(self.on_clinic(&ctx, decide).await?.trace.is_some())
    }
    /// `ChangeSettings`.
    pub async fn change_settings(
        &self,
        ctx: &Context,
        settings: &Settings,
        if_match: Option<u64>,
    ) -> Outcome<Clinic, ClinicRefusal> {
        let channel = self.options.message_channel;
        self.on_clinic(ctx, |c| clinic::decide_change_settings(c, settings.clone(), if_match, channel)).await
    }
}
