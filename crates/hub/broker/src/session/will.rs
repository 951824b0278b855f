//! The will: checked when it is registered, and again when it fires.
//!
//! The will of a session that outlives the hub lies on the shelf, and fires once at most: it is published when it
//! is durably gone from there, so that no later life of the hub finds it (decision 0007).

use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};
use std::time::Duration;

use ironroot_mqtt::Will as Asked;
use ironroot_registry::Subject;
use ironroot_time::UnixTime;
use parking_lot::Mutex;

use super::publish::may_publish;
use super::report;
use crate::broker::Broker;
use crate::message::{Message, Origin};
use crate::outbox::SessionNumber;
use crate::refusal::Refusal;
use crate::shelf::{Content, Kept, KeptWill, Step, Ticket};

/// A message to be published when the client is gone.
#[derive(Debug)]
pub(crate) struct Will {
    message: Message,
    delay: Duration,
}

/// A will that fires at its moment, unless the client is back before.
#[derive(Debug)]
pub(crate) struct DueWill {
    pub(crate) will: Box<Will>,
    pub(crate) at: UnixTime,
}

impl Will {
    /// Takes a will from a CONNECT, if its topic is granted now.
    pub(super) fn register(
        broker: &Broker,
        origin: Origin,
        will: &Asked<'_>,
    ) -> Result<Box<Self>, Refusal> {
        if will.topic.levels().count() > broker.settings.topic_levels_max {
            return Err(Refusal::TopicTooDeep);
        }
        if !may_publish(&origin.publisher, will.topic) {
            return Err(Refusal::WillNotGranted);
        }
        Ok(Box::new(Self {
            message: Message::of_will(origin, will)?,
            delay: Duration::from_secs(will.properties.will_delay_s.unwrap_or(0).into()),
        }))
    }

    /// The same will, in a session that was resumed.
    pub(super) fn set_session(&mut self, session: SessionNumber) {
        self.message.set_session(session);
    }

    /// How long the client may be gone before it fires (MQTT 5 section 3.1.3.2.2).
    pub(super) fn delay(&self) -> Duration {
        self.delay
    }

    /// The step that puts it on the shelf.
    pub(super) fn step(&self, session: u64) -> Step {
        Step::Will {
            session,
            delay_s: u32::try_from(self.delay.as_secs()).unwrap_or(u32::MAX),
            content: Content::of_will(&self.message),
        }
    }

    /// Publishes it once what takes it off the shelf is durable; at once if it was never there.
    pub(crate) fn fire_after(
        self: Box<Self>,
        taken: Option<Ticket>,
        broker: &Arc<Broker>,
        now: UnixTime,
    ) {
        match (taken, &broker.shelf) {
            (Some(ticket), Some(on)) => {
                let waiting = Arc::new(WaitingWill {
                    broker: Arc::downgrade(broker),
                    will: Mutex::new(Some(self)),
                    now,
                });
                on.wake_at(ticket, &Waker::from(waiting));
            }
            _ => self.fire(broker, now),
        }
    }

    /// Publishes it, if its topic is granted at this moment.
    fn fire(self, broker: &Broker, now: UnixTime) {
        let message = self.message.published_at(now);
        let publisher = message.publisher().clone();
        let granted = message
            .topic_name()
            .is_some_and(|topic| may_publish(&publisher, topic));
        let fired = if granted {
            broker.publish(message, now).map(drop)
        } else {
            Err(Refusal::WillNotGranted)
        };
        if let Err(refusal) = fired {
            report::will_refused(broker, &publisher, refusal);
        }
    }
}

impl DueWill {
    /// The will of an earlier life of the hub. A client that was connected at its end is gone since `now`.
    pub(crate) fn restore(kept: &Kept, subject: &Arc<Subject>, now: UnixTime) -> Option<Self> {
        let KeptWill {
            delay_s,
            at,
            content,
        } = kept.will.as_ref()?;
        let read = crate::shelf::read(content, &|_publisher| Some(subject.clone()));
        let Some(mut message) = read.and_then(|outgoing| Arc::into_inner(outgoing.message)) else {
            report::will_damaged(subject);
            return None;
        };
        message.set_session(SessionNumber(kept.session));
        let delay = Duration::from_secs((*delay_s).into());
        Some(Self {
            will: Box::new(Will { message, delay }),
            at: at.unwrap_or_else(|| now.plus(delay)),
        })
    }
}

/// A will whose moment has come, and that is still being taken off the shelf.
struct WaitingWill {
    broker: Weak<Broker>,
    will: Mutex<Option<Box<Will>>>,
    now: UnixTime,
}

impl Wake for WaitingWill {
    fn wake(self: Arc<Self>) {
        let will = self.will.lock().take();
        if let (Some(broker), Some(will)) = (self.broker.upgrade(), will) {
            will.fire(&broker, self.now);
        }
    }
}
