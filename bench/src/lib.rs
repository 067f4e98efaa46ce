//! The bench: how fast the engine is, beside baselines of the same run.
//!
//! | module | what it is for |
//! |---|---|
//! | [`machine`] | the machine, and the share of it that others took |
//! | [`figures`], [`report`], [`plot`] | figures, their bars, text, JSON, SVG |
//! | [`disk`] | the floors: one fdatasync at a time, and a bare writer with group commit |
//! | [`lines`] | clients over HTTP, and the bare servers beside ours |
//! | [`scene`] | a server on the disk, a clinic, visitors |
//! | [`history`] | long histories, made in bulk |
//! | [`measures`] | what is measured |
//! | [`instructions`] | instructions of the hot paths, counted by callgrind |
//!
//! `docs/performance/README.md` says what the measures mean, and what was found.

#![allow(clippy::cast_precision_loss, reason = "figures for people to read")]

pub mod disk;
pub mod figures;
pub mod history;
pub mod instructions;
pub mod lines;
pub mod machine;
pub mod measures;
pub mod plot;
pub mod report;
pub mod scene;
