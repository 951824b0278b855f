//! Tokens: made once, handed out once, kept as a digest in the keyring.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use ironroot_identity::DeviceId;
use ironroot_secret::Secret;
use ironroot_time::Rng;
use zeroize::Zeroizing;

/// The keyring's name for the digest of a claim's token.
pub fn claim_secret(device: &DeviceId) -> String {
    format!("claim/{device}")
}

/// The keyring's name for the digest of an API token.
pub fn token_secret(name: &str) -> String {
    format!("token/{name}")
}

/// A fresh token of 128 random bits, as 32 hexadecimal digits.
pub fn new_token(rng: &dyn Rng) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; 16]);
    rng.fill(bytes.as_mut());
    Zeroizing::new(hex::encode(bytes.as_ref()))
}

/// What the keyring holds in place of a token. One round of SHA-256 is enough for 128 random bits.
pub fn token_digest(token: &str) -> Secret {
    Secret::new(digest(&SHA256, token.as_bytes()).as_ref().to_vec())
}

/// Whether `token` is the one whose digest is kept, in constant time.
pub fn token_matches(token: &str, kept: &Secret) -> bool {
    verify_slices_are_equal(token_digest(token).expose(), kept.expose()).is_ok()
}
