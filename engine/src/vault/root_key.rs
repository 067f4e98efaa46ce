//! The root key: one file of 32 random bytes, beside the vault and backed up apart from it. Whoever has the vault and
//! this file can read everything; without it nobody can.

use super::entropy::{Entropy, draw};
use super::error::{Result, VaultError};
use super::token::{from_hex, to_hex};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use zeroize::Zeroizing;

/// The key that wraps the vault's key and the clinics' keys. Wiped when dropped; its `Debug` shows nothing.
pub struct RootKey(Zeroizing<[u8; 32]>);

/// Whether the root key was made just now: if so, somebody should be told to back it up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Created {
    /// The file was there.
    Found,
    /// The file was made.
    Made,
}

impl RootKey {
    /// Reads the key. Refuses a file that is missing, that others may read, or that is not a key.
    pub fn load(path: &Path) -> Result<Self> {
        let mut file = File::open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => VaultError::MissingRootKey { path: path.to_owned() },
            _ => VaultError::file(path, error),
        })?;
        refuse_exposed(path, &file)?;
        let mut text = Zeroizing::new(String::with_capacity(128));
        let malformed = || VaultError::MalformedRootKey { path: path.to_owned() };
        // A longer file is no key; an invalid UTF-8 neither.
        (&mut file).take(100).read_to_string(&mut text).map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData => malformed(),
            _ => VaultError::file(path, error),
        })?;
        from_hex(text.trim_end()).map(Self).ok_or_else(malformed)
    }

    /// Reads the key, or makes the file (mode 0600) at the first start of a data directory.
    ///
    /// If a vault lies beside the missing file none is made: the vault cannot be read without its own key, and a new
    /// file would hide that the old one is lost.
    pub fn load_or_create(path: &Path, entropy: &dyn Entropy) -> Result<(Self, Created)> {
        let there = |path: &Path| path.try_exists().map_err(|error| VaultError::file(path, error));
        if there(path)? {
            return Self::load(path).map(|key| (key, Created::Found));
        }
        if there(&path.with_file_name(super::VAULT_FILE))? {
            return Err(VaultError::MissingRootKey { path: path.to_owned() });
        }
        Ok((Self::make(path, entropy)?, Created::Made))
    }

    /// Makes the file.
    pub(super) fn make(path: &Path, entropy: &dyn Entropy) -> Result<Self> {
        let key = Self(Zeroizing::new(draw(entropy)));
        key.write(path).map_err(|error| VaultError::file(path, error))?;
        Ok(key)
    }

    pub(super) const fn from_bytes(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// Writes beside, syncs, then links into place: after a crash there is the whole file or none, and a file that
    /// another process made meanwhile is not overwritten.
    pub(super) fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let beside = std::path::PathBuf::from(beside);
        if beside.try_exists()? {
            fs::remove_file(&beside)?;
        }
        let mut file = private().write(true).create_new(true).open(&beside)?;
        file.write_all(to_hex(&self.0).as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::hard_link(&beside, path)?;
        fs::remove_file(&beside)?;
        File::open(path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")))?.sync_all()
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[root key]")
    }
}

/// Options that make files which only their owner may read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn refuse_exposed(path: &Path, file: &File) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata().map_err(|error| VaultError::file(path, error))?.permissions().mode() & 0o777;
    if mode.trailing_zeros() >= 6 { Ok(()) } else { Err(VaultError::ExposedRootKey { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "the same signature as where permissions are checked")]
fn refuse_exposed(_: &Path, _: &File) -> Result<()> {
    Ok(())
}
