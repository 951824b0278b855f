//! Damage done to a valid packet.

use crate::generate::Entropy;

/// Changes `bytes`, a whole packet, in a few places; mostly with a remaining length that still fits.
pub(crate) fn mutate(bytes: &mut Vec<u8>, entropy: &mut Entropy<'_>) {
    if entropy.byte() < 32 {
        damage(bytes, entropy);
        return;
    }
    let header_len = 1 + bytes[1..].iter().take_while(|byte| **byte >= 0x80).count() + 1;
    let mut body = bytes.split_off(header_len);
    for _ in 0..=entropy.below(3) {
        damage(&mut body, entropy);
    }
    bytes.truncate(1);
    if entropy.byte() < 32 {
        damage(bytes, entropy);
        bytes.truncate(1);
    }
    let mut left = body.len();
    while left > 0x7F {
        bytes.push(u8::try_from(left & 0x7F).unwrap() | 0x80);
        left >>= 7;
    }
    bytes.push(u8::try_from(left).unwrap());
    bytes.append(&mut body);
}

fn damage(bytes: &mut Vec<u8>, entropy: &mut Entropy<'_>) {
    let at = entropy.below(bytes.len().min(200));
    let end = (at + 1 + entropy.below(8)).min(bytes.len());
    if at >= bytes.len() {
        bytes.push(entropy.byte());
        return;
    }
    match entropy.below(7) {
        0 => bytes[at] ^= 1 << entropy.below(8),
        1 => bytes[at] = telling_byte(entropy),
        2 => bytes.insert(at, telling_byte(entropy)),
        3 => drop(bytes.drain(at..end)),
        4 => bytes.truncate(at.max(1)),
        5 => {
            let again = bytes[at..end].to_vec();
            drop(bytes.splice(at..at, again));
        }
        _ => bytes[at] = entropy.byte(),
    }
}

/// A byte that means something somewhere: bounds, wildcards, property identifiers, reason codes.
fn telling_byte(entropy: &mut Entropy<'_>) -> u8 {
    const TELLING: [u8; 16] = [
        0x00, 0x01, 0x02, 0x03, 0x04, 0x0B, 0x11, 0x1F, 0x23, 0x26, b'#', b'+', 0x7F, 0x80, 0x92,
        0xFF,
    ];
    TELLING[entropy.below(TELLING.len())]
}
