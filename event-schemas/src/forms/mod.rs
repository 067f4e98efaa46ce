//! The frozen forms, one module per aggregate; forms that several share stand in [`shared`].

pub mod access;
pub mod agenda_day;
pub mod appointment;
pub mod clinic;
pub mod demand;
pub mod erasure;
pub mod patient;
pub mod quota;
pub mod rules;
pub mod shared;
pub mod slug;
pub mod staff;
pub mod template;

use crate::wire::FormDoc;

/// Every form of every module, for the field docs.
pub const DOCS: &[&[FormDoc]] = &[
    shared::DOCS,
    rules::DOCS,
    clinic::DOCS,
    agenda_day::DOCS,
    appointment::DOCS,
    patient::DOCS,
    template::DOCS,
    quota::DOCS,
    staff::DOCS,
    slug::DOCS,
    demand::DOCS,
    access::DOCS,
    erasure::DOCS,
];
