//! How a certificate is named: by its serial number and by the digest of its bytes.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// The serial number of a certificate of ours: 16 bytes, positive, first byte not zero
/// (RFC 5280 section 4.1.2.2 allows up to 20).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CertificateSerial([u8; 16]);

/// A text or a number that is no serial number of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a certificate serial number of this CA is 32 lower-case hexadecimal digits, the first between 4 and 7"
)]
pub struct BadSerial;

/// Which of a hub's issuing CAs a certificate came from; they are numbered in the order in which they came
/// into service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CaNumber(u32);

impl CaNumber {
    /// The CA that a hub starts with.
    pub const FIRST: Self = Self(1);

    /// The CA that comes after this one; there are never more than fit.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Whether this is the CA that a hub starts with.
    pub fn is_first(&self) -> bool {
        *self == Self::FIRST
    }
}

impl Default for CaNumber {
    fn default() -> Self {
        Self::FIRST
    }
}

impl FromStr for CaNumber {
    type Err = core::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for CaNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl CertificateSerial {
    /// Makes a serial number of 16 random bytes; the two highest bits are set to `01`, so that the
    /// DER integer is positive and has the same length always.
    pub fn from_random(mut bytes: [u8; 16]) -> Self {
        let [first, ..] = &mut bytes;
        *first = (*first & 0x3f) | 0x40;
        Self(bytes)
    }

    /// Reads the content bytes of the DER integer.
    ///
    /// # Errors
    /// [`BadSerial`] when this CA cannot have issued the number.
    pub fn from_der_content(bytes: &[u8]) -> Result<Self, BadSerial> {
        let bytes: [u8; 16] = bytes.try_into().map_err(|_wrong_length| BadSerial)?;
        match bytes {
            [0x40..=0x7f, ..] => Ok(Self(bytes)),
            [..] => Err(BadSerial),
        }
    }

    /// The 16 bytes, as they stand in the DER integer.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl FromStr for CertificateSerial {
    type Err = BadSerial;

    fn from_str(text: &str) -> Result<Self, BadSerial> {
        let mut bytes = [0; 16];
        if text.len() != 32 || text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(BadSerial);
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let pair = core::str::from_utf8(pair).map_err(|_not_ascii| BadSerial)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_no_digit| BadSerial)?;
        }
        Self::from_der_content(&bytes)
    }
}

impl TryFrom<String> for CertificateSerial {
    type Error = BadSerial;
    fn try_from(text: String) -> Result<Self, BadSerial> {
        text.parse()
    }
}

impl From<CertificateSerial> for String {
    fn from(serial: CertificateSerial) -> Self {
        alloc::format!("{serial}")
    }
}

impl fmt::Display for CertificateSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for CertificateSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// SHA-256 of a certificate's DER bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_serial_number_is_always_positive_and_sixteen_bytes() {
        for bytes in [[0; 16], [0xff; 16]] {
            let serial = CertificateSerial::from_random(bytes);
            assert!((0x40..=0x7f).contains(&serial.as_bytes()[0]));
            assert_eq!(serial.to_string().parse(), Ok(serial));
        }
    }

    #[test]
    fn refuses_a_serial_number_of_another_ca() {
        assert_eq!("01".parse::<CertificateSerial>(), Err(BadSerial));
        assert_eq!("f".repeat(32).parse::<CertificateSerial>(), Err(BadSerial));
        assert_eq!(
            CertificateSerial::from_der_content(&[0; 16]),
            Err(BadSerial)
        );
    }
}
