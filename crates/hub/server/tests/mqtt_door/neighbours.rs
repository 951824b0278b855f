//! Clients that behave badly, and whether anybody else feels it.
//!
//! The others are a device and a service that pass messages on at QoS 1, one by one. What is asked is that they
//! get on while the bad client is still at it, not how fast: that would be a question to the machine.

use ironroot_broker::BrokerSettings;
use ironroot_mqtt::{Connect, ConnectProperties, Packet, Publish, Qos, ReasonCode};
use ironroot_server::collect::doors::mqtt::MqttSettings;
use tokio::io::AsyncReadExt;

use crate::client::{Client, Got, connect, publish};
use crate::endings::overwhelm;
use crate::house::House;

/// Messages that the others pass on.
const ROUNDS: usize = 200;

/// A device and a service that have nothing to do with the bad client.
struct Others {
    device: Client,
    service: Client,
}

impl Others {
    async fn join(house: &House) -> Self {
        let device = house.joins(&house.device("good")).await;
        let mut service = house.joins(&house.service("watch")).await;
        let granted = service.subscribes("d/good/up/#", Qos::AtMostOnce).await;
        assert_eq!(granted, Got::SubAck(ReasonCode::Success));
        Self { device, service }
    }

    /// One message goes from one to the other.
    async fn get_on(&mut self) {
        let answer = self.device.publishes_qos1("d/good/up/t", b"on").await;
        assert_eq!(answer, Got::PubAck(ReasonCode::Success));
        let message = Got::Message("d/good/up/t".to_owned(), b"on".to_vec());
        assert_eq!(self.service.gets().await, message);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_a_subscriber_that_never_reads_holds_up_nobody() {
    let house = House::open().await;
    let mut others = Others::join(&house).await;
    let bad = house.device("cam-1");
    let mut client = house.joins(&bad).await;
    client.subscribes("d/cam-1/down/#", Qos::AtMostOnce).await;
    let mut flooding = house.joins(&house.service("flooding")).await;
    overwhelm(&house, &mut flooding).await;
    for _ in 0..ROUNDS {
        flooding.publishes("d/cam-1/down/x", &[0; 10_000]).await;
        others.get_on().await;
        assert!(
            house.broker.totals().queued_bytes > 0,
            "it still reads nothing"
        );
    }
    let most = BrokerSettings::default().session_queue_max_bytes;
    assert!(house.broker.totals().queued_bytes <= most);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_a_subscriber_that_reads_byte_by_byte_holds_up_nobody() {
    let house = House::open().await;
    let mut others = Others::join(&house).await;
    let bad = house.device("cam-1");
    let mut client = house.joins(&bad).await;
    client.subscribes("d/cam-1/down/#", Qos::AtMostOnce).await;
    let mut flooding = house.joins(&house.service("flooding")).await;
    overwhelm(&house, &mut flooding).await;
    for _ in 0..ROUNDS {
        flooding.publishes("d/cam-1/down/x", &[0; 10_000]).await;
        client.stream.get_mut().0.read_u8().await.unwrap();
        others.get_on().await;
    }
    assert_eq!(house.broker.sessions_of(bad.subject.principal()).len(), 1);
    assert!(house.broker.totals().queued_bytes > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_a_subscriber_that_asks_for_everything_retained_again_and_again_holds_up_nobody() {
    const RETAINED: usize = 5_000;
    let settings = BrokerSettings {
        retained_per_principal_max: RETAINED,
        ..BrokerSettings::default()
    };
    let house = House::with(MqttSettings::default(), settings).await;
    let mut others = Others::join(&house).await;
    let mut keeper = house.joins(&house.service("keeper")).await;
    for n in 0..RETAINED {
        let topic = format!("d/cam-1/down/{n}");
        let retained = Publish {
            retain: true,
            ..publish(&topic, &[0; 1_000])
        };
        keeper.sends(&Packet::Publish(retained)).await.unwrap();
    }
    keeper.sends(&Packet::PingReq).await.unwrap();
    assert_eq!(keeper.gets().await, Got::PingResp);
    assert_eq!(house.broker.totals().retained, RETAINED);
    let mut client = house.joins(&house.device("cam-1")).await;
    for _ in 0..ROUNDS {
        client.asks_for("d/cam-1/down/#", Qos::AtMostOnce).await;
        others.get_on().await;
        // They are read from the store as the client takes them, and wait nowhere.
        assert!(house.broker.totals().queued_bytes < RETAINED * 1_000 / 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_a_flood_for_a_client_that_is_away_is_bounded_and_holds_up_nobody() {
    let house = House::open().await;
    let mut others = Others::join(&house).await;
    let away = house.device("cam-1");
    let mut client = Client::connect(&house, Some(&away)).await.unwrap();
    let properties = ConnectProperties {
        session_expiry_s: Some(3_600),
        ..ConnectProperties::default()
    };
    let lasting = Connect {
        properties,
        ..connect("cam-1")
    };
    client.sends(&Packet::Connect(lasting)).await.unwrap();
    assert_eq!(client.gets().await, Got::ConnAck(ReasonCode::Success));
    client.subscribes("d/cam-1/down/#", Qos::AtLeastOnce).await;
    drop(client);
    house
        .until("it is away", |broker| broker.totals().parked == 1)
        .await;
    let mut flooding = house.joins(&house.service("flooding")).await;
    for _ in 0..ROUNDS {
        let answer = flooding
            .publishes_qos1("d/cam-1/down/x", &[0; 10_000])
            .await;
        assert!(matches!(answer, Got::PubAck(_)), "{answer:?}");
        others.get_on().await;
    }
    let most = BrokerSettings::default().parked_queue_max_bytes;
    assert!(house.broker.totals().queued_bytes <= most);
    let counted = house.broker.counters_of(away.subject.principal()).unwrap();
    assert!(counted.dropped > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_a_flood_is_cut_off_and_holds_up_nobody() {
    let settings = BrokerSettings {
        hold_ms: 10,
        ..BrokerSettings::default()
    };
    let house = House::with(MqttSettings::default(), settings).await;
    let mut others = Others::join(&house).await;
    let bad = house.device("cam-1");
    house.limits(&bad, "messages_per_s = 10\nmessage_burst = 10");
    let mut client = house.joins(&bad).await;
    let mut sent = 0_usize;
    while client
        .sends(&Packet::Publish(publish("d/cam-1/up/t", b"flood")))
        .await
        .is_ok()
    {
        sent += 1;
        if sent.is_multiple_of(50) {
            others.get_on().await;
        }
        if house.broker.sessions_of(bad.subject.principal()).is_empty() {
            break;
        }
    }
    let counted = house.broker.counters_of(bad.subject.principal()).unwrap();
    assert_eq!((counted.held, counted.cut_off), (3, 1));
    loop {
        match client.gets().await {
            Got::Disconnect(reason) => break assert_eq!(reason, ReasonCode::MessageRateTooHigh),
            Got::End => panic!("no farewell"),
            _ => {}
        }
    }
}
