//! What a form or a query says, by name, and what is wrong with it.

use askama::Template;
use serde::Deserialize;

/// Fields by name, in the order in which they came. They hold what people type: there is no `Debug`.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The fields of an address.
    pub(super) fn of_query(query: Option<&str>) -> Self {
        query.and_then(|query| serde_html_form::from_str(query).ok()).unwrap_or_default()
    }
    /// A field's first value, without the spaces around it; empty if there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
    }
    /// The values of a field that may be repeated.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.trim())
    }
    /// The field is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }
    /// With another value for a field.
    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.retain(|(key, _)| key != name);
        self.0.push((name.to_owned(), value.into()));
        self
    }
    /// All fields but one.
    pub(super) fn without(&self, name: &str) -> Vec<(String, String)> {
        self.0.iter().filter(|(key, _)| key != name).cloned().collect()
    }
    /// A date from three boxes, as the API writes it; what is no number stays, and is refused there.
    pub(super) fn date(&self, prefix: &str) -> String {
        let part = |name: &str| self.get(&format!("{prefix}_{name}")).to_owned();
        let (day, month, year) = (part("day"), part("month"), part("year"));
        if day.is_empty() && month.is_empty() && year.is_empty() {
            return String::new();
        }
        format!("{year}-{month:0>2}-{day:0>2}")
    }
}

/// What is wrong with which field, in the order of the form. Ids are those of the inputs.
#[derive(Default)]
pub(super) struct Wrong(pub(super) Vec<(&'static str, String)>);

impl Wrong {
    /// One field.
    pub(super) fn one(field: &'static str, message: String) -> Self {
        Self(vec![(field, message)])
    }
    /// Nothing is.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// What is wrong with this field.
    pub(super) fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(id, _)| *id == field).map(|(_, message)| message.as_str())
    }
}

/// A box to type into, with its label, its help and what is wrong with it.
#[derive(Template)]
#[template(path = "portal/field.html")]
pub(super) struct TextField<'a> {
    id: &'static str,
    label: String,
    hint: String,
    optional: String,
    error: Option<&'a str>,
    value: &'a str,
    kind: &'static str,
    autocomplete: &'static str,
    size: &'static str,
    digits: bool,
}

impl<'a> TextField<'a> {
    /// A box with this id and name.
    pub(super) fn new(id: &'static str, label: String, value: &'a str, wrong: &'a Wrong) -> Self {
        let (hint, optional) = (String::new(), String::new());
        let (kind, autocomplete, size) = ("text", "off", "");
        Self { id, label, hint, optional, error: wrong.of(id), value, kind, autocomplete, size, digits: false }
    }
    /// With help about its form.
    pub(super) fn hint(self, hint: String) -> Self {
        Self { hint, ..self }
    }
    /// Marked as optional, in this word.
    pub(super) fn optional(self, optional: String) -> Self {
        Self { optional, ..self }
    }
    /// Of this type, filled in by the browser from what it knows as that.
    pub(super) fn of(self, kind: &'static str, autocomplete: &'static str) -> Self {
        Self { kind, autocomplete, ..self }
    }
    /// For digits: a telephone shows those keys.
    pub(super) fn digits(self) -> Self {
        Self { digits: true, ..self }
    }
    /// Of this width.
    pub(super) fn size(self, size: &'static str) -> Self {
        Self { size, ..self }
    }
}

/// A birth date in three boxes.
#[derive(Template)]
#[template(path = "portal/birth_date.html")]
pub(super) struct BirthDate<'a> {
    w: crate::pages::text::Words,
    error: Option<&'a str>,
    day: &'a str,
    month: &'a str,
    year: &'a str,
}

impl<'a> BirthDate<'a> {
    pub(super) fn new(w: crate::pages::text::Words, fields: &'a Fields, wrong: &'a Wrong) -> Self {
        let of = |name| fields.get(name);
        let (day, month, year) = (of("birth_day"), of("birth_month"), of("birth_year"));
        Self { w, error: wrong.of("birth_day"), day, month, year }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(query: &str) -> Fields {
        Fields::of_query(Some(query))
    }

    #[test]
    fn a_date_is_put_together_from_its_boxes_and_a_wrong_one_stays_wrong() {
        assert_eq!(fields("b_day=1&b_month=4&b_year=1988").date("b"), "1988-04-01");
        assert_eq!(fields("b_day=+01+&b_month=04&b_year=1988").date("b"), "1988-04-01");
        assert_eq!(fields("b_day=1&b_month=avril&b_year=88").date("b"), "88-avril-01");
        assert_eq!(fields("x=1").date("b"), "");
    }

    #[test]
    fn fields_may_be_repeated_or_absent() {
        let fields = fields("part=morning&part=evening&a=");
        assert_eq!(fields.all("part").collect::<Vec<_>>(), ["morning", "evening"]);
        assert!(fields.has("a") && !fields.has("b"));
        assert_eq!(fields.with("part", "none").all("part").collect::<Vec<_>>(), ["none"]);
    }
}
