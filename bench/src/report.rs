//! The report: what each measure found, beside its bars, as JSON for programs and as text for people.
//!
//! A measure that is run alone takes its place among the others: each carries its own moment, machine and share of
//! others, so that figures of different days stand honestly beside each other.

use crate::figures::{Spread, shown};
use crate::machine::{Machine, TENTH};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A bar to be met by the median.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bar {
    /// Not less.
    AtLeast(f64),
    /// Not more.
    AtMost(f64),
}

impl Bar {
    /// True if a figure meets it.
    #[must_use]
    pub fn is_met(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(bar) => figure >= bar,
            Self::AtMost(bar) => figure <= bar,
        }
    }
    fn text(self) -> String {
        match self {
            Self::AtLeast(bar) => format!("at least {}", shown(bar)),
            Self::AtMost(bar) => format!("at most {}", shown(bar)),
        }
    }
}

/// One figure.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Row {
    /// What it is.
    pub what: String,
    /// What came out, run by run.
    pub figure: Spread,
    /// In what.
    pub unit: String,
    /// What it has to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bar: Option<Bar>,
}

/// Points of a plot.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Series {
    /// What the points are of.
    pub name: String,
    /// Across and up.
    pub points: Vec<(f64, f64)>,
}

/// A plot.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Plot {
    /// Its file's name, without ending.
    pub file: String,
    /// What it shows.
    pub title: String,
    /// What is across, and what is up.
    pub axes: (String, String),
    /// Its lines.
    pub series: Vec<Series>,
}

/// What a measure found.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// What was done.
    pub about: String,
    /// Settings that decide about the figures: durability first.
    pub settings: Vec<String>,
    /// On what.
    pub machine: Machine,
    /// Of what.
    pub commit: String,
    /// When it began.
    pub begun: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The share of the machine that other processes took.
    pub others: f64,
    /// The figures.
    pub rows: Vec<Row>,
    /// Its plots.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plots: Vec<Plot>,
}

/// What a measure collects while it runs.
#[derive(Clone, Default, Debug)]
pub struct Findings {
    /// Settings.
    pub settings: Vec<String>,
    /// Figures.
    pub rows: Vec<Row>,
    /// Plots.
    pub plots: Vec<Plot>,
}

impl Findings {
    /// Notes a setting.
    pub fn set(&mut self, setting: impl Into<String>) {
        self.settings.push(setting.into());
    }
    /// Notes a figure that nothing is asked of.
    pub fn note(&mut self, what: &str, figure: impl Into<Spread>, unit: &str) {
        self.row(what, figure.into(), unit, None);
    }
    /// Notes a figure with its bar.
    pub fn judge(&mut self, what: &str, figure: impl Into<Spread>, unit: &str, bar: Bar) {
        self.row(what, figure.into(), unit, Some(bar));
    }
    fn row(&mut self, what: &str, figure: Spread, unit: &str, bar: Option<Bar>) {
        self.rows.push(Row { what: what.to_owned(), figure, unit: unit.to_owned(), bar });
    }
}

impl Measured {
    /// False if others took too much of the machine for the figures to say anything.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.others <= TENTH
    }

    /// As text, under this name.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        let mut text = String::new();
        let Machine { processor, processors, memory_gb, kernel, file_system } = &self.machine;
        let mut line = |words: std::fmt::Arguments<'_>| {
            // A String takes everything.
            let _ = text.write_fmt(words);
            text.push('\n');
        };
        line(format_args!("== {name}: {}", self.about));
        line(format_args!("   {processors} x {processor}, {memory_gb} GB, Linux {kernel}, {file_system}"));
        line(format_args!("   commit {}, begun {}, {:.0} s", self.commit, self.begun, self.seconds));
        for setting in &self.settings {
            line(format_args!("   {setting}"));
        }
        line(format_args!("   other processes took {:.1} % of the machine", self.others * 100.0));
        if !self.is_trusted() {
            line(format_args!("   NOT TO BE TRUSTED: that is more than a tenth"));
        }
        for row in &self.rows {
            let (median, (least, most)) = (row.figure.median(), row.figure.ends());
            let spread = match row.figure.0.len() {
                0 | 1 => String::new(),
                runs => format!("  ({} to {} in {runs} runs)", shown(least), shown(most)),
            };
            let verdict = row.bar.map_or_else(String::new, |bar| {
                let met = if !self.is_trusted() {
                    "not judged"
                } else if bar.is_met(median) {
                    "met"
                } else {
                    "MISSED"
                };
                format!("  {}: {met}", bar.text())
            });
            line(format_args!("   {:<58} {:>10} {}{spread}{verdict}", row.what, shown(median), row.unit));
        }
        text
    }
}

/// All measures by name.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Report(pub BTreeMap<String, Measured>);

impl Report {
    /// As text, in this order.
    #[must_use]
    pub fn text(&self, order: &[&str]) -> String {
        let known = order.iter().filter_map(|name| Some((*name, self.0.get(*name)?)));
        known.map(|(name, measured)| measured.text(name) + "\n").collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(others: f64) -> Measured {
        let mut findings = Findings::default();
        findings.judge("bookings", Spread(vec![90.0, 110.0, 100.0]), "a second", Bar::AtLeast(95.0));
        findings.judge("p99", 12.0, "ms", Bar::AtMost(10.0));
        let machine = Machine {
            processor: "a processor".to_owned(),
            processors: 2,
            memory_gb: 8,
            kernel: "6".to_owned(),
            file_system: "ext4".to_owned(),
        };
        Measured {
            about: "something".to_owned(),
            settings: vec![],
            machine,
            commit: "abc".to_owned(),
            begun: "now".to_owned(),
            seconds: 1.0,
            others,
            rows: findings.rows,
            plots: vec![],
        }
    }

    #[test]
    fn bars_are_met_or_missed_by_the_median() {
        let text = measured(0.01).text("bookings");
        assert!(text.contains("at least 95.0: met") && text.contains("at most 10.0: MISSED"), "{text}");
        assert!(!text.contains("NOT TO BE TRUSTED"), "{text}");
    }

    #[test]
    fn beside_other_work_nothing_is_judged() {
        let text = measured(0.11).text("bookings");
        assert!(text.contains("NOT TO BE TRUSTED") && text.contains("not judged"), "{text}");
        assert!(!text.contains(": met") && !text.contains("MISSED"), "{text}");
    }

    #[test]
    fn a_report_survives_its_json() {
        let report = Report(BTreeMap::from([("bookings".to_owned(), measured(0.0))]));
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    }
}
