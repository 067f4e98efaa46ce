//! A record is searched for, then chosen: what the pages that need a patient have in common. A search is a POST, so that
//! no name is ever in an address; what it shows was recorded when it comes.

use super::appointments::{Person, person};
use super::frame::SignedIn;
use crate::http::AppState;
use crate::http::clinics::appointments::AfterQuery;
use crate::http::clinics::patients::{self, SearchPatients};
use crate::http::extract::{ApiJson, ApiPath, ApiQuery};
use crate::http::problem::ApiResult;
use axum::body::Bytes;
use axum::extract::State;
use serde::Deserialize;
use uuid::Uuid;

/// A record that was found.
pub(super) struct Found {
    pub(super) id: Uuid,
    pub(super) person: Person,
    pub(super) deceased: bool,
}

/// What is searched for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct SearchForm {
    pub(super) search: String,
}

/// Finds records of the clinic.
pub(super) async fn find(app: &AppState, signed: &SignedIn, text: &str) -> ApiResult<Vec<Found>> {
    let value = SearchPatients { text: text.trim().to_owned(), limit: Some(50) };
    let body = ApiJson { value, bytes: Bytes::new() };
    let (who, path) = (signed.principal.clone(), ApiPath(signed.clinic()));
    let query = ApiQuery(AfterQuery { after: None });
    let found = patients::search(State(app.clone()), who, path, query, body).await?.body.patients;
    let shown = found.iter().filter_map(|item| {
        let person = person(signed.w, &item.details)?;
        Some(Found { id: item.id, person, deceased: item.deceased })
    });
    Ok(shown.collect())
}
