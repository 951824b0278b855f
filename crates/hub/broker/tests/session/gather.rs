//! What comes fast for a client that only listens goes together; nobody else waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::time::Duration;

use ironroot_broker::{Broker, BrokerSettings};
use ironroot_mqtt::{Packet, Publish, Qos, ReasonCode, Version};
use ironroot_standing::Grant;

use crate::bench::{Bench, Client, QOS1, device, publish, service};

const GATHER: Duration = Duration::from_millis(1);

/// A bench with the settings that a hub has.
fn bench() -> Bench {
    Bench::of(Broker::new(BrokerSettings::default()))
}

/// A client that has had its first message and listens on, and a publisher.
fn listener(bench: &Bench) -> (Client<'_>, Client<'_>) {
    let mut publisher = bench.joins(&service("publisher"), Version::V5);
    let mut listener = bench.joins(&service("listener"), Version::V5);
    listener.subscribes("t", Qos::AtLeastOnce);
    publisher.publishes("t", "first");
    assert_eq!(listener.gets_messages(), [("t", "first")]);
    (listener, publisher)
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Count {
    fn of(client: &mut Client<'_>) -> Arc<Self> {
        let count = Arc::new(Self::default());
        client.session.wake_for_output(&Waker::from(count.clone()));
        count
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[test]
fn one_that_only_listens_gets_together_what_comes_within_a_millisecond() {
    let bench = bench();
    let (mut listener, mut publisher) = listener(&bench);
    publisher.publishes("t", "a");
    assert_eq!(
        listener.gets_messages(),
        [("t", "a")],
        "nothing came before it"
    );
    let woken = Count::of(&mut listener);
    publisher.publishes("t", "b");
    publisher.publishes("t", "c");
    assert!(listener.gets_messages().is_empty());
    assert_eq!(woken.get(), 0);
    assert_eq!(listener.session.deadline(), Some(bench.now().plus(GATHER)));
    bench.passes(GATHER);
    assert_eq!(listener.gets_messages(), [("t", "b"), ("t", "c")]);
}

#[test]
fn after_a_silence_of_a_millisecond_the_next_comes_at_once() {
    let bench = bench();
    let (mut listener, mut publisher) = listener(&bench);
    publisher.publishes("t", "a");
    assert_eq!(listener.gets_messages().len(), 1);
    bench.passes(GATHER);
    assert!(listener.gets_messages().is_empty());
    let woken = Count::of(&mut listener);
    publisher.publishes("t", "b");
    assert_eq!(woken.get(), 1);
    assert_eq!(listener.gets_messages(), [("t", "b")]);
}

#[test]
fn one_that_asks_gets_its_answer_at_once() {
    let bench = bench();
    let (mut listener, mut publisher) = listener(&bench);
    for _ in 0..3 {
        listener.publishes("question", "?");
        publisher.publishes("t", "answer");
        assert_eq!(listener.gets_messages(), [("t", "answer")]);
    }
    publisher.publishes("t", "a");
    publisher.publishes("t", "b");
    assert_eq!(listener.gets_messages(), [("t", "a"), ("t", "b")]);
    publisher.publishes("t", "c");
    listener.publishes("question", "?");
    assert_eq!(
        listener.gets_messages(),
        [("t", "c")],
        "a question ends the wait"
    );
}

#[test]
fn as_many_as_fill_a_record_do_not_wait_for_more() {
    let bench = bench();
    let (mut listener, mut publisher) = listener(&bench);
    publisher.publishes("t", "a");
    assert_eq!(listener.gets_messages().len(), 1);
    let woken = Count::of(&mut listener);
    let payload = "b".repeat(8 * 1024);
    for woken_so_far in [0, 1, 1] {
        publisher.publishes("t", &payload);
        assert_eq!(woken.get(), woken_so_far);
    }
    assert_eq!(listener.gets_messages().len(), 3);
}

#[test]
fn an_answer_to_the_client_itself_does_not_wait() {
    let bench = bench();
    let (mut listener, mut publisher) = listener(&bench);
    for text in ["a", "b"] {
        publisher.publishes("t", text);
        listener.gets();
    }
    listener.sends(&Packet::PingReq);
    assert_eq!(listener.gets(), [Packet::PingResp]);
    let answer = listener.publishes_qos1("question", "?");
    assert_eq!(answer, ReasonCode::NoMatchingSubscribers);
}

#[test]
fn a_cut_reaches_one_that_waits_for_more() {
    let bench = bench();
    let cam = device("cam-1");
    let mut publisher = bench.joins(&service("publisher"), Version::V5);
    let mut listener = bench.joins(&cam, Version::V5);
    listener.subscribes("d/cam-1/down/#", Qos::AtMostOnce);
    for _ in 0..2 {
        publisher.publishes("d/cam-1/down/t", "x");
        assert_eq!(listener.gets().len(), 1);
    }
    let woken = Count::of(&mut listener);
    publisher.publishes("d/cam-1/down/t", "too late");
    bench.grants(&cam, Arc::new(Grant::nothing()));
    assert_eq!(woken.get(), 1);
    assert_eq!(listener.is_refused(), ReasonCode::NotAuthorized);
}

#[test]
fn a_shut_window_opens_with_the_acknowledgement_and_not_with_time() {
    let bench = Bench::of(Broker::new(BrokerSettings {
        in_flight_max: 1,
        ..BrokerSettings::default()
    }));
    let (mut listener, mut publisher) = listener(&bench);
    for text in ["a", "b", "c"] {
        publisher.sends(&Packet::Publish(Publish {
            delivery: QOS1,
            ..publish("t", text)
        }));
    }
    for text in ["a", "b", "c"] {
        let message = listener.gets_message();
        assert_eq!(message.payload, text.as_bytes());
        listener.acknowledges(&message);
    }
}
