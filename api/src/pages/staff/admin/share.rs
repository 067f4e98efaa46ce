//! The way to the portal, for the clinic's site and for paper: link, QR code, button, frame.

use super::outcome::Outcome;
use super::portal::current;
use super::{Admin, Page, on_page};
use crate::http::AppState;
use crate::http::problem::{ApiResult, Problem};
use crate::pages::render;
use axum::Router;
use axum::extract::RawQuery;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use fast_qr::convert::svg::SvgBuilder;
use fast_qr::{ECL, QRBuilder};

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/staff/admin/share", get(show)).route("/staff/admin/qr.svg", get(qr))
}

#[derive(askama::Template)]
#[template(path = "staff/admin/share.html")]
struct SharePage {
    page: Page,
    /// None until the portal is configured.
    snippets: Option<Snippets>,
    active: bool,
    origins: Vec<String>,
}

on_page!(SharePage);

/// What is copied into the clinic's site.
struct Snippets {
    link: String,
    button: String,
    frame: String,
}

impl Snippets {
    /// `label` is what the button says, `title` what a screen reader says of the frame.
    fn of(link: String, label: &str, title: &str) -> Self {
        let (label, title) = (escaped(label), escaped(title));
        Self {
            button: format!(
                "<a href=\"{link}\" style=\"display:inline-block;padding:.75em 1.25em;border-radius:.5em;\
                 background:#1f5f8b;color:#fff;font-weight:600;text-decoration:none\">{label}</a>"
            ),
            frame: format!(
                "<iframe src=\"{link}/embed\" title=\"{title}\" style=\"width:100%;height:900px;border:0\"></iframe>"
            ),
            link,
        }
    }
}

/// The address is plain by its form; words are not.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

async fn show(admin: Admin) -> ApiResult<Response> {
    let w = admin.w();
    let setup = current(&admin).await?;
    let link = setup.path.map(|path| format!("{}{path}", admin.origin));
    let snippets =
        link.map(|link| Snippets::of(link, &w.t("admin-share-button-label"), &w.t("admin-share-frame-title")));
    let origins = setup.config.map(|config| config.embedding_origins).unwrap_or_default();
    let active = setup.active;
    render(&SharePage { page: admin.page("share", Outcome::default()), snippets, active, origins })
}

/// The QR code of the portal's address. `?download`: as a file to keep.
async fn qr(admin: Admin, RawQuery(query): RawQuery) -> ApiResult<Response> {
    let path = current(&admin).await?.path.ok_or_else(Problem::not_found)?;
    // Quartile: a poster with a crease can still be read.
    let code = QRBuilder::new(format!("{}{path}", admin.origin)).ecl(ECL::Q).build().map_err(Problem::internal)?;
    let svg = SvgBuilder::default().to_str(&code);
    let mut response = ([(header::CONTENT_TYPE, "image/svg+xml")], svg).into_response();
    if query.as_deref() == Some("download") {
        let kept = header::HeaderValue::from_static("attachment; filename=\"qr.svg\"");
        response.headers_mut().insert(header::CONTENT_DISPOSITION, kept);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cannot_leave_their_place_in_a_snippet() {
        let snippets = Snippets::of("https://a.example/p/b".to_owned(), "<b>\"&", "\"><script>");
        assert!(snippets.button.ends_with(">&lt;b&gt;&quot;&amp;</a>"), "{}", snippets.button);
        assert!(!snippets.frame.contains("<script>"), "{}", snippets.frame);
    }
}
