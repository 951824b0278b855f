//! The one field of a Sparkplug B payload that is read: the metric `bdSeq`.
//!
//! Protocol Buffers, as far as that needs: `Payload.metrics` is field 2, and in a `Metric` the name is field 1, an
//! `int_value` field 10 and a `long_value` field 11 (`sparkplug_b.proto`). All else is stepped over.

/// The value of the metric `bdSeq`; none when there is none, or the payload is damaged before it.
pub(super) fn bd_seq(payload: &[u8]) -> Option<u64> {
    let mut fields = Fields(payload);
    while !fields.are_over() {
        if let (2, Value::Bytes(metric)) = fields.take_one()?
            && let Some(found) = bd_seq_of(metric)
        {
            return Some(found);
        }
    }
    None
}

/// The value of a metric, if it is the one.
fn bd_seq_of(metric: &[u8]) -> Option<u64> {
    let (mut named, mut found) = (false, None);
    let mut fields = Fields(metric);
    while !fields.are_over() {
        match fields.take_one()? {
            (1, Value::Bytes(name)) => named = name == b"bdSeq",
            (10 | 11, Value::Number(value)) => found = Some(value),
            _ => {}
        }
    }
    found.filter(|_| named)
}

/// What is left of a message.
struct Fields<'a>(&'a [u8]);

/// A field's value, as far as its wire type tells.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Other,
}

impl<'a> Fields<'a> {
    fn are_over(&self) -> bool {
        self.0.is_empty()
    }

    /// The next field, with its number; none when what is left is damaged.
    fn take_one(&mut self) -> Option<(u64, Value<'a>)> {
        let key = self.number()?;
        let value = match key & 7 {
            0 => Value::Number(self.number()?),
            1 => self.take(8).map(|_| Value::Other)?,
            2 => {
                let len = usize::try_from(self.number()?).ok()?;
                Value::Bytes(self.take(len)?)
            }
            5 => self.take(4).map(|_| Value::Other)?,
            _ => return None,
        };
        Some((key >> 3, value))
    }

    /// A number of at most ten bytes, seven bits in each, the lowest first.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..70).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            // The tenth byte has room for one bit.
            if shift == 63 && *byte > 1 {
                return None;
            }
            number |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(mut value: u64, out: &mut Vec<u8>) {
        while value >= 0x80 {
            out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
            value >>= 7;
        }
        out.push(u8::try_from(value).unwrap());
    }

    fn bytes(field: u64, value: &[u8], out: &mut Vec<u8>) {
        number(field << 3 | 2, out);
        number(value.len() as u64, out);
        out.extend(value);
    }

    fn metric(name: &str, field: u64, value: u64) -> Vec<u8> {
        let mut metric = Vec::new();
        bytes(1, name.as_bytes(), &mut metric);
        number(field << 3, &mut metric);
        number(value, &mut metric);
        metric
    }

    proptest! {
        #[test]
        fn the_metric_is_found_wherever_it_stands(
            value: u64, field in 10_u64..=11, others in prop::collection::vec("[a-c]{0,9}", 0..5), at: prop::sample::Index,
        ) {
            let mut metrics: Vec<_> = others.iter().map(|name| metric(name, 11, 7)).collect();
            metrics.insert(at.index(metrics.len() + 1), metric("bdSeq", field, value));
            let mut payload = Vec::new();
            number(1 << 3, &mut payload);
            number(1_700_000_000_000, &mut payload);
            for metric in &metrics {
                bytes(2, metric, &mut payload);
            }
            number(3 << 3, &mut payload);
            payload.push(0);
            prop_assert_eq!(bd_seq(&payload), Some(value));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(noise: Vec<u8>, cut: prop::sample::Index) {
            let _any = bd_seq(&noise);
            let mut payload = Vec::new();
            bytes(2, &metric("bdSeq", 11, 300), &mut payload);
            payload.truncate(cut.index(payload.len()));
            prop_assert_eq!(bd_seq(&payload), None);
            payload.extend(noise);
            let _any = bd_seq(&payload);
        }
    }

    #[test]
    fn a_length_beyond_the_end_a_group_and_an_endless_number_are_damage() {
        for damaged in [
            &b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"[..],
            b"\x13",
            &[0xff; 32],
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        ] {
            assert_eq!(bd_seq(damaged), None);
        }
    }
}
