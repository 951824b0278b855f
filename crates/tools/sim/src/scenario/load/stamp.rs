//! What a payload begins with: who sent it, which of its messages it is, and when. So a subscriber knows
//! what is lost, what comes twice, and how long each took.

use std::time::Duration;

use anyhow::{Context, Result};

/// The beginning of one message's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// The publisher's number.
    pub(super) publisher: u32,
    /// Its messages are counted from 0.
    pub(super) message: u32,
    /// Since the load began.
    pub(super) sent: Duration,
}

/// How many bytes a stamp takes.
pub(super) const STAMP_LEN: usize = 16;

impl Stamp {
    /// Writes it to the beginning of a payload that has room for it.
    pub(super) fn write(self, payload: &mut [u8]) {
        let sent_us = u64::try_from(self.sent.as_micros()).unwrap_or(u64::MAX);
        let words = [
            &self.publisher.to_be_bytes()[..],
            &self.message.to_be_bytes(),
            &sent_us.to_be_bytes(),
        ];
        for (place, byte) in payload.iter_mut().zip(words.concat()) {
            *place = byte;
        }
    }

    /// Reads it from the beginning of a payload.
    pub(super) fn read(payload: &[u8]) -> Result<Self> {
        let short = || "a message came that nobody published";
        let (publisher, rest) = payload.split_first_chunk().with_context(short)?;
        let (message, rest) = rest.split_first_chunk().with_context(short)?;
        let (sent_us, _) = rest.split_first_chunk().with_context(short)?;
        Ok(Self {
            publisher: u32::from_be_bytes(*publisher),
            message: u32::from_be_bytes(*message),
            sent: Duration::from_micros(u64::from_be_bytes(*sent_us)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_as_it_was_written() {
        let stamp = Stamp {
            publisher: 7,
            message: 1 << 20,
            sent: Duration::from_micros(123_456_789),
        };
        let mut payload = [b'x'; STAMP_LEN + 2];
        stamp.write(&mut payload);
        assert_eq!(Stamp::read(&payload).unwrap(), stamp);
        assert!(payload.ends_with(b"xx"));
        assert!(Stamp::read(&payload[..STAMP_LEN - 1]).is_err());
    }
}
