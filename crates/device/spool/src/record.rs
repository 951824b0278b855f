//! One reading as it lies in a segment.
//!
//! Layout, little-endian: length of the body (4), CRC-32 of the body (4); the body: number (8), moment in
//! milliseconds (8), length of the topic (2), topic, payload.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use ironroot_time::UnixTime;

use crate::checksum::crc32;

/// A reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Its number, one more than that of the reading before it.
    pub number: u64,
    /// When it was handed over.
    pub at: UnixTime,
    /// What it is about.
    pub topic: String,
    /// What it says.
    pub payload: Vec<u8>,
}

/// The largest topic and payload together with what a record adds to them, in bytes.
pub const BODY_SIZE_MAX: usize = 1 << 20;

/// What a body has before its topic.
const BODY_HEAD: usize = 8 + 8 + 2;

/// What stands before a body.
pub(crate) const HEAD: usize = 4 + 4;

/// The bytes of a record; nothing when it would be too large.
pub(crate) fn encode(number: u64, at: UnixTime, topic: &str, payload: &[u8]) -> Option<Vec<u8>> {
    let topic_length = u16::try_from(topic.len()).ok()?;
    let body = [
        &number.to_le_bytes()[..],
        &at.as_ms().to_le_bytes(),
        &topic_length.to_le_bytes(),
        topic.as_bytes(),
        payload,
    ]
    .concat();
    if body.len() > BODY_SIZE_MAX {
        return None;
    }
    let length = u32::try_from(body.len()).ok()?;
    Some(
        [
            &length.to_le_bytes()[..],
            &crc32(&body).to_le_bytes(),
            &body,
        ]
        .concat(),
    )
}

/// The record that begins at `offset` of `file` and ends at `end` at the latest, and where it ends. Nothing when
/// none begins there.
pub(crate) fn read_at(file: &File, offset: u64, end: u64) -> io::Result<Option<(Reading, u64)>> {
    let mut head = [0; HEAD];
    let Some(at) = offset.checked_add(HEAD as u64).filter(|at| *at <= end) else {
        return Ok(None);
    };
    file.read_exact_at(&mut head, offset)?;
    let [l0, l1, l2, l3, c0, c1, c2, c3] = head;
    let length = u32::from_le_bytes([l0, l1, l2, l3]);
    let size = usize::try_from(length).unwrap_or(usize::MAX);
    let Some(next) = at
        .checked_add(u64::from(length))
        .filter(|next| *next <= end)
    else {
        return Ok(None);
    };
    if !(BODY_HEAD..=BODY_SIZE_MAX).contains(&size) {
        return Ok(None);
    }
    let mut body = vec![0; size];
    file.read_exact_at(&mut body, at)?;
    if crc32(&body) != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Ok(None);
    }
    Ok(decode(&body).map(|reading| (reading, next)))
}

/// Takes a body apart.
fn decode(body: &[u8]) -> Option<Reading> {
    let (number, rest) = body.split_first_chunk()?;
    let (at, rest) = rest.split_first_chunk()?;
    let (topic_length, rest) = rest.split_first_chunk()?;
    let (topic, payload) = rest.split_at_checked(u16::from_le_bytes(*topic_length).into())?;
    Some(Reading {
        number: u64::from_le_bytes(*number),
        at: UnixTime::from_ms(u64::from_le_bytes(*at)),
        topic: str::from_utf8(topic).ok()?.to_owned(),
        payload: payload.to_vec(),
    })
}
