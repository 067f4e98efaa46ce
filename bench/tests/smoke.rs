//! Every measure runs, with so little data that it takes no time: whether the bench works, not how fast anything is.

use booking_bench::measures::{ALL, Bench, Scale};
use booking_bench::plot::svg;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_measure_finds_what_it_looks_for() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench {
        scale: Scale::tiny(),
        folder: folder.path().to_owned(),
        peers: folder.path().join("none"),
        program: env!("CARGO_BIN_EXE_bench").into(),
        commit: "a commit".to_owned(),
    };
    for (name, _) in ALL {
        let measured = bench.run(name).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert!(!measured.rows.is_empty(), "{name} found nothing");
        for row in &measured.rows {
            assert!(row.figure.0.iter().all(|figure| figure.is_finite()), "{name}: {row:?}");
        }
        assert!(measured.plots.iter().all(|plot| svg(plot).contains("<polyline")), "{name}");
        println!("{}", measured.text(name));
    }
}
