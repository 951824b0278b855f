//! What the machine gives of chance.

use anyhow::{Context, Result};

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes)
        .ok()
        .context("the system gives no random bytes")?;
    Ok(bytes)
}

/// A number between 0 and 1, for waits that are not to fall together.
pub(crate) fn chance() -> f64 {
    // Without randomness every device waits as long as the next one, which is no fault of safety.
    let bytes = random().unwrap_or([0x80; 4]);
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}
