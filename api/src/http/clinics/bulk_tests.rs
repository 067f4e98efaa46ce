//! Bulk requests: what a pattern spreads out to, and where its refusals point.

use super::*;
use serde_json::{Value, json};

fn agenda(byte: u8) -> String {
    AgendaId::from_bytes([byte; 16]).to_string()
}

fn expanded(form: Value) -> ApiResult<Expanded> {
    expand(&serde_json::from_value(form).unwrap())
}

#[track_caller]
fn pointers(form: Value) -> Vec<String> {
    match expanded(form) {
        Ok(_) => panic!("was not refused"),
        Err(problem) => problem.errors.into_iter().map(|e| e.pointer).collect(),
    }
}

#[test]
fn a_pattern_is_every_time_on_every_day_of_every_agenda() {
    let found = expanded(json!({"pattern": {
        "from": "2026-11-23", "to": "2026-12-06", "weekdays": ["monday", "thursday"],
        "agendas": [agenda(2), agenda(1), agenda(2)],
        "times": [{"start": "09:00", "end": "12:00"}, {"start": "13:00", "end": "16:00"}],
    }}))
    .unwrap();
    let first: Vec<_> = found.drafts.iter().take(3).map(|d| (d.date.to_string(), d.start.to_string())).collect();
    assert_eq!(found.drafts.len(), 2 * 4 * 2);
    assert_eq!(
        first,
        [("2026-11-23", "09:00"), ("2026-11-23", "13:00"), ("2026-11-26", "09:00")]
            .map(|(d, t)| (d.to_owned(), t.to_owned()))
    );
    assert_eq!(found.drafts[0].agenda.to_string(), agenda(2));
}

#[test]
fn dates_are_taken_once_and_in_order() {
    let found = expanded(json!({"pattern": {
        "dates": ["2026-12-01", "2026-11-24", "2026-12-01"], "agendas": [agenda(1)],
        "times": [{"start": "09:00", "end": "12:00"}],
    }}))
    .unwrap();
    let dates: Vec<_> = found.drafts.iter().map(|d| d.date.to_string()).collect();
    assert_eq!(dates, ["2026-11-24", "2026-12-01"]);
}

#[test]
fn a_refusal_points_into_the_request() {
    let slot = |start: &str| json!({"agenda": agenda(1), "date": "2026-11-24", "start": start, "end": "12:00"});
    assert_eq!(
        pointers(json!({"slots": [slot("09:00"), slot("9h"), slot("x")]})),
        ["/slots/1/start", "/slots/2/start"]
    );
    let pattern = |times: Value| json!({"pattern": {"dates": ["2026-11-24"], "agendas": [agenda(1)], "times": times}});
    let times =
        json!([{"start": "09:00", "end": "10:00"}, {"start": "09:00", "end": "10:00", "start_offset": "-05:00"}]);
    assert_eq!(pointers(pattern(times)), ["/pattern/times/1/start_offset"]);
    assert_eq!(pointers(json!({"slots": [], "pattern": {"agendas": [], "times": []}})), ["/slots"]);
    assert_eq!(pointers(json!({})), ["/slots"]);
    assert_eq!(pointers(json!({"pattern": {"from": "2026-11-24", "agendas": [], "times": []}})), ["/pattern"]);
}

#[test]
fn what_the_days_refuse_points_into_the_pattern_once() {
    let found = Expanded { drafts: Vec::new(), times: Some(2) };
    let bad = (0..6).map(|index| (index, BadField::new("agenda", "is not known")));
    let late = (0..6).filter(|i| i % 2 == 1).map(|index| (index, BadField::new("title", "is too long")));
    let all = Failure::Refused(BulkRefusal::BadSlots(bad.chain(late).collect()));
    let problem = refused(all, |index, field| found.pointer(index, field));
    let pointers: Vec<_> = problem.errors.into_iter().map(|e| e.pointer).collect();
    assert_eq!(pointers, ["/pattern/agendas", "/pattern/times/1/title"]);
}

#[test]
fn more_slots_than_a_bulk_may_have_are_refused_before_they_are_made() {
    let times = vec![json!({"start": "09:00", "end": "10:00"}); 100];
    let problem = expanded(json!({"pattern": {
        "from": "2026-01-01", "to": "2026-12-31", "agendas": [agenda(1)], "times": times,
    }}))
    .err()
    .unwrap();
    assert_eq!((problem.status, problem.code), (422, "invalid_field"));
}

#[test]
fn a_rule_reads_its_days_and_exceptions() {
    let form: RuleForm =
        serde_json::from_value(json!({"weekdays": ["tuesday"], "until": "2026-12-31", "except": ["2026-12-01"]}))
            .unwrap();
    let rule = weekly(&form).unwrap();
    assert_eq!((rule.weekdays, rule.every_weeks, rule.except.len()), (0b10, 1, 1));
    assert_eq!(weekly(&RuleForm { until: "soon".to_owned(), ..form }).unwrap_err().field, "rule.until");
}
