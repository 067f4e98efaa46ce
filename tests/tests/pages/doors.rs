//! What every page keeps to: its headers, who may frame it, whose posts it takes, what a mail scanner does to it, and
//! how much it weighs.

use super::states::{at_the_times, choose};
use booking_tests::http::{Answer, Browser, Person, SmallClinic, TestApp};
use reqwest::Method;
use serde_json::json;

const PORTAL: &str = "/p/clinique-du-parc";
const STEPS: [&str; 10] = ["start", "who", "service", "when", "details", "check", "booked", "manage", "move", "cancel"];

/// The pages of the booking and how they are asked for.
fn pages() -> Vec<(Method, String)> {
    let mut pages = vec![(Method::GET, PORTAL.to_owned()), (Method::GET, format!("{PORTAL}/embed"))];
    for step in STEPS {
        for path in [format!("{PORTAL}/fr/{step}"), format!("{PORTAL}/embed/en/{step}")] {
            pages.push((Method::GET, path.clone()));
            pages.push((Method::POST, path));
        }
    }
    pages.push((Method::GET, format!("{PORTAL}/fr/nothing-here")));
    pages.push((Method::GET, "/p/nobody/fr/start".to_owned()));
    pages.push((Method::PUT, format!("{PORTAL}/fr/who")));
    pages
}

async fn asks(app: &TestApp, method: &Method, path: &str) -> Answer {
    let asked = app.asks(method.clone(), path).header("sec-fetch-site", "same-origin");
    if *method == Method::GET {
        asked.answer().await
    } else {
        asked.raw("application/x-www-form-urlencoded", "do=next").answer().await
    }
}

#[tokio::test]
async fn every_answer_has_its_headers_errors_included_and_is_a_page() {
    let app = TestApp::start().await;
    let _ = SmallClinic::with_a_morning(&app).await;
    let mut pages = pages();
    let long = "x".repeat(1_100_000);
    for (method, path) in pages.drain(..) {
        let answer = asks(&app, &method, &path).await;
        protected(&answer);
    }
    let answer = app.asks(Method::POST, &format!("{PORTAL}/fr/who")).header("sec-fetch-site", "same-origin");
    let answer = answer.raw("application/x-www-form-urlencoded", long).answer().await;
    answer.has_status(413);
    protected(&answer);
    let answer = app.asks(Method::POST, &format!("{PORTAL}/fr/who")).json(&json!({})).answer().await;
    answer.has_status(415);
    protected(&answer);
}

/// Expects the headers of every page, and nothing inline.
#[track_caller]
pub(super) fn protected(answer: &Answer) {
    let header = |name: &str| answer.header(name).unwrap_or_else(|| panic!("{} has no {name}", answer.asked));
    let policy = header("content-security-policy");
    for part in
        ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"]
    {
        assert!(policy.contains(part), "{}: {policy}", answer.asked);
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(header("x-frame-options"), "DENY");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cache-control"), "no-store", "{}", answer.asked);
    assert!(!header("x-request-id").is_empty());
    if !(300..400).contains(&answer.status) {
        assert_eq!(header("content-type"), "text/html; charset=utf-8", "{}", answer.asked);
        assert!(answer.text.contains("<html lang=\""), "{}", answer.asked);
        assert!(!answer.text.contains("style=") && !answer.text.contains(" onclick="), "{}: inline", answer.asked);
    }
}

#[tokio::test]
async fn only_embedded_pages_are_framed_and_only_by_listed_origins() {
    let app = TestApp::start().await;
    let _ = SmallClinic::with_a_morning(&app).await;
    let admin = app.admin();
    let now = admin.get("/portal").await.ok();
    let mut form = now.body["config"].clone();
    form["embedding_origins"] = json!(["https://clinique.example", "https://www.clinique.example"]);
    let _ = admin.changes(Method::PUT, "/portal", &now.etag(), &form).await.ok();
    app.settle().await;
    let framed = "frame-ancestors https://clinique.example https://www.clinique.example";
    for (method, path) in pages() {
        let answer = asks(&app, &method, &path).await;
        let policy = answer.header("content-security-policy").unwrap();
        // What is about an appointment that is booked is never framed.
        let own = ["manage", "move", "cancel"].iter().any(|step| path.ends_with(step));
        if path.contains("/embed") && !own && !(300..400).contains(&answer.status) {
            assert!(policy.ends_with(framed), "{method} {path}: {policy}");
            assert_eq!(answer.header("x-frame-options"), None, "{path}");
        } else if !path.contains("/embed") || own {
            assert!(policy.ends_with("frame-ancestors 'none'"), "{method} {path}: {policy}");
            assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
        }
        assert!(!path.contains("/embed") || answer.header("set-cookie").is_none(), "{path} keeps no cookie");
    }
}

#[tokio::test]
async fn another_sites_post_is_refused_on_every_page_and_changes_nothing() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let mut browser = at_the_times(&app, &small, &Person::stranger()).await;
    choose(&mut browser, 0).await;
    browser.presses("Continuer", &[]).await;
    let (_, _, form) = browser.form("Confirmer le rendez-vous", &[]);
    let cookies: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let before = app.changes().await;
    for step in STEPS {
        for path in [format!("{PORTAL}/fr/{step}"), format!("{PORTAL}/embed/fr/{step}")] {
            for site in ["cross-site", "same-site"] {
                let asked =
                    app.asks(Method::POST, &path).header("sec-fetch-site", site).header("cookie", &cookies.join("; "));
                asked.raw("application/x-www-form-urlencoded", form.clone()).answer().await.has_status(403);
            }
            // Browsers that do not say where a request comes from say whose page sent it, or that they will not tell.
            for origin in ["https://elsewhere.example", "null"] {
                let asked = app.asks(Method::POST, &path).header("origin", origin);
                asked.raw("application/x-www-form-urlencoded", form.clone()).answer().await.has_status(403);
            }
        }
    }
    assert_eq!(app.changes().await, before);
}

#[tokio::test]
async fn a_scanner_that_follows_every_link_five_times_changes_nothing() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let mut browser = at_the_times(&app, &small, &Person::stranger()).await;
    choose(&mut browser, 0).await;
    browser.presses("Continuer", &[]).await;
    browser.presses("Confirmer le rendez-vous", &[]).await;
    let reference = browser.text_of("#reference [aria-hidden]");
    let find = [("reference", reference.as_str()), ("birth_day", "15"), ("birth_month", "6"), ("birth_year", "1985")];
    browser.goes(&format!("{PORTAL}/fr/manage")).await;
    browser.presses("Afficher le rendez-vous", &find).await;
    app.settle().await;
    let before = app.events().await.len();
    // Everything that can be reached by links alone, with the cookies of the patient's own browser.
    let mut seen: Vec<String> = STEPS.iter().map(|step| format!("{PORTAL}/fr/{step}")).collect();
    let mut next = 0;
    while next < seen.len() {
        let path = seen[next].clone();
        next += 1;
        for method in [Method::GET, Method::HEAD] {
            for _ in 0..5 {
                let _ = browser.request(&method, &path, None).await;
            }
        }
        browser.goes(&path).await;
        for href in browser.attributes("a[href^='/p/']", "href") {
            if !seen.contains(&href) && seen.len() < 80 {
                seen.push(href);
            }
        }
    }
    assert!(seen.len() > 15, "{seen:?}");
    app.settle().await;
    let after = app.events().await;
    let kinds: Vec<_> = after[before..].iter().map(|e| e.event_type.to_string()).collect();
    assert!(kinds.is_empty(), "{kinds:?}");
}

#[tokio::test]
async fn the_first_page_weighs_less_than_thirty_thousand_bytes_and_no_page_more_than_a_hundred_thousand() {
    let app = TestApp::start().await;
    let small = app.admin().sets_up().await;
    let scheduler = app.scheduler();
    for n in 0..4 {
        let desk = app.admin().hires(&format!("Dre Marie-Hélène Archambault-Desrosiers {n}")).await;
        for day in 24..=28 {
            let date = format!("2026-11-{day}");
            scheduler.publishes_slot(desk.agenda, &date, ("08:00", "20:00"), small.activity).await;
        }
    }
    app.settle().await;
    let browser = Browser::at(&app, PORTAL).await;
    let first = weight(&app, &browser).await;
    println!("first page with its files: {first} bytes");
    assert!(first < 30_000, "{first} bytes");
    let mut browser = at_the_times(&app, &small, &Person::stranger()).await;
    let times = weight(&app, &browser).await;
    println!("the longest page with its files: {times} bytes");
    assert!(times < 100_000, "{times} bytes");
    choose(&mut browser, 0).await;
    assert!(weight(&app, &browser).await < 100_000);
}

/// A page with everything that it loads, headers included.
async fn weight(app: &TestApp, browser: &Browser<'_>) -> usize {
    let of = |answer: &Answer| {
        let headers: usize = answer.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        headers + answer.text.len()
    };
    let mut sum = of(&browser.answer);
    let sheets = browser.attributes("link[rel=stylesheet]", "href");
    for file in sheets.into_iter().chain(browser.attributes("script[src]", "src")) {
        let answer = app.get(&file).await;
        answer.has_status(200);
        assert!(answer.header("cache-control").unwrap().contains("immutable"), "{file}");
        sum += of(&answer);
    }
    sum
}

// An older Safari sends no Sec-Fetch-Site, and `Origin: null` where a page lets no referrer out at all: our own forms would
// be refused. So pages let it out to ourselves alone, which makes it send the true origin.
#[tokio::test]
async fn an_older_browser_posts_our_own_forms_by_their_origin() {
    let app = TestApp::start().await;
    let _ = SmallClinic::with_a_morning(&app).await;
    for page in [format!("{PORTAL}/fr/who"), format!("{PORTAL}/fr/nothing-here"), "/staff/sign-in".to_owned()] {
        let browser = Browser::at(&app, &page).await;
        assert_eq!(browser.attributes("meta[name=referrer]", "content"), ["same-origin"], "{page}");
    }
    let origin = app.origin();
    let asked = app.asks(Method::POST, &format!("{PORTAL}/fr/who")).header("origin", &origin);
    asked.raw("application/x-www-form-urlencoded", "do=next").answer().await.has_status(422);
}
