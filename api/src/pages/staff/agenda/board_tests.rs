use super::*;
use booking_domain::values::Language;

fn card(start: u16, end: u16) -> Card {
    let look = Look {
        w: Words::of(Language::En),
        zone: Tz::America__Toronto,
        view: View::Day,
        ended: false,
        receives: true,
        links: true,
        single: false,
    };
    let day = StaffAgendaDay {
        agenda: Uuid::nil(),
        practitioner: None,
        date: "2026-11-24".to_owned(),
        slots: vec![],
        appointments: vec![],
    };
    let place = Place { look, day: &day, name: "Dre Roy", words: "Tuesday 24 November", date: WallDate(0) };
    place.card(String::new(), (&WallTime(start).to_string(), &WallTime(end).to_string()))
}

#[test]
fn cards_that_overlap_stand_beside_one_another_and_others_have_the_whole_width() {
    let mut cards = [card(540, 560), card(550, 600), card(560, 570), card(600, 620)];
    assert_eq!(into_lanes(&mut cards), 2);
    assert_eq!(cards.map(|card| card.lane), [1, 2, 1, 0]);
    let mut crowd: Vec<Card> = (0..9).map(|_| card(540, 560)).collect();
    assert_eq!(into_lanes(&mut crowd), LANES);
    assert!(crowd.iter().all(|card| (1..=LANES).contains(&card.lane)));
}

#[test]
fn the_style_sheet_has_every_row_that_a_day_can_need() {
    let css = style_sheet();
    for class in [".r2{", ".r289{", ".s288{", ".h24{", ".n6{", ".l6{"] {
        assert!(css.contains(class), "{class}");
    }
}

#[test]
fn an_empty_day_has_the_hours_of_an_ordinary_one() {
    assert_eq!(hours(&[], false), (8, 17));
}
