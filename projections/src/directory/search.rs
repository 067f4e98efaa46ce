//! What staff type to find a record: the beginnings of names without their accents, a health number, a telephone
//! number, an e-mail address or a birth date.

use super::Directory;
use super::people::{Index, People};
use booking_domain::ids::{ClinicId, PatientId};
use booking_domain::matching::{Key, fold_name};
use booking_domain::person::{Email, HealthNumber, Phone, Profile};
use booking_domain::time::WallDate;

/// The words that a record is found by: each part of its names, and each name whole, folded.
pub(super) fn words_of(profile: &Profile) -> Vec<String> {
    let names = [profile.first_name.as_str(), profile.last_name.as_str()];
    let parts = names.iter().flat_map(|name| name.split(|c: char| c.is_whitespace() || matches!(c, '-' | '\u{2010}')));
    let mut words: Vec<String> = parts.chain(names).map(fold_name).filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words.dedup();
    words
}

impl Directory {
    /// Up to `limit` records that fit the text, each person once, in the order of their names.
    pub fn search(&self, clinic: ClinicId, text: &str, limit: usize) -> Vec<PatientId> {
        let people = self.people();
        let Some(index) = people.clinics.get(&clinic) else { return vec![] };
        let mut found: Vec<PatientId> =
            index.look_up(text.trim(), &people).into_iter().map(|id| people.survivor(id)).collect();
        found.sort_unstable();
        found.dedup();
        let name = |id: &PatientId| {
            let profile = people.entries.get(id).and_then(|entry| entry.profile.as_deref());
            profile.map(|p| (fold_name(&p.last_name), fold_name(&p.first_name), p.birth_date))
        };
        found.sort_by_cached_key(|id| (name(id), *id));
        found.truncate(limit);
        found
    }
}

impl Index {
    fn look_up(&self, text: &str, people: &People) -> Vec<PatientId> {
        let by_key = |key: Key| self.keys.get(&key).cloned().unwrap_or_default();
        if let Some(date) = WallDate::parse(text) {
            let born = self.births.range((date, PatientId::default())..);
            return born.take_while(|(birth, _)| *birth == date).map(|(_, id)| *id).collect();
        }
        if let Ok(number) = HealthNumber::parse(text) {
            return by_key(Key::HealthNumber(number));
        }
        if let Ok(email) = Email::parse(text) {
            return by_key(Key::Email(email));
        }
        if let Ok(phone) = Phone::parse(text) {
            return by_key(Key::Phone(phone));
        }
        self.by_names(text, people)
    }

    /// Every word that was typed begins a word of the record, in any order.
    fn by_names(&self, text: &str, people: &People) -> Vec<PatientId> {
        let mut typed: Vec<String> =
            text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '-')).map(fold_name).collect();
        typed.retain(|word| !word.is_empty());
        // The longest one has the fewest records.
        typed.sort_by_key(|word| std::cmp::Reverse(word.len()));
        let Some((longest, others)) = typed.split_first() else { return vec![] };
        let begins = self.words.range((longest.clone(), PatientId::default())..);
        let mut ids: Vec<PatientId> =
            begins.take_while(|(word, _)| word.starts_with(longest.as_str())).map(|(_, id)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        if !others.is_empty() {
            ids.retain(|id| {
                let profile = people.entries.get(id).and_then(|entry| entry.profile.as_deref());
                let words = profile.map(words_of).unwrap_or_default();
                others.iter().all(|typed| words.iter().any(|word| word.starts_with(typed.as_str())))
            });
        }
        ids
    }
}
