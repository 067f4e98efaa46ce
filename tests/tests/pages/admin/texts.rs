//! Whatever is typed into a free text stays text on every page that shows it.

use super::{PAGES, admin};
use booking_tests::http::{Browser, TestApp};
use scraper::{Html, Selector};

/// Thirty ways to turn a text into something that runs.
const PAYLOADS: [&str; 30] = [
    "<script>x()</script>",
    "</textarea><script>x()</script>",
    "</title><script>x()</script>",
    "\"><script>x()</script>",
    "'><script>x()</script>",
    "<img src=x onerror=x()>",
    "\"><img src=x onerror=x()>",
    "<svg onload=x()>",
    "<svg/onload=x()//",
    "<body onload=x()>",
    "<iframe src=javascript:x()>",
    "<a href=javascript:x()>a</a>",
    "javascript:x()",
    "\" onmouseover=\"x()",
    "' onfocus='x()' autofocus='",
    "<details open ontoggle=x()>",
    "<math><mi//xlink:href=\"javascript:x()\">",
    "<style>@import 'javascript:x()'</style>",
    "<link rel=stylesheet href=//e.example>",
    "<meta http-equiv=refresh content=0;url=//e.example>",
    "<base href=//e.example>",
    "<form action=//e.example><button>a",
    "<input autofocus onfocus=x()>",
    "{{ 7 * 7 }}",
    "${7 * 7}",
    "<!--<img src=--><img src=x onerror=x()>",
    "<![CDATA[<script>x()</script>]]>",
    "&lt;script&gt;x()&lt;/script&gt;",
    "%3Cscript%3Ex()%3C/script%3E",
    "\u{2028}<scr<script>ipt>x()</scr</script>ipt>",
];

/// A page that holds nothing but what its templates put there.
#[track_caller]
fn assert_inert(eve: &Browser<'_>, payload: &str) {
    let html = Html::parse_document(&eve.answer.text);
    let all = Selector::parse("*").unwrap();
    for element in html.select(&all) {
        let element = element.value();
        let name = element.name();
        let foreign = matches!(name, "iframe" | "style" | "base" | "math" | "object" | "embed");
        assert!(!foreign, "{} has <{name}> after {payload:?}", eve.address);
        let ours = element.attr("src").is_some_and(|src| src.starts_with("/assets/"));
        assert!(name != "script" || ours, "{} has a script after {payload:?}", eve.address);
        let refresh = name == "meta" && element.attr("http-equiv").is_some();
        assert!(!refresh, "{} is sent elsewhere after {payload:?}", eve.address);
        for (attribute, value) in element.attrs() {
            let runs = attribute.starts_with("on") || value.trim_start().starts_with("javascript:");
            let shown = matches!(attribute, "value" | "aria-label" | "alt" | "title");
            assert!(!runs || shown, "{} has {attribute}={value:?} after {payload:?}", eve.address);
            assert!(attribute != "src" || value.starts_with('/'), "{}: src={value:?}", eve.address);
        }
    }
}

#[tokio::test]
async fn thirty_payloads_stay_text_on_every_page() {
    let app = TestApp::start().await;
    let small = app.admin().sets_up().await;
    let activity = small.activity.to_string();
    let mut eve = admin(&app, "/staff/admin").await;
    let mut stored = 0;
    for payload in PAYLOADS {
        for (page, button, typed) in [
            (format!("/staff/admin/activities/{activity}"), "Save", vec![("name", payload)]),
            (
                format!("/staff/admin/practitioners/{}", small.desk.practitioner),
                "Save",
                vec![("name", payload), ("profession_fr", payload), ("profession_en", payload)],
            ),
            (
                format!("/staff/admin/services/{}", small.service),
                "Save the service",
                vec![
                    ("internal_name", payload),
                    ("name_fr", payload),
                    ("name_en", payload),
                    ("description_fr", payload),
                    ("description_en", payload),
                    ("reason_fr", payload),
                    ("reason_en", payload),
                ],
            ),
            (
                "/staff/admin/portal".to_owned(),
                "Save",
                vec![
                    ("address", payload),
                    ("email", payload),
                    ("website", payload),
                    ("terms_fr", payload),
                    ("terms_en", payload),
                    ("notice_fr", payload),
                    ("notice_en", payload),
                ],
            ),
            // Refused, and shown again as it was typed.
            (
                "/staff/admin/portal".to_owned(),
                "Save",
                vec![("slug", payload), ("accent", payload), ("origins", payload)],
            ),
            ("/staff/admin/settings".to_owned(), "Save", vec![("notice", payload), ("hold", payload)]),
            ("/staff/admin/members/new".to_owned(), "Make the link", vec![("name", payload), ("email", "no")]),
            ("/staff/admin/tokens/new".to_owned(), "Make the token", vec![("label", payload)]),
        ] {
            eve.goes(&page).await;
            eve.presses(button, &typed).await;
            stored += usize::from(matches!(eve.answer.status, 200 | 201));
            assert!(matches!(eve.answer.status, 200 | 201 | 422), "{page}: {}", eve.answer.status);
            assert_inert(&eve, payload);
            eve.goes(&page).await;
            assert_inert(&eve, payload);
        }
        for page in PAGES {
            eve.goes(page).await;
            assert_inert(&eve, payload);
        }
        eve.goes("/staff/admin/tokens").await;
        assert_inert(&eve, payload);
    }
    assert!(stored >= 30 * 4, "only {stored} forms with a payload were stored");
}
