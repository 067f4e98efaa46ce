//! The root keys that are good now: one, or two while a rotation is under way.
//!
//! `root.key` opens the vault. `root.key.next`, beside it, is the one that is to follow: it is made first, so that it can
//! be copied to a safe place before anything depends on it. A rotation begins when the vault's own key is wrapped under
//! the next root key, and ends when the next key's file takes the place of the old one. In between both are needed, each
//! row opens under one of them, and whoever opens the vault reads both files.

use super::crypto::{self, Key, Place};
use super::entropy::{Entropy, draw};
use super::error::{Result, VaultError};
use super::root_key::RootKey;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Where the next root key is, beside the root key.
fn next_file(root: &Path) -> PathBuf {
    let mut name = root.as_os_str().to_owned();
    name.push(".next");
    name.into()
}

/// The root keys.
#[derive(Clone)]
pub(super) struct Roots {
    /// Where the root key is; none: it was handed over, and cannot be replaced.
    file: Option<PathBuf>,
    main: Arc<RootKey>,
    next: Option<Arc<RootKey>>,
    /// The next key is in use: what is wrapped now is wrapped under it.
    begun: bool,
    /// The vault's own key as it was wrapped when it was last looked at.
    proof: Vec<u8>,
}

impl Roots {
    /// The root key, and the next one if its file is there.
    pub(super) fn load(main: RootKey, file: Option<PathBuf>) -> Result<Self> {
        let mut roots = Self { file, main: Arc::new(main), next: None, begun: false, proof: Vec::new() };
        roots.look_for_next()?;
        Ok(roots)
    }

    /// Reads the next root key's file, as long as nothing depends on what was read before.
    pub(super) fn look_for_next(&mut self) -> Result<bool> {
        if !self.begun {
            let path = self.file.as_deref().map(next_file);
            self.next = match path {
                Some(path) if there(&path)? => Some(Arc::new(RootKey::load(&path)?)),
                _ => None,
            };
        }
        Ok(self.next.is_some())
    }

    /// Opens the vault's own key: that it opens is the proof that the root key belongs to this vault, and where the next
    /// root key opens it a rotation has begun.
    pub(super) fn prove(&mut self, wrapped: Vec<u8>) -> Result<Key> {
        let place = super::rotation::VAULT_PLACE;
        if self.next().is_some_and(|next| crypto::unwrap(next.bytes(), &place, &wrapped).is_some()) {
            self.begin();
        }
        let key = self.unwrap(&place, &wrapped).ok_or(VaultError::WrongRootKey)?;
        self.proof = wrapped;
        Ok(key)
    }

    /// As [`Roots::prove`], after another node may have replaced the root key: reads the files again where the keys at
    /// hand do not open it.
    pub(super) fn prove_again(&mut self, wrapped: Vec<u8>) -> Result<()> {
        self.look_for_next()?;
        if self.prove(wrapped.clone()).is_err() {
            let file = self.file.clone().ok_or(VaultError::WrongRootKey)?;
            let mut roots = Self::load(RootKey::load(&file)?, Some(file))?;
            roots.prove(wrapped)?;
            *self = roots;
        }
        Ok(())
    }

    /// The vault's own key as it is wrapped, as far as is known here.
    pub(super) fn proof(&self) -> Vec<u8> {
        self.proof.clone()
    }

    /// Makes the next root key, unless its file is there. Answers where it is; none: there is no root key file.
    pub(super) fn prepare(&mut self, entropy: &dyn Entropy) -> Result<Option<PathBuf>> {
        let Some(path) = self.file.as_deref().map(next_file) else { return Ok(None) };
        if !there(&path)? {
            let key = RootKey::from_bytes(Zeroizing::new(draw(entropy)));
            key.write(&path).map_err(|error| VaultError::file(&path, error))?;
        }
        self.look_for_next()?;
        Ok(Some(path))
    }

    /// Opens what one of them wrapped.
    pub(super) fn unwrap(&self, place: &Place, wrapped: &[u8]) -> Option<Key> {
        crypto::unwrap(self.main.bytes(), place, wrapped)
            .or_else(|| crypto::unwrap(self.next.as_ref()?.bytes(), place, wrapped))
    }

    /// The one under which everything new is wrapped.
    pub(super) fn newest(&self) -> &RootKey {
        match &self.next {
            Some(next) if self.begun => next,
            _ => &self.main,
        }
    }

    /// The next one, if there is one.
    pub(super) fn next(&self) -> Option<&RootKey> {
        self.next.as_deref()
    }

    pub(super) const fn has_begun(&self) -> bool {
        self.begun
    }

    /// From now on the next one wraps.
    pub(super) fn begin(&mut self) {
        self.begun = self.next.is_some();
    }

    /// The next one takes the old one's place, on the disk and here. The old one is gone.
    pub(super) fn end(&mut self) -> Result<()> {
        let (Some(file), Some(next)) = (&self.file, &self.next) else { return Ok(()) };
        replace(&next_file(file), file).map_err(|error| VaultError::file(file, error))?;
        (self.main, self.next, self.begun) = (Arc::clone(next), None, false);
        Ok(())
    }
}

fn there(path: &Path) -> Result<bool> {
    path.try_exists().map_err(|error| VaultError::file(path, error))
}

/// One file takes another's place: after a crash there is the one or the other.
fn replace(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::rename(from, to)?;
    File::open(to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")))?.sync_all()
}
