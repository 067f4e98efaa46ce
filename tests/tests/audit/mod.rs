//! The audit: who saw whose data, why something is shown, what was shown in the past.

mod access;
mod asked;
mod ledger;
mod measured;
mod planted;
mod tamper;
