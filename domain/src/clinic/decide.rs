//! The clinic's commands: `decide_*(&Clinic, command) -> events or refusal`; nothing to do is an empty list.

use super::{
    ActivityDefined, ActivityId, ActivityRetired, AgeUnit, AgendaId, AgendaOpened, Clinic, ClinicEvent,
    ClinicRegistered, Criterion, Language, Modality, PortalConfigured, Practitioner, PractitionerDeactivated,
    PractitionerFilter, PractitionerId, PractitionerReactivated, PractitionerRegistered, PublicationRule,
    RecognitionProof, RegistrationKind, RetentionSet, ServiceConfigured, ServiceDeactivated, ServiceId, Settings,
    SettingsChanged, Sex,
};
use crate::erasure::Retention;
use crate::values::{BadField, Stale, check_localized, check_match, check_range, check_text};

/// Why a command on a clinic is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ClinicRefusal {
    /// The clinic exists already.
    #[error("this clinic is registered already")]
    AlreadyRegistered,
    /// There is no such clinic.
    #[error("there is no such clinic")]
    UnknownClinic,
    /// The portal must be configured before it is switched on.
    #[error("configure the portal's address and contact details before switching it on")]
    PortalNotConfigured,
    /// There is no such activity.
    #[error("there is no such activity: {0}")]
    UnknownActivity(ActivityId),
    /// The activity is retired.
    #[error("the activity is retired: {0}")]
    RetiredActivity(ActivityId),
    /// There is no such practitioner.
    #[error("there is no such practitioner: {0}")]
    UnknownPractitioner(PractitionerId),
    /// The practitioner has an agenda here already.
    #[error("the practitioner has an agenda here already")]
    AgendaExists(AgendaId),
    /// There is no such service.
    #[error("there is no such service")]
    UnknownService,
    /// No channel for messages is set up, so no code could be sent.
    #[error("one-time codes need a channel for messages, and none is set up")]
    NoMessageChannel,
    /// The resource changed since it was read.
    #[error(transparent)]
    Stale(#[from] Stale),
    /// A field breaks a rule of form.
    #[error(transparent)]
    BadField(#[from] BadField),
}

type Decision = Result<Vec<ClinicEvent>, ClinicRefusal>;

impl Clinic {
    fn known(&self) -> Result<(), ClinicRefusal> {
        self.registered.as_ref().map(|_| ()).ok_or(ClinicRefusal::UnknownClinic)
    }
    fn known_practitioner(&self, id: PractitionerId) -> Result<&Practitioner, ClinicRefusal> {
        self.practitioners.get(&id).ok_or(ClinicRefusal::UnknownPractitioner(id))
    }
}

/// `RegisterClinic`.
pub fn decide_register_clinic(clinic: &Clinic, command: ClinicRegistered) -> Decision {
    match &clinic.registered {
        Some(known) if *known == command => return Ok(vec![]),
        Some(_) => return Err(ClinicRefusal::AlreadyRegistered),
        None => {}
    }
    check_text("name", &command.name, 1, 200)?;
    if command.zone.parse::<crate::time::Tz>().is_err() {
        return Err(BadField::new("zone", "is not an IANA time zone").into());
    }
    Ok(vec![ClinicEvent::ClinicRegistered(command)])
}

/// `ConfigurePortal`; the slug was claimed on its own stream before.
pub fn decide_configure_portal(clinic: &Clinic, config: PortalConfigured, if_match: Option<u64>) -> Decision {
    clinic.known()?;
    check_match(if_match, clinic.portal.touched)?;
    check_text("contact.phone", &config.contact.phone, 1, 40)?;
    check_text("contact.email", config.contact.email.as_deref().unwrap_or(""), 0, 200)?;
    check_text("contact.address", &config.contact.address, 0, 500)?;
    check_text("contact.website", config.contact.website.as_deref().unwrap_or(""), 0, 500)?;
    check_localized("terms", &config.terms, 1, 20_000)?;
    check_localized("notice", &config.notice, 0, 4_000)?;
    if config.languages.is_empty() || config.languages.iter().any(|l| matches!(l, Language::Unknown(_))) {
        return Err(BadField::new("languages", "needs at least one of fr, en").into());
    }
    if let Some(accent) = &config.accent {
        let hex = |s: &str| s.len() == 6 && s.bytes().all(|b| b.is_ascii_hexdigit());
        if !accent.strip_prefix('#').is_some_and(hex) {
            return Err(BadField::new("accent", "must look like #1a5fb4").into());
        }
    }
    check_range("embedding_origins", config.embedding_origins.len(), 0, 50)?;
    if !config.embedding_origins.iter().all(|origin| is_origin(origin)) {
        return Err(BadField::new("embedding_origins", "must be origins such as https://clinic.example").into());
    }
    let same = clinic.portal.config.as_ref() == Some(&config);
    Ok(if same { vec![] } else { vec![ClinicEvent::PortalConfigured(config)] })
}

/// Scheme, host in ASCII and port, nothing else: it goes into a header as it is. `http` is for trying out on one machine.
fn is_origin(text: &str) -> bool {
    let (secure, local) = (text.strip_prefix("https://"), text.strip_prefix("http://"));
    let Some(rest) = secure.or(local).filter(|rest| rest.len() <= 253) else { return false };
    let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
    let label = |l: &str| !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let named = host.split('.').all(label) && (secure.is_some() || host == "localhost");
    named && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// `ActivatePortal`.
pub fn decide_activate_portal(clinic: &Clinic, if_match: Option<u64>) -> Decision {
    clinic.known()?;
    check_match(if_match, clinic.portal.touched)?;
    if clinic.portal.config.is_none() {
        return Err(ClinicRefusal::PortalNotConfigured);
    }
    Ok(if clinic.portal.active { vec![] } else { vec![ClinicEvent::PortalActivated] })
}

/// `DeactivatePortal`; appointments stay (R3).
pub fn decide_deactivate_portal(clinic: &Clinic, if_match: Option<u64>) -> Decision {
    clinic.known()?;
    check_match(if_match, clinic.portal.touched)?;
    Ok(if clinic.portal.active { vec![ClinicEvent::PortalDeactivated] } else { vec![] })
}

/// `DefineActivity`: makes it, or describes it anew.
pub fn decide_define_activity(clinic: &Clinic, command: ActivityDefined, if_match: Option<u64>) -> Decision {
    clinic.known()?;
    check_text("name", &command.name, 1, 200)?;
    check_range("duration_minutes", command.duration_minutes, 1, 1440)?;
    if matches!(command.modality, Modality::Unknown(_)) {
        return Err(BadField::new("modality", "is not known").into());
    }
    if let Some(known) = clinic.activities.get(&command.activity) {
        check_match(if_match, known.touched)?;
        let same = known.name == command.name
            && known.duration_minutes == command.duration_minutes
            && known.modality == command.modality
            && !known.retired;
        if same {
            return Ok(vec![]);
        }
    }
    Ok(vec![ClinicEvent::ActivityDefined(command)])
}

/// `RetireActivity` (8.15).
pub fn decide_retire_activity(clinic: &Clinic, activity: ActivityId, if_match: Option<u64>) -> Decision {
    let known = clinic.activities.get(&activity).ok_or(ClinicRefusal::UnknownActivity(activity))?;
    check_match(if_match, known.touched)?;
    Ok(if known.retired { vec![] } else { vec![ClinicEvent::ActivityRetired(ActivityRetired { activity })] })
}

/// `RegisterPractitioner`: makes the entry, or describes it anew.
pub fn decide_register_practitioner(
    clinic: &Clinic,
    command: PractitionerRegistered,
    if_match: Option<u64>,
) -> Decision {
    clinic.known()?;
    check_text("name", &command.name, 1, 200)?;
    check_localized("profession", &command.profession, 0, 200)?;
    if let Some(known) = clinic.practitioners.get(&command.practitioner) {
        check_match(if_match, known.touched)?;
        if known.name == command.name && known.profession == command.profession {
            return Ok(vec![]);
        }
    }
    Ok(vec![ClinicEvent::PractitionerRegistered(command)])
}

/// `DeactivatePractitioner`: nothing of theirs is online or opened any more, their appointments stay.
pub fn decide_deactivate_practitioner(
    clinic: &Clinic,
    practitioner: PractitionerId,
    if_match: Option<u64>,
) -> Decision {
    let known = clinic.known_practitioner(practitioner)?;
    check_match(if_match, known.touched)?;
    let event = ClinicEvent::PractitionerDeactivated(PractitionerDeactivated { practitioner });
    Ok(if known.active { vec![event] } else { vec![] })
}

/// `ReactivatePractitioner`: what is open of theirs may be online again.
pub fn decide_reactivate_practitioner(
    clinic: &Clinic,
    practitioner: PractitionerId,
    if_match: Option<u64>,
) -> Decision {
    let known = clinic.known_practitioner(practitioner)?;
    check_match(if_match, known.touched)?;
    let event = ClinicEvent::PractitionerReactivated(PractitionerReactivated { practitioner });
    Ok(if known.active { vec![] } else { vec![event] })
}

/// `OpenAgenda`: one calendar for a practitioner in a clinic (3.4).
pub fn decide_open_agenda(clinic: &Clinic, command: AgendaOpened) -> Decision {
    clinic.known()?;
    clinic.known_practitioner(command.practitioner)?;
    let existing = clinic.agendas.iter().find(|(_, a)| a.practitioner == command.practitioner);
    match existing {
        Some((id, _)) if *id == command.agenda => Ok(vec![]),
        Some((id, _)) => Err(ClinicRefusal::AgendaExists(*id)),
        None => Ok(vec![ClinicEvent::AgendaOpened(command)]),
    }
}

/// `ConfigureService`: makes it, changes it, or switches it on again. Takes effect at once (R7, 8.3).
pub fn decide_configure_service(clinic: &Clinic, command: ServiceConfigured, if_match: Option<u64>) -> Decision {
    clinic.known()?;
    let config = &command.config;
    check_text("internal_name", &config.internal_name, 1, 200)?;
    check_localized("public_name", &config.public_name, 1, 200)?;
    check_localized("description", &config.description, 0, 2_000)?;
    check_range("activities", config.activities.len(), 1, 100)?;
    for activity in &config.activities {
        match clinic.activities.get(activity) {
            None => return Err(ClinicRefusal::UnknownActivity(*activity)),
            Some(a) if a.retired => return Err(ClinicRefusal::RetiredActivity(*activity)),
            Some(_) => {}
        }
    }
    let listed = match &config.filter {
        PractitionerFilter::All => &[][..],
        PractitionerFilter::Only(list) if list.is_empty() => {
            return Err(BadField::new("practitioners", "must name at least one practitioner").into());
        }
        PractitionerFilter::Only(list) | PractitionerFilter::AllExcept(list) => list,
        PractitionerFilter::Unknown(_) => return Err(BadField::new("practitioners", "is not a known filter").into()),
    };
    check_range("practitioners", listed.len(), 0, 1_000)?;
    listed.iter().try_for_each(|id| clinic.known_practitioner(*id).map(drop))?;
    check_range("criteria", config.criteria.len(), 0, 20)?;
    config.criteria.iter().try_for_each(check_criterion)?;
    match config.publication {
        PublicationRule::AtOnce => {}
        PublicationRule::MinutesBefore(minutes) => check_range("publication", minutes, 1, 527_040)?,
        PublicationRule::DaysBefore { days, at } => {
            check_range("publication", days, 0, 366)?;
            check_range("publication", at.0, 0, 1_439)?;
        }
        PublicationRule::Unknown(_) => return Err(BadField::new("publication", "is not a known rule").into()),
    }
    check_delays(config.min_notice_minutes, config.max_horizon_minutes, config.max_future_appointments)?;
    check_range("reasons", config.reasons.len(), 0, 50)?;
    config.reasons.iter().try_for_each(|r| check_localized("reasons", r, 1, 200))?;
    if config.reason_required && config.reasons.is_empty() && !config.free_text_reason {
        return Err(BadField::new("reason_required", "needs a list of reasons or free text").into());
    }
    if let Some(known) = clinic.services.get(&command.service) {
        check_match(if_match, known.touched)?;
        if known.active && known.config == *config {
            return Ok(vec![]);
        }
    }
    Ok(vec![ClinicEvent::ServiceConfigured(command)])
}

fn check_criterion(criterion: &Criterion) -> Result<(), ClinicRefusal> {
    let bad = |problem: &str| Err(BadField::new("criteria", problem).into());
    match criterion {
        Criterion::AgeRange { unit: AgeUnit::Unknown(_), .. } => bad("unknown unit of age"),
        Criterion::AgeRange { min: None, max: None, .. } => bad("an age range needs a lowest or a highest age"),
        Criterion::AgeRange { min: Some(min), max: Some(max), .. } if min > max => bad("the age range is empty"),
        Criterion::AgeRange { min, max, .. } if min.or(*max) > Some(2_400) => bad("the age is out of range"),
        Criterion::Sex(values) if values.is_empty() => bad("needs at least one value"),
        Criterion::Sex(values) if values.iter().any(|v| matches!(v, Sex::Unknown(_))) => bad("unknown value"),
        Criterion::Registration(values) if values.is_empty() => bad("needs at least one value"),
        Criterion::Registration(values) if values.iter().any(|v| matches!(v, RegistrationKind::Unknown(_))) => {
            bad("unknown value")
        }
        Criterion::Unknown(_) => bad("unknown criterion"),
        _ => Ok(()),
    }
}

fn check_delays(notice: Option<u32>, horizon: Option<u32>, cap: Option<u16>) -> Result<(), BadField> {
    check_range("min_notice_minutes", notice.unwrap_or(0), 0, 527_040)?;
    check_range("max_horizon_minutes", horizon.unwrap_or(1), 1, 1_054_080)?;
    check_range("max_future_appointments", cap.unwrap_or(1), 1, 1_000)
}

/// `DeactivateService` (8.15): nothing of it is shown any more, its appointments stay.
pub fn decide_deactivate_service(clinic: &Clinic, service: ServiceId, if_match: Option<u64>) -> Decision {
    let known = clinic.services.get(&service).ok_or(ClinicRefusal::UnknownService)?;
    check_match(if_match, known.touched)?;
    Ok(if known.active { vec![ClinicEvent::ServiceDeactivated(ServiceDeactivated { service })] } else { vec![] })
}

/// `ChangeSettings`. `message_channel` says whether a code could be sent at all.
pub fn decide_change_settings(
    clinic: &Clinic,
    settings: Settings,
    if_match: Option<u64>,
    message_channel: bool,
) -> Decision {
    clinic.known()?;
    check_match(if_match, clinic.settings_touched)?;
    check_delays(Some(settings.min_notice_minutes), settings.max_horizon_minutes, settings.max_future_appointments)?;
    check_range("hold_minutes", settings.hold_minutes, 1, 60)?;
    check_range("change_cutoff_minutes", settings.change_cutoff_minutes, 0, 60 * 24 * 60)?;
    match settings.recognition_proof {
        RecognitionProof::None => {}
        RecognitionProof::OneTimeCode if message_channel => {}
        RecognitionProof::OneTimeCode => return Err(ClinicRefusal::NoMessageChannel),
        RecognitionProof::Unknown(_) => return Err(BadField::new("recognition_proof", "is not known").into()),
    }
    Ok(if clinic.settings == settings {
        vec![]
    } else {
        vec![ClinicEvent::SettingsChanged(SettingsChanged { settings })]
    })
}

/// `SetRetention`.
pub fn decide_set_retention(clinic: &Clinic, retention: Retention, if_match: Option<u64>) -> Decision {
    clinic.known()?;
    check_match(if_match, clinic.retention_touched)?;
    retention.check()?;
    let same = clinic.retention == retention;
    Ok(if same { vec![] } else { vec![ClinicEvent::RetentionSet(RetentionSet { retention })] })
}

#[cfg(test)]
mod tests {
    use super::is_origin;

    #[test]
    fn only_an_origin_may_be_listed_for_framing() {
        for good in
            ["https://clinic.example", "https://www.clinic.example:8443", "http://localhost", "http://localhost:81"]
        {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "",
            "https://",
            "https://clinic.example/",
            "https://clinic.example ",
            "https://clinic.example; script-src *",
            "https://*",
            "https://clinique-é.example",
            "https://clinic.example\r\nX: y",
            "https://clinic..example",
            "https://clinic.example:",
            "https://clinic.example:port",
            "https://user@clinic.example",
            "http://clinic.example",
            "http://localhost.attacker.example",
            "http://localhost:1:2",
            "javascript:x",
            "null",
            "'self'",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
