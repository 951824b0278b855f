//! The data representations of MQTT 5 section 1.5, read and written.

use crate::text::{check_name, check_prose, decode};
use crate::{
    BadText, FIELD_LENGTH_MAX, Malformed, PacketId, TopicFilter, TopicName, Unencodable,
    VARIABLE_BYTE_INTEGER_MAX,
};

/// Takes fields off the front of a packet's body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// All bytes that are left.
    pub(crate) fn take_rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    /// Says that the packet is over.
    pub(crate) fn finish(self) -> Result<(), Malformed> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Malformed::TrailingBytes)
        }
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        self.array().map(|[byte]| byte)
    }

    /// MQTT 5 section 1.5.2.
    pub(crate) fn two_bytes(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    /// MQTT 5 section 1.5.3.
    pub(crate) fn four_bytes(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    /// MQTT 5 section 1.5.5.
    pub(crate) fn variable(&mut self) -> Result<u32, Malformed> {
        match variable_byte_integer(self.rest) {
            Variable::Whole { value, rest } => {
                self.rest = rest;
                Ok(value)
            }
            Variable::Cut => Err(Malformed::Truncated),
            Variable::Bad => Err(Malformed::VariableByteInteger),
        }
    }

    /// MQTT 5 section 1.5.6.
    pub(crate) fn binary(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.two_bytes()?;
        self.take(usize::from(length))
    }

    /// A string of any text but U+0000 (MQTT 5 section 1.5.4).
    pub(crate) fn prose(&mut self) -> Result<&'a str, Malformed> {
        self.text(check_prose)
    }

    /// A string that names something, without control characters and non-characters.
    pub(crate) fn name(&mut self) -> Result<&'a str, Malformed> {
        self.text(check_name)
    }

    fn text(&mut self, check: fn(&str) -> Result<(), BadText>) -> Result<&'a str, Malformed> {
        let text = decode(self.binary()?).map_err(Malformed::Text)?;
        check(text).map_err(Malformed::Text)?;
        Ok(text)
    }

    pub(crate) fn topic_name(&mut self) -> Result<TopicName<'a>, Malformed> {
        let text = decode(self.binary()?).map_err(Malformed::Text)?;
        TopicName::parse(text).map_err(Malformed::TopicName)
    }

    pub(crate) fn topic_filter(&mut self) -> Result<TopicFilter<'a>, Malformed> {
        let text = decode(self.binary()?).map_err(Malformed::Text)?;
        TopicFilter::parse(text).map_err(Malformed::TopicFilter)
    }

    pub(crate) fn packet_id(&mut self) -> Result<PacketId, Malformed> {
        PacketId::new(self.two_bytes()?).ok_or(Malformed::PacketIdZero)
    }
}

/// The outcome of looking for a variable byte integer at the front of some bytes.
pub(crate) enum Variable<'a> {
    /// It is there.
    Whole { value: u32, rest: &'a [u8] },
    /// It goes on past the end.
    Cut,
    /// It has a fifth byte, or a shorter form.
    Bad,
}

/// Reads a variable byte integer (MQTT 5 section 1.5.5).
pub(crate) fn variable_byte_integer(bytes: &[u8]) -> Variable<'_> {
    let (mut value, mut rest) = (0_u32, bytes);
    for shift in [0, 7, 14, 21] {
        let Some((&byte, after)) = rest.split_first() else {
            return Variable::Cut;
        };
        rest = after;
        value |= u32::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            // [MQTT-1.5.5-1]: a last byte of zero means that a shorter form exists.
            let shortest = byte != 0 || shift == 0;
            return if shortest {
                Variable::Whole { value, rest }
            } else {
                Variable::Bad
            };
        }
    }
    Variable::Bad
}

/// Puts fields one after the other, or only counts their bytes.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    /// What is left of the buffer; `None` when counting.
    out: Option<&'a mut [u8]>,
    len: usize,
}

impl<'a> Writer<'a> {
    pub(crate) const fn to(out: &'a mut [u8]) -> Self {
        Self {
            out: Some(out),
            len: 0,
        }
    }

    /// How many bytes `write` puts.
    pub(crate) fn count(
        write: impl FnOnce(&mut Writer<'static>) -> Result<(), Unencodable>,
    ) -> Result<usize, Unencodable> {
        let mut counter = Writer { out: None, len: 0 };
        write(&mut counter)?;
        Ok(counter.len)
    }

    /// How many bytes have been put so far.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), Unencodable> {
        if let Some(out) = &mut self.out {
            let (place, rest) = core::mem::take(out)
                .split_at_mut_checked(bytes.len())
                .ok_or(Unencodable::BufferTooSmall)?;
            place.copy_from_slice(bytes);
            *out = rest;
        }
        self.len = self
            .len
            .checked_add(bytes.len())
            .ok_or(Unencodable::TooLong)?;
        Ok(())
    }

    pub(crate) fn byte(&mut self, byte: u8) -> Result<(), Unencodable> {
        self.put(&[byte])
    }

    pub(crate) fn two_bytes(&mut self, value: u16) -> Result<(), Unencodable> {
        self.put(&value.to_be_bytes())
    }

    pub(crate) fn four_bytes(&mut self, value: u32) -> Result<(), Unencodable> {
        self.put(&value.to_be_bytes())
    }

    /// MQTT 5 section 1.5.5.
    pub(crate) fn variable(&mut self, value: u32) -> Result<(), Unencodable> {
        if value > VARIABLE_BYTE_INTEGER_MAX {
            return Err(Unencodable::TooLong);
        }
        let mut left = value;
        loop {
            let [low, ..] = (left & 0x7F).to_le_bytes();
            left >>= 7;
            if left == 0 {
                return self.byte(low);
            }
            self.byte(low | 0x80)?;
        }
    }

    /// A length as a variable byte integer.
    pub(crate) fn length(&mut self, length: usize) -> Result<(), Unencodable> {
        self.variable(u32::try_from(length).ok().ok_or(Unencodable::TooLong)?)
    }

    pub(crate) fn binary(&mut self, bytes: &[u8]) -> Result<(), Unencodable> {
        let length = u16::try_from(bytes.len())
            .ok()
            .ok_or(Unencodable::TooLong)?;
        self.two_bytes(length)?;
        self.put(bytes)
    }

    pub(crate) fn prose(&mut self, text: &str) -> Result<(), Unencodable> {
        check_prose(text).map_err(Malformed::Text)?;
        self.binary(text.as_bytes())
    }

    pub(crate) fn name(&mut self, text: &str) -> Result<(), Unencodable> {
        check_name(text).map_err(Malformed::Text)?;
        self.binary(text.as_bytes())
    }

    pub(crate) fn topic_name(&mut self, name: TopicName<'_>) -> Result<(), Unencodable> {
        self.binary(name.as_str().as_bytes())
    }

    pub(crate) fn topic_filter(&mut self, filter: TopicFilter<'_>) -> Result<(), Unencodable> {
        self.binary(filter.as_str().as_bytes())
    }

    pub(crate) fn packet_id(&mut self, id: PacketId) -> Result<(), Unencodable> {
        self.two_bytes(id.get())
    }
}

/// `bit` when `set`, else nothing.
pub(crate) const fn flag(bit: u8, set: bool) -> u8 {
    if set { bit } else { 0 }
}

const _: () = assert!(FIELD_LENGTH_MAX == u16::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;

    /// MQTT 5 section 1.5.5, table 1-1.
    #[test]
    fn a_variable_byte_integer_comes_back_at_every_bound() {
        for (value, bytes) in [
            (0, &[0x00][..]),
            (127, &[0x7F]),
            (128, &[0x80, 0x01]),
            (16_383, &[0xFF, 0x7F]),
            (16_384, &[0x80, 0x80, 0x01]),
            (2_097_151, &[0xFF, 0xFF, 0x7F]),
            (2_097_152, &[0x80, 0x80, 0x80, 0x01]),
            (VARIABLE_BYTE_INTEGER_MAX, &[0xFF, 0xFF, 0xFF, 0x7F]),
        ] {
            let mut out = [0; 4];
            let mut writer = Writer::to(&mut out);
            writer.variable(value).unwrap();
            let len = writer.len();
            assert_eq!(&out[..len], bytes);
            assert_eq!(Reader::new(bytes).variable(), Ok(value));
            assert_eq!(Writer::count(|out| out.variable(value)), Ok(bytes.len()));
        }
        let too_large = Writer::count(|out| out.variable(VARIABLE_BYTE_INTEGER_MAX + 1));
        assert_eq!(too_large, Err(Unencodable::TooLong));
    }

    #[test]
    fn a_field_ends_at_the_longest_length() {
        static BYTES: [u8; FIELD_LENGTH_MAX + 1] = [0; FIELD_LENGTH_MAX + 1];
        assert_eq!(
            Writer::count(|out| out.binary(&BYTES[1..])),
            Ok(FIELD_LENGTH_MAX + 2)
        );
        assert_eq!(
            Writer::count(|out| out.binary(&BYTES)),
            Err(Unencodable::TooLong)
        );
    }
}
