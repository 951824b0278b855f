//! Where sessions that outlive their connection, and retained messages, are kept, so that they outlive the hub
//! as well.
//!
//! The broker notes each step of such a session and goes on; no packet that rests on a step leaves before the
//! step is durable. What backs it is not known here.

use std::fmt;
use std::sync::Arc;
use std::task::Waker;

use ironroot_identity::Principal;
use ironroot_mqtt::{
    Delivery, DeliveryHead, Packet, PacketId, Qos, Side, SubscriptionId, Unencodable, Version,
    frame,
};
use ironroot_registry::Subject;
use ironroot_time::UnixTime;

use crate::message::{Message, Origin, Outgoing, SubscriptionIds};
use crate::outbox::SessionNumber;
use crate::router::Options;

pub use crate::counters::Figures;
pub use crate::topics::TopicHashes;

/// A step's place in the order in which steps become durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// Keeps steps in the order in which they were noted.
pub trait Shelf: fmt::Debug + Send + Sync {
    /// Takes a step; it is durable when [`Self::durable`] has come to its ticket. Does not wait.
    fn note(&self, step: Step) -> Ticket;

    /// The latest ticket that is durable, as all before it are.
    fn durable(&self) -> Ticket;

    /// Wakes `waker` once `ticket` is durable.
    fn wake_at(&self, ticket: Ticket, waker: &Waker);

    /// Whether so many steps wait that none should be added.
    fn is_full(&self) -> bool;
}

/// What happens to a session, a retained message or a principal's counters. Sessions are named by their number, deliveries by theirs in the session.
#[derive(Clone, Debug)]
pub enum Step {
    /// A session began, whose client is connected.
    Begin {
        /// Its number.
        session: u64,
        /// Whose it is.
        principal: Principal,
        /// The client id.
        client_id: Box<str>,
        /// How long it waits for its client, in seconds.
        expiry_s: u32,
    },
    /// Its client is back.
    Resume {
        /// Its number.
        session: u64,
        /// How long it waits for its client from now on, in seconds.
        expiry_s: u32,
    },
    /// Its client has gone.
    Park {
        /// Its number.
        session: u64,
        /// When it ends, unless the client is back before.
        expires: UnixTime,
        /// When its will fires, unless the client is back before; none when it has none any more.
        will_at: Option<UnixTime>,
    },
    /// Its client has left a will; [`Step::Resume`] takes an earlier one back.
    Will {
        /// Its number.
        session: u64,
        /// How long the client may be gone before it fires, in seconds.
        delay_s: u32,
        /// What is to be published.
        content: Content,
    },
    /// The will's moment has come: it is published when this is durable.
    Fire {
        /// Its number.
        session: u64,
    },
    /// It ended, and nothing of it is kept.
    End {
        /// Its number.
        session: u64,
    },
    /// It subscribed, or changed how.
    Subscribe {
        /// Its number.
        session: u64,
        /// The filter, with the group of a shared one.
        filter: Box<str>,
        /// How.
        how: PackedOptions,
    },
    /// It gave a subscription up.
    Unsubscribe {
        /// Its number.
        session: u64,
        /// The filter.
        filter: Box<str>,
    },
    /// A delivery waits for it.
    Queue {
        /// Its number.
        session: u64,
        /// The delivery's number.
        delivery: u64,
        /// What is to be delivered.
        content: Content,
    },
    /// The delivery is sent.
    Send {
        /// Its number.
        session: u64,
        /// The delivery's number.
        delivery: u64,
        /// Its place among all that were sent, which its packet identifier follows from.
        place: u64,
    },
    /// The client has the message of QoS 2, and PUBREL is sent for it.
    Release {
        /// Its number.
        session: u64,
        /// The delivery's number.
        delivery: u64,
    },
    /// The delivery is done with.
    Settle {
        /// Its number.
        session: u64,
        /// The delivery's number.
        delivery: u64,
    },
    /// A message of QoS 2 with this packet identifier was taken from the client.
    Receive {
        /// Its number.
        session: u64,
        /// The packet identifier.
        packet_id: u16,
    },
    /// That packet identifier is free again.
    Free {
        /// Its number.
        session: u64,
        /// The packet identifier.
        packet_id: u16,
    },
    /// A principal's counters stand so.
    Count {
        /// Whose they are.
        principal: Principal,
        /// How they stand.
        figures: Figures,
    },
    /// A principal's life here has ended, and its counters are forgotten.
    Forget {
        /// Whose they are.
        principal: Principal,
    },
    /// A message is retained for its topic, in place of the one before.
    Retain {
        /// The topic.
        topic: Box<str>,
        /// The message.
        content: Content,
    },
    /// No message is retained for a topic any more.
    Clear {
        /// The topic.
        topic: Box<str>,
    },
}

/// Everything that is found on the shelf.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The sessions.
    pub sessions: Vec<Kept>,
    /// The retained messages, as [`Content`] in bytes.
    pub retained: Vec<Vec<u8>>,
    /// The counters.
    pub figures: Vec<(Principal, Figures)>,
}

/// How a session subscribes, in one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedOptions(pub u64);

/// What is to be delivered to one session, or is retained; encoded when it is written.
#[derive(Clone, Debug)]
pub struct Content(Outgoing);

/// A session as it is found on the shelf.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its number.
    pub session: u64,
    /// Whose it is.
    pub principal: Principal,
    /// The client id.
    pub client_id: Box<str>,
    /// How long it waits for its client, in seconds.
    pub expiry_s: u32,
    /// When it ends; none when its client was connected at the end.
    pub expires: Option<UnixTime>,
    /// Its subscriptions.
    pub subscriptions: Vec<(Box<str>, PackedOptions)>,
    /// Its deliveries that are not settled, by number.
    pub deliveries: Vec<KeptDelivery>,
    /// The packet identifiers of QoS 2 that its client has in use.
    pub received: Vec<u16>,
    /// Its will, if it has one that has not fired.
    pub will: Option<KeptWill>,
}

/// A will as it is found on the shelf.
#[derive(Clone, Debug)]
pub struct KeptWill {
    /// How long the client may be gone before it fires, in seconds.
    pub delay_s: u32,
    /// When it fires; none when its client was connected at the end.
    pub at: Option<UnixTime>,
    /// What is to be published.
    pub content: Vec<u8>,
}

/// A delivery as it is found on the shelf.
#[derive(Clone, Debug)]
pub struct KeptDelivery {
    /// Its number.
    pub number: u64,
    /// Its place among all that were sent; none when it was not.
    pub place: Option<u64>,
    /// Whether the client has the message, and PUBREL was sent.
    pub released: bool,
    /// What is to be delivered; may be empty when it is released.
    pub content: Vec<u8>,
}

impl PackedOptions {
    pub(crate) fn of(options: Options) -> Self {
        let flag = |flag: bool, bit: u64| if flag { bit } else { 0 };
        let id = options.id.map_or(0, SubscriptionId::get);
        Self(
            u64::from(id) << 4
                | u64::from(options.qos.bits())
                | flag(options.no_local, 4)
                | flag(options.retain_as_published, 8),
        )
    }

    pub(crate) fn options(self) -> Option<Options> {
        let Self(packed) = self;
        Some(Options {
            qos: Qos::from_bits((packed & 3) as u8)?,
            no_local: packed & 4 != 0,
            retain_as_published: packed & 8 != 0,
            id: SubscriptionId::new(u32::try_from(packed >> 4).ok()?),
        })
    }
}

/// In front of the packet: when it was published, milliseconds since 1970, and how long its publisher's URN is.
const PREFIX: usize = 8 + 2;

impl Content {
    pub(crate) fn of(outgoing: &Outgoing) -> Self {
        Self(outgoing.clone())
    }

    /// A retained message.
    pub(crate) fn retained(message: &Arc<Message>) -> Self {
        Self::alone(message.clone(), true)
    }

    /// A message that is on its way to nobody yet.
    fn alone(message: Arc<Message>, retain: bool) -> Self {
        Self(Outgoing {
            qos: message.qos(),
            message,
            retain,
            subscription_ids: SubscriptionIds::new(),
            number: 0,
        })
    }

    /// A will's message.
    pub(crate) fn of_will(message: &Message) -> Self {
        Self::alone(Arc::new(message.clone()), message.retain())
    }

    /// In bytes: when it was published and by whom, and a PUBLISH of MQTT 5 with all of its life left.
    ///
    /// # Errors
    /// [`Unencodable`] never for a message that came in a packet.
    pub fn encode(&self) -> Result<Vec<u8>, Unencodable> {
        let Self(outgoing) = self;
        let message = &*outgoing.message;
        let head = DeliveryHead {
            delivery: match (PacketId::new(1), outgoing.qos) {
                (None, _) | (_, Qos::AtMostOnce) => Delivery::AtMostOnce,
                (Some(packet_id), Qos::AtLeastOnce) => Delivery::AtLeastOnce {
                    packet_id,
                    dup: false,
                },
                (Some(packet_id), Qos::ExactlyOnce) => Delivery::ExactlyOnce {
                    packet_id,
                    dup: false,
                },
            },
            retain: outgoing.retain,
            topic: message.topic_name(),
            message_expiry_s: message.lifetime_s(),
            topic_alias: None,
            subscription_ids: &outgoing.subscription_ids,
        };
        let publisher = message.publisher().principal().urn();
        let urn_len = u16::try_from(publisher.len()).map_err(|_too_long| Unencodable::TooLong)?;
        let mut bytes = Vec::with_capacity(PREFIX + publisher.len() + message.size());
        bytes.extend_from_slice(&message.published().as_ms().to_be_bytes());
        bytes.extend_from_slice(&urn_len.to_be_bytes());
        bytes.extend_from_slice(publisher.as_bytes());
        message.encode_behind(&head, Version::V5, &mut bytes)?;
        Ok(bytes)
    }
}

/// Who a principal is here; none when its life here has ended.
pub(crate) type SubjectOf<'a> = &'a dyn Fn(&Principal) -> Option<Arc<Subject>>;

impl KeptDelivery {
    /// Reads the content; `receiver` stands in for a publisher whose life here has ended. None when it is damaged.
    pub(crate) fn read(
        &self,
        receiver: &Arc<Subject>,
        subject_of: SubjectOf<'_>,
    ) -> Option<Outgoing> {
        let stands_in =
            |principal: &Principal| subject_of(principal).or_else(|| Some(receiver.clone()));
        let mut outgoing = read(&self.content, &stands_in)?;
        outgoing.number = self.number;
        Some(outgoing)
    }
}

/// Reads what [`Content::encode`] wrote; none when it is damaged, or its publisher's life here has ended.
pub(crate) fn read(content: &[u8], subject_of: SubjectOf<'_>) -> Option<Outgoing> {
    let (at, rest) = content.split_first_chunk::<8>()?;
    let (urn_len, rest) = rest.split_first_chunk::<2>()?;
    let (urn, packet) = rest.split_at_checked(u16::from_be_bytes(*urn_len).into())?;
    let principal = Principal::parse_urn(std::str::from_utf8(urn).ok()?).ok()?;
    let frame = frame(packet, usize::MAX).ok()??;
    let Ok(Packet::Publish(publish)) = Packet::parse(&frame, Version::V5, Side::Server) else {
        return None;
    };
    let origin = Origin {
        publisher: subject_of(&principal)?,
        session: SessionNumber(0),
        at: UnixTime::from_ms(u64::from_be_bytes(*at)),
    };
    let message = Message::of_publish(origin, publish.topic?, &publish).ok()?;
    Some(Outgoing {
        message: Arc::new(message),
        qos: publish.delivery.qos(),
        retain: publish.retain,
        subscription_ids: publish.properties.subscription_ids.iter().collect(),
        number: 0,
    })
}
