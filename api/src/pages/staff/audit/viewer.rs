//! As whom a page looks: somebody whom nobody knows, a patient, the visitor who booked an appointment, a visit.

use crate::http::audit::past::Who;
use serde::Deserialize;
use uuid::Uuid;

/// A viewer as an address or a form names them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Viewer {
    pub(super) patient: String,
    pub(super) appointment: String,
    pub(super) visit: String,
    pub(super) proof: String,
}

/// What cannot be read names nobody.
fn id(text: &str) -> Option<Uuid> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.parse().unwrap_or_default())
}

impl Viewer {
    /// For the API.
    pub(super) fn who(&self) -> Who {
        Who {
            patient: id(&self.patient),
            proof: (!self.proof.is_empty()).then(|| self.proof.clone()),
            visit: id(&self.visit),
            appointment: id(&self.appointment),
        }
    }
    /// It is one person, so that a reason is asked for.
    pub(super) fn is_somebody(&self) -> bool {
        !self.patient.is_empty() || !self.appointment.is_empty()
    }
    /// For links and forms that keep the viewer.
    pub(super) fn pairs(&self) -> Vec<(String, String)> {
        let pairs = [
            ("patient", &self.patient),
            ("appointment", &self.appointment),
            ("visit", &self.visit),
            ("proof", &self.proof),
        ];
        let given = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        given.map(|(name, value)| (name.to_owned(), value.clone())).collect()
    }
}
