//! The demo's patients as a `patients.csv`: some whom the README names, and thousands from a seed.
//!
//! None of them exists. Telephone numbers have the exchange 555, addresses the reserved domain example.org. Birth dates
//! are fixed, so that the same people come out whenever the demo is made.

use super::names::{MEN, STREETS, SURNAMES, Seed, TOWNS, WOMEN};
use booking_domain::matching::fold_name;
use std::collections::HashSet;
use std::fmt::Write;

/// How many patients the demo has, the named ones included.
pub(super) const PATIENTS: usize = 3_000;
/// Practitioners that patients are registered with.
const DOCTORS: [&str; 5] = ["gagnon", "nguyen", "bouchard", "macdonald", "lavoie"];

/// A patient whom the README's tour names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Example {
    /// External key in the import.
    pub key: &'static str,
    /// First name.
    pub first_name: &'static str,
    /// Surname.
    pub last_name: &'static str,
    /// Birth date.
    pub birth_date: &'static str,
    /// `female`, `male` or `other`.
    pub sex: &'static str,
    /// Health insurance number.
    pub health_number: &'static str,
    /// Cell phone.
    pub phone: &'static str,
    /// E-mail address.
    pub email: &'static str,
    /// Registration, as in `patients.csv`.
    pub registration: &'static str,
    /// What can be tried with this person.
    pub shows: &'static str,
}

/// The patients whom the README's tour names.
pub const EXAMPLES: [Example; 6] = [
    Example {
        key: "P-0001",
        first_name: "Amélie",
        last_name: "Tremblay",
        birth_date: "1988-04-12",
        sex: "female",
        health_number: "TREA88541217",
        phone: "418 555-0101",
        email: "amelie.tremblay@example.org",
        registration: "gagnon",
        shows: "registered with Dr. Gagnon: sees her times, the screening, and what is open to all",
    },
    Example {
        key: "P-0002",
        first_name: "Gérard",
        last_name: "Bélanger",
        birth_date: "1949-09-03",
        sex: "male",
        health_number: "BELG49090314",
        phone: "418 555-0102",
        email: "gerard.belanger@example.org",
        registration: "nguyen",
        shows: "over 65 and registered: sees the health review",
    },
    Example {
        key: "P-0003",
        first_name: "Zoé",
        last_name: "Tremblay-Nguyen",
        birth_date: "2017-02-20",
        sex: "female",
        health_number: "TREZ17522011",
        phone: "418 555-0101",
        email: "amelie.tremblay@example.org",
        registration: "clinic",
        shows: "a child, booked for by a parent: sees the times for children",
    },
    Example {
        key: "P-0004",
        first_name: "David",
        last_name: "Smith",
        birth_date: "1975-12-01",
        sex: "male",
        health_number: "SMID75120119",
        phone: "581 555-0104",
        email: "david.smith@example.org",
        registration: "none",
        shows: "has a record and no family physician: sees what an existing record opens",
    },
    Example {
        key: "P-0005",
        first_name: "Fatima",
        last_name: "Benali",
        birth_date: "1995-06-30",
        sex: "female",
        health_number: "BENF95563012",
        phone: "418 555-0105",
        email: "fatima.benali@example.org",
        registration: "macdonald",
        shows: "registered with Dr. MacDonald, who works evenings",
    },
    Example {
        key: "P-0006",
        first_name: "Jean-François",
        last_name: "L'Écuyer",
        birth_date: "1962-03-15",
        sex: "male",
        health_number: "LECJ62031513",
        phone: "418 555-0106",
        email: "jf.lecuyer@example.org",
        registration: "bouchard",
        shows: "type the name without accents, hyphen or apostrophe: it is recognized",
    },
];

const COLUMNS: &str =
    "key,first_name,last_name,birth_date,sex,health_number,health_number_expiry,phones,emails,address,registration\n";

/// The named patients alone, registered with one practitioner.
pub(super) fn named(practitioner: &str) -> String {
    let lines = EXAMPLES.iter().map(|e| {
        format!(
            "{},{},{},{},{},{},2030-06,{},{},,{practitioner}\n",
            e.key, e.first_name, e.last_name, e.birth_date, e.sex, e.health_number, e.phone, e.email
        )
    });
    std::iter::once(COLUMNS.to_owned()).chain(lines).collect()
}

/// The whole file.
pub(super) fn csv() -> String {
    let mut text = String::from(COLUMNS);
    let mut numbers: HashSet<String> = HashSet::new();
    for e in &EXAMPLES {
        numbers.insert(e.health_number.to_owned());
        let Example { key, first_name, last_name, birth_date, sex, health_number, phone, email, registration, .. } = e;
        let address = "\"142, rue du Moulin, Québec\"";
        let _ = writeln!(
            text,
            "{key},{first_name},{last_name},{birth_date},{sex},{health_number},2030-06,{phone},{email},{address},{registration}"
        );
    }
    let mut seed = Seed(1_837);
    for place in EXAMPLES.len()..PATIENTS {
        line(&mut text, &mut seed, place + 1, &mut numbers);
    }
    text
}

fn line(text: &mut String, seed: &mut Seed, place: usize, numbers: &mut HashSet<String>) {
    let female = seed.below(100) < 52;
    let first = *seed.pick(if female { &WOMEN } else { &MEN });
    let last = *seed.pick(&SURNAMES);
    // Clinics see the old and the very young more often.
    let year = match seed.below(10) {
        0 | 1 => 2007 + seed.below(18),
        2..=4 => 1935 + seed.below(26),
        _ => 1961 + seed.below(46),
    };
    let (month, day) = (1 + seed.below(12), 1 + seed.below(28));
    let sex = if female { "female" } else { "male" };
    let (town, area, postal) = *seed.pick(&TOWNS);
    let phone = format!("{area} 555-{:04}", 200 + seed.below(9_800));
    let email = match seed.below(10) {
        0..=6 => format!("{}.{}{place}@example.org", plain(first), plain(last)),
        _ => String::new(),
    };
    let street = *seed.pick(&STREETS);
    let house = 1 + seed.below(2_400);
    let address = format!("{house}, {street}, {town} (Québec)  {postal} {}A{}", seed.below(10), seed.below(10));
    let registration = match seed.below(20) {
        0..=2 => "none",
        3 => "elsewhere",
        4 => "clinic",
        _ => seed.pick(&DOCTORS),
    };
    // Some people come without a card.
    let card = seed.below(20) > 0;
    let number = health_number(first, last, female, (year, month, day), seed, numbers);
    let (number, expiry) = if card {
        (number, format!("20{}-{:02}", 26 + seed.below(6), 1 + seed.below(12)))
    } else {
        (String::new(), String::new())
    };
    let _ = writeln!(
        text,
        "P-{place:04},{first},{last},{year}-{month:02}-{day:02},{sex},{number},{expiry},{phone},{email},\"{address}\",{registration}"
    );
}

fn plain(name: &str) -> String {
    fold_name(name).chars().filter(char::is_ascii_alphanumeric).collect()
}

/// Three letters of the surname, one of the first name, year, month (50 more for women), day, and two digits that make
/// it nobody else's.
fn health_number(
    first: &str,
    last: &str,
    female: bool,
    (year, month, day): (usize, usize, usize),
    seed: &mut Seed,
    numbers: &mut HashSet<String>,
) -> String {
    let letters = |name: &str, count: usize| -> String {
        let letters = plain(name).to_uppercase();
        letters.chars().filter(char::is_ascii_uppercase).chain(std::iter::repeat('X')).take(count).collect()
    };
    let month = if female { month + 50 } else { month };
    let person = format!("{}{}{:02}{month:02}{day:02}", letters(last, 3), letters(first, 1), year % 100);
    loop {
        let number = format!("{person}{:02}", 10 + seed.below(90));
        if numbers.insert(number.clone()) {
            return number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_domain::person::HealthNumber;

    #[test]
    fn the_same_people_come_out_every_time() {
        assert_eq!(csv(), csv());
        assert_eq!(csv().lines().count(), PATIENTS + 1);
    }

    #[test]
    fn health_numbers_agree_with_name_birth_date_and_sex() {
        for example in EXAMPLES {
            let e = example;
            let parts: Vec<usize> = e.birth_date.split('-').map(|p| p.parse().unwrap()).collect();
            let (mut seed, mut none) = (Seed(1), HashSet::new());
            let birth = (parts[0], parts[1], parts[2]);
            let made = health_number(e.first_name, e.last_name, e.sex == "female", birth, &mut seed, &mut none);
            assert_eq!(made[..10], e.health_number[..10], "{}", e.last_name);
            assert!(HealthNumber::parse(e.health_number).is_ok());
        }
    }
}
