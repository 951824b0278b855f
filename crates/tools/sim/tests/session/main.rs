//! A session against the other end of a real TLS connection, which says what the test lets it say.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod peer;

use std::time::Duration;

use ironroot_link::{Flow, Session, SessionFailed};
use ironroot_mqtt::{
    Ack, AckProperties, ConnAck, Packet, PacketId, Publish, PublishProperties, Qos, ReasonCode,
    SubAck, TopicName, Version,
};
use tokio::time::timeout;

use peer::{Peer, World};

const VERSIONS: [Version; 2] = [Version::V311, Version::V5];

async fn connected(world: &World, version: Version) -> (Session, Peer) {
    let (session, peer) = tokio::join!(world.connect(version), async {
        let mut peer = world.accept(version).await;
        peer.hear(|packet| assert!(matches!(packet, Packet::Connect(_))))
            .await;
        peer.say(&Packet::ConnAck(ConnAck::default())).await;
        peer
    });
    (session.unwrap(), peer)
}

#[tokio::test]
async fn is_let_in_and_subscribes_in_both_versions() {
    let world = World::new().await;
    for version in VERSIONS {
        let (mut session, mut peer) = connected(&world, version).await;
        let answering = async {
            let packet_id = peer
                .hear(|packet| match packet {
                    Packet::Subscribe(subscribe) => subscribe.packet_id,
                    other => panic!("{other:?}"),
                })
                .await;
            let codes = [ReasonCode::GrantedQos1];
            peer.say(&Packet::SubAck(SubAck {
                packet_id,
                properties: AckProperties::default(),
                codes: (&codes).into(),
            }))
            .await;
        };
        let (granted, ()) =
            tokio::join!(session.subscribe("d/+/up/#", Qos::AtLeastOnce), answering);
        granted.unwrap();
    }
}

#[tokio::test]
async fn says_why_it_is_not_let_in() {
    let world = World::new().await;
    let (session, ()) = tokio::join!(world.connect(Version::V5), async {
        let mut peer = world.accept(Version::V5).await;
        peer.hear(|_connect| ()).await;
        let refusal = ConnAck {
            reason: ReasonCode::NotAuthorized,
            ..ConnAck::default()
        };
        peer.say(&Packet::ConnAck(refusal)).await;
    });
    let cause = format!("{:#}", session.unwrap_err());
    assert!(
        cause.contains("is not let in") && cause.contains("NotAuthorized"),
        "{cause}"
    );
}

#[tokio::test]
async fn a_connection_that_ends_before_the_answer_is_no_session() {
    let world = World::new().await;
    let (session, ()) = tokio::join!(world.connect(Version::V5), async {
        drop(world.accept(Version::V5).await);
    });
    assert!(session.is_err());
}

#[tokio::test]
async fn a_filter_that_is_not_granted_is_an_error() {
    let world = World::new().await;
    let (mut session, mut peer) = connected(&world, Version::V311).await;
    let answering = async {
        peer.hear(|_subscribe| ()).await;
        let codes = [ReasonCode::UnspecifiedError];
        peer.say(&Packet::SubAck(SubAck {
            packet_id: PacketId::new(1).unwrap(),
            properties: AckProperties::default(),
            codes: (&codes).into(),
        }))
        .await;
    };
    let (granted, ()) = tokio::join!(session.subscribe("#", Qos::AtMostOnce), answering);
    assert!(matches!(
        granted,
        Err(SessionFailed::Refused(ReasonCode::UnspecifiedError))
    ));
}

#[tokio::test]
async fn takes_messages_that_come_in_pieces_and_acknowledges_them() {
    let world = World::new().await;
    let (mut session, mut peer) = connected(&world, Version::V5).await;
    let message = Packet::Publish(Publish {
        delivery: ironroot_mqtt::Delivery::AtLeastOnce {
            packet_id: PacketId::new(7).unwrap(),
            dup: false,
        },
        retain: false,
        topic: Some(TopicName::parse("a/b").unwrap()),
        properties: PublishProperties::default(),
        payload: b"hello",
    });
    let bytes = peer.bytes(&message);
    let (start, rest) = bytes.split_at(4);
    let mut heard = Vec::new();
    for piece in [start, rest] {
        peer.send(piece).await;
        let received = session.receive::<SessionFailed>(|packet, outbox| {
            if let Packet::Publish(publish) = packet {
                heard.extend_from_slice(publish.payload);
                let id = publish.delivery.packet_id().unwrap();
                outbox.push(&Packet::PubAck(Ack::success(id)))?;
            }
            Ok(())
        });
        assert_eq!(received.await.unwrap(), Flow::Open);
    }
    assert_eq!(heard, b"hello");
    session.flush().await.unwrap();
    let acknowledged = peer.hear(|packet| match packet {
        Packet::PubAck(ack) => ack.packet_id,
        other => panic!("{other:?}"),
    });
    assert_eq!(acknowledged.await.get(), 7);
}

#[tokio::test]
async fn a_message_right_behind_the_answer_to_connect_is_kept() {
    let world = World::new().await;
    let (session, _peer) = tokio::join!(world.connect(Version::V5), async {
        let mut peer = world.accept(Version::V5).await;
        peer.hear(|_connect| ()).await;
        let message = Packet::Publish(Publish {
            delivery: ironroot_mqtt::Delivery::AtMostOnce,
            retain: false,
            topic: Some(TopicName::parse("a/b").unwrap()),
            properties: PublishProperties::default(),
            payload: b"waited",
        });
        let answer = Packet::ConnAck(ConnAck::default());
        let together = [peer.bytes(&answer), peer.bytes(&message)].concat();
        peer.send(&together).await;
        peer
    });
    let mut heard = Vec::new();
    let mut session = session.unwrap();
    let received = session.receive::<SessionFailed>(|packet, _outbox| {
        if let Packet::Publish(publish) = packet {
            heard.extend_from_slice(publish.payload);
        }
        Ok(())
    });
    received.await.unwrap();
    assert_eq!(heard, b"waited");
}

#[tokio::test]
async fn sees_the_end_whether_it_is_announced_or_not() {
    let world = World::new().await;
    let (mut announced, peer) = connected(&world, Version::V5).await;
    peer.close().await;
    announced.ended().await;
    let (mut cut, peer) = connected(&world, Version::V5).await;
    drop(peer);
    cut.ended().await;
    assert!(cut.ping().await.is_err());
}

#[tokio::test]
async fn a_session_that_goes_on_has_no_end() {
    let world = World::new().await;
    let (mut session, mut peer) = connected(&world, Version::V5).await;
    peer.say(&Packet::PingResp).await;
    let waited = timeout(Duration::from_millis(50), session.ended()).await;
    assert!(waited.is_err());
}

#[tokio::test]
async fn a_server_that_speaks_no_mqtt_is_an_error() {
    let world = World::new().await;
    let (mut session, mut peer) = connected(&world, Version::V311).await;
    peer.send(b"HTTP/1.1 200 OK\r\n").await;
    let received = session.receive::<SessionFailed>(|_packet, _outbox| Ok(()));
    assert!(matches!(received.await, Err(SessionFailed::Malformed(_))));
}

#[tokio::test]
async fn trusts_nobody_but_its_ca() {
    let world = World::new().await;
    let other = World::new().await;
    let (session, accepted) = tokio::join!(
        world.connect_trusting(&other, Version::V5),
        world.try_accept(Version::V5)
    );
    assert!(accepted.is_none());
    let cause = format!("{:#}", session.unwrap_err());
    assert!(cause.contains("shaking hands"), "{cause}");
}

#[tokio::test]
async fn refuses_to_publish_at_qos_2() {
    let world = World::new().await;
    let (mut session, _peer) = connected(&world, Version::V5).await;
    let topic = TopicName::parse("a").unwrap();
    let outbox = session.outbox();
    assert!(outbox.publish(topic, Qos::ExactlyOnce, b"").is_err());
    assert!(outbox.publish(topic, Qos::AtLeastOnce, b"").is_ok());
}
