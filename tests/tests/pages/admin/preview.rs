//! What a service would put online, by name, before it is saved (R37): the page says what the portal then shows.

use super::{admin, id_of};
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Browser, Person, TestApp};
use booking_tests::rng::Rng;
use booking_tests::seeds::seeds;
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The counts of the preview, by the practitioner's name.
fn counts(eve: &Browser<'_>) -> BTreeMap<String, (usize, usize)> {
    let names = eve.texts_of("#preview-counts tbody th");
    let cells: Vec<usize> = eve.texts_of("#preview-counts tbody td").iter().map(|t| t.parse().unwrap()).collect();
    names.into_iter().zip(cells.chunks(2)).map(|(name, pair)| (name, (pair[0], pair[1]))).collect()
}

/// What the portal shows of a service, by the practitioner's name.
async fn shown(app: &TestApp, service: Uuid) -> BTreeMap<String, usize> {
    let visitor = app.visitor(&Person::stranger()).await;
    let mut counted = BTreeMap::new();
    for availability in visitor.sees(service).await {
        let name = availability["practitioner"]["name"].as_str().unwrap().to_owned();
        *counted.entry(name).or_default() += 1;
    }
    counted
}

#[tokio::test]
async fn an_activity_that_is_shared_names_everybody_whose_times_would_go_online() {
    let app = TestApp::start().await;
    let clinic = app.admin();
    clinic.opens_portal().await;
    let activity = clinic.defines_activity("zz-shared", 20).await;
    for name in ["Dre Roy", "Dr Côté"] {
        let desk = clinic.hires(name).await;
        clinic.publishes_slot(desk.agenda, TOMORROW, ("09:00", "10:00"), activity).await;
    }
    let mut eve = admin(&app, "/staff/admin/services/new").await;
    assert!(eve.text_of("#preview").contains("Choose at least one activity"), "{}", eve.text_of("#preview"));
    let typed = [("activity", activity.to_string())];
    let typed: Vec<(&str, &str)> = typed.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let before = app.changes().await;
    eve.presses("Show what would be online", &typed).await;
    eve.has_status(200);
    assert_eq!(app.changes().await, before, "nothing is stored");
    assert_eq!(eve.text_of("#preview-now"), "6 times would be online now.");
    assert_eq!(counts(&eve).into_keys().collect::<Vec<_>>(), ["Dr Côté", "Dre Roy"]);
    assert!(eve.has("#preview-everybody"), "nobody is left out, and that is said");

    // Left out by name, what was typed stays, and saving puts the other one online alone.
    let names = eve.texts_of("#practitioners .inset label");
    let ids = eve.attributes("#practitioners .inset input", "value");
    let cote = ids[names.iter().position(|name| name == "Dr Côté").unwrap()].clone();
    eve.presses("Show what would be online", &[("filter", "all_except"), ("practitioner", &cote)]).await;
    assert_eq!(counts(&eve).into_keys().collect::<Vec<_>>(), ["Dre Roy"]);
    eve.presses("Save the service", &[("internal_name", "zz"), ("name_fr", "Visite")]).await;
    assert_eq!(eve.text_of("#notice"), "Added.");
    let service = id_of(&eve, "#services", "zz");
    assert_eq!(shown(&app, service).await, BTreeMap::from([("Dre Roy".to_owned(), 3)]));

    // Opened again, somebody who would be added is marked as new.
    eve.follows("zz").await;
    eve.presses("Show what would be online", &[("filter", "all")]).await;
    assert_eq!(eve.texts_of("#preview-counts .badge"), ["new"]);
    assert!(eve.text_of("#preview-counts tr:has(.badge) th").contains("Dr Côté"));
}

/// A random clinic: practitioners who share activities, slots, a service that leaves some of them out. Answers how many
/// times the page promised.
async fn agrees(seed: u64) -> usize {
    let mut rng = Rng::new(seed);
    let app = TestApp::start().await;
    let clinic = app.admin();
    clinic.opens_portal().await;
    let mut activities = Vec::new();
    for at in 0..=rng.below(3) {
        activities.push(clinic.defines_activity(&format!("zz-{at}"), rng.pick(&[10, 20, 30])).await);
    }
    let mut desks = Vec::new();
    for at in 0..=rng.below(5) {
        desks.push(clinic.hires(&format!("Dre {at}")).await);
    }
    for _ in 0..rng.below(12) {
        let (desk, activity) = (rng.pick(&desks), rng.maybe(&activities));
        let hour = 8 + rng.below(9);
        let (start, end) = (format!("{hour:02}:00"), format!("{:02}:{}", hour + 1, rng.pick(&["00", "10", "30"])));
        let date = rng.pick(&["2026-11-23", "2026-11-24", "2026-11-30"]);
        let more = match activity {
            Some(activity) => json!({ "activity": activity }),
            None => json!({ "title": "Réunion", "interval_minutes": 20 }),
        };
        clinic.asks_for_slot(desk.agenda, date, (&start, &end), &more).await;
    }
    clinic.settles(&json!({ "min_notice_minutes": rng.pick(&[0, 0, 90]) })).await;
    app.settle().await;

    let mut typed: Vec<(&str, String)> = vec![("internal_name", "zz-s".to_owned()), ("name_fr", "Visite".to_owned())];
    let mut chosen = rng.some_of(&activities);
    if chosen.is_empty() {
        chosen.push(activities[0]);
    }
    typed.extend(chosen.iter().map(|activity| ("activity", activity.to_string())));
    let listed: Vec<_> = rng.some_of(&desks);
    let filter = if listed.is_empty() { "all" } else { rng.pick(&["all", "only", "all_except"]) };
    typed.push(("filter", filter.to_owned()));
    typed.extend(listed.iter().map(|desk| ("practitioner", desk.practitioner.to_string())));
    match rng.below(4) {
        0 => typed.extend([("publication", "days".to_owned()), ("days", rng.below(4).to_string())]),
        1 => typed.extend([("publication", "before".to_owned()), ("lead", "20".to_owned())]),
        _ => {}
    }
    if rng.percent(30) {
        typed.extend([("horizon", "2".to_owned()), ("horizon_unit", "days".to_owned())]);
    }
    let typed: Vec<(&str, &str)> = typed.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut eve = admin(&app, "/staff/admin/services/new").await;
    eve.presses("Show what would be online", &typed).await;
    let promised: BTreeMap<String, usize> =
        counts(&eve).into_iter().filter(|(_, (now, _))| *now > 0).map(|(name, (now, _))| (name, now)).collect();
    eve.presses("Save the service", &[]).await;
    assert_eq!(eve.text_of("#notice"), "Added.", "{typed:?}");
    let service = id_of(&eve, "#services", "zz-s");
    assert_eq!(promised, shown(&app, service).await, "SEED={seed}: {typed:?}");
    promised.values().sum()
}

#[tokio::test]
async fn what_the_preview_promises_is_what_the_portal_then_shows() {
    let seeds = seeds(12, 300);
    println!("what the preview promises: SEED={} to {}", seeds[0], seeds[seeds.len() - 1]);
    let (mut promised, several) = (0, seeds.len() > 1);
    for seed in seeds {
        println!("SEED={seed}");
        promised += agrees(seed).await;
    }
    assert!(promised > 0 || !several, "no seed put anything online");
}
