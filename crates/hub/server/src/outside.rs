//! The real source of randomness.

use aws_lc_rs::rand::fill;
use ironroot_time::Rng;

/// The crypto provider's random generator.
#[derive(Debug, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    /// Panics when the system gives none: without randomness no key or token is safe.
    fn fill(&self, bytes: &mut [u8]) {
        assert!(fill(bytes).is_ok(), "the system gives no random bytes");
    }
}
