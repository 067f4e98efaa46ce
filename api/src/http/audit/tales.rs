//! What happened to a clinic, a record, an account, a template or the wish to forget a person, as one sentence in each
//! language; what happened on a day stands in [`super::sentences`]. Nothing sealed is in any of them.

use super::sentences::{Sentence, Teller, who};
use booking_domain::clinic::{Clinic, ClinicEvent};
use booking_domain::erasure::ErasureEvent;
use booking_domain::patient::PatientEvent;
use booking_domain::staff::StaffEvent;
use booking_domain::template::TemplateEvent;
use booking_domain::values::{ErasureBasis, ErasureGround, Role};
use booking_events::{Actor, DomainEvent, decode};
use booking_store::Recorded;

/// The sentence of an event; none of what is told by its fields alone, or cannot be read.
pub fn tell(clinic: &Clinic, event: &Recorded, actor: Actor) -> Option<Sentence> {
    let did = match decode(&event.event_type, &event.payload).ok()? {
        DomainEvent::AgendaDay(happened) => {
            return Some(Teller::new(clinic).tell(&happened, actor, event.stream.as_agenda_day()?));
        }
        DomainEvent::Clinic(happened) => of_clinic(clinic, &happened),
        DomainEvent::Patient(happened) => of_patient(&happened),
        DomainEvent::Staff(happened) => of_staff(&happened),
        DomainEvent::Template(happened) => of_template(&happened),
        DomainEvent::Erasure(happened) => of_erasure(clinic, &happened),
        _ => return None,
    };
    let (en, fr) = who(actor);
    Some(Sentence::new(format!("{en} {}", did.en), format!("{fr} {}", did.fr)).stop())
}

fn of_clinic(clinic: &Clinic, event: &ClinicEvent) -> Sentence {
    let named = |en: &str, fr: &str, name: &str| Sentence::new(format!("{en} “{name}”"), format!("{fr} « {name} »"));
    match event {
        ClinicEvent::ClinicRegistered(e) => named("registered the clinic", "a enregistré la clinique", &e.name),
        ClinicEvent::PortalConfigured(e) => Sentence::new(
            format!("set what the portal shows, at the address /p/{}", e.slug),
            format!("a réglé ce que le portail montre, à l’adresse /p/{}", e.slug),
        ),
        ClinicEvent::PortalActivated => Sentence::new("switched online booking on", "a ouvert la réservation en ligne"),
        ClinicEvent::PortalDeactivated => {
            Sentence::new("switched online booking off", "a fermé la réservation en ligne")
        }
        ClinicEvent::ActivityDefined(e) => Sentence::new(
            format!("defined the activity “{}”, {} minutes", e.name, e.duration_minutes),
            format!("a défini l’activité « {} », {} minutes", e.name, e.duration_minutes),
        ),
        ClinicEvent::ActivityRetired(e) => {
            let name = clinic.activities.get(&e.activity).map_or("?", |a| a.name.as_str());
            named("retired the activity", "a retiré l’activité", name)
        }
        ClinicEvent::PractitionerRegistered(e) => {
            named("described the practitioner", "a décrit l’intervenant", &e.name)
        }
        ClinicEvent::PractitionerDeactivated(e) => {
            let name = clinic.practitioners.get(&e.practitioner).map_or("?", |p| p.name.as_str());
            named("let no more appointments be taken with", "a cessé la prise de rendez-vous avec", name)
        }
        ClinicEvent::PractitionerReactivated(e) => {
            let name = clinic.practitioners.get(&e.practitioner).map_or("?", |p| p.name.as_str());
            named("let appointments be taken again with", "a repris la prise de rendez-vous avec", name)
        }
        ClinicEvent::AgendaOpened(e) => {
            let name = clinic.practitioners.get(&e.practitioner).map_or("?", |p| p.name.as_str());
            named("opened an agenda for", "a ouvert un agenda pour", name)
        }
        ClinicEvent::ServiceConfigured(e) => {
            named("configured the service", "a configuré le service", &e.config.internal_name)
        }
        ClinicEvent::ServiceDeactivated(e) => {
            let name = clinic.services.get(&e.service).map_or("?", |s| s.config.internal_name.as_str());
            named("switched off the service", "a désactivé le service", name)
        }
        ClinicEvent::SettingsChanged(_) => Sentence::new("changed the settings", "a modifié les réglages"),
        ClinicEvent::RetentionSet(e) => {
            let (years, days) = (e.retention.attached_years, e.retention.provisional_days);
            let wait = e.retention.cooling_off_days;
            Sentence::new(
                format!(
                    "set how long data are kept: {years} years with a record, {days} days without, {wait} days between \
                     a decision to erase and the erasure"
                ),
                format!(
                    "a fixé la conservation des données : {years} ans avec un dossier, {days} jours sans dossier, \
                     {wait} jours entre la décision d’effacer et l’effacement"
                ),
            )
        }
    }
}

fn of_patient(event: &PatientEvent) -> Sentence {
    let (en, fr) = match event {
        PatientEvent::PatientRegistered(_) => ("made the record", "a créé le dossier"),
        PatientEvent::PatientUpdated(_) => ("changed the details of the record", "a modifié les données du dossier"),
        PatientEvent::RegistrationSet(_) => {
            ("set with whom the patient is registered", "a indiqué auprès de qui le patient est inscrit")
        }
        PatientEvent::PatientDeceased(_) => ("recorded that the patient died", "a noté le décès du patient"),
        PatientEvent::MergeReceived(_) => {
            ("began to merge another record into this one", "a commencé à fusionner un autre dossier dans celui-ci")
        }
        PatientEvent::PatientMerged(_) => ("merged this record into another", "a fusionné ce dossier dans un autre"),
        PatientEvent::MergeCompleted(_) => {
            ("completed a merge: another record leads here", "a achevé une fusion : un autre dossier mène ici")
        }
        PatientEvent::MergeDeclined(_) | PatientEvent::MergeAbandoned(_) => {
            ("gave up a merge that was not completed", "a abandonné une fusion inachevée")
        }
        PatientEvent::PatientErased => {
            ("closed the record, to be forgotten", "a fermé le dossier, qui doit être oublié")
        }
    };
    Sentence::new(en, fr)
}

/// A role, as the subject of a sentence names it.
const fn role(role: Role) -> (&'static str, &'static str) {
    match role {
        Role::Administrator => ("administrator", "administration"),
        Role::Scheduler => ("scheduler", "réception"),
        Role::Practitioner => ("practitioner", "intervenant"),
        Role::Auditor => ("auditor", "vérification"),
        Role::Unknown(_) => ("another role", "un autre rôle"),
    }
}

fn of_staff(event: &StaffEvent) -> Sentence {
    let with =
        |en: &str, fr: &str, of: Role| Sentence::new(format!("{en}: {}", role(of).0), format!("{fr} : {}", role(of).1));
    match event {
        StaffEvent::MemberAdded(e) if e.machine => {
            with("gave a program access, in the role", "a donné accès à un programme, dans le rôle", e.role)
        }
        StaffEvent::MemberAdded(e) => with("added a member, in the role", "a ajouté un membre, dans le rôle", e.role),
        StaffEvent::MemberRoleChanged(e) => {
            with("gave a member another role", "a donné un autre rôle à un membre", e.role)
        }
        StaffEvent::MemberDisabled => Sentence::new("disabled an account", "a désactivé un compte"),
        StaffEvent::MemberEnabled => Sentence::new("enabled an account again", "a réactivé un compte"),
    }
}

fn of_template(event: &TemplateEvent) -> Sentence {
    match event {
        TemplateEvent::TemplateCreated(_) => Sentence::new("made a schedule template", "a créé un modèle d’horaire"),
        TemplateEvent::TemplateDeleted => {
            Sentence::new("deleted a schedule template", "a supprimé un modèle d’horaire")
        }
    }
}

fn of_erasure(clinic: &Clinic, event: &ErasureEvent) -> Sentence {
    let teller = Teller::new(clinic);
    match event {
        ErasureEvent::ErasureRequested(e) => match e.basis {
            ErasureBasis::RetentionEnd => Sentence::new(
                "asked that the person be forgotten, since the time to keep the data is over",
                "a demandé l’oubli de la personne, la durée de conservation étant écoulée",
            ),
            ErasureBasis::Person | ErasureBasis::Unknown(_) => Sentence::new(
                "took down that the person wishes to be forgotten",
                "a noté que la personne souhaite être oubliée",
            ),
        },
        ErasureEvent::ErasureRefused(e) => {
            let (en, fr) = match e.ground {
                ErasureGround::Retention => {
                    ("the data must still be kept", "les données doivent encore être conservées")
                }
                ErasureGround::LegalHold => {
                    ("a legal hold keeps the data", "une mise sous garde légale retient les données")
                }
                ErasureGround::Decision | ErasureGround::Unknown(_) => ("by decision", "par décision"),
            };
            let until = e.until.map(|at| teller.moment(at));
            let until = until.map(|at| (format!(", until {at}"), format!(", jusqu’au {at}")));
            Sentence::new(format!("refused the request: {en}"), format!("a refusé la demande : {fr}"))
                .and(until.as_ref().map(|(en, fr)| (en.as_str(), fr.as_str())))
        }
        ErasureEvent::ErasureApproved(e) => {
            let at = teller.moment(e.not_before);
            Sentence::new(
                format!("granted the request; it is carried out from {at} on"),
                format!("a accordé la demande ; elle est exécutée à partir du {at}"),
            )
        }
        ErasureEvent::ErasureWithdrawn => Sentence::new("took the request back", "a retiré la demande"),
        ErasureEvent::SubjectErased(e) => {
            let n = e.subjects.len();
            Sentence::new(
                format!("erased the person: {n} keys are destroyed for ever (records and contacts)"),
                format!("a effacé la personne : {n} clés sont détruites pour toujours (dossiers et coordonnées)"),
            )
        }
        ErasureEvent::LegalHoldPlaced => {
            Sentence::new("placed a legal hold on the data", "a mis les données sous garde légale")
        }
        ErasureEvent::LegalHoldReleased => Sentence::new("released the legal hold", "a levé la garde légale"),
    }
}
