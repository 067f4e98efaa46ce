//! Indexes in runs, for what comes in no order: ids, references, hashes.
//!
//! A new entry of an ordinary index falls on any of its pages. Once there are more pages than memory holds, each entry
//! reads one, changes a few bytes and writes all of it, twice; views that have to keep up with bookings then fall behind
//! for no other reason than how long the history is. Where the column `run` comes first, entries fall on the pages of the
//! last run alone, however many runs lie behind it. Whoever looks for one asks every run: some microseconds each.
//!
//! Runs are 0, 1, 2 ... without a gap, of so many rows each as the table says. What they are counted by is dense: positions of
//! the log are not, in every store.

/// A condition on the column `run` that lets through all there are of a table, and has them looked up one by one.
macro_rules! every_run {
    ($table:literal) => {
        concat!(
            "run IN (WITH RECURSIVE runs(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM runs WHERE n < (SELECT max(run) FROM ",
            $table,
            ")) SELECT n FROM runs)"
        )
    };
}

pub(crate) use every_run;
