//! The audit: who saw whose data, why something is shown, what was shown in the past.

mod access;
mod asked;
mod days;
mod explain;
mod forgotten;
mod ledger;
mod matrix;
mod measured;
mod planted;
mod tamper;
mod travel;
