//! The certificate authority, and everything a door must know about a certificate.
//!
//! Stage: collect (who is this peer, is this CSR honest) and enforce (issue, and configure TLS so
//! that a refused peer gets no further than the handshake).
//! Never: speaks HTTP or MQTT, uses async, reads a clock, decides whether somebody may enrol, or
//! touches a file but through [`custody`].
//! To add one more: a kind of certificate is a variant of [`authority::CertificateProfile`]; a key or
//! signature algorithm is a line in `csr::proof`; another custody of a CA key is a variant of
//! [`authority::CaKey`].

pub mod authority;
pub mod crl;
pub mod csr;
pub use ironroot_custody::{files as custody, seal};
pub mod est;
pub mod facts;
pub mod key;
pub mod names;
pub mod ocsp;
pub mod peer;
pub mod pem;
mod signed;
pub mod tls;

pub use rustls::pki_types::CertificateDer;
pub use signed::NotSigned;
