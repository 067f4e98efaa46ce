//! Signed notes: a text, a blank line, and signatures by named keys (C2SP signed-note), with Ed25519 alone.
//!
//! Keys have the text form of the note tools: `PRIVATE+KEY+name+id+base64` to sign, `name+id+base64` to verify. A key
//! to sign is wiped when it is dropped, and its `Debug` shows nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// The signature type's byte: Ed25519 over the text.
const ED25519: u8 = 1;
const PRIVATE: &str = "PRIVATE+KEY+";
const SIGNATURE: &str = "\u{2014} ";
/// Longest note that is read, in bytes, and most signatures.
const LONGEST: usize = 64 * 1024;
const MOST_SIGNATURES: usize = 64;

/// Why a text is not a key, or a note is not to be believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoteError {
    /// A name is empty, or has a space or a plus sign in it.
    #[error("not a name of a key: empty, or with a space or a plus sign")]
    Name,
    /// The text is not a key.
    #[error("not a key of the form that notes use")]
    Key,
    /// The bytes are not a note.
    #[error("not a signed note")]
    Malformed,
    /// The key did not sign it. Nothing is wrong if another key was to be asked.
    #[error("not signed by this key")]
    Unsigned,
    /// The signature under the key's name and id is not of this key and this text.
    #[error("the signature is not good")]
    BadSignature,
}

type Id = [u8; 4];

fn id_of(name: &str, key: &VerifyingKey) -> Id {
    let hash = Sha256::new().chain_update(name).chain_update([b'\n', ED25519]).chain_update(key.as_bytes()).finalize();
    let mut id = [0; 4];
    id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    id
}

fn check_name(name: &str) -> Result<(), NoteError> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.chars().any(bad) { Err(NoteError::Name) } else { Ok(()) }
}

/// `id+base64` with the type's byte before the key's bytes.
fn parse_rest(text: &str) -> Option<(Id, Zeroizing<[u8; 32]>)> {
    let (id, key) = text.split_once('+')?;
    let mut bytes = [0; 4];
    hex::decode_to_slice(id, &mut bytes).ok()?;
    let key = Zeroizing::new(BASE64.decode(key).ok()?);
    let (kind, key) = key.split_first()?;
    let key: [u8; 32] = key.try_into().ok()?;
    (*kind == ED25519).then(|| (bytes, Zeroizing::new(key)))
}

fn rest(id: Id, key: &[u8; 32]) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([ED25519; 33]);
    bytes[1..].copy_from_slice(key);
    Zeroizing::new(format!("{}+{}", hex::encode(id), BASE64.encode(*bytes)))
}

/// A key that signs.
pub struct Signer {
    name: String,
    id: Id,
    key: SigningKey,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[signing key]")
    }
}

impl Signer {
    /// The key of this name and these 32 secret bytes.
    pub fn new(name: impl Into<String>, secret: &[u8; 32]) -> Result<Self, NoteError> {
        let (name, key) = (name.into(), SigningKey::from_bytes(secret));
        check_name(&name)?;
        Ok(Self { id: id_of(&name, &key.verifying_key()), name, key })
    }

    /// Reads what [`Signer::to_text`] wrote.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, rest) = text.strip_prefix(PRIVATE).and_then(|t| t.split_once('+')).ok_or(NoteError::Key)?;
        let (id, secret) = parse_rest(rest).ok_or(NoteError::Key)?;
        let signer = Self::new(name, &secret)?;
        if signer.id == id { Ok(signer) } else { Err(NoteError::Key) }
    }

    /// The key as a line of text, to be kept secret.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{PRIVATE}{}+{}", self.name, *rest(self.id, self.key.as_bytes())))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key that verifies what this one signs.
    pub fn verifier(&self) -> Verifier {
        Verifier { name: self.name.clone(), id: self.id, key: self.key.verifying_key() }
    }

    /// The note of a text that ends with a line break and has no empty last line.
    pub fn sign(&self, text: &str) -> String {
        let signature = self.key.sign(text.as_bytes()).to_bytes();
        let signed = [&self.id[..], &signature].concat();
        format!("{text}\n{SIGNATURE}{} {}\n", self.name, BASE64.encode(signed))
    }
}

/// A key that verifies: public.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    id: Id,
    key: VerifyingKey,
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.name, *rest(self.id, self.key.as_bytes()))
    }
}
impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Verifier {
    /// Reads `name+id+base64`.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, rest) = text.trim_end().split_once('+').ok_or(NoteError::Key)?;
        check_name(name)?;
        let (id, key) = parse_rest(rest).ok_or(NoteError::Key)?;
        let key = VerifyingKey::from_bytes(&key).map_err(|_| NoteError::Key)?;
        if id_of(name, &key) == id { Ok(Self { name: name.to_owned(), id, key }) } else { Err(NoteError::Key) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of a note that this key signed. Signatures of other keys are passed over.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let (text, signatures) = take_apart(note).ok_or(NoteError::Malformed)?;
        let mut good = false;
        for (name, id, signature) in &signatures {
            if *name != self.name || *id != self.id {
                continue;
            }
            let signature = Signature::from_slice(signature).map_err(|_| NoteError::BadSignature)?;
            self.key.verify_strict(text.as_bytes(), &signature).map_err(|_| NoteError::BadSignature)?;
            good = true;
        }
        if good { Ok(text) } else { Err(NoteError::Unsigned) }
    }
}

type Signed<'a> = (&'a str, Id, Vec<u8>);

/// The text of a note, unverified: for saying what it claims, never for believing it.
pub fn claimed_text(note: &str) -> Option<&str> {
    take_apart(note).map(|(text, _)| text)
}

fn take_apart(note: &str) -> Option<(&str, Vec<Signed<'_>>)> {
    if note.len() > LONGEST || note.chars().any(|c| c < ' ' && c != '\n') {
        return None;
    }
    // The last empty line ends the text; the text keeps its own line break.
    let at = note.rfind("\n\n")?;
    let (text, signatures) = (note.get(..=at)?, note.get(at + 2..)?);
    let lines = signatures.strip_suffix('\n')?;
    let mut found = Vec::new();
    for line in lines.split('\n') {
        let (name, signature) = line.strip_prefix(SIGNATURE)?.split_once(' ')?;
        check_name(name).ok()?;
        let bytes = BASE64.decode(signature).ok()?;
        let (id, signature) = bytes.split_first_chunk::<4>()?;
        found.push((name, *id, signature.to_vec()));
    }
    (!found.is_empty() && found.len() <= MOST_SIGNATURES).then_some((text, found))
}

/// Takes a file of notes apart: each with an empty line after it. What is no whole note, such as one that a crash cut
/// off, is handed out too, for the caller to be refused by [`Verifier::open`].
pub fn split(text: &str) -> Vec<&str> {
    let (mut notes, mut start, mut at, mut signing) = (Vec::new(), 0, 0, false);
    for line in text.split_inclusive('\n') {
        if signing && !line.starts_with(SIGNATURE) {
            notes.extend(text.get(start..at));
            (start, signing) = (at, false);
        }
        if !signing && line == "\n" {
            if start == at {
                // Between two notes.
                start += line.len();
            } else {
                signing = true;
            }
        }
        at += line.len();
    }
    notes.extend(text.get(start..).filter(|rest| !rest.is_empty()));
    notes
}
