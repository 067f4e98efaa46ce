//! The key that signs checkpoints: one file, beside the root key or wherever `--ledger-key` says, in no database.
//!
//! Whoever has it can sign another history. It should not lie where the log's backups lie.

use anyhow::{Context as _, bail, ensure};
use booking_engine::vault::{Entropy, draw};
use booking_events::ledger::Signer;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use zeroize::Zeroizing;

/// Name of the file in the data directory.
pub const KEY_FILE: &str = "ledger.key";

/// Reads the key, or makes it (mode 0600) where nothing was signed yet. True if it was made.
pub(super) fn load_or_create(path: &Path, signed: bool, entropy: &dyn Entropy) -> anyhow::Result<(Signer, bool)> {
    match File::open(path) {
        Ok(file) => load(path, file).map(|key| (key, false)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if signed {
                bail!(
                    "the key that signs checkpoints is not at {}, and checkpoints were signed: restore it (or, if it is \
                     lost, move the folder `checkpoints` away, keep it, and tell whoever relies on it)",
                    path.display()
                );
            }
            let name = format!("clinic-booking/{}", hex::encode(draw::<8>(entropy)));
            let key = Signer::new(name, &Zeroizing::new(draw::<32>(entropy)))?;
            write(path, &key).with_context(|| format!("cannot write {}", path.display()))?;
            Ok((key, true))
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn load(path: &Path, mut file: File) -> anyhow::Result<Signer> {
    let mode = file.metadata()?.permissions().mode() & 0o777;
    ensure!(
        mode.trailing_zeros() >= 6,
        "others may read the key that signs checkpoints, {} (mode {mode:o}): chmod 600",
        path.display()
    );
    let mut text = Zeroizing::new(String::with_capacity(512));
    (&mut file).take(512).read_to_string(&mut text).with_context(|| format!("cannot read {}", path.display()))?;
    Signer::parse(text.trim_end()).with_context(|| format!("{} holds no signing key", path.display()))
}

/// Writes beside, syncs, then links into place: after a crash there is the whole file or none.
fn write(path: &Path, key: &Signer) -> std::io::Result<()> {
    let beside = path.with_extension("key.new");
    if beside.try_exists()? {
        std::fs::remove_file(&beside)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(key.to_text().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    std::fs::hard_link(&beside, path)?;
    std::fs::remove_file(&beside)?;
    super::shelf::sync_folder(path)
}
