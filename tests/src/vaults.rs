//! Where the vaults of whole-system tests are: files in their directories, or databases on a real PostgreSQL server.
//!
//! `BOOKING_VAULT=postgres` gives the vault of every world, and of every server that [`crate::http::app::options`] opens, a
//! database of its own on a server that the test process starts (`tests/postgres`).

use booking_api::VaultServer;
use booking_engine::vault::{Entropy, Vault};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// The database that belongs to this directory; none: the vault is a file in it.
#[must_use]
pub fn database_of(dir: &Path) -> Option<String> {
    static DATABASES: Mutex<Option<HashMap<PathBuf, String>>> = Mutex::new(None);
    match std::env::var("BOOKING_VAULT").as_deref() {
        Err(_) | Ok("file") => return None,
        Ok("postgres") => {}
        Ok(other) => panic!("BOOKING_VAULT is file or postgres, not {other}"),
    }
    let mut known = DATABASES.lock().unwrap();
    let url = known.get_or_insert_default().entry(dir.to_owned()).or_insert_with(throwaway_postgres::database_now);
    Some(url.clone())
}

/// The same, as a server takes it.
#[must_use]
pub fn server_of(dir: &Path) -> Option<VaultServer> {
    database_of(dir).map(VaultServer::at)
}

/// Opens the vault of this directory.
pub async fn open(dir: &Path, entropy: Arc<dyn Entropy>) -> Vault {
    match database_of(dir) {
        None => Vault::open_dir(dir, entropy).await.unwrap().0,
        Some(url) => Vault::open_server(dir, &url, true, entropy).await.unwrap().0,
    }
}
