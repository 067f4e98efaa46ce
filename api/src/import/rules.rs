//! What `clinic.toml` asks of the clinic's stream, tried out first: every command is decided by the domain on a copy of
//! the clinic as it will be, so that whatever the log would refuse is found before anything is appended.

use super::config::{Config, FilterEntry, ServiceEntry};
use super::ids::Ids;
use super::problem::{At, Problems};
use super::report::{Change, ImportOptions, Kind};
use booking_domain::clinic::{
    self, ActivityDefined, AgendaOpened, Clinic, ClinicEvent, ClinicRefusal, ClinicRegistered, PortalConfigured,
    PractitionerFilter, PractitionerRegistered, PublicationRule, ServiceConfig, ServiceConfigured, Settings,
    UsageOrDefault,
};
use booking_domain::ids::{ActivityId, AgendaId, ClinicId, MemberId, PractitionerId, ServiceId};
use booking_domain::slug::Slug;
use booking_domain::values::{Language, Localized, Modality, Role, Stamp, Usage};

/// No entry has more fields than this.
const MOST_FIELDS: usize = 20;

/// A command on the clinic's stream.
#[derive(Clone, Debug)]
pub(super) enum Command {
    Register(ClinicRegistered),
    Portal(PortalConfigured),
    Activate,
    Deactivate,
    Activity(ActivityDefined),
    Retire(ActivityId),
    Practitioner(PractitionerRegistered),
    Agenda(AgendaOpened),
    Service(ServiceConfigured),
    DeactivateService(ServiceId),
    Settings(Settings),
}

/// A command, and what it will come to.
#[derive(Debug)]
pub(super) struct Step {
    pub kind: Kind,
    pub change: Change,
    pub command: Command,
    /// The entry, for messages; several commands about one entry count once.
    pub what: String,
}

/// The clinic as it will be, and the way there.
#[derive(Debug)]
pub(super) struct Rules {
    pub clinic: Clinic,
    pub steps: Vec<Step>,
}

struct Trial<'a> {
    rules: Rules,
    options: &'a ImportOptions,
    problems: &'a Problems,
}

/// Tries out the whole file on `known`, the clinic as it is.
pub(super) fn plan(
    config: &Config,
    id: ClinicId,
    ids: &Ids,
    known: &Clinic,
    options: &ImportOptions,
    problems: &Problems,
) -> Rules {
    let mut trial = Trial { rules: Rules { clinic: known.clone(), steps: Vec::new() }, options, problems };
    trial.register(config, id, ids);
    for (entry, at) in &config.activities {
        let activity: ActivityId = ids.of("activity", &[&entry.key]);
        let existed = known.activities.get(&activity);
        let modality = entry.modality.unwrap_or(Modality::InPerson);
        let (name, duration_minutes) = (entry.name.clone(), entry.duration_minutes);
        let command = ActivityDefined { activity, name, duration_minutes, modality };
        if existed.is_some_and(|a| a.retired && entry.retired) {
            trial.unchanged(Kind::Activities, Command::Retire(activity), at);
            continue;
        }
        trial.run(Kind::Activities, existed.is_some(), Command::Activity(command), at);
        if entry.retired {
            trial.run(Kind::Activities, existed.is_some(), Command::Retire(activity), at);
        }
    }
    for (entry, at) in &config.practitioners {
        let practitioner: PractitionerId = ids.of("practitioner", &[&entry.key]);
        let existed = known.practitioners.contains_key(&practitioner);
        let (name, profession) = (entry.name.clone(), entry.profession.clone());
        let command = PractitionerRegistered { practitioner, name, profession };
        trial.run(Kind::Practitioners, existed, Command::Practitioner(command), at);
        if entry.agenda {
            let agenda: AgendaId = ids.of("agenda", &[&entry.key]);
            let existed = known.agendas.contains_key(&agenda);
            trial.run(Kind::Agendas, existed, Command::Agenda(AgendaOpened { agenda, practitioner }), at);
        }
    }
    if let Some((settings, at)) = &config.settings {
        let existed = known.settings_touched > 0;
        trial.run(Kind::Settings, existed, Command::Settings(settings.clone()), at);
    }
    for (entry, at) in &config.services {
        trial.service(entry, ids, known, at);
    }
    if let Some((portal, active, at)) = &config.portal {
        trial.portal(portal, *active, known, at);
    }
    trial.rules
}

impl Trial<'_> {
    fn register(&mut self, config: &Config, id: ClinicId, ids: &Ids) {
        let at = &config.at;
        if let Some(known) = self.rules.clinic.registered.clone() {
            if known.zone != config.zone {
                let message = format!("is fixed since the clinic was registered: {}", known.zone);
                self.problems.push(at.problem("zone", message));
            }
            if known.name != config.name && !self.options.keep_existing {
                self.problems.push(at.problem("name", "cannot be changed once the clinic is registered"));
            }
            return self.unchanged(Kind::Clinic, Command::Register(known), at);
        }
        let administrator = config.members.iter().find(|(m, _)| m.role == Some(Role::Administrator));
        if administrator.is_none() {
            let message = "needs at least one with the role administrator: somebody must be able to sign in";
            self.problems.push(at.problem("members", message));
        }
        let administrator: MemberId = administrator.map(|(m, _)| ids.of("member", &[&m.key])).unwrap_or_default();
        let (name, zone) = (config.name.clone(), config.zone.clone());
        let command = ClinicRegistered { clinic: id, name, zone, administrator };
        if !self.run(Kind::Clinic, false, Command::Register(command.clone()), at) {
            // Go on as if it were there: the rest is to be checked too.
            let stamp = Stamp { revision: 0, ..Stamp::default() };
            self.rules.clinic.evolve(&ClinicEvent::ClinicRegistered(command), stamp);
        }
    }

    fn service(&mut self, entry: &ServiceEntry, ids: &Ids, known: &Clinic, at: &At) {
        let service: ServiceId = ids.of("service", &[&entry.key]);
        let existed = known.services.get(&service);
        let config = service_config(entry, ids);
        let inactive_already = existed.is_some_and(|s| !s.active && !entry.active && s.config == config);
        if inactive_already {
            return self.unchanged(Kind::Services, Command::DeactivateService(service), at);
        }
        let same = existed.is_some_and(|s| s.active && s.config == config);
        if same && !entry.active {
            self.run(Kind::Services, true, Command::DeactivateService(service), at);
            return;
        }
        let command = Command::Service(ServiceConfigured { service, config });
        self.run(Kind::Services, existed.is_some(), command, at);
        if !entry.active {
            self.run(Kind::Services, existed.is_some(), Command::DeactivateService(service), at);
        }
    }

    fn portal(&mut self, portal: &PortalConfigured, active: bool, known: &Clinic, at: &At) {
        if let Err(bad) = Slug::parse(&portal.slug) {
            self.problems.push(at.problem("slug", bad.to_string()));
        }
        let existed = known.portal.config.is_some();
        self.run(Kind::Portal, existed, Command::Portal(portal.clone()), at);
        let switch = if active { Command::Activate } else { Command::Deactivate };
        if self.rules.clinic.portal.active != active {
            self.run(Kind::Portal, existed, switch, at);
        }
    }

    fn unchanged(&mut self, kind: Kind, command: Command, at: &At) {
        self.rules.steps.push(Step { kind, change: Change::Unchanged, command, what: at.path.clone() });
    }

    /// Decides a command on the clinic as it will be; true if it goes through.
    fn run(&mut self, kind: Kind, existed: bool, command: Command, at: &At) -> bool {
        let decision = self.decide(&command);
        let change = match decision {
            Ok(events) if events.is_empty() => Change::Unchanged,
            Ok(_) if existed && self.options.keep_existing => Change::Unchanged,
            Ok(events) => {
                for event in &events {
                    let revision = self.rules.clinic.revision + 1;
                    self.rules.clinic.evolve(event, Stamp { revision, ..Stamp::default() });
                }
                if existed { Change::Updated } else { Change::Created }
            }
            Err(refusal) => {
                self.refused(&refusal, at);
                // The domain names one field at a time: the others are asked for with that one put right.
                let mut repaired = repair(command, &refusal, &self.rules.clinic);
                for _ in 0..MOST_FIELDS {
                    let Some(next) = repaired else { break };
                    let Err(another) = self.decide(&next) else { break };
                    self.refused(&another, at);
                    repaired = repair(next, &another, &self.rules.clinic);
                }
                return false;
            }
        };
        self.rules.steps.push(Step { kind, change, command, what: at.path.clone() });
        true
    }

    fn decide(&self, command: &Command) -> Result<Vec<ClinicEvent>, ClinicRefusal> {
        let clinic = &self.rules.clinic;
        match command.clone() {
            Command::Register(c) => clinic::decide_register_clinic(clinic, c),
            Command::Portal(c) => clinic::decide_configure_portal(clinic, c, None),
            Command::Activate => clinic::decide_activate_portal(clinic, None),
            Command::Deactivate => clinic::decide_deactivate_portal(clinic, None),
            Command::Activity(c) => clinic::decide_define_activity(clinic, c, None),
            Command::Retire(c) => clinic::decide_retire_activity(clinic, c, None),
            Command::Practitioner(c) => clinic::decide_register_practitioner(clinic, c, None),
            Command::Agenda(c) => clinic::decide_open_agenda(clinic, c),
            Command::Service(c) => clinic::decide_configure_service(clinic, c, None),
            Command::DeactivateService(c) => clinic::decide_deactivate_service(clinic, c, None),
            Command::Settings(c) => clinic::decide_change_settings(clinic, c, None, self.options.message_channel),
        }
    }

    fn refused(&self, refusal: &ClinicRefusal, at: &At) {
        let problem = match refusal {
            ClinicRefusal::BadField(bad) => at.problem(bad.field, bad.problem.clone()),
            ClinicRefusal::RetiredActivity(_) => at.problem("activities", "names an activity that is retired"),
            ClinicRefusal::NoMessageChannel => at.problem("recognition_proof", refusal.to_string()),
            // Another entry is wrong, and was reported there.
            ClinicRefusal::UnknownActivity(_)
            | ClinicRefusal::UnknownPractitioner(_)
            | ClinicRefusal::UnknownService
            | ClinicRefusal::PortalNotConfigured
                if !self.problems.is_empty() =>
            {
                return;
            }
            other => at.problem("", other.to_string()),
        };
        self.problems.push(problem);
    }
}

/// The command with the refused field put right; none if that cannot be done. For finding what else is wrong, no more.
fn repair(command: Command, refusal: &ClinicRefusal, clinic: &Clinic) -> Option<Command> {
    let field = match refusal {
        ClinicRefusal::BadField(bad) => bad.field,
        ClinicRefusal::UnknownActivity(_) | ClinicRefusal::RetiredActivity(_) => "activities",
        ClinicRefusal::UnknownPractitioner(_) => "practitioners",
        ClinicRefusal::NoMessageChannel => "recognition_proof",
        _ => return None,
    };
    match command {
        Command::Portal(mut c) => {
            let good = PortalConfigured { languages: vec![Language::Fr], ..PortalConfigured::default() };
            match field {
                "contact.phone" => c.contact.phone = "1".into(),
                "contact.email" => c.contact.email = None,
                "contact.address" => c.contact.address = String::new(),
                "contact.website" => c.contact.website = None,
                "terms" => c.terms = Localized::new("x", "x"),
                "notice" => c.notice = good.notice,
                "languages" => c.languages = good.languages,
                "accent" => c.accent = None,
                "embedding_origins" => c.embedding_origins = Vec::new(),
                _ => return None,
            }
            Some(Command::Portal(c))
        }
        Command::Activity(mut c) => {
            match field {
                "name" => c.name = "x".into(),
                "duration_minutes" => c.duration_minutes = 1,
                _ => return None,
            }
            Some(Command::Activity(c))
        }
        Command::Practitioner(mut c) => {
            match field {
                "name" => c.name = "x".into(),
                _ => return None,
            }
            Some(Command::Practitioner(c))
        }
        Command::Settings(mut c) => {
            let good = Settings::default();
            match field {
                "min_notice_minutes" => c.min_notice_minutes = good.min_notice_minutes,
                "max_horizon_minutes" => c.max_horizon_minutes = good.max_horizon_minutes,
                "max_future_appointments" => c.max_future_appointments = good.max_future_appointments,
                "hold_minutes" => c.hold_minutes = good.hold_minutes,
                "change_cutoff_minutes" => c.change_cutoff_minutes = good.change_cutoff_minutes,
                "recognition_proof" => c.recognition_proof = good.recognition_proof,
                _ => return None,
            }
            Some(Command::Settings(c))
        }
        Command::Service(mut c) => {
            let config = &mut c.config;
            match field {
                "internal_name" => config.internal_name = "x".into(),
                "public_name" => config.public_name = Localized::new("x", "x"),
                "description" => config.description = Localized::default(),
                "activities" => {
                    let known = clinic.activities.iter().find(|(_, a)| !a.retired);
                    config.activities = known.map(|(id, _)| *id).into_iter().collect();
                }
                "practitioners" => config.filter = PractitionerFilter::All,
                "criteria" => config.criteria = Vec::new(),
                "publication" => config.publication = PublicationRule::AtOnce,
                "min_notice_minutes" => config.min_notice_minutes = None,
                "max_horizon_minutes" => config.max_horizon_minutes = None,
                "max_future_appointments" => config.max_future_appointments = None,
                "reasons" => config.reasons = Vec::new(),
                "reason_required" => config.reason_required = false,
                _ => return None,
            }
            Some(Command::Service(c))
        }
        _ => None,
    }
}

fn service_config(entry: &ServiceEntry, ids: &Ids) -> ServiceConfig {
    let practitioners = |keys: &[String]| keys.iter().map(|key| ids.of("practitioner", &[key])).collect();
    ServiceConfig {
        internal_name: entry.internal_name.clone(),
        public_name: entry.public_name.clone(),
        description: entry.description.clone(),
        activities: entry.activities.iter().map(|key| ids.of("activity", &[key])).collect(),
        usage: UsageOrDefault(entry.usage.unwrap_or(Usage::Booking)),
        criteria: entry.criteria.clone(),
        filter: match &entry.filter {
            FilterEntry::All => PractitionerFilter::All,
            FilterEntry::Only(keys) => PractitionerFilter::Only(practitioners(keys)),
            FilterEntry::AllExcept(keys) => PractitionerFilter::AllExcept(practitioners(keys)),
        },
        publication: entry.publication,
        min_notice_minutes: entry.min_notice_minutes,
        max_horizon_minutes: entry.max_horizon_minutes,
        max_future_appointments: entry.max_future_appointments,
        reasons: entry.reasons.clone(),
        free_text_reason: entry.free_text_reason,
        reason_required: entry.reason_required,
    }
}
