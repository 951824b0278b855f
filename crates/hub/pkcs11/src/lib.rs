//! Private keys that a PKCS#11 token keeps: made there, used there, and never seen here.
//!
//! Stage: enforce; it signs for the certificate authority.
//! Never: takes a private key out of a token, or a PIN from anywhere but a file; waits for a token without
//! bound; speaks of certificates.
//! To add one more: an attribute of a PKCS#11 URI is a line in [`uri`]; a kind of key is a mechanism in
//! `key.rs` and a check of its signatures there.
//!
//! The module is foreign code in this process. Its calls run on threads of their own, so that a token that
//! hangs holds up nothing but what asks for its signature; a token that was away is found again by itself.

mod key;
mod module;
mod pin;
mod signature;
pub mod uri;

pub use key::{TokenKey, TokenRefused};
