//! The file: made, refused, thrown away; and what stands in its bytes.

use crate::support::*;
use booking_projections::{OpenError, discard};
use std::path::Path;

async fn refusal(path: &Path) -> OpenError {
    let log = Log::new();
    booking_projections::Views::open(path, log.store(), std::sync::Arc::new(Opener), options()).await.unwrap_err()
}

#[tokio::test]
async fn a_file_that_is_not_ours_is_refused_left_as_it_is_and_not_even_discarded() {
    let folder = folder();
    let path = folder.path().join("letter.txt");
    let letter = "Dear clinic, ".repeat(100);
    std::fs::write(&path, &letter).unwrap();
    let refusal = refusal(&path).await;
    assert!(matches!(refusal, OpenError::Foreign { .. }) && refusal.to_string().contains("rebuild"), "{refusal}");
    assert!(discard(&path).is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), letter);
}

#[tokio::test]
async fn a_file_that_was_cut_off_is_refused_with_the_way_to_make_it_again_and_can_be_made_again() {
    let (folder, log) = (folder(), Log::new());
    let path = folder.path().join("views.db");
    log.clinic(2).await;
    views(&path, &log).await.close().await;
    assert!(!folder.path().join("views.db-wal").exists(), "closing leaves one whole file");
    let whole = std::fs::read(&path).unwrap();
    for length in [0, 50, 4_096, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let refusal = refusal(&path).await;
        assert!(matches!(refusal, OpenError::Damaged { .. }) && refusal.to_string().contains("rebuild"), "{refusal}");
    }
    discard(&path).unwrap();
    let views = views(&path, &log).await;
    assert!(views.clinics.clinic(clinic()).is_some());
    views.close().await;
}

#[tokio::test]
async fn a_file_of_a_newer_release_is_refused() {
    use sqlx::{Connection, SqliteConnection};
    let (folder, log) = (folder(), Log::new());
    let path = folder.path().join("views.db");
    views(&path, &log).await.close().await;
    let mut c = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::raw_sql("PRAGMA user_version = 99").execute(&mut c).await.unwrap();
    c.close().await.unwrap();
    assert!(matches!(refusal(&path).await, OpenError::Newer { found: 99, .. }));
    discard(&path).unwrap();
}

#[tokio::test]
async fn no_byte_of_a_profile_stands_in_the_files_of_the_views() {
    let (folder, log) = (folder(), Log::new());
    let path = folder.path().join("views.db");
    let canary = crate::directory::profile("Canarina", "Quetzalcoatl", "5145550199", Some("QUEC85510112"));
    log.patient(1, &canary).await;
    let views = views(&path, &log).await;
    assert_eq!(views.directory.search(clinic(), "quetz", 5).len(), 1);
    assert!(
        !format!("{views:?}{:?}", views.directory.get(views.directory.search(clinic(), "quetz", 5)[0]))
            .contains("Quetz")
    );
    views.close().await;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for part in ["Canarina", "canarina", "Quetzalcoatl", "quetzalcoatl", "5145550199", "QUEC85510112", "19850101"] {
            assert!(!bytes.windows(part.len()).any(|window| window == part.as_bytes()), "{part}");
        }
    }
}
