//! Who gets through the handshake of which door, with which versions.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use ironroot_identity::Principal;
use ironroot_pki::authority::PkiUrls;
use ironroot_pki::key::SoftwareKey;
use ironroot_pki::peer::PeerIdentity;
use ironroot_pki::tls::{CertificateStatus, DoorTls, Tls12, UnshownCertificate};
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, NamedGroup, RootCertStore, StreamOwned,
};

use crate::doors::{Doors, anchors, answer_one, server_order};
use crate::fixture::{DAY, NOW, Peer, device, foreign_ca, foreign_peer, idevid, service};
use crate::tool::OpenSsl;

#[test]
fn a_device_gets_in_at_both_doors_with_its_leaf_alone() {
    let doors = Doors::new(&[]);
    let cam = doors.hub.device("cam-1");
    let mqtt = DoorTls::mqtt(&doors.parts, Tls12::Refused).unwrap();
    let port = DoorTls::device(&doors.parts).unwrap();
    for door in [mqtt, port] {
        let peer = doors.meet(&door, Some(&cam), "").admitted().unwrap();
        let principal = Principal::Device("cam-1".parse().unwrap());
        assert_eq!(peer.principal(), Some(&principal));
        assert_eq!(peer.not_after(), NOW.plus(30 * DAY));
    }
}

#[test]
fn a_device_gets_in_with_the_whole_chain() {
    let doors = Doors::new(&[]);
    let cam = doors.hub.device("cam-1");
    let openssl = OpenSsl::new();
    openssl.write_pem(
        "chain.pem",
        &[
            doors.hub.authority.current().certificate(),
            doors.hub.authority.current().root(),
        ],
    );
    openssl.write_pem("leaf.pem", &[&cam.certificate]);
    openssl.write("key.pem", &cam.key_pem);
    let door = DoorTls::mqtt(&doors.parts, Tls12::Refused).unwrap();
    let words = "-cert leaf.pem -key key.pem -cert_chain chain.pem";
    let peer = doors.meet_from(&openssl, &door, words).admitted().unwrap();
    assert!(peer.principal().is_some());
}

#[test]
fn the_mqtt_door_wants_a_certificate_and_the_device_port_does_not() {
    let doors = Doors::new(&[]);
    let mqtt = DoorTls::mqtt(&doors.parts, Tls12::Refused).unwrap();
    doors
        .meet(&mqtt, None, "")
        .refused_with(CERTIFICATE_REQUIRED);
    let device = DoorTls::device(&doors.parts).unwrap();
    assert!(doors.meet(&device, None, "").admitted().is_none());
}

#[test]
fn refuses_a_certificate_of_a_foreign_ca() {
    let doors = Doors::new(&[]);
    let stranger = foreign_peer(&foreign_ca("Elsewhere"), &idevid("pump-1"));
    for door in [
        DoorTls::mqtt(&doors.parts, Tls12::Refused).unwrap(),
        DoorTls::device(&doors.parts).unwrap(),
    ] {
        doors
            .meet(&door, Some(&stranger), "")
            .refused_with(UNKNOWN_CA);
    }
}

#[test]
fn refuses_a_revoked_certificate_from_the_next_handshake_on() {
    let doors = Doors::new(&[]);
    let cam = doors.hub.device("cam-1");
    let door = DoorTls::mqtt(&doors.parts, Tls12::Accepted).unwrap();
    doors.meet(&door, Some(&cam), "").admitted();
    doors
        .records
        .note(&cam.certificate, CertificateStatus::Revoked);
    for version in ["-tls1_3", "-tls1_2"] {
        doors
            .meet(&door, Some(&cam), version)
            .refused_with(CERTIFICATE_REVOKED);
    }
}

#[test]
fn refuses_a_certificate_that_is_not_on_record() {
    let doors = Doors::new(&[]);
    let cam = doors.hub.device("cam-1");
    doors
        .records
        .note(&cam.certificate, CertificateStatus::Unknown);
    let door = DoorTls::device(&doors.parts).unwrap();
    doors
        .meet(&door, Some(&cam), "")
        .refused_with(CERTIFICATE_UNKNOWN);
}

#[test]
fn refuses_a_certificate_before_it_begins_and_after_it_ended_by_the_hubs_clock() {
    let doors = Doors::new(&[]);
    let key = SoftwareKey::generate().unwrap();
    // Issued ten days from now, so that the hub's own certificate holds all the while.
    let issued = doors
        .hub
        .issue_at(NOW.plus(10 * DAY), &device("cam-1"), &key.public_key());
    let (second, cam) = (Duration::from_secs(1), Peer::new(issued.der, &key));
    let door = DoorTls::device(&doors.parts).unwrap();
    for moment in [issued.not_before, issued.not_after] {
        doors.clock.set(moment);
        doors.meet(&door, Some(&cam), "").admitted().unwrap();
    }
    for moment in [
        issued.not_before.minus(second),
        issued.not_after.plus(second),
    ] {
        doors.clock.set(moment);
        doors
            .meet(&door, Some(&cam), "")
            .refused_with(CERTIFICATE_EXPIRED);
    }
}

#[test]
fn tls_1_2_is_spoken_only_where_it_is_set() {
    let doors = Doors::new(&[]);
    let cam = doors.hub.device("cam-1");
    let refusing = DoorTls::mqtt(&doors.parts, Tls12::Refused).unwrap();
    doors
        .meet(&refusing, Some(&cam), "-tls1_2")
        .refused_with(PROTOCOL_VERSION);
    for door in [
        DoorTls::mqtt(&doors.parts, Tls12::Accepted).unwrap(),
        DoorTls::device(&doors.parts).unwrap(),
    ] {
        doors.meet(&door, Some(&cam), "-tls1_2").admitted().unwrap();
        doors.meet(&door, Some(&cam), "-tls1_3").admitted().unwrap();
    }
}

#[test]
fn tls_1_2_is_spoken_only_with_forward_secrecy_and_an_aead() {
    let doors = Doors::new(&[]);
    let cam = doors.hub.device("cam-1");
    let door = DoorTls::device(&doors.parts).unwrap();
    for suite in [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
    ] {
        let words = format!("-tls1_2 -cipher {suite}");
        doors.meet(&door, Some(&cam), &words).admitted().unwrap();
    }
    for suite in [
        "ECDHE-ECDSA-AES128-SHA256",
        "AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-SHA",
    ] {
        let words = format!("-tls1_2 -cipher {suite}");
        doors
            .meet(&door, Some(&cam), &words)
            .refused_with(HANDSHAKE_FAILURE);
    }
}

#[test]
fn attack_tls_1_2_without_the_extended_master_secret() {
    let doors = Doors::new(&[]);
    let openssl = OpenSsl::new();
    openssl.write(
        "openssl.cnf",
        "openssl_conf = main\n[main]\nssl_conf = ssl\n[ssl]\nsystem_default = tls\n\
         [tls]\nOptions = -ExtendedMasterSecret\n",
    );
    let door = DoorTls::device(&doors.parts).unwrap();
    doors
        .meet_from(&openssl, &door, "-tls1_2")
        .refused_with(HANDSHAKE_FAILURE);
}

#[test]
fn the_doors_protocol_is_confirmed_to_a_client_that_offers_it() {
    let doors = Doors::new(&[]);
    let cam = doors.hub.device("cam-1");
    let mqtt = DoorTls::mqtt(&doors.parts, Tls12::Refused).unwrap();
    let device = DoorTls::device(&doors.parts).unwrap();
    for (door, offered, answer) in [
        (&mqtt, "-alpn mqtt", "ALPN protocol: mqtt"),
        (&mqtt, "-alpn x-amzn-mqtt-ca", "No ALPN negotiated"),
        (&mqtt, "-alpn x-amzn-mqtt-ca,mqtt", "ALPN protocol: mqtt"),
        (&mqtt, "", "No ALPN negotiated"),
        (&device, "-alpn h2,http/1.1", "ALPN protocol: http/1.1"),
        (&device, "", "No ALPN negotiated"),
    ] {
        let met = doors.meet(door, Some(&cam), offered);
        assert!(met.client.text.contains(answer), "{}", met.client.text);
        met.admitted().unwrap();
    }
}

#[test]
fn an_idevid_of_a_known_manufacturer_gets_in_at_the_device_port_alone() {
    let acme = foreign_ca("Acme IDevID CA");
    let doors = Doors::new(&[("Acme", &acme)]);
    let pump = foreign_peer(&acme, &idevid("pump-1"));
    let mqtt = DoorTls::mqtt(&doors.parts, Tls12::Accepted).unwrap();
    doors.meet(&mqtt, Some(&pump), "").refused_with(UNKNOWN_CA);

    let device = DoorTls::device(&doors.parts).unwrap();
    let peer = doors.meet(&device, Some(&pump), "").admitted().unwrap();
    assert_eq!(peer.principal(), None);
    let expected = PeerIdentity::Manufacturer {
        manufacturer: "Acme".to_owned(),
        serial_number: "pump-1".to_owned(),
    };
    assert_eq!(peer.identity(), &expected);
}

#[test]
fn a_manufacturer_comes_and_goes_while_the_door_is_open() {
    let (acme, doors) = (foreign_ca("Acme IDevID CA"), Doors::new(&[]));
    let pump = foreign_peer(&acme, &idevid("pump-1"));
    let door = DoorTls::device(&doors.parts).unwrap();
    doors.meet(&door, Some(&pump), "").refused_with(UNKNOWN_CA);
    doors
        .parts
        .anchors
        .replace(anchors(&doors.hub, &[("Acme", &acme)]));
    doors.meet(&door, Some(&pump), "").admitted().unwrap();
    doors.parts.anchors.replace(anchors(&doors.hub, &[]));
    doors.meet(&door, Some(&pump), "").refused_with(UNKNOWN_CA);
}

#[test]
fn the_servers_certificate_is_renewed_while_the_door_is_open() {
    let doors = Doors::new(&[]);
    let door = DoorTls::device(&doors.parts).unwrap();
    let first = doors.meet(&door, None, "").client.text;
    let urls = PkiUrls::default();
    let second = UnshownCertificate::make(&doors.hub.authority, server_order(2, &urls)).unwrap();
    assert_eq!(second.issued().not_after, NOW.plus(90 * DAY));
    doors.parts.certificate.replace(second);
    let second = doors.meet(&door, None, "").client.text;
    let shown = |text: &str| text.split_once("-----END").unwrap().0.to_owned();
    assert_ne!(shown(&first), shown(&second));
}

#[test]
fn a_service_gets_in_as_a_service() {
    let doors = Doors::new(&[]);
    let backend = doors.hub.peer(&service("backend"));
    let door = DoorTls::mqtt(&doors.parts, Tls12::Refused).unwrap();
    let peer = doors.meet(&door, Some(&backend), "").admitted().unwrap();
    let principal = Principal::Service("backend".parse().unwrap());
    assert_eq!(peer.principal(), Some(&principal));
}

#[test]
fn the_key_exchange_is_hybrid_and_no_session_is_ever_resumed() {
    let doors = Doors::new(&[]);
    let config = Arc::new(rustls_client(&doors, &doors.hub.device("cam-1")));
    for versions in [Tls12::Refused, Tls12::Accepted] {
        let door = DoorTls::mqtt(&doors.parts, versions).unwrap();
        for _ in 0..2 {
            let client = connects(&door, &config);
            let group = client.negotiated_key_exchange_group().unwrap().name();
            assert_eq!(group, NamedGroup::X25519MLKEM768);
            assert_eq!(client.tls13_tickets_received(), 0);
            assert_eq!(client.handshake_kind(), Some(HandshakeKind::Full));
        }
    }
}

#[test]
fn the_hub_chooses_aes_128_unless_the_client_wants_something_else() {
    use aws_lc_rs::cipher_suite::{
        TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256,
    };
    let (aes_128, aes_256) = (TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384);
    let chacha = TLS13_CHACHA20_POLY1305_SHA256;
    let doors = Doors::new(&[]);
    let door = DoorTls::mqtt(&doors.parts, Tls12::Refused).unwrap();
    let cam = doors.hub.device("cam-1");
    for (offered, chosen) in [
        (vec![aes_256, aes_128, chacha], aes_128),
        (vec![aes_256, chacha, aes_128], aes_128),
        (vec![aes_256], aes_256),
        (vec![chacha, aes_256, aes_128], chacha),
    ] {
        let provider = CryptoProvider {
            cipher_suites: offered,
            ..aws_lc_rs::default_provider()
        };
        let config = Arc::new(rustls_client_with(provider, &doors, &cam));
        let client = connects(&door, &config);
        assert_eq!(client.negotiated_cipher_suite(), Some(chosen));
    }
}

/// A client's end of a whole connection.
fn connects(door: &DoorTls, config: &Arc<ClientConfig>) -> ClientConnection {
    let (_, client) = answer_one(door, |port| {
        let name = "localhost".try_into().unwrap();
        let client = ClientConnection::new(config.clone(), name).unwrap();
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut client = StreamOwned::new(client, stream);
        std::io::copy(&mut client, &mut std::io::sink()).unwrap();
        client.conn
    });
    client
}

/// A client that would resume sessions if it were given the means.
fn rustls_client(doors: &Doors, peer: &Peer) -> ClientConfig {
    rustls_client_with(aws_lc_rs::default_provider(), doors, peer)
}

/// The same, with this provider.
fn rustls_client_with(provider: CryptoProvider, doors: &Doors, peer: &Peer) -> ClientConfig {
    #[derive(Debug)]
    struct Fixed;
    impl TimeProvider for Fixed {
        fn current_time(&self) -> Option<UnixTime> {
            Some(UnixTime::since_unix_epoch(Duration::from_secs(NOW.as_s())))
        }
    }
    let mut roots = RootCertStore::empty();
    roots
        .add(doors.hub.authority.current().root().clone())
        .unwrap();
    let mut config = ClientConfig::builder_with_details(Arc::new(provider), Arc::new(Fixed))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(
            vec![peer.certificate.clone()],
            PrivateKeyDer::from_pem_slice(peer.key_pem.as_bytes()).unwrap(),
        )
        .unwrap();
    config.resumption = Resumption::in_memory_sessions(4);
    config
}

// Alerts (RFC 8446 section 6).
const HANDSHAKE_FAILURE: u8 = 40;
const CERTIFICATE_REVOKED: u8 = 44;
const CERTIFICATE_EXPIRED: u8 = 45;
const CERTIFICATE_UNKNOWN: u8 = 46;
const UNKNOWN_CA: u8 = 48;
const PROTOCOL_VERSION: u8 = 70;
const CERTIFICATE_REQUIRED: u8 = 116;
