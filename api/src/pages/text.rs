//! Words of pages and messages in French and English.
//!
//! `api/locales/{fr,en}/*.ftl`, in Fluent's syntax; every key stands in both languages with the same variables, and
//! every key that a template or the code names exists: tests below say so.

use booking_domain::values::Language;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use std::borrow::Cow;
use std::sync::LazyLock;
use unic_langid::LanguageIdentifier;

const FILES: [(&str, &str, &str); 6] = [
    ("common", include_str!("../../locales/fr/common.ftl"), include_str!("../../locales/en/common.ftl")),
    ("portal", include_str!("../../locales/fr/portal.ftl"), include_str!("../../locales/en/portal.ftl")),
    ("staff", include_str!("../../locales/fr/staff.ftl"), include_str!("../../locales/en/staff.ftl")),
    ("admin", include_str!("../../locales/fr/admin.ftl"), include_str!("../../locales/en/admin.ftl")),
    ("audit", include_str!("../../locales/fr/audit.ftl"), include_str!("../../locales/en/audit.ftl")),
    ("messages", include_str!("../../locales/fr/messages.ftl"), include_str!("../../locales/en/messages.ftl")),
];

type Bundle = FluentBundle<FluentResource>;

static FRENCH: LazyLock<Bundle> = LazyLock::new(|| bundle("fr-CA", FILES.map(|(_, fr, _)| fr)));
static ENGLISH: LazyLock<Bundle> = LazyLock::new(|| bundle("en-CA", FILES.map(|(_, _, en)| en)));

fn bundle(language: &str, files: [&str; 6]) -> Bundle {
    let mut bundle = Bundle::new_concurrent(vec![language.parse::<LanguageIdentifier>().unwrap_or_default()]);
    // Marks around every variable would be read out by screen readers and copied into calendars.
    bundle.set_use_isolating(false);
    for file in files {
        let resource = FluentResource::try_new(file.to_owned()).unwrap_or_else(|(resource, errors)| {
            tracing::error!(?errors, "a file of words does not parse");
            resource
        });
        if let Err(errors) = bundle.add_resource(resource) {
            tracing::error!(?errors, "a word is defined twice");
        }
    }
    bundle
}

/// The words of one language. Templates hold it as `w`: `{{ w.t("start-title") }}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Words(pub Language);

impl Words {
    /// The words of this language; of French where it is not known.
    pub const fn of(language: Language) -> Self {
        Self(language)
    }
    /// `fr` or `en`, for `lang` attributes and addresses.
    pub const fn code(&self) -> &'static str {
        if self.is_english() { "en" } else { "fr" }
    }
    /// The other of the two.
    #[must_use]
    pub const fn other(&self) -> Self {
        if self.is_english() { Self(Language::Fr) } else { Self(Language::En) }
    }
    /// English is spoken.
    pub const fn is_english(&self) -> bool {
        matches!(self.0, Language::En)
    }
    /// The words of a key.
    pub fn t(&self, key: &str) -> String {
        self.format(key, None)
    }
    /// The words of a key with its variables: `w.tv("held-until", &[("time", time)])`; templates leave the `&` out.
    pub fn tv<V: AsRef<str>>(&self, key: &str, variables: &[(&str, V)]) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in variables {
            args.set(name.to_string(), FluentValue::from(value.as_ref().to_owned()));
        }
        self.format(key, Some(&args))
    }
    /// The words for a number of things: the variable `count` chooses the plural.
    pub fn count(&self, key: &str, count: usize) -> String {
        let mut args = FluentArgs::new();
        args.set("count", FluentValue::from(count));
        self.format(key, Some(&args))
    }
    /// One of two texts, the other where it is empty.
    pub fn either<'a>(&self, french: &'a str, english: &'a str) -> &'a str {
        let (own, other) = if self.is_english() { (english, french) } else { (french, english) };
        if own.is_empty() { other } else { own }
    }
    /// The text of this language, the other's where it is empty.
    pub fn of_text<'a>(&self, text: &'a crate::http::wire::Text) -> &'a str {
        self.either(&text.fr, &text.en)
    }

    fn format(self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let bundle = if self.is_english() { &*ENGLISH } else { &*FRENCH };
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            tracing::error!(key, "a word is missing");
            return key.to_owned();
        };
        let mut errors = Vec::new();
        let text: Cow<'_, str> = bundle.format_pattern(pattern, args, &mut errors);
        if !errors.is_empty() {
            tracing::error!(key, ?errors, "a word's variables do not fit");
        }
        text.into_owned()
    }
}

/// A telephone number as people write it here: `+14185550142` as `418 555-0142`; one of another country as it is.
pub fn telephone(number: &str) -> String {
    let local =
        number.strip_prefix("+1").filter(|local| local.len() == 10 && local.bytes().all(|b| b.is_ascii_digit()));
    local.map_or_else(|| number.to_owned(), |local| format!("{} {}-{}", &local[..3], &local[3..6], &local[6..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    /// Every key of a file with the variables that it names.
    fn keys(file: &str) -> BTreeMap<String, BTreeSet<String>> {
        let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut current = String::new();
        for line in file.lines().filter(|l| !l.trim_start().starts_with('#')) {
            if let Some((key, _)) = line.split_once(" =")
                && !line.starts_with([' ', '[', '*', '}'])
            {
                current = key.trim().to_owned();
                assert!(keys.insert(current.clone(), BTreeSet::new()).is_none(), "{current} stands twice");
            }
            for part in line.split('$').skip(1) {
                let name: String =
                    part.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
                keys.entry(current.clone()).or_default().insert(name);
            }
        }
        keys
    }

    #[test]
    fn both_languages_have_the_same_keys_with_the_same_variables() {
        for (name, french, english) in FILES {
            assert_eq!(keys(french), keys(english), "{name}");
            for file in [french, english] {
                assert!(FluentResource::try_new(file.to_owned()).is_ok(), "{name} parses");
            }
        }
    }

    #[test]
    fn no_word_is_defined_in_two_files() {
        let mut seen = BTreeSet::new();
        for (name, french, _) in FILES {
            for key in keys(french).into_keys() {
                assert!(seen.insert(key.clone()), "{name} defines {key} again: the first would win");
            }
        }
    }

    #[test]
    fn every_word_that_is_named_exists() {
        let known: BTreeSet<String> = FILES.iter().flat_map(|(_, french, _)| keys(french).into_keys()).collect();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut named = 0;
        for folder in ["templates", "src"] {
            for file in files(&root.join(folder)) {
                let text = std::fs::read_to_string(&file).unwrap();
                for call in ["w.t(\"", "w.tv(\"", "w.count(\"", "words.t(\"", "words.tv(\"", "words.count(\""] {
                    for part in text.split(call).skip(1) {
                        let key = part.split('"').next().unwrap();
                        assert!(known.contains(key), "{} names {key}", file.display());
                        named += 1;
                    }
                }
            }
        }
        assert!(named > 5, "the search finds what it is for");
    }

    fn files(folder: &Path) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
        entries
            .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
            .filter(|path| path.file_name().is_some_and(|name| name != "text.rs"))
            .collect()
    }

    #[test]
    fn a_telephone_number_reads_as_people_write_it() {
        assert_eq!(telephone("+14185550142"), "418 555-0142");
        for other in ["+33142685300", "+1418555014", "911", ""] {
            assert_eq!(telephone(other), other);
        }
    }
}
