//! The way to the portal: link, QR code, snippets.

use super::admin;
use booking_api::AppOptions;
use booking_tests::http::{Browser, Post, TestApp};
use reqwest::Method;
use scraper::{Html, Selector};
use std::collections::HashSet;
use std::sync::Arc;

/// Reads a QR code that was drawn as an SVG of unit squares.
fn decoded(svg: &str) -> String {
    let svg = Html::parse_fragment(svg);
    let root = svg.select(&Selector::parse("svg").unwrap()).next().unwrap();
    let size: usize = root.value().attr("viewBox").unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    let mut dark = HashSet::new();
    for path in svg.select(&Selector::parse("path").unwrap()) {
        for square in path.value().attr("d").unwrap().split('M').skip(1) {
            let (at, shape) = square.split_at(square.find('h').unwrap());
            assert!(shape.starts_with("h1v1h-1"), "a shape that is no unit square: {shape}");
            let (x, y) = at.trim().split_once([',', ' ']).unwrap();
            dark.insert((x.parse::<usize>().unwrap(), y.parse::<usize>().unwrap()));
        }
    }
    let wide = 6;
    let mut image =
        rqrr::PreparedImage::prepare_from_bitmap(size * wide, size * wide, |x, y| dark.contains(&(x / wide, y / wide)));
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "one QR code");
    grids[0].decode().unwrap().1
}

#[tokio::test]
async fn the_qr_code_leads_to_the_portal() {
    let app = TestApp::start().await;
    let mut eve = admin(&app, "/staff/admin/share").await;
    assert!(!eve.has("#qr"), "no portal, no code");
    eve.goes("/staff/admin/qr.svg").await;
    eve.has_status(404);
    app.admin().opens_portal().await;
    eve.goes("/staff/admin/share").await;
    let link = eve.attributes("#link", "value").remove(0);
    let host = eve.answer.asked.clone();
    assert!(link.starts_with("http://127.0.0.1:") && link.ends_with("/p/clinique-du-parc"), "{link} {host}");
    eve.goes("/staff/admin/qr.svg").await;
    assert_eq!(eve.answer.header("content-type"), Some("image/svg+xml"));
    assert_eq!(decoded(&eve.answer.text), link);
    eve.goes("/staff/admin/qr.svg?download").await;
    assert_eq!(eve.answer.header("content-disposition"), Some("attachment; filename=\"qr.svg\""));
}

#[tokio::test]
async fn a_server_that_knows_its_address_prints_that_one_whatever_a_request_claims() {
    let post = Arc::new(Post::default());
    let messages = post.options();
    let app = TestApp::start_with(|o| AppOptions { messages, ..o }).await;
    app.admin().opens_portal().await;
    let mut eve = admin(&app, "/staff/admin/share").await;
    let token = eve.cookies["__Host-staff"].clone();
    for host in ["127.0.0.1:1", "evil.example"] {
        for (page, expected) in [
            ("/staff/admin/share", "https://rv.example.ca/p/clinique-du-parc"),
            ("/staff/admin/portal", "https://rv.example.ca/p/"),
        ] {
            let asked = app.asks(Method::GET, page).header("host", host);
            eve.answer = asked.header("cookie", &format!("__Host-staff={token}")).answer().await;
            eve.has_status(200);
            assert!(
                eve.answer.text.contains(expected) && !eve.answer.text.contains(host),
                "{page}: {}",
                eve.answer.text
            );
        }
        let code = app.asks(Method::GET, "/staff/admin/qr.svg").header("host", host);
        let code = code.header("cookie", &format!("__Host-staff={token}")).answer().await;
        assert_eq!(decoded(&code.text), "https://rv.example.ca/p/clinique-du-parc");
    }
    eve.goes("/staff/admin/members/new").await;
    let typed = [("name", "Ada Gagnon"), ("email", "ada@parc.example"), ("role", "scheduler")];
    eve.presses("Make the link", &typed).await;
    let link = eve.attributes("#link", "value").remove(0);
    assert!(link.starts_with("https://rv.example.ca/staff/invitation#"), "{link}");
}

#[tokio::test]
async fn snippets_can_be_pasted_and_name_the_portal() {
    let app = TestApp::start().await;
    app.admin().opens_portal().await;
    let mut eve = admin(&app, "/staff/admin/share").await;
    assert!(eve.has("#no-origins"), "no site may embed the portal yet");
    let link = eve.attributes("#link", "value").remove(0);
    let button = Html::parse_fragment(&eve.texts_of("#button-snippet").remove(0));
    let a = button.select(&Selector::parse("a[href]").unwrap()).next().unwrap();
    assert_eq!(a.value().attr("href"), Some(link.as_str()));
    assert_eq!(a.text().collect::<String>(), "Book an appointment");
    let frame = Html::parse_fragment(&eve.texts_of("#frame-snippet").remove(0));
    let frame = frame.select(&Selector::parse("iframe[title]").unwrap()).next().unwrap();
    assert_eq!(frame.value().attr("src"), Some(format!("{link}/embed").as_str()));

    eve.goes("/staff/admin/portal").await;
    eve.presses("Save", &[("origins", "https://parc.example/\r\nhttps://www.parc.example")]).await;
    assert_eq!(eve.text_of("#notice"), "Saved.");
    eve.goes("/staff/admin/share").await;
    assert_eq!(eve.texts_of("#origins li"), ["https://parc.example", "https://www.parc.example"]);
    assert!(!eve.has("#no-origins"));

    // What the frame loads may be framed by these sites, and what the link opens by nobody.
    let mut framed = Browser::at(&app, "/p/clinique-du-parc/embed").await;
    framed.has_status(200);
    let policy = framed.answer.header("content-security-policy").unwrap().to_owned();
    assert!(policy.ends_with("frame-ancestors https://parc.example https://www.parc.example"), "{policy}");
    assert_eq!(framed.answer.header("x-frame-options"), None);
    framed.goes("/p/clinique-du-parc").await;
    assert_eq!(framed.answer.header("x-frame-options"), Some("DENY"));
}

#[tokio::test]
async fn a_pale_accent_is_darkened_and_the_page_says_so() {
    let app = TestApp::start().await;
    app.admin().opens_portal().await;
    let mut eve = admin(&app, "/staff/admin/portal").await;
    eve.presses("Save", &[("accent", "#ffff00")]).await;
    eve.goes("/staff/admin/portal").await;
    assert!(eve.text_of("#contrast").contains("contrast 1.1 to 1. Hard to read"), "{}", eve.text_of("#contrast"));
    eve.presses("Save", &[("accent", "#1a5fb4")]).await;
    eve.goes("/staff/admin/portal").await;
    assert!(eve.text_of("#contrast").contains("Easy to read"), "{}", eve.text_of("#contrast"));
}
