//! CRC-32 (ISO 3309, as in Ethernet and gzip): tells a record that was written whole from one that was not.

/// The checksum of `bytes`.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        let [low, ..] = crc.to_le_bytes();
        let folded = TABLE.get(usize::from(low ^ byte)).copied().unwrap_or(0);
        crc = (crc >> 8) ^ folded;
    }
    !crc
}

/// What each byte folds to.
static TABLE: [u32; 256] = table();

#[expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "both counters stay below the bound of their loop"
)]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte: u32 = 0;
    while byte < 256 {
        let mut crc = byte;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            };
            bit += 1;
        }
        table[byte as usize] = crc;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_check_value_of_the_catalogue() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }
}
