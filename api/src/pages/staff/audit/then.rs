//! The moment that a page shows: right after an event, at a time on the clinic's wall, or now; and the way to others.

use crate::http::audit::past::WhenQuery;
use crate::http::audit::replay::Steps;
use crate::pages::text::Words;
use booking_domain::time::{Tz, WallDate, WallTime, resolve};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// What an address says, as far as it can be read: an old link still shows a page.
pub(in crate::pages::staff) fn read<T: DeserializeOwned + Default>(query: Option<&str>) -> T {
    serde_html_form::from_str(query.unwrap_or_default()).unwrap_or_default()
}

/// An address with a query.
pub(super) fn with_query<N: AsRef<str>, V: AsRef<str>>(path: &str, pairs: &[(N, V)]) -> String {
    let pairs: Vec<(&str, &str)> =
        pairs.iter().map(|(n, v)| (n.as_ref(), v.as_ref())).filter(|(_, v)| !v.is_empty()).collect();
    match serde_html_form::to_string(&pairs) {
        Ok(query) if !query.is_empty() => format!("{path}?{query}"),
        _ => path.to_owned(),
    }
}

/// A moment as an address or a form says it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages::staff) struct Then {
    /// A day on the clinic's wall.
    pub(in crate::pages::staff) on: String,
    /// A time of it; none: its beginning.
    pub(in crate::pages::staff) at: String,
    /// Position of an event; it goes before.
    pub(in crate::pages::staff) position: String,
}

impl Then {
    /// It is not now.
    pub(in crate::pages::staff) fn is_past(&self) -> bool {
        !self.position.is_empty() || !self.on.is_empty()
    }
    /// For the API.
    pub(in crate::pages::staff) fn when(&self, zone: Tz) -> WhenQuery {
        if !self.position.is_empty() {
            // What is no number is no position of an event either, and is refused as such.
            return WhenQuery { at_position: Some(self.position.parse().unwrap_or(0)), ..WhenQuery::default() };
        }
        let time = if self.at.is_empty() { Some(WallTime(0)) } else { parse_time(&self.at) };
        match (WallDate::parse(&self.on), time) {
            (Some(on), Some(at)) => {
                let at = resolve(on, at, zone).first_or_next();
                WhenQuery { at_time: Some(at.rfc3339(zone)), ..WhenQuery::default() }
            }
            _ if self.on.is_empty() => WhenQuery::default(),
            _ => WhenQuery { at_time: Some(self.on.clone()), ..WhenQuery::default() },
        }
    }
    /// For links that keep the moment.
    pub(in crate::pages::staff) fn pairs(&self) -> Vec<(&'static str, String)> {
        if !self.position.is_empty() {
            return vec![("position", self.position.clone())];
        }
        if self.on.is_empty() {
            return vec![];
        }
        vec![("on", self.on.clone()), ("at", self.at.clone())]
    }
}

/// Browsers send seconds where a field had some.
fn parse_time(text: &str) -> Option<WallTime> {
    WallTime::parse(text.get(..5).unwrap_or(text))
}

/// The control that chooses the moment: a form for a time, links from event to event.
pub(in crate::pages::staff) struct Slider {
    pub(in crate::pages::staff) action: String,
    /// What the page keeps besides.
    pub(in crate::pages::staff) kept: Vec<(String, String)>,
    pub(in crate::pages::staff) on: String,
    pub(in crate::pages::staff) at: String,
    pub(in crate::pages::staff) past: bool,
    /// The moment in words; none: it cannot be shown.
    pub(in crate::pages::staff) moment: String,
    /// The event right after which this is.
    pub(in crate::pages::staff) position: String,
    pub(in crate::pages::staff) earlier: Option<String>,
    pub(in crate::pages::staff) later: Option<String>,
    pub(in crate::pages::staff) now: String,
}

impl Slider {
    /// On a page at `action` that keeps `kept`; `shown` is the moment that the answer says it shows, RFC 3339.
    pub(in crate::pages::staff) fn new(
        w: Words,
        action: &str,
        kept: Vec<(String, String)>,
        then: &Then,
        shown: &str,
        steps: Steps,
    ) -> Self {
        let to = |position: u64| {
            let position = [("position".to_owned(), position.to_string())];
            with_query(action, &kept.iter().cloned().chain(position).collect::<Vec<_>>())
        };
        Self {
            action: action.to_owned(),
            // The form shows the moment that is shown, so that a small change of it is a small change.
            on: shown.get(..10).unwrap_or(&then.on).to_owned(),
            at: shown.get(11..16).unwrap_or(&then.at).to_owned(),
            past: then.is_past(),
            moment: exact(w, shown),
            position: then.position.clone(),
            earlier: steps.earlier.map(to),
            later: steps.later.map(to).filter(|_| then.is_past()),
            now: with_query(action, &kept),
            kept,
        }
    }

    /// The same of a page whose events stand at these positions, in their order.
    pub(super) fn steps(positions: &[u64], then: &Then, happened: usize) -> Steps {
        let own = then.position.parse::<u64>().ok().filter(|at| positions.contains(at));
        // Right after an event, the one before it; at any other moment, the last that had happened.
        let earlier = if own.is_some() { happened.checked_sub(2) } else { happened.checked_sub(1) };
        Steps { earlier: earlier.and_then(|n| positions.get(n)).copied(), later: positions.get(happened).copied() }
    }
}

/// A moment of the API (RFC 3339 in the clinic's zone) to the second.
pub(super) fn exact(w: Words, at: &str) -> String {
    match (at.get(..10).and_then(WallDate::parse), at.get(11..19)) {
        (Some(date), Some(time)) => format!("{}, {time}", w.full_date(date)),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_domain::values::Language;

    const ZONE: Tz = Tz::America__Toronto;

    fn then(on: &str, at: &str, position: &str) -> Then {
        Then { on: on.to_owned(), at: at.to_owned(), position: position.to_owned() }
    }

    #[test]
    fn a_moment_is_an_event_or_a_time_on_the_wall_or_now() {
        assert_eq!(then("2026-11-24", "09:30", "7").when(ZONE).at_position, Some(7));
        let at = then("2026-11-24", "09:30:59", "").when(ZONE).at_time;
        assert!(at.unwrap().starts_with("2026-11-24T09:30:00"), "seconds are not asked for");
        assert!(then("2026-11-24", "", "").when(ZONE).at_time.unwrap().starts_with("2026-11-24T00:00:00"));
        let now = then("", "10:00", "").when(ZONE);
        assert!(now.at_time.is_none() && now.at_position.is_none());
        assert_eq!(then("soon", "", "").when(ZONE).at_time.as_deref(), Some("soon"), "the API says what is wrong");
        assert_eq!(then("", "", "x").when(ZONE).at_position, Some(0));
    }

    #[test]
    fn steps_lead_to_the_neighbours_and_no_further() {
        let all = [3, 8, 9];
        let steps = |position: &str, happened| Slider::steps(&all, &then("", "", position), happened);
        assert_eq!(steps("8", 2), Steps { earlier: Some(3), later: Some(9) });
        assert_eq!(steps("3", 1), Steps { earlier: None, later: Some(8) });
        assert_eq!(steps("", 3), Steps { earlier: Some(9), later: None });
        assert_eq!(steps("5", 1), Steps { earlier: Some(3), later: Some(8) }, "between two of its own");
        assert_eq!(steps("", 0), Steps { earlier: None, later: Some(3) });
    }

    #[test]
    fn a_moment_is_told_to_the_second() {
        assert_eq!(exact(Words(Language::En), "2026-11-24T09:30:05.123456-05:00"), "24 November 2026, 09:30:05");
        assert_eq!(exact(Words(Language::Fr), "nonsense"), "");
    }
}
