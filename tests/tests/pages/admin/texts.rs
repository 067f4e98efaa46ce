//! Whatever is typed into a free text stays text on every page that shows it.

use super::{PAGES, admin};
use booking_tests::http::TestApp;
use booking_tests::http::payloads::{PAYLOADS, assert_inert};

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
