//! The router against a model that matches by brute force.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ironroot_mqtt::{
    Delivery, PacketId, Publish, PublishProperties, Qos, SubscriptionId, TopicFilter, TopicName,
};
use ironroot_registry::Subject;
use ironroot_standing::Grant;
use ironroot_time::UnixTime;
use proptest::prelude::*;
use smallvec::SmallVec;

use super::{Options, Router, Subscription};
use crate::counters::Counters;
use crate::message::{Message, Origin};
use crate::outbox::{Outbox, QueueBounds, SessionNumber, Wanted};
use crate::settings::BrokerSettings;

const SESSIONS: u64 = 4;
const NOW: UnixTime = UnixTime::from_s(1);

#[derive(Clone, Debug)]
enum Step {
    Subscribe {
        session: u64,
        filter: String,
        options: Options,
    },
    Unsubscribe {
        session: u64,
        filter: String,
    },
    Leave {
        session: u64,
    },
    Publish {
        session: u64,
        topic: String,
        qos: Qos,
        retain: bool,
        payload: u8,
    },
    Forget {
        session: u64,
    },
    Replay {
        filter: String,
        page: usize,
    },
}

/// What one session should get for one message.
type Expected = (u64, Qos, bool, BTreeSet<u32>);

#[derive(Default)]
struct Model {
    subscriptions: BTreeMap<(u64, String), Options>,
    retained: BTreeMap<String, (u64, u8)>,
}

impl Model {
    fn deliveries(&self, from: u64, topic: &str, qos: Qos, retain: bool) -> BTreeSet<Expected> {
        (1..=SESSIONS)
            .filter_map(|session| {
                let wanted: Vec<_> = self
                    .subscriptions
                    .iter()
                    .filter(|((owner, filter), options)| {
                        *owner == session
                            && matches(filter, topic)
                            && !(options.no_local && from == session)
                    })
                    .map(|(_, options)| options)
                    .collect();
                let qos_max = wanted.iter().map(|options| options.qos).max()?;
                let kept = retain && wanted.iter().any(|options| options.retain_as_published);
                let ids = wanted
                    .iter()
                    .filter_map(|options| options.id)
                    .map(SubscriptionId::get)
                    .collect();
                Some((session, qos_max.min(qos), kept, ids))
            })
            .collect()
    }
}

/// MQTT 5 section 4.7, word for word.
fn matches(filter: &str, topic: &str) -> bool {
    fn levels(filter: &[&str], topic: &[&str]) -> bool {
        match (filter, topic) {
            (["#"], _) | ([], []) => true,
            (["+", filter @ ..], [_, topic @ ..]) => levels(filter, topic),
            ([level, filter @ ..], [name, topic @ ..]) => level == name && levels(filter, topic),
            (_, _) => false,
        }
    }
    let hidden = topic.starts_with('$') && filter.starts_with(['+', '#']);
    let (filter, topic): (Vec<_>, Vec<_>) =
        (filter.split('/').collect(), topic.split('/').collect());
    !hidden && levels(&filter, &topic)
}

/// The router with one outbox and one subject for each session.
struct Real {
    router: Router,
    outboxes: Vec<Arc<Outbox>>,
    subjects: Vec<Arc<Subject>>,
}

impl Real {
    fn new() -> Self {
        let settings = BrokerSettings {
            session_queue_pause_bytes: usize::MAX / 2,
            ..BrokerSettings::default()
        };
        let bounds = Arc::new(QueueBounds::new(&settings));
        let subject = |n: u64| {
            let principal = ironroot_identity::Principal::Service(format!("s{n}").parse().unwrap());
            Arc::new(Subject::new(principal, Arc::new(Grant::nothing())))
        };
        let outbox = |n| {
            Arc::new(Outbox::new(
                SessionNumber(n),
                subject(n),
                bounds.clone(),
                Arc::new(Counters::default()),
                None,
            ))
        };
        Self {
            router: Router::new(&settings, None),
            outboxes: (0..=SESSIONS).map(outbox).collect(),
            subjects: (0..=SESSIONS).map(subject).collect(),
        }
    }

    fn outbox(&self, session: u64) -> &Arc<Outbox> {
        &self.outboxes[usize::try_from(session).unwrap()]
    }

    fn subject(&self, session: u64) -> &Arc<Subject> {
        &self.subjects[usize::try_from(session).unwrap()]
    }

    fn message(
        &self,
        session: u64,
        topic: &str,
        qos: Qos,
        retain: bool,
        payload: u8,
    ) -> Arc<Message> {
        let origin = Origin {
            publisher: self.subject(session).clone(),
            session: SessionNumber(session),
            at: NOW,
        };
        let topic = TopicName::parse(topic).unwrap();
        let delivery = match qos {
            Qos::AtMostOnce => Delivery::AtMostOnce,
            _ => Delivery::AtLeastOnce {
                packet_id: PacketId::new(1).unwrap(),
                dup: false,
            },
        };
        // A payload of zero stands for an empty one.
        let payload = [payload];
        let payload = if payload == [0] {
            &[][..]
        } else {
            &payload[..]
        };
        let publish = Publish {
            delivery,
            retain,
            topic: Some(topic),
            properties: PublishProperties::default(),
            payload,
        };
        Arc::new(Message::of_publish(origin, topic, &publish).unwrap())
    }

    /// Everything that waits in the outboxes.
    fn drain(&self) -> BTreeSet<Expected> {
        let mut got = BTreeSet::new();
        for outbox in &self.outboxes {
            let mut batch = SmallVec::new();
            let everything = Wanted {
                window: usize::MAX,
                bytes_max: usize::MAX,
                gather: None,
            };
            outbox.take(everything, UnixTime::default(), &mut batch);
            for outgoing in batch {
                let ids = outgoing
                    .subscription_ids
                    .iter()
                    .map(|id| id.get())
                    .collect();
                let new = got.insert((outbox.number().0, outgoing.qos, outgoing.retain, ids));
                assert!(new, "one delivery for each session");
            }
        }
        got
    }

    fn retained(&self, filter: &str, page: usize) -> Vec<(String, u8)> {
        let (mut got, mut cursor) = (Vec::new(), None::<Box<str>>);
        loop {
            let found = self.router.retained(
                TopicFilter::parse(filter).unwrap(),
                cursor.as_deref(),
                page,
                NOW,
            );
            assert!(found.messages.len() <= page);
            got.extend(
                found
                    .messages
                    .iter()
                    .map(|message| (message.topic().to_owned(), message.payload()[0])),
            );
            match found.cursor {
                Some(next) => cursor = Some(next),
                None => return got,
            }
        }
    }
}

fn run(steps: Vec<Step>) {
    let (real, mut model) = (Real::new(), Model::default());
    for step in steps {
        match step {
            Step::Subscribe {
                session,
                filter,
                options,
            } => {
                let subscription = Subscription {
                    outbox: real.outbox(session).clone(),
                    options,
                };
                let replaced = real.router.subscribe(parsed(&filter), subscription);
                assert_eq!(
                    replaced,
                    model.subscriptions.insert((session, filter), options)
                );
            }
            Step::Unsubscribe { session, filter } => {
                let removed = real
                    .router
                    .unsubscribe(parsed(&filter), SessionNumber(session));
                assert_eq!(
                    removed,
                    model.subscriptions.remove(&(session, filter)).is_some()
                );
            }
            Step::Leave { session } => {
                let own: Vec<_> = model
                    .subscriptions
                    .keys()
                    .filter(|(owner, _)| *owner == session)
                    .cloned()
                    .collect();
                let filters = own.iter().map(|(_, filter)| parsed(filter));
                real.router.unsubscribe_all(filters, SessionNumber(session));
                model
                    .subscriptions
                    .retain(|(owner, _), _| *owner != session);
            }
            Step::Publish {
                session,
                topic,
                qos,
                retain,
                payload,
            } => {
                let message = real.message(session, &topic, qos, retain, payload);
                if retain {
                    real.router.retain(&message, NOW).unwrap();
                    match payload {
                        0 => drop(model.retained.remove(&topic)),
                        _ => drop(model.retained.insert(topic.clone(), (session, payload))),
                    }
                }
                let expected = model.deliveries(session, &topic, qos, retain);
                assert_eq!(real.router.route(&message).subscribers, expected.len());
                assert_eq!(real.drain(), expected, "{topic}");
            }
            Step::Forget { session } => {
                real.router.forget(real.subject(session).principal());
                model
                    .retained
                    .retain(|_, (publisher, _)| *publisher != session);
            }
            Step::Replay { filter, page } => {
                let expected: Vec<_> = model
                    .retained
                    .iter()
                    .filter(|(topic, _)| matches(&filter, topic))
                    .map(|(topic, (_, payload))| (topic.clone(), *payload))
                    .collect();
                assert_eq!(real.retained(&filter, page), expected, "{filter}");
            }
        }
        assert_eq!(real.router.retained_count(), model.retained.len());
        assert_eq!(real.router.subscription_count(), model.subscriptions.len());
        assert_eq!(
            real.router.subscriptions.read().is_empty(),
            model.subscriptions.is_empty()
        );
    }
}

fn parsed(filter: &str) -> TopicFilter<'_> {
    TopicFilter::parse(filter).unwrap()
}

fn topic() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "", "ab", "$s"]), 1..4)
        .prop_map(|levels| levels.join("/"))
        .prop_filter("a topic has a character", |topic| !topic.is_empty())
}

fn filter() -> impl Strategy<Value = String> {
    let levels = prop::collection::vec(
        prop::sample::select(vec!["a", "b", "", "ab", "$s", "+", "+"]),
        0..4,
    );
    (levels, any::<bool>())
        .prop_map(|(mut levels, rest)| {
            if rest {
                levels.push("#");
            }
            levels.join("/")
        })
        .prop_filter("a filter has a character", |filter| !filter.is_empty())
}

fn qos() -> impl Strategy<Value = Qos> {
    prop::sample::select(vec![Qos::AtMostOnce, Qos::AtLeastOnce])
}

fn step() -> impl Strategy<Value = Step> {
    let session = 1..=SESSIONS;
    let options = (qos(), any::<bool>(), any::<bool>(), 0_u32..50).prop_map(
        |(qos, no_local, retain_as_published, id)| Options {
            qos,
            no_local,
            retain_as_published,
            id: SubscriptionId::new(id),
        },
    );
    prop_oneof![
        6 => (session.clone(), filter(), options)
            .prop_map(|(session, filter, options)| Step::Subscribe { session, filter, options }),
        2 => (session.clone(), filter()).prop_map(|(session, filter)| Step::Unsubscribe { session, filter }),
        1 => session.clone().prop_map(|session| Step::Leave { session }),
        8 => (session.clone(), topic(), qos(), any::<bool>(), 0_u8..3)
            .prop_map(|(session, topic, qos, retain, payload)| Step::Publish { session, topic, qos, retain, payload }),
        1 => session.prop_map(|session| Step::Forget { session }),
        2 => (filter(), 1_usize..4).prop_map(|(filter, page)| Step::Replay { filter, page }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_steps_agrees_with_matching_by_brute_force(steps in prop::collection::vec(step(), 1..60)) {
        run(steps);
    }
}
