//! Reads TOML tables field by field. Unlike a derived reader it goes on after a mistake, so that one run reports every
//! unknown key, missing field and wrong type, each with its line.
//!
//! A field that cannot be read answers an empty value; the problem that goes with it keeps the import from running.

use super::problem::{At, FileProblem, Lines, Problems};
use booking_domain::time::{WallDate, WallTime};
use booking_domain::values::Localized;
use std::collections::BTreeSet;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A TOML file that is being read.
pub(super) struct Document<'a> {
    pub file: &'a str,
    pub lines: Lines,
    pub problems: &'a Problems,
}

/// One table, with the keys that were asked for so far.
pub(super) struct Section<'d, 't> {
    document: &'d Document<'d>,
    table: &'t DeTable<'t>,
    path: String,
    line: usize,
    taken: BTreeSet<&'t str>,
    fields: Vec<(String, usize)>,
}

type Value<'t> = &'t Spanned<DeValue<'t>>;

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

impl<'d, 't> Section<'d, 't> {
    /// The whole document.
    pub fn root(document: &'d Document<'d>, table: &'t DeTable<'t>) -> Self {
        Self { document, table, path: String::new(), line: 1, taken: BTreeSet::new(), fields: Vec::new() }
    }

    fn line(&self, span: &Range<usize>) -> usize {
        self.document.lines.at(span.start)
    }
    fn full(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }
    /// Reports a problem with a field at a line.
    pub fn report(&self, line: usize, field: &str, message: impl Into<String>) {
        let (file, field, message) = (self.document.file.to_owned(), self.full(field), message.into());
        self.document.problems.push(FileProblem { file, line, field, message });
    }

    /// Reports a problem with a field at the field's own line; an empty name means the table itself.
    pub fn report_at(&self, field: &str, message: impl Into<String>) {
        let line = self.line_of(field);
        let (file, message) = (self.document.file.to_owned(), message.into());
        let field = if field.is_empty() { self.path.clone() } else { self.full(field) };
        self.document.problems.push(FileProblem { file, line, field, message });
    }

    fn take(&mut self, key: &'t str) -> Option<Value<'t>> {
        self.taken.insert(key);
        let (name, value) = self.table.get_key_value(key)?;
        let line = self.line(&name.span());
        self.fields.push((key.to_owned(), line));
        Some(value)
    }
    fn line_of(&self, key: &str) -> usize {
        self.fields.iter().find(|(name, _)| name == key).map_or(self.line, |(_, line)| *line)
    }
    fn wrong(&self, key: &str, value: Value<'t>, wanted: &str) {
        let message = format!("must be {wanted}, not {}", kind(value.get_ref()));
        self.report(self.line(&value.span()), key, message);
    }

    /// Nothing else may stand in this table; answers where the entry stands.
    pub fn done(self) -> At {
        for (name, _) in self.table {
            let key: &str = name.get_ref();
            if !self.taken.contains(key) {
                let known: Vec<&str> = self.taken.iter().copied().collect();
                let message = format!("is not a known key; known are {}", known.join(", "));
                self.report(self.line(&name.span()), key, message);
            }
        }
        At { file: self.document.file.to_owned(), line: self.line, path: self.path, fields: self.fields }
    }

    /// A field that must be there.
    pub fn need<T: Default>(&mut self, key: &'t str, read: impl FnOnce(&mut Self, &'t str) -> Option<T>) -> T {
        if !self.table.contains_key(key) {
            self.taken.insert(key);
            self.report(self.line, key, "is missing");
            return T::default();
        }
        read(self, key).unwrap_or_default()
    }

    /// A text.
    pub fn text(&mut self, key: &'t str) -> Option<String> {
        let value = self.take(key)?;
        if let DeValue::String(text) = value.get_ref() {
            return Some(text.clone().into_owned());
        }
        self.wrong(key, value, "a text");
        None
    }
    /// True or false.
    pub fn flag(&mut self, key: &'t str) -> Option<bool> {
        let value = self.take(key)?;
        if let DeValue::Boolean(flag) = value.get_ref() {
            return Some(*flag);
        }
        self.wrong(key, value, "true or false");
        None
    }
    /// A whole number that fits.
    pub fn number<T: TryFrom<i64>>(&mut self, key: &'t str) -> Option<T> {
        let value = self.take(key)?;
        let DeValue::Integer(number) = value.get_ref() else {
            self.wrong(key, value, "a whole number");
            return None;
        };
        let parsed = i64::from_str_radix(number.as_str(), number.radix()).ok().and_then(|n| T::try_from(n).ok());
        if parsed.is_none() {
            self.report(self.line(&value.span()), key, "is out of range");
        }
        parsed
    }
    /// A name of a closed list, by the API's names.
    pub fn named<T>(&mut self, key: &'t str, parse: impl Fn(&str) -> Option<T>, known: &[&str]) -> Option<T> {
        let text = self.text(key)?;
        let value = parse(&text);
        if value.is_none() {
            self.report(self.line_of(key), key, format!("must be one of {}", known.join(", ")));
        }
        value
    }
    /// A time of day, `"08:30"`.
    pub fn time(&mut self, key: &'t str) -> Option<WallTime> {
        let text = self.text(key)?;
        let time = WallTime::parse(&text);
        if time.is_none() {
            self.report(self.line_of(key), key, "must be a time of day such as \"08:30\"");
        }
        time
    }
    /// A date, as TOML's own or as a text.
    pub fn date(&mut self, key: &'t str) -> Option<WallDate> {
        let value = self.take(key)?;
        let date = read_date(value.get_ref());
        if date.is_none() {
            self.report(self.line(&value.span()), key, "must be a date that exists, as 2027-01-04");
        }
        date
    }
    /// A text in both languages: `{ fr = "…", en = "…" }`.
    pub fn localized(&mut self, key: &'t str) -> Option<Localized> {
        let value = self.take(key)?;
        self.localized_at(key, value)
    }
    fn localized_at(&mut self, key: &str, value: Value<'t>) -> Option<Localized> {
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong(key, value, "a table with fr and en");
            return None;
        };
        let mut section = self.child(key, table, self.line(&value.span()));
        let text = Localized { fr: section.text("fr").unwrap_or_default(), en: section.text("en").unwrap_or_default() };
        self.adopt(key, section.done());
        Some(text)
    }

    fn child(&self, key: &str, table: &'t DeTable<'t>, line: usize) -> Section<'d, 't> {
        let path = self.full(key);
        Section { document: self.document, table, path, line, taken: BTreeSet::new(), fields: Vec::new() }
    }
    fn adopt(&mut self, key: &str, child: At) {
        self.fields.extend(child.fields.into_iter().map(|(name, line)| (format!("{key}.{name}"), line)));
    }

    /// A table within this one.
    pub fn table<T>(&mut self, key: &'t str, read: impl FnOnce(&mut Section<'d, 't>) -> T) -> Option<T> {
        let value = self.take(key)?;
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong(key, value, "a table");
            return None;
        };
        let mut section = self.child(key, table, self.line_of(key));
        let read = read(&mut section);
        self.adopt(key, section.done());
        Some(read)
    }
    /// Like [`Section::table`], for an entry that keeps its own lines.
    pub fn entry<T>(&mut self, key: &'t str, read: impl FnOnce(&mut Section<'d, 't>) -> T) -> Option<(T, At)> {
        let value = self.take(key)?;
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong(key, value, "a table");
            return None;
        };
        let mut section = self.child(key, table, self.line_of(key));
        let read = read(&mut section);
        Some((read, section.done()))
    }
    /// A list; none if it is not there.
    fn list(&mut self, key: &'t str) -> Option<&'t [Spanned<DeValue<'t>>]> {
        let value = self.take(key)?;
        if let DeValue::Array(list) = value.get_ref() {
            return Some(list);
        }
        self.wrong(key, value, "a list");
        None
    }
    /// A list of tables, each an entry with its own lines.
    pub fn entries<T>(&mut self, key: &'t str, mut read: impl FnMut(&mut Section<'d, 't>) -> T) -> Vec<(T, At)> {
        let mut entries = Vec::new();
        for (index, value) in self.list(key).unwrap_or_default().iter().enumerate() {
            let name = format!("{key}[{index}]");
            let line = self.line(&value.span());
            let DeValue::Table(table) = value.get_ref() else {
                self.wrong(&name, value, "a table");
                continue;
            };
            let mut section = self.child(&name, table, line);
            let read = read(&mut section);
            let at = section.done();
            self.fields.push((name.clone(), line));
            self.adopt(&name, at.clone());
            entries.push((read, at));
        }
        entries
    }
    /// A list of texts, each with its line.
    pub fn texts(&mut self, key: &'t str) -> Option<Vec<(String, usize)>> {
        let list = self.list(key)?;
        let read = |(index, value): (usize, Value<'t>)| {
            if let DeValue::String(text) = value.get_ref() {
                return Some((text.clone().into_owned(), self.line(&value.span())));
            }
            self.wrong(&format!("{key}[{index}]"), value, "a text");
            None
        };
        Some(list.iter().enumerate().filter_map(read).collect())
    }
    /// A list of names of a closed list.
    pub fn names<T>(&mut self, key: &'t str, parse: impl Fn(&str) -> Option<T>, known: &[&str]) -> Option<Vec<T>> {
        let texts = self.texts(key)?;
        let mut values = Vec::with_capacity(texts.len());
        for (index, (text, line)) in texts.iter().enumerate() {
            if let Some(value) = parse(text) {
                values.push(value);
            } else {
                let message = format!("must be one of {}", known.join(", "));
                self.report(*line, &format!("{key}[{index}]"), message);
            }
        }
        Some(values)
    }
    /// A list of texts in both languages.
    pub fn localized_list(&mut self, key: &'t str) -> Vec<Localized> {
        let list = self.list(key).unwrap_or_default();
        let read = |(index, value)| self.localized_at(&format!("{key}[{index}]"), value);
        list.iter().enumerate().filter_map(read).collect()
    }
    /// A list of dates.
    pub fn dates(&mut self, key: &'t str) -> Vec<WallDate> {
        let mut dates = Vec::new();
        for (index, value) in self.list(key).unwrap_or_default().iter().enumerate() {
            if let Some(date) = read_date(value.get_ref()) {
                dates.push(date);
            } else {
                let line = self.line(&value.span());
                self.report(line, &format!("{key}[{index}]"), "must be a date that exists, as 2027-01-04");
            }
        }
        dates
    }
}

fn read_date(value: &DeValue<'_>) -> Option<WallDate> {
    match value {
        DeValue::String(text) => WallDate::parse(text),
        DeValue::Datetime(at) if at.time.is_none() => {
            at.date.and_then(|d| WallDate::from_ymd(i32::from(d.year), u32::from(d.month), u32::from(d.day)))
        }
        _ => None,
    }
}
