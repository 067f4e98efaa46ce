//! The demo clinic: a plausible clinic in Quebec, made through the same commands as any client's.
//!
//! It is an import (`files/clinic.toml`, the documented example), with patients from a seed, some slots by hand, and a
//! few bookings of every kind. Starting it again on the same data adds the schedule of the days that came within reach,
//! and changes nothing that is there: whoever tried something out finds it again.
//!
//! Beside it stands a small second clinic (`files/second.toml`), which asks for a one-time code; the first opens its
//! services to whoever is recognized, so that everything can be looked at without one.
//!
//! Known passwords exist here and nowhere else, and none of the people do.

mod bookings;
mod names;
mod people;

pub use people::{EXAMPLES, Example};

use crate::import::{Files, Ids, ImportError, ImportOptions, ImportReport, Progress, clinic_of, import_files};
use booking_domain::ids::ClinicId;
use booking_domain::phi::Phi;
use booking_domain::time::{Instant, Tz, WallDate};
use booking_domain::values::Role;
use booking_engine::Engine;
use booking_engine::vault::Staff;
use std::fmt::Write;

/// The clinic's file, also the example of `docs/import.md`.
pub const CLINIC_TOML: &str = include_str!("files/clinic.toml");
/// The address of its portal.
pub const SLUG: &str = "vieux-moulin";
/// The address of the second clinic's portal.
pub const SECOND_SLUG: &str = "trois-saules";
/// Portals of the demo.
pub const PORTALS: [&str; 2] = [SLUG, SECOND_SLUG];
/// The second clinic's file.
const SECOND_TOML: &str = include_str!("files/second.toml");
/// Its administrator.
pub const SECOND_ADMINISTRATOR: &str = "admin@trois-saules.example";
/// Its key in `clinic.toml`.
const KEY: &str = "vieux-moulin";
/// The clinic's zone.
const ZONE: Tz = Tz::America__Toronto;
/// The password of every account of the demo.
const PASSWORD: &str = "demo-vieux-moulin";
/// Members of `clinic.toml`: key, address, role.
const STAFF: [(&str, &str, Role); 4] = [
    ("admin", "admin@vieux-moulin.example", Role::Administrator),
    ("accueil", "accueil@vieux-moulin.example", Role::Scheduler),
    ("dr-gagnon", "gagnon@vieux-moulin.example", Role::Practitioner),
    ("audit", "audit@vieux-moulin.example", Role::Auditor),
];

/// A staff account whose password everybody knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DemoAccount {
    /// Its role.
    pub role: Role,
    /// Its e-mail address.
    pub email: &'static str,
    /// Its password.
    pub password: &'static str,
}

/// What was made.
#[derive(Debug)]
pub struct DemoClinic {
    /// The clinic.
    pub clinic: ClinicId,
    /// The address of its portal.
    pub slug: &'static str,
    /// Accounts to sign in with.
    pub staff: Vec<DemoAccount>,
    /// Patients to identify as.
    pub examples: &'static [Example],
    /// When the next availabilities are published that this start added.
    pub next_release: Instant,
    /// What the import did.
    pub report: ImportReport,
    /// Bookings that this start made.
    pub booked: usize,
}

/// Makes the demo clinic, or brings its schedule up to date.
pub async fn demo(engine: &Engine, now: Instant, progress: &dyn Progress) -> Result<DemoClinic, ImportError> {
    let clinic = clinic_of(KEY);
    let today = now.wall(ZONE).0;
    let next_release = next_hour(now);
    let files = Files {
        clinic: Some(CLINIC_TOML.to_owned()),
        patients: Some(people::csv()),
        schedules: Some(by_hand(today, next_release)),
        calendars: Vec::new(),
    };
    // The demo shows what it would send: codes, too.
    let more = ImportOptions { message_channel: true, ..ImportOptions::default() };
    let options = ImportOptions { keep_existing: true, start: Some(today), ..more };
    let report = import_files(engine, &files, &options, progress).await?;
    let ids = Ids::Keyed(engine.vault().clinic_keys(clinic).await?);
    let staff = accounts(engine, clinic, &ids, &STAFF, now).await?;
    second(engine, now, &options, progress).await?;
    let booked = bookings::book(engine, clinic, &ids, now, progress).await?;
    Ok(DemoClinic { clinic, slug: SLUG, staff, examples: &EXAMPLES, next_release, report, booked })
}

/// The second clinic, with the first's named patients.
async fn second(
    engine: &Engine,
    now: Instant,
    options: &ImportOptions,
    progress: &dyn Progress,
) -> Result<(), ImportError> {
    let clinic = clinic_of(SECOND_SLUG);
    let files = Files {
        clinic: Some(SECOND_TOML.to_owned()),
        patients: Some(people::named("cloutier")),
        schedules: None,
        calendars: Vec::new(),
    };
    import_files(engine, &files, options, progress).await?;
    let ids = Ids::Keyed(engine.vault().clinic_keys(clinic).await?);
    let administrator = [("admin", SECOND_ADMINISTRATOR, Role::Administrator)];
    accounts(engine, clinic, &ids, &administrator, now).await?;
    Ok(())
}

async fn accounts(
    engine: &Engine,
    clinic: ClinicId,
    ids: &Ids,
    staff: &[(&str, &'static str, Role)],
    now: Instant,
) -> Result<Vec<DemoAccount>, ImportError> {
    let vault = engine.vault();
    let password = Phi::new(PASSWORD.to_owned());
    let mut accounts = Vec::with_capacity(staff.len());
    for (key, email, role) in staff.iter().copied() {
        let staff = Staff { clinic, member: ids.of("member", &[key]) };
        // Setting a password ends the member's sessions: not when it is the same.
        let known = vault.verify_password(Some(clinic), &Phi::new(email.to_owned()), &password).await?;
        if !known.contains(&staff) {
            vault.set_password(staff, &password, now).await?;
        }
        accounts.push(DemoAccount { role, email, password: PASSWORD });
    }
    Ok(accounts)
}

/// The next full hour: the zone's offset is one of whole hours.
fn next_hour(now: Instant) -> Instant {
    const HOUR: i64 = 3_600_000_000;
    Instant((now.0.div_euclid(HOUR) + 1) * HOUR)
}

/// `schedules.csv`: what the staff added by hand. Keys hold the date, so that a later start adds days and repeats none.
fn by_hand(today: WallDate, release: Instant) -> String {
    let mut text = String::from("agenda,key,date,start,end,activity,title,interval_minutes,modality,publication\n");
    for date in (1..=14).map(|days| today.plus_days(days)) {
        match date.weekday() {
            1 => drop(writeln!(text, "lavoie,extra-{date},{date},13:00,14:40,suivi,Places ajoutées,,,")),
            3 => drop(writeln!(text, "nguyen,extra-{date},{date},17:00,18:00,sru-48,,,,")),
            4 => drop(writeln!(text, "gagnon,admin-{date},{date},13:00,15:00,,Temps administratif,,,")),
            _ => {}
        }
    }
    let (day, time) = release.wall(ZONE);
    let on = today.plus_days(2);
    let _ = writeln!(text, "roy,release-{today},{on},18:00,19:30,vaccin,Publication prochaine,,,{day}T{time}");
    text
}

#[cfg(test)]
mod tests;
