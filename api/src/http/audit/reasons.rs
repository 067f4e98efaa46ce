//! What a rule said, and what could be otherwise, as one sentence in English and one in French. No sentence holds
//! anything personal: a criterion is told, not what the patient is.

use booking_domain::agenda_day::{Blocked, Freedom};
use booking_domain::clinic::{Clinic, Criterion};
use booking_domain::ids::{ActivityId, PractitionerId};
use booking_domain::time::Instant;
use booking_domain::values::AgeUnit;
use booking_domain::visibility::{Change, Finding, Rule, Situation};

/// A sentence in both languages.
pub(crate) struct Spoken {
    /// English.
    pub(crate) en: String,
    /// French.
    pub(crate) fr: String,
}

impl Spoken {
    /// These sentences.
    pub(crate) fn new(en: impl Into<String>, fr: impl Into<String>) -> Self {
        Self { en: en.into(), fr: fr.into() }
    }
    /// The verdict as a whole.
    pub(crate) fn verdict(offered: bool, refusing: usize) -> Self {
        match (offered, refusing) {
            (true, _) => Self::new(
                "It is shown to this visitor, and can be booked.",
                "Elle est montrée à cette personne et peut être réservée.",
            ),
            (false, 1) => Self::new(
                "It is not shown to this visitor: one rule keeps it back.",
                "Elle n’est pas montrée à cette personne : une règle s’y oppose.",
            ),
            (false, n) => Self::new(
                format!("It is not shown to this visitor: {n} rules keep it back."),
                format!("Elle n’est pas montrée à cette personne : {n} règles s’y opposent."),
            ),
        }
    }
}

fn moment(clinic: &Clinic, at: Instant) -> String {
    let (date, time) = at.wall(clinic.zone());
    format!("{date} {time}")
}

fn activity(clinic: &Clinic, id: ActivityId) -> &str {
    clinic.activities.get(&id).map_or("?", |a| a.name.as_str())
}

fn practitioner(clinic: &Clinic, id: PractitionerId) -> &str {
    clinic.practitioners.get(&id).map_or("?", |p| p.name.as_str())
}

/// What a rule said.
pub(crate) fn rule_in(situation: &Situation, finding: &Finding, publish_at: Option<Instant>) -> Spoken {
    let clinic = &situation.clinic;
    let (yes, no): ((&str, &str), (&str, &str)) = match finding.rule {
        Rule::PortalActive => {
            (("The portal is on.", "Le portail est ouvert."), ("The portal is off.", "Le portail est fermé."))
        }
        Rule::ServiceActive => (
            ("The service is active and can be booked.", "Le service est actif et peut être réservé."),
            (
                "The service is not active, or takes requests only.",
                "Le service est inactif, ou ne prend que des demandes.",
            ),
        ),
        Rule::ActivityLinked => (
            ("The slot’s activity belongs to the service.", "L’activité de la plage fait partie du service."),
            (
                "The slot’s activity does not belong to the service.",
                "L’activité de la plage ne fait pas partie du service.",
            ),
        ),
        Rule::ActivityActive => (
            ("The slot’s activity is in use.", "L’activité de la plage est en usage."),
            (
                "The slot’s activity is retired, or there is none.",
                "L’activité de la plage est retirée, ou il n’y en a pas.",
            ),
        ),
        Rule::PractitionerActive => (
            ("The practitioner takes appointments.", "L’intervenant prend des rendez-vous."),
            ("The practitioner takes no more appointments here.", "L’intervenant ne prend plus de rendez-vous ici."),
        ),
        Rule::PractitionerFilter => (
            ("The service includes the practitioner.", "Le service inclut l’intervenant."),
            ("The service leaves the practitioner out.", "Le service exclut l’intervenant."),
        ),
        Rule::Origin => (
            (
                "The way the slot was opened may be offered online.",
                "La façon dont la plage a été ouverte permet de l’offrir en ligne.",
            ),
            ("Recurring slots are not offered online.", "Les plages récurrentes ne sont pas offertes en ligne."),
        ),
        Rule::Recognition => (
            (
                "The visitor is known well enough for a service with criteria.",
                "La personne est assez connue pour un service avec critères.",
            ),
            (
                "The service has criteria, and the visitor is not known well enough.",
                "Le service a des critères, et la personne n’est pas assez connue.",
            ),
        ),
        Rule::Criterion(place) => return criterion(situation, place, finding.passed),
        Rule::NotStarted => (
            ("It has not started.", "Elle n’a pas commencé."),
            ("It has started, or is over.", "Elle a commencé, ou est passée."),
        ),
        Rule::MinNotice => (
            ("The shortest notice is kept.", "Le préavis minimal est respecté."),
            (
                "It is too late: the shortest notice is not kept.",
                "Il est trop tard : le préavis minimal n’est pas respecté.",
            ),
        ),
        Rule::Published => return published(clinic, finding.passed, publish_at),
        Rule::Cap => (
            ("The cap on future appointments is not reached.", "Le plafond de rendez-vous à venir n’est pas atteint."),
            ("The cap on future appointments is reached.", "Le plafond de rendez-vous à venir est atteint."),
        ),
        Rule::Free => return freedom(situation),
    };
    let (en, fr) = if finding.passed { yes } else { no };
    Spoken::new(en, fr)
}

fn published(clinic: &Clinic, passed: bool, at: Option<Instant>) -> Spoken {
    match (passed, at) {
        (true, Some(Instant::MIN)) => Spoken::new("It is published at once.", "Elle est publiée sans délai."),
        (true, Some(at)) => {
            let at = moment(clinic, at);
            Spoken::new(format!("It was published on {at}."), format!("Elle a été publiée le {at}."))
        }
        (false, Some(at)) => {
            let at = moment(clinic, at);
            Spoken::new(format!("It will be published on {at}."), format!("Elle sera publiée le {at}."))
        }
        (_, None) => Spoken::new("It is never published.", "Elle n’est jamais publiée."),
    }
}

fn freedom(situation: &Situation) -> Spoken {
    let clinic = &situation.clinic;
    match situation.freedom() {
        Some(Freedom::Own(_)) => Spoken::new("This visit holds it.", "Cette visite la retient."),
        Some(Freedom::Blocked(Blocked::Withdrawn)) => Spoken::new("The slot was withdrawn.", "La plage a été retirée."),
        Some(Freedom::Blocked(Blocked::Removed)) => {
            Spoken::new("It was dropped with its appointment.", "Elle a été supprimée avec son rendez-vous.")
        }
        Some(Freedom::Blocked(Blocked::Booked)) => {
            Spoken::new("An appointment stands at that time.", "Un rendez-vous occupe ce moment.")
        }
        Some(Freedom::Blocked(Blocked::Promised)) => {
            Spoken::new("The time is promised to a move.", "Ce moment est promis à un déplacement.")
        }
        Some(Freedom::Blocked(Blocked::Held(until))) => {
            let until = moment(clinic, until);
            Spoken::new(
                format!("Another visit holds it until {until}."),
                format!("Une autre visite la retient jusqu’au {until}."),
            )
        }
        Some(Freedom::Free) | None => Spoken::new("It is free.", "Elle est libre."),
    }
}

fn criterion(situation: &Situation, place: u8, passed: bool) -> Spoken {
    let service = situation.clinic.services.get(&situation.service);
    let told = service.and_then(|s| s.config.criteria.get(usize::from(place)));
    let (en, fr) = match told {
        Some(Criterion::AgeRange { unit, min, max }) => {
            let (unit_en, unit_fr) = if *unit == AgeUnit::Months { ("months", "mois") } else { ("years", "ans") };
            let bound = |n: &Option<u16>, none: &str| n.map_or_else(|| none.to_owned(), |n| n.to_string());
            let (low, high) = (bound(min, "…"), bound(max, "…"));
            (format!("an age of {low} to {high} {unit_en}"), format!("un âge de {low} à {high} {unit_fr}"))
        }
        Some(Criterion::Sex(values)) => {
            let names: Vec<&str> = values.iter().map(|sex| sex.name()).collect();
            (format!("a sex among: {}", names.join(", ")), format!("un sexe parmi : {}", names.join(", ")))
        }
        Some(Criterion::Registration(kinds)) => {
            let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
            (
                format!("a registration among: {}", names.join(", ")),
                format!("une inscription parmi : {}", names.join(", ")),
            )
        }
        Some(Criterion::ExistingRecord) => ("a record in the clinic".to_owned(), "un dossier à la clinique".to_owned()),
        Some(Criterion::Unknown(_)) | None => (
            "something that this release does not know".to_owned(),
            "une chose que cette version ne connaît pas".to_owned(),
        ),
    };
    if passed {
        Spoken::new(
            format!("The service asks for {en}, which is met."),
            format!("Le service demande {fr} : c’est le cas."),
        )
    } else {
        Spoken::new(
            format!("The service asks for {en}, which is not met, or not known."),
            format!("Le service demande {fr} : ce n’est pas le cas, ou on ne le sait pas."),
        )
    }
}

/// What could be otherwise.
pub(crate) fn change_in(change: &Change, situation: &Situation) -> Spoken {
    let clinic = &situation.clinic;
    match change {
        Change::ActivatePortal => Spoken::new("Switch the portal on.", "Ouvrir le portail."),
        Change::DeactivatePortal => Spoken::new("Switch the portal off.", "Fermer le portail."),
        Change::ActivateService => {
            Spoken::new("Activate the service for online booking.", "Activer le service pour la réservation en ligne.")
        }
        Change::LinkActivity(id) => {
            let name = activity(clinic, *id);
            Spoken::new(
                format!("Add the activity “{name}” to the service."),
                format!("Ajouter l’activité « {name} » au service."),
            )
        }
        Change::GiveSlotActivity(id) => {
            let name = activity(clinic, *id);
            Spoken::new(
                format!("Give the slot the activity “{name}”."),
                format!("Donner à la plage l’activité « {name} »."),
            )
        }
        Change::ReinstateActivity(id) => {
            let name = activity(clinic, *id);
            Spoken::new(
                format!("Take the activity “{name}” into use again."),
                format!("Remettre en usage l’activité « {name} »."),
            )
        }
        Change::ReactivatePractitioner(id) => {
            let name = practitioner(clinic, *id);
            Spoken::new(format!("Let {name} take appointments again."), format!("Remettre {name} en service."))
        }
        Change::AdmitPractitioner(id) => {
            let name = practitioner(clinic, *id);
            Spoken::new(format!("Include {name} in the service."), format!("Inclure {name} dans le service."))
        }
        Change::OfferRecurring => {
            Spoken::new("Offer recurring slots online.", "Offrir en ligne les plages récurrentes.")
        }
        Change::OpenByHand => Spoken::new("Open the slot by hand.", "Ouvrir la plage à la main."),
        Change::ProveViewer => Spoken::new(
            "The visitor is recognized, and proves who they are.",
            "La personne est reconnue et prouve qui elle est.",
        ),
        Change::OpenToEveryone => Spoken::new("Open the service to everyone.", "Ouvrir le service à tous."),
        Change::WidenCriterion(place) => {
            let n = u16::from(*place) + 1;
            Spoken::new(
                format!("Widen criterion {n} by what this patient is."),
                format!("Élargir le critère {n} à ce qu’est ce patient."),
            )
        }
        Change::DropCriterion(place) => {
            let n = u16::from(*place) + 1;
            Spoken::new(format!("Drop criterion {n}."), format!("Supprimer le critère {n}."))
        }
        Change::LookAt(at) => {
            let told = moment(clinic, *at);
            if *at > situation.now {
                Spoken::new(format!("Wait until {told}."), format!("Attendre jusqu’au {told}."))
            } else {
                Spoken::new(
                    format!("It would have been otherwise on {told}."),
                    format!("Il en aurait été autrement le {told}."),
                )
            }
        }
        Change::ShortenNotice(minutes) => Spoken::new(
            format!("Shorten the service’s notice to {minutes} minutes."),
            format!("Réduire le préavis du service à {minutes} minutes."),
        ),
        Change::PublishSlotAt(at) => {
            let at = moment(clinic, *at);
            Spoken::new(format!("Publish the slot on {at}."), format!("Publier la plage le {at}."))
        }
        Change::WidenHorizon(minutes) => Spoken::new(
            format!("Let the service publish {minutes} minutes ahead."),
            format!("Laisser le service publier {minutes} minutes d’avance."),
        ),
        Change::RaiseCap(cap) => {
            Spoken::new(format!("Raise the service’s cap to {cap}."), format!("Porter le plafond du service à {cap}."))
        }
        Change::FreeTime(_) => Spoken::new(
            "Cancel or move the appointment that stands at that time.",
            "Annuler ou déplacer le rendez-vous qui occupe ce moment.",
        ),
        Change::EndMoves(_) => Spoken::new(
            "End the move that the time is promised to.",
            "Mettre fin au déplacement auquel ce moment est promis.",
        ),
        Change::ReleaseHolds(_) => {
            Spoken::new("The other visit gives its hold back.", "L’autre visite rend ce qu’elle retient.")
        }
        Change::PutSlotBack => Spoken::new("Open the slot again.", "Rouvrir la plage."),
        Change::PutAvailabilityBack => Spoken::new("Open the availability again.", "Rouvrir la disponibilité."),
    }
}
