//! Progress of long work, on standard error.

use crate::import::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::Mutex;

/// Counts what has no known end, on standard error; hidden when that is no terminal.
pub(super) fn counter(what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:20} {pos} {elapsed}");
    ProgressBar::no_length().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner())).with_message(what)
}

/// Bars on standard error; hidden when that is no terminal.
#[derive(Default)]
pub(super) struct Bars(Mutex<Option<ProgressBar>>);

impl Progress for Bars {
    fn stage(&self, name: &'static str, total: u64) {
        let mut bar = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let bar = bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{msg:20} {bar:40} {pos}/{len} {elapsed}");
            ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        bar.set_message(name);
        bar.set_length(total);
        bar.set_position(0);
    }
    fn advance(&self, done: u64) {
        if let Some(bar) = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).as_ref() {
            bar.inc(done);
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        let bar = self.0.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(bar) = bar.take() {
            bar.finish_and_clear();
        }
    }
}
