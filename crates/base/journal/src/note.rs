//! Text signed by one or more keys (C2SP signed-note), with Ed25519.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature as Ed25519Signature, Signer as _};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::text::{base64_decode, base64_encode};

/// The largest note, in bytes: room for the 16 signatures that a verifier must take and more.
pub const NOTE_SIZE_MAX: usize = 256 << 10;

/// The most signatures in a note.
pub const SIGNATURES_MAX: usize = 64;

/// The longest name of a key, in bytes.
pub const KEY_NAME_SIZE_MAX: usize = 255;

/// The signature type of plain Ed25519.
const ED25519: u8 = 0x01;

/// The key ID and an ML-DSA signature, the largest that a note carries today.
const SIGNATURE_SIZE_MAX: usize = 4 + (8 << 10);

/// A note that was read or made; nothing about its signatures has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<Signature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    name: String,
    id: u32,
    bytes: Vec<u8>,
}

/// A public key with its name. Printed and parsed as `<name>+<key ID>+<base64>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: u32,
    key: ed25519_dalek::VerifyingKey,
}

/// A secret key with its name; wiped from memory when dropped, and `Debug` shows the name alone.
pub struct SigningKey {
    public: VerifierKey,
    key: ed25519_dalek::SigningKey,
}

/// Why bytes are no signed note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadNote {
    /// More than [`NOTE_SIZE_MAX`] bytes or [`SIGNATURES_MAX`] signatures.
    #[error("the note is too large or has too many signatures")]
    TooLarge,
    /// Not UTF-8, or a control character other than newline.
    #[error("the note is not plain UTF-8 text")]
    Text,
    /// No blank line, no signature behind it, or no newline at the end.
    #[error("the note is not a text, a blank line and signatures")]
    Shape,
    /// A signature line that is none.
    #[error("a signature line of the note is malformed")]
    Signature,
}

/// Why a text is no key, or a name no name of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadKey {
    /// The name is empty or too long, or has a space, a plus or a control character.
    #[error("a key's name is not empty and has neither spaces nor plus signs")]
    Name,
    /// The text is not `<name>+<key ID>+<base64>`.
    #[error("the text is not <name>+<key ID>+<base64 of the key>")]
    Shape,
    /// The key is of another type than Ed25519.
    #[error("the key is not of the type Ed25519")]
    Type,
    /// The key ID is not that of this name and key.
    #[error("the key ID does not belong to this name and key")]
    Id,
    /// The 32 bytes are no point of the curve.
    #[error("the bytes are no Ed25519 key")]
    Point,
}

/// Why a note is not accepted under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteRefused {
    /// The key did not sign the note.
    #[error("the note carries no signature of this key")]
    Unsigned,
    /// A signature under the key's name and ID is wrong.
    #[error("the signature of this key is wrong")]
    WrongSignature,
}

impl SignedNote {
    /// Signs `text`.
    ///
    /// # Errors
    /// [`BadNote`] when `text` is no text of a note: it must end in a newline, and hold no control
    /// character but newlines.
    pub fn sign(text: String, key: &SigningKey) -> Result<Self, BadNote> {
        if !text.ends_with('\n') {
            return Err(BadNote::Shape);
        }
        check_text(&text)?;
        let signature = key.sign(&text);
        Ok(Self {
            text,
            signatures: vec![signature],
        })
    }

    /// Adds the signature of `key` beside those that are there.
    ///
    /// # Errors
    /// [`BadNote::TooLarge`] when the note would get too large.
    pub fn cosign(&mut self, key: &SigningKey) -> Result<(), BadNote> {
        self.add(key.sign(&self.text))
    }

    /// Reads a note; signatures of any type and by anybody are kept.
    ///
    /// # Errors
    /// [`BadNote`] when the bytes are no signed note.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadNote> {
        if bytes.len() > NOTE_SIZE_MAX {
            return Err(BadNote::TooLarge);
        }
        let note = str::from_utf8(bytes).map_err(|_not_utf8| BadNote::Text)?;
        check_text(note)?;
        // The last blank line parts text and signatures; the text keeps its own newline.
        let (text, lines) = note.rsplit_once("\n\n").ok_or(BadNote::Shape)?;
        let lines = lines.strip_suffix('\n').ok_or(BadNote::Shape)?;
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() >= SIGNATURES_MAX {
                return Err(BadNote::TooLarge);
            }
            signatures.push(Signature::parse(line)?);
        }
        let text = format!("{text}\n");
        Ok(Self { text, signatures })
    }

    /// The text, if `key` signed it.
    ///
    /// # Errors
    /// [`NoteRefused`] when `key` did not sign it, or when one of its signatures is wrong.
    pub fn verify(&self, key: &VerifierKey) -> Result<&str, NoteRefused> {
        let mut verified = Err(NoteRefused::Unsigned);
        for signature in self.signatures.iter().filter(|line| line.is_by(key)) {
            key.verify(&self.text, &signature.bytes)?;
            verified = Ok(self.text.as_str());
        }
        verified
    }

    /// The text, not to be trusted before [`SignedNote::verify`].
    pub fn unverified_text(&self) -> &str {
        &self.text
    }

    /// Every signature, in the order of the note.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds somebody's signature of the same text, a witness's for example, if it is not there yet.
    ///
    /// # Errors
    /// [`BadNote::TooLarge`] when the note would get too large.
    pub fn add(&mut self, signature: Signature) -> Result<(), BadNote> {
        if self.signatures.contains(&signature) {
            return Ok(());
        }
        let size = self.to_string().len();
        let grown = size.saturating_add(signature.to_string().len());
        if self.signatures.len() >= SIGNATURES_MAX || grown > NOTE_SIZE_MAX {
            return Err(BadNote::TooLarge);
        }
        self.signatures.push(signature);
        Ok(())
    }
}

fn check_text(text: &str) -> Result<(), BadNote> {
    let control = |byte: u8| byte < b' ' && byte != b'\n';
    let plain = !text.bytes().any(control);
    plain.then_some(()).ok_or(BadNote::Text)
}

impl Signature {
    /// The name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's ID: which key of this name, and which signature type.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The signature, as its type defines it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn is_by(&self, key: &VerifierKey) -> bool {
        self.name == key.name && self.id == key.id
    }

    fn parse(line: &str) -> Result<Self, BadNote> {
        let line = line.strip_prefix("— ").ok_or(BadNote::Signature)?;
        let (name, encoded) = line.split_once(' ').ok_or(BadNote::Signature)?;
        if !is_key_name(name) {
            return Err(BadNote::Signature);
        }
        let bytes = base64_decode(encoded, SIGNATURE_SIZE_MAX).ok_or(BadNote::Signature)?;
        let (id, bytes) = bytes.split_first_chunk::<4>().ok_or(BadNote::Signature)?;
        if bytes.is_empty() {
            return Err(BadNote::Signature);
        }
        Ok(Self {
            name: name.to_owned(),
            id: u32::from_be_bytes(*id),
            bytes: bytes.to_vec(),
        })
    }
}

impl FromStr for Signature {
    type Err = BadNote;

    fn from_str(line: &str) -> Result<Self, BadNote> {
        Self::parse(line)
    }
}

/// The signature line, without its newline.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.id.to_be_bytes(), self.bytes.as_slice()].concat();
        write!(f, "— {} {}", self.name, base64_encode(&bytes))
    }
}

/// The whole note.
impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        let mut signatures = self.signatures.iter();
        signatures.try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl VerifierKey {
    /// The name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's ID: which key of this name.
    pub fn id(&self) -> u32 {
        self.id
    }

    fn new(name: &str, key: ed25519_dalek::VerifyingKey) -> Result<Self, BadKey> {
        if !is_key_name(name) {
            return Err(BadKey::Name);
        }
        let hash = Sha256::new_with_prefix(name)
            .chain_update([b'\n', ED25519])
            .chain_update(key.as_bytes())
            .finalize();
        let [a, b, c, d, ..] = <[u8; 32]>::from(hash);
        Ok(Self {
            name: name.to_owned(),
            id: u32::from_be_bytes([a, b, c, d]),
            key,
        })
    }

    /// Strict: a signature that other verifiers might disagree on is wrong here.
    fn verify(&self, text: &str, signature: &[u8]) -> Result<(), NoteRefused> {
        let wrong = NoteRefused::WrongSignature;
        let signature = Ed25519Signature::from_slice(signature).map_err(|_length| wrong)?;
        let verified = self.key.verify_strict(text.as_bytes(), &signature);
        verified.map_err(|_says_no_more| wrong)
    }
}

impl FromStr for VerifierKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        // Base64 may hold a plus, so the first two count.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(BadKey::Shape);
        };
        if id.len() != 8
            || id
                .bytes()
                .any(|byte| !matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        {
            return Err(BadKey::Shape);
        }
        let id = u32::from_str_radix(id, 16).map_err(|_no_hex| BadKey::Shape)?;
        let key = base64_decode(key, 33).ok_or(BadKey::Shape)?;
        let (kind, key) = key.split_first().ok_or(BadKey::Shape)?;
        if *kind != ED25519 {
            return Err(BadKey::Type);
        }
        let key = key.try_into().map_err(|_length| BadKey::Shape)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(key).map_err(|_cause| BadKey::Point)?;
        let key = Self::new(name, key)?;
        (key.id == id).then_some(key).ok_or(BadKey::Id)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ED25519], self.key.as_bytes().as_slice()].concat();
        write!(f, "{}+{:08x}+{}", self.name, self.id, base64_encode(&key))
    }
}

impl SigningKey {
    /// The key of `name` that `seed` gives (RFC 8032 section 5.1.5).
    ///
    /// # Errors
    /// [`BadKey::Name`] when `name` is no name of a key.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, BadKey> {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let public = VerifierKey::new(name, key.verifying_key())?;
        Ok(Self { public, key })
    }

    /// The seed, to be sealed.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.key.to_bytes())
    }

    /// The public key.
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.public
    }

    fn sign(&self, text: &str) -> Signature {
        Signature {
            name: self.public.name.clone(),
            id: self.public.id,
            bytes: self.key.sign(text.as_bytes()).to_vec(),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?})", self.public.name)
    }
}

fn is_key_name(name: &str) -> bool {
    let allowed = |c: char| !(c.is_whitespace() || c.is_control() || c == '+');
    (1..=KEY_NAME_SIZE_MAX).contains(&name.len()) && name.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of C2SP signed-note.
    const EXAMPLE: &str = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\n\
        ed è subito sera.\n\n— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";

    fn key(name: &str) -> SigningKey {
        SigningKey::from_seed(name, &[7; 32]).unwrap()
    }

    fn signed(text: &str) -> SignedNote {
        SignedNote::sign(text.to_owned(), &key("log.example/a")).unwrap()
    }

    #[test]
    fn reads_the_example_of_the_standard() {
        let note = SignedNote::parse(EXAMPLE.as_bytes()).unwrap();
        assert!(note.unverified_text().ends_with("\n\ned è subito sera.\n"));
        assert_eq!(note.signatures()[0].name(), "quasimodo.example/salvatore");
        assert_eq!(note.signatures()[0].id(), 0x367b_a04b);
        assert_eq!(note.to_string(), EXAMPLE);
    }

    #[test]
    fn a_note_comes_back_and_verifies() {
        let note = signed("one\n\ntwo\n");
        let read = SignedNote::parse(note.to_string().as_bytes()).unwrap();
        assert_eq!(read, note);
        let public: VerifierKey = key("log.example/a").public.to_string().parse().unwrap();
        assert_eq!(read.verify(&public), Ok("one\n\ntwo\n"));
    }

    #[test]
    fn refuses_a_note_of_another_key_of_the_same_name() {
        let other = SigningKey::from_seed("log.example/a", &[8; 32]).unwrap();
        let note = signed("text\n");
        let refused = note.verify(other.verifier_key());
        assert_eq!(refused, Err(NoteRefused::Unsigned));
    }

    #[test]
    fn refuses_a_changed_text() {
        let note = signed("size 10\n").to_string().replace("10", "11");
        let note = SignedNote::parse(note.as_bytes()).unwrap();
        let refused = note.verify(key("log.example/a").verifier_key());
        assert_eq!(refused, Err(NoteRefused::WrongSignature));
    }

    #[test]
    fn refuses_a_note_with_a_good_and_a_wrong_signature_of_one_key() {
        let mut note = signed("text\n");
        note.add(signed("other\n").signatures[0].clone()).unwrap();
        let refused = note.verify(key("log.example/a").verifier_key());
        assert_eq!(refused, Err(NoteRefused::WrongSignature));
    }

    #[test]
    fn keeps_signatures_of_types_it_does_not_know() {
        let mut note = signed("text\n");
        let witness = "— witness.example ihiiPgAAAABrAvzl1jABc5XAcC7X3yg8OIC2Sg==";
        note.add(witness.parse().unwrap()).unwrap();
        note.add(witness.parse().unwrap()).unwrap();
        let read = SignedNote::parse(note.to_string().as_bytes()).unwrap();
        assert_eq!(read.signatures().len(), 2);
        assert_eq!(read.signatures()[1].to_string(), witness);
        assert!(read.verify(key("log.example/a").verifier_key()).is_ok());
    }

    #[test]
    fn refuses_what_is_no_note() {
        let good = signed("text\n").to_string();
        let line = good.lines().nth(2).unwrap();
        for (text, why) in [
            (String::new(), BadNote::Shape),
            ("text\n".to_owned(), BadNote::Shape),
            ("text\n\n".to_owned(), BadNote::Shape),
            (format!("text\n{line}\n"), BadNote::Shape),
            (good.trim_end().to_owned(), BadNote::Shape),
            (good.replace("text", "te\tt"), BadNote::Text),
            (good.replace("— ", "- "), BadNote::Signature),
            (good.replace("log.example/a", "a+b"), BadNote::Signature),
            (format!("text\n\n{line}\n\n"), BadNote::Shape),
            ("text\n\n— a AAAA\n".to_owned(), BadNote::Signature),
            ("text\n\n— a AAAAAA==\n".to_owned(), BadNote::Signature),
        ] {
            assert_eq!(SignedNote::parse(text.as_bytes()), Err(why), "{text:?}");
        }
        assert_eq!(SignedNote::parse(b"\xff\n\n"), Err(BadNote::Text));
        let unfinished = SignedNote::sign("text".to_owned(), &key("a"));
        assert_eq!(unfinished, Err(BadNote::Shape));
    }

    #[test]
    fn signatures_and_size_are_bounded() {
        let good = signed("text\n").to_string();
        let line = format!("{}\n", good.lines().nth(2).unwrap());
        let most = format!("text\n\n{}", line.repeat(SIGNATURES_MAX));
        let mut note = SignedNote::parse(most.as_bytes()).unwrap();
        let more = SignedNote::parse(format!("{most}{line}").as_bytes());
        assert_eq!(more, Err(BadNote::TooLarge));
        let foreign = "— w AAAAAAE=".parse().unwrap();
        assert_eq!(note.add(foreign), Err(BadNote::TooLarge));
        let larger = vec![b'x'; NOTE_SIZE_MAX + 1];
        assert_eq!(SignedNote::parse(&larger), Err(BadNote::TooLarge));
    }

    #[test]
    fn refuses_what_is_no_key() {
        let good = key("log.example/a").public.to_string();
        let (named, encoded) = good.rsplit_once('+').unwrap();
        for (text, why) in [
            ("", BadKey::Shape),
            (named, BadKey::Shape),
            (&good.replace("log.example/a", "log.example/b"), BadKey::Id),
            (&good.replace("log.example/a", "log example"), BadKey::Name),
            (&good.replace("log.example/a", ""), BadKey::Name),
            (&good.to_uppercase(), BadKey::Shape),
            (
                &format!("{named}+{}", encoded.replacen("Ae", "BO", 1)),
                BadKey::Type,
            ),
            (&format!("{named}+AQ=="), BadKey::Shape),
            (&format!("{good}\n"), BadKey::Shape),
        ] {
            assert_eq!(text.parse::<VerifierKey>(), Err(why), "{text}");
        }
    }

    #[test]
    fn debug_output_of_a_secret_key_shows_its_name_alone() {
        assert_eq!(format!("{:?}", key("a")), "SigningKey(\"a\")");
    }
}
