//! How one property is read into its field and written from it.

use core::num::{NonZeroU16, NonZeroU32};

use super::UserProperty;
use super::id::{self, Shape};
use crate::wire::{Reader, Writer};
use crate::{
    List, ListEntry, Malformed, PayloadFormat, Qos, Secret, SubscriptionId, TopicName, Unencodable,
};

/// Cuts out as many bytes as the property length says (MQTT 5 section 2.2.2.1).
pub(super) fn take_block<'a>(reader: &mut Reader<'a>) -> Result<Reader<'a>, Malformed> {
    let length = reader.variable()?;
    usize::try_from(length)
        .ok()
        .and_then(|length| reader.take(length).ok())
        .map(Reader::new)
        .ok_or(Malformed::PropertyLength)
}

/// Refuses a property that is not in the packet's table.
pub(super) const fn misplaced(id: u8) -> Malformed {
    match Shape::of(id) {
        Some(_) => Malformed::PropertyMisplaced(id),
        None => Malformed::PropertyUnknown(id),
    }
}

/// A field of a property struct: how it takes a property in, and how it is written.
pub(super) trait Field<'a> {
    /// Reads the value of property `id` from `block`; `from_here` starts at the identifier itself.
    fn fill(
        &mut self,
        id: u8,
        block: &mut Reader<'a>,
        from_here: Reader<'a>,
    ) -> Result<(), Malformed>;

    /// Writes identifier and value, as often as there are values.
    fn write(&self, id: u8, out: &mut Writer<'_>) -> Result<(), Unencodable>;
}

impl<'a, T: Value<'a>> Field<'a> for Option<T> {
    fn fill(&mut self, id: u8, block: &mut Reader<'a>, _: Reader<'a>) -> Result<(), Malformed> {
        // MQTT 5 section 3: each property says that a second one is a Protocol Error.
        match self.replace(T::read(id, block)?) {
            Some(_) => Err(Malformed::PropertyRepeated(id)),
            None => Ok(()),
        }
    }

    fn write(&self, id: u8, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        let Some(value) = self else {
            return Ok(());
        };
        out.byte(id)?;
        value.write(id, out)
    }
}

/// The properties that may repeat (MQTT 5 sections 2.2.2.2 and 3.3.2.3.8).
impl<'a, T: Repeated<'a>> Field<'a> for List<'a, T> {
    fn fill(
        &mut self,
        id: u8,
        block: &mut Reader<'a>,
        mut from_here: Reader<'a>,
    ) -> Result<(), Malformed> {
        T::read(id, block)?;
        if self.is_empty() {
            *self = Self::on_wire(from_here.take_rest());
        }
        Ok(())
    }

    fn write(&self, id: u8, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        for value in self {
            out.byte(id)?;
            value.write(id, out)?;
        }
        Ok(())
    }
}

/// The type of a property's value. Property `id` is known where one type has several rules.
pub(super) trait Value<'a>: Copy {
    fn read(id: u8, block: &mut Reader<'a>) -> Result<Self, Malformed>;
    fn write(&self, id: u8, out: &mut Writer<'_>) -> Result<(), Unencodable>;
}

/// A value whose property may stand more than once.
pub(super) trait Repeated<'a>: Value<'a> + ListEntry<'a> {}

impl<'a> Repeated<'a> for UserProperty<'a> {}
impl<'a> ListEntry<'a> for UserProperty<'a> {
    fn take(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        take_next(id::USER_PROPERTY, bytes)
    }
}

impl Repeated<'_> for SubscriptionId {}
impl<'a> ListEntry<'a> for SubscriptionId {
    fn take(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        take_next(id::SUBSCRIPTION_IDENTIFIER, bytes)
    }
}

/// Finds the next value of property `wanted` in a block of checked properties.
fn take_next<'a, T: Value<'a>>(wanted: u8, bytes: &'a [u8]) -> Option<(T, &'a [u8])> {
    let mut block = Reader::new(bytes);
    loop {
        let id = block.byte().ok()?;
        if id == wanted {
            let value = T::read(id, &mut block).ok()?;
            return Some((value, block.take_rest()));
        }
        Shape::of(id)?.skip(&mut block).ok()?;
    }
}

impl Value<'_> for bool {
    fn read(id: u8, block: &mut Reader<'_>) -> Result<Self, Malformed> {
        match block.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed::PropertyValue(id)),
        }
    }

    fn write(&self, _: u8, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        out.byte(u8::from(*self))
    }
}

impl Value<'_> for PayloadFormat {
    fn read(id: u8, block: &mut Reader<'_>) -> Result<Self, Malformed> {
        bool::read(id, block).map(|utf8| if utf8 { Self::Utf8 } else { Self::Bytes })
    }

    fn write(&self, _: u8, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        out.byte(*self as u8)
    }
}

/// The maximum QoS, which is never 2 (MQTT 5 section 3.2.2.3.4).
impl Value<'_> for Qos {
    fn read(id: u8, block: &mut Reader<'_>) -> Result<Self, Malformed> {
        bool::read(id, block).map(|one| {
            if one {
                Self::AtLeastOnce
            } else {
                Self::AtMostOnce
            }
        })
    }

    fn write(&self, id: u8, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        if *self == Self::ExactlyOnce {
            return Err(Malformed::PropertyValue(id).into());
        }
        out.byte(self.bits())
    }
}

impl Value<'_> for u16 {
    fn read(_: u8, block: &mut Reader<'_>) -> Result<Self, Malformed> {
        block.two_bytes()
    }

    fn write(&self, _: u8, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        out.two_bytes(*self)
    }
}

impl Value<'_> for u32 {
    fn read(_: u8, block: &mut Reader<'_>) -> Result<Self, Malformed> {
        block.four_bytes()
    }

    fn write(&self, _: u8, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        out.four_bytes(*self)
    }
}

/// The receive maximum (MQTT 5 section 3.1.2.11.3) and the topic alias (section 3.3.2.3.4).
impl Value<'_> for NonZeroU16 {
    fn read(id: u8, block: &mut Reader<'_>) -> Result<Self, Malformed> {
        Self::new(block.two_bytes()?).ok_or(match id {
            id::TOPIC_ALIAS => Malformed::TopicAliasZero,
            _ => Malformed::PropertyValue(id),
        })
    }

    fn write(&self, _: u8, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        out.two_bytes(self.get())
    }
}

/// The maximum packet size (MQTT 5 section 3.1.2.11.4).
impl Value<'_> for NonZeroU32 {
    fn read(id: u8, block: &mut Reader<'_>) -> Result<Self, Malformed> {
        Self::new(block.four_bytes()?).ok_or(Malformed::PropertyValue(id))
    }

    fn write(&self, _: u8, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        out.four_bytes(self.get())
    }
}

impl Value<'_> for SubscriptionId {
    fn read(id: u8, block: &mut Reader<'_>) -> Result<Self, Malformed> {
        Self::new(block.variable()?).ok_or(Malformed::PropertyValue(id))
    }

    fn write(&self, _: u8, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        out.variable(self.get())
    }
}

impl<'a> Value<'a> for &'a str {
    fn read(id: u8, block: &mut Reader<'a>) -> Result<Self, Malformed> {
        match id {
            id::ASSIGNED_CLIENT_IDENTIFIER => block.name(),
            _ => block.prose(),
        }
    }

    fn write(&self, id: u8, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        match id {
            id::ASSIGNED_CLIENT_IDENTIFIER => out.name(self),
            _ => out.prose(self),
        }
    }
}

impl<'a> Value<'a> for TopicName<'a> {
    fn read(_: u8, block: &mut Reader<'a>) -> Result<Self, Malformed> {
        block.topic_name()
    }

    fn write(&self, _: u8, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        out.topic_name(*self)
    }
}

impl<'a> Value<'a> for &'a [u8] {
    fn read(_: u8, block: &mut Reader<'a>) -> Result<Self, Malformed> {
        block.binary()
    }

    fn write(&self, _: u8, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        out.binary(self)
    }
}

impl<'a> Value<'a> for Secret<'a> {
    fn read(_: u8, block: &mut Reader<'a>) -> Result<Self, Malformed> {
        block.binary().map(Self::new)
    }

    fn write(&self, _: u8, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        out.binary(self.as_bytes())
    }
}

impl<'a> Value<'a> for UserProperty<'a> {
    fn read(_: u8, block: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok((block.prose()?, block.prose()?))
    }

    fn write(&self, _: u8, out: &mut Writer<'_>) -> Result<(), Unencodable> {
        let (name, value) = self;
        out.prose(name)?;
        out.prose(value)
    }
}
