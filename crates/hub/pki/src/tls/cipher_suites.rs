//! Which cipher suite a connection gets.
//!
//! Usually the hub chooses, and AES-128-GCM with SHA-256 comes first: processors have both in hardware, where
//! the SHA-384 that comes with AES-256 is software and costs a tenth of a connect. NIST and BSI put no end to
//! AES-128, and for keys that quantum computers search it defines the first of NIST's categories. A client
//! that wants AES-256 offers that alone.

use rustls::crypto::aws_lc_rs::cipher_suite::{
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS13_AES_128_GCM_SHA256,
    TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256,
};
use rustls::{CipherSuite, SupportedCipherSuite};

/// In the hub's order; those of TLS 1.2 are ECDHE with an AEAD, for the hub's key, which is ECDSA.
pub(super) const CIPHER_SUITES: &[SupportedCipherSuite] = &[
    TLS13_AES_128_GCM_SHA256,
    TLS13_AES_256_GCM_SHA384,
    TLS13_CHACHA20_POLY1305_SHA256,
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
];

/// Whose order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chooser {
    Hub,
    Client,
}

/// Who chooses among what a client offers: itself, if it puts ChaCha20-Poly1305 first, as devices do that have
/// AES in software only, where it is slow and leaks by its timing.
pub(super) fn chooser(offered: &[CipherSuite]) -> Chooser {
    let known = |suite: &&CipherSuite| CIPHER_SUITES.iter().any(|our| our.suite() == **suite);
    match offered.iter().find(known) {
        Some(
            CipherSuite::TLS13_CHACHA20_POLY1305_SHA256
            | CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        ) => Chooser::Client,
        _ => Chooser::Hub,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hub_chooses_unless_the_client_puts_chacha20_first() {
        let aes = CipherSuite::TLS13_AES_256_GCM_SHA384;
        let chacha = CipherSuite::TLS13_CHACHA20_POLY1305_SHA256;
        let unknown = CipherSuite::Unknown(0x1a1a);
        assert_eq!(chooser(&[aes, chacha]), Chooser::Hub);
        assert_eq!(chooser(&[chacha, aes]), Chooser::Client);
        assert_eq!(chooser(&[unknown, chacha, aes]), Chooser::Client);
        assert_eq!(chooser(&[]), Chooser::Hub);
    }
}
