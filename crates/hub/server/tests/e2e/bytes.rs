//! Hostile bytes at every port: the connection that brings them ends in the protocol's own way, and the
//! session beside it is not disturbed.

use std::thread;

use crate::rig::{Hub, Identity, Socket};

/// Whoever says nothing, or too slowly, is given up after a second.
const IMPATIENT: &str = "
    [mqtt]
    handshake_timeout_s = 1
    [broker]
    connect_timeout_s = 1
    [device]
    handshake_timeout_s = 1
    head_timeout_s = 1
    request_timeout_s = 1
    [pki]
    head_timeout_s = 1
    [console]
    head_timeout_s = 1
    request_timeout_s = 1
";

const DOORS: [&str; 4] = ["console", "pki", "device", "mqtt"];

/// A hub that waits for nobody, and two devices.
struct Scene {
    hub: Hub,
    cam: Identity,
    beside: Identity,
}

impl Scene {
    fn new() -> Self {
        let hub = Hub::with(IMPATIENT);
        Self {
            cam: hub.device("cam-1"),
            beside: hub.device("beside"),
            hub,
        }
    }

    /// A connection that is through the handshake, where there is one.
    fn inside(&self, door: &str) -> Socket {
        match door {
            "mqtt" => Socket::tls(&self.hub, door, Some(&self.cam)),
            "device" => Socket::tls(&self.hub, door, None),
            _ => Socket::plain(&self.hub, door),
        }
    }

    /// Somebody well behaved at the same door.
    fn neighbour(&self, door: &'static str) -> Neighbour {
        if door != "mqtt" {
            let socket = self.inside(door);
            return Neighbour { door, socket };
        }
        let mut socket = Socket::tls(&self.hub, door, Some(&self.beside));
        assert!(socket.sends(CONNECT));
        assert_eq!(socket.gets(CONNACK), CONNACK);
        Neighbour { door, socket }
    }

    /// Sends each of `attacks` on a connection of its own, and hands `judge` what came back until the end.
    fn attacked(
        &self,
        door: &'static str,
        open: impl Fn() -> Socket,
        attacks: &[&[u8]],
        judge: impl Fn(&[u8]) -> bool,
    ) {
        let mut neighbour = self.neighbour(door);
        for attack in attacks {
            let mut socket = open();
            socket.sends(attack);
            let answer = socket.gets_all();
            let (attack, shown) = (attack.escape_ascii(), answer.escape_ascii());
            assert!(
                judge(&answer),
                "{door} answered {shown} to {:.200}",
                attack.to_string()
            );
            neighbour.is_served();
        }
    }
}

/// One session that asks and is answered, on one connection all the time.
struct Neighbour {
    door: &'static str,
    socket: Socket,
}

impl Neighbour {
    fn is_served(&mut self) {
        let path = match self.door {
            "console" => "/healthz",
            "pki" => "/root.crt",
            "device" => "/.well-known/est/cacerts",
            // PINGREQ and PINGRESP.
            _ => {
                return assert!(
                    self.socket.sends(b"\xc0\x00") && self.socket.gets(b"\xd0\x00").len() == 2
                );
            }
        };
        let question = format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(
            self.socket.sends(question.as_bytes()),
            "the neighbour was cut off"
        );
        let answer = self.socket.gets(b"\r\n\r\n");
        assert!(
            answer.starts_with(b"HTTP/1.1 200 "),
            "{}",
            answer.escape_ascii()
        );
    }
}

/// CONNECT of MQTT 3.1.1 without a client id, and its answer.
const CONNECT: &[u8] = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00";
const CONNACK: &[u8] = b"\x20\x02\x00\x00";

/// CONNECT of MQTT 5 without a client id.
const CONNECT_5: &[u8] = b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x00";

fn is_400(answer: &[u8]) -> bool {
    answer.starts_with(b"HTTP/1.1 400 ")
}

/// A TLS alert record (RFC 8446 section 6), or no word at all.
fn is_alert(answer: &[u8]) -> bool {
    answer.is_empty() || answer.starts_with(b"\x15\x03")
}

#[test]
fn what_is_not_http_gets_400_and_the_end() {
    let scene = Scene::new();
    for door in ["console", "pki", "device"] {
        let attacks: &[&[u8]] = &[
            b"\0\0\0\0\r\n\r\n",
            b"\xff\xfe\xfd\r\n\r\n",
            b"GET\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nName : space before the colon\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n folded: line\r\n\r\n",
            b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: \0\r\n\r\n",
            // An answer where a question belongs.
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            // Other protocols that came to the wrong port.
            CONNECT,
            b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n\r\n",
        ];
        scene.attacked(door, || scene.inside(door), attacks, is_400);
    }
}

#[test]
fn attack_a_request_whose_length_can_be_read_in_two_ways_is_refused() {
    let scene = Scene::new();
    for (door, path) in [
        ("console", "/api/v1/claims"),
        ("device", "/.well-known/est/simpleenroll"),
    ] {
        let request = |fields: &str| {
            format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n\r\n0\r\n\r\n")
        };
        let attacks = [
            request("Content-Length: 5\r\nContent-Length: 6"),
            request("Content-Length: 5, 6"),
            request("Content-Length: -1"),
            request("Content-Length: +5"),
            request("Content-Length: 99999999999999999999"),
            request("Transfer-Encoding: chunked, identity"),
            request("Transfer-Encoding: gzip"),
        ];
        let attacks = attacks.each_ref().map(String::as_bytes);
        scene.attacked(door, || scene.inside(door), &attacks, is_400);
    }
}

#[test]
fn attack_an_endless_head_is_refused() {
    let scene = Scene::new();
    for door in ["console", "pki", "device"] {
        let long = format!(
            "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
            "x".repeat(64 * 1024)
        );
        let many = format!(
            "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
            "X: x\r\n".repeat(1_000)
        );
        let path = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(64 * 1024));
        let attacks = [&long, &many, &path].map(String::as_bytes);
        // It may be reset while it still sends.
        let refused = |answer: &[u8]| answer.is_empty() || answer.starts_with(b"HTTP/1.1 4");
        scene.attacked(door, || scene.inside(door), &attacks, refused);
    }
}

#[test]
fn what_is_not_tls_gets_an_alert_and_the_end() {
    let scene = Scene::new();
    for door in ["device", "mqtt"] {
        let mut too_long = b"\x16\x03\x01\xff\xff".to_vec();
        too_long.resize(66_000, 0);
        // A ClientHello of the largest length there is (RFC 8446 section 4), in record after record.
        let mut endless = b"\x16\x03\x01\x00\x04\x01\xff\xff\xff".to_vec();
        for _ in 0..20 {
            endless.extend(b"\x16\x03\x01\x40\x00");
            endless.extend([0; 0x4000]);
        }
        let attacks: &[&[u8]] = &[
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            CONNECT,
            &[0; 64],
            &[0xff; 64],
            &too_long,
            &endless,
            // Data, an alert, the end of a handshake: before there was a beginning.
            b"\x17\x03\x03\x00\x05hello",
            b"\x15\x03\x03\x00\x02\x02\x28",
            b"\x14\x03\x03\x00\x01\x01",
            // ServerHello, Finished, KeyUpdate from a client.
            b"\x16\x03\x03\x00\x04\x02\x00\x00\x00",
            b"\x16\x03\x03\x00\x04\x14\x00\x00\x00",
            b"\x16\x03\x03\x00\x05\x18\x00\x00\x01\x00",
            // ClientHello of no content; of SSL 2.
            b"\x16\x03\x01\x00\x04\x01\x00\x00\x00",
            b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10",
        ];
        scene.attacked(door, || Socket::plain(&scene.hub, door), attacks, is_alert);
    }
}

#[test]
fn attack_a_certificate_in_records_of_one_byte_is_cut_off() {
    // It is not the time-out that ends it.
    let hub = Hub::with("[mqtt]\ntls12 = true\nhandshake_timeout_s = 3600\n");
    let mut socket = Socket::plain(&hub, "mqtt");
    assert!(socket.sends(CLIENT_HELLO_1_2));
    // ServerHelloDone (RFC 5246 section 7.4.5): now it is the client's turn to show its certificate.
    socket.gets(b"\x0e\x00\x00\x00");
    socket.sends(b"\x16\x03\x03\x00\x04\x0b\x00\xff\xff");
    socket.sends(&b"\x16\x03\x03\x00\x01\x00".repeat(30_000));
    socket.gets_all();
}

/// `ClientHello` of TLS 1.2: one suite, and what the hub wants of extensions (groups, signatures, extended
/// master secret).
const CLIENT_HELLO_1_2: &[u8] = b"\x16\x03\x01\x00\x4b\x01\x00\x00\x47\x03\x03\
    0123456789abcdef0123456789abcdef\x00\x00\x02\xc0\x2b\x01\x00\x00\x1c\
    \x00\x0a\x00\x06\x00\x04\x00\x1d\x00\x17\x00\x0b\x00\x02\x01\x00\
    \x00\x0d\x00\x04\x00\x02\x04\x03\x00\x17\x00\x00";

#[test]
fn what_is_not_mqtt_ends_before_anything_is_said() {
    let scene = Scene::new();
    let mut oversized = b"\x10\xff\xff\xff\x7f\x00\x04MQTT\x05".to_vec();
    oversized.resize(300_000, b'x');
    let attacks: &[&[u8]] = &[
        b"GET / HTTP/1.1\r\n\r\n",
        &[0; 64],
        &[0xff; 64],
        // A length of five bytes (MQTT 5 section 1.5.5).
        b"\x10\xff\xff\xff\xff\x01",
        &oversized,
        // Everything but CONNECT as the first packet: PINGREQ, PUBLISH, SUBSCRIBE, DISCONNECT, AUTH, and
        // what only a server sends.
        b"\xc0\x00",
        b"\x30\x06\x00\x01aevil",
        b"\x82\x06\x00\x01\x00\x01#\x00",
        b"\xe0\x00",
        b"\xf0\x00",
        CONNACK,
        b"\xd0\x00",
        // Another protocol's name.
        b"\x10\x0c\x00\x04mqtt\x04\x02\x00\x3c\x00\x00",
    ];
    let silent = |answer: &[u8]| answer.is_empty();
    scene.attacked("mqtt", || scene.inside("mqtt"), attacks, silent);
    // Versions, flags and texts that MQTT 5 has a word for (section 3.2.2.2); a server may close as well.
    let attacks: &[&[u8]] = &[
        b"\x10\x0d\x00\x04MQTT\x06\x02\x00\x3c\x00\x00\x00",
        b"\x10\x0d\x00\x04MQTT\x05\x03\x00\x3c\x00\x00\x00",
        b"\x10\x0f\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x02\xc3\x28",
        b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01\0",
    ];
    let refused = |answer: &[u8]| answer.is_empty() || (answer[0] == 0x20 && answer[3] >= 0x80);
    scene.attacked("mqtt", || scene.inside("mqtt"), attacks, refused);
}

#[test]
fn packets_that_are_wrong_in_a_session_end_it_with_their_reason() {
    let scene = Scene::new();
    let mut oversized = b"\x30\x80\x80\x80\x01\x00\x0cd/cam-1/up/t\x00".to_vec();
    oversized.resize(100_000, b'x');
    for (reason, attacks) in [
        // MQTT 5 section 4.13: malformed packet.
        (
            0x81,
            [
                b"\x00\x00".as_slice(),
                b"\x80\x06\x00\x01\x00\x01#\x00",
                b"\x36\x05\x00\x01a\x00\x01",
                b"\x32\x06\x00\x02\xc3\x28\x00\x01",
                b"\x82\x02\x00\x01",
                b"\x30\x05\x00\x02a#\x00",
                b"\xc0\x01x",
                b"\x82\x06\x00\x01\x00\x00\x01#",
            ]
            .as_slice(),
        ),
        // Protocol error: a second CONNECT, and what only a server sends.
        (
            0x82,
            &[
                CONNECT_5,
                b"\x20\x03\x00\x00\x00",
                b"\xd0\x00",
                b"\x90\x04\x00\x01\x00\x00",
            ],
        ),
        // A packet past the size that the Grant allows; a topic alias that stands for nothing.
        (0x95, &[&oversized]),
        (0x94, &[b"\x30\x06\x00\x00\x03\x23\x00\x01"]),
    ] {
        let open = || {
            let mut socket = scene.inside("mqtt");
            assert!(socket.sends(CONNECT_5));
            let head = socket.gets(b"\x20");
            assert_eq!(head, b"\x20");
            socket
        };
        let told = |answer: &[u8]| {
            // Behind what is left of CONNACK stands DISCONNECT, its length and its reason.
            let at = answer.iter().rposition(|byte| *byte == reason);
            at.is_some_and(|at| at >= 2 && answer[at - 2] == 0xe0)
        };
        scene.attacked("mqtt", open, attacks, told);
    }
}

#[test]
fn a_session_of_3_1_1_ends_without_a_word() {
    let scene = Scene::new();
    let open = || {
        let mut socket = scene.inside("mqtt");
        assert!(socket.sends(CONNECT));
        socket.gets(CONNACK);
        socket
    };
    let attacks: &[&[u8]] = &[
        b"\x00\x00",
        CONNECT,
        b"\x30\x03\x00\x01#",
        b"\xd0\x00",
        b"\xf0\x00",
    ];
    scene.attacked("mqtt", open, attacks, <[u8]>::is_empty);
}

#[test]
fn whoever_says_nothing_is_given_up_while_others_are_served() {
    let scene = Scene::new();
    for door in DOORS {
        let silent = Socket::plain(&scene.hub, door);
        is_given_up_beside_others(&scene, door, silent);
        let silent = scene.inside(door);
        is_given_up_beside_others(&scene, door, silent);
    }
}

#[test]
fn whoever_stops_half_way_is_given_up_while_others_are_served() {
    let scene = Scene::new();
    for (door, half) in [
        ("console", b"GET /healthz HTTP/1.1\r\nHost: loc".as_slice()),
        ("console", b"POST /api/v1/claims HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"),
        ("pki", b"GET /root.crt HTTP/1.1\r\nHost: loc"),
        ("device", b"GET /.well-known/est/cacerts HTTP/1.1\r\nHo"),
        (
            "device",
            b"POST /.well-known/est/simpleenroll HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nMI",
        ),
        ("mqtt", &CONNECT[..7]),
    ] {
        let mut slow = scene.inside(door);
        assert!(slow.sends(half));
        is_given_up_beside_others(&scene, door, slow);
    }
    for door in ["device", "mqtt"] {
        let mut slow = Socket::plain(&scene.hub, door);
        assert!(slow.sends(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"));
        is_given_up_beside_others(&scene, door, slow);
    }
}

/// Waits until the door closes the connection, and has a neighbour served all that time.
fn is_given_up_beside_others(scene: &Scene, door: &'static str, mut given_up: Socket) {
    let mut neighbour = scene.neighbour(door);
    let waiting = thread::spawn(move || given_up.gets_all());
    while !waiting.is_finished() {
        neighbour.is_served();
    }
    let answer = waiting.join().unwrap();
    let said = answer.is_empty() || is_alert(&answer) || answer.starts_with(b"HTTP/1.1 40");
    assert!(said, "{door}: {}", answer.escape_ascii());
}

#[test]
fn a_connection_that_is_dropped_at_any_point_leaves_the_door_open() {
    let scene = Scene::new();
    for door in DOORS {
        let mut neighbour = scene.neighbour(door);
        for bytes in [
            b"".as_slice(),
            b"\x16",
            b"\x16\x03\x01\x02\x00\x01",
            b"GET / HT",
            &CONNECT[..9],
        ] {
            for mut socket in [Socket::plain(&scene.hub, door), scene.inside(door)] {
                socket.sends(bytes);
                drop(socket);
                neighbour.is_served();
            }
        }
    }
}
