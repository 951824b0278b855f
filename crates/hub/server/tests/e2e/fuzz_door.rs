//! A live door under fuzz: sequences of valid and damaged packets, in many sessions at once, to a hub of its own.
//!
//! `IRONROOT_FUZZ_SECONDS=3600` makes the short test long.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use ironroot_mqtt::{Packet, PacketType, Side, TopicName, Version};
use ironroot_testkit::SeededRng;
use ironroot_time::Rng;

use crate::generate::{Entropy, packet_of};
use crate::mutate::mutate;
use crate::rig::{Hub, Identity, LONGEST_WAIT, RoundTrips, Wire};

const SECONDS: u64 = 4;

/// Sessions at once: most with every right, so that what they send is not refused at the first check.
const SERVICES: usize = 6;
const DEVICES: usize = 2;
const SESSIONS_PER_SERVICE: usize = 2;

/// One source may come as often as it likes, and little is held for those who do not read.
const SETTINGS: &str = "
    [mqtt.admission]
    connects_per_source_per_s = 1000000
    [broker]
    connect_timeout_s = 1
    hub_queue_pause_bytes = 8388608
    hub_queue_max_bytes = 16777216
    retained_max_bytes = 4194304
";

/// What the hub may hold in memory at any moment, in KiB; an idle one holds about 40 MiB in a debug build.
const RESIDENT_MAX_KIB: u64 = 192 * 1024;

/// What was done to the door.
#[derive(Debug, Default)]
struct Done {
    connections: AtomicU64,
    sessions: AtomicU64,
    packets: AtomicU64,
    damaged: AtomicU64,
    bytes_back: AtomicU64,
}

#[test]
fn a_live_door_outlives_damaged_sequences_and_others_notice_nothing() {
    let mut hub = Hub::unstarted();
    hub.set(SETTINGS);
    // Each refused session is a line, and there are very many.
    hub.starts_as(hub.up().env("RUST_LOG", "error,ironroot_server=info"));
    let everybody = everybody(&hub);
    let beside = RoundTrips::begin(&hub);
    let (done, until_then) = (Done::default(), Instant::now() + seconds());
    let most_kib = thread::scope(|scope| {
        for (seed, who) in everybody.iter().enumerate() {
            let (wire, done) = (Wire::new(&hub, who), &done);
            scope.spawn(move || {
                let mut chance = Chance::new(seed);
                while Instant::now() < until_then {
                    disturb(&wire, who, &mut chance, done);
                }
            });
        }
        watch(&hub, until_then)
    });
    let spent = seconds().as_secs();
    println!("{spent} s: {done:?}; at most {most_kib} KiB resident");
    assert!(done.sessions.load(Relaxed) > 2 && done.damaged.load(Relaxed) > 20);
    let trips = beside.end();
    println!("beside them {trips:?}");
    trips.are_undisturbed();
    let said = hub.stop().said();
    assert!(!said.contains("panicked"), "{said}");
    assert!(
        most_kib < RESIDENT_MAX_KIB,
        "{most_kib} KiB were resident, {RESIDENT_MAX_KIB} are allowed"
    );
    hub.verifies();
}

/// Who disturbs: one for each session.
fn everybody(hub: &Hub) -> Vec<Identity> {
    let services = (0..SERVICES).map(|nth| {
        let rights = ["--publish", "#", "--subscribe", "#"];
        hub.service_with(&format!("fuzz-{nth}"), &rights)
    });
    let devices = (0..DEVICES).map(|nth| hub.device(&format!("cam-{nth}")));
    services
        .flat_map(|service| vec![service; SESSIONS_PER_SERVICE])
        .chain(devices)
        .collect()
}

fn seconds() -> Duration {
    let asked = std::env::var_os("IRONROOT_FUZZ_SECONDS");
    let seconds = asked.map_or(SECONDS, |asked| asked.to_str().unwrap().parse().unwrap());
    Duration::from_secs(seconds)
}

/// The most that was resident at any moment until then, in KiB; a hub that has ended fails the test.
fn watch(hub: &Hub, until_then: Instant) -> u64 {
    let mut most_kib = 0;
    while Instant::now() < until_then {
        let status = fs::read_to_string(format!("/proc/{}/status", hub.running().id())).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = resident.expect("the hub has not ended").trim();
        let kib = resident.strip_suffix(" kB").unwrap().parse().unwrap();
        most_kib = most_kib.max(kib);
        thread::park_timeout(Duration::from_secs(1).min(until_then - Instant::now()));
    }
    most_kib
}

/// Bytes to draw choices from, afresh for each packet.
struct Chance {
    rng: SeededRng,
    bytes: [u8; 512],
}

impl Chance {
    fn new(seed: usize) -> Self {
        Self {
            rng: SeededRng::new(u64::try_from(seed).unwrap()),
            bytes: [0; 512],
        }
    }

    fn draw(&mut self) -> Entropy<'_> {
        self.rng.fill(&mut self.bytes);
        Entropy::new(&self.bytes)
    }
}

/// One connection: CONNECT, some packets, and one of the ways to go.
fn disturb(wire: &Wire, who: &Identity, chance: &mut Chance, done: &Done) {
    let mut stream = wire.connect();
    done.connections.fetch_add(1, Relaxed);
    let mut drawn = chance.draw();
    let (version, many) = (drawn.version(), drawn.below(100));
    let damaged_one_in = [4, 16, 64][drawn.below(3)];
    let connect = first(&mut drawn, version, who);
    let mut answer = [0; 4];
    if stream.write_all(&connect).is_err() || !matches!(stream.read(&mut answer), Ok(4)) {
        return;
    }
    if answer[0] == 0x20 && answer[3] == 0 {
        done.sessions.fetch_add(1, Relaxed);
    }
    for _ in 0..many {
        let packet = next(&mut chance.draw(), version, damaged_one_in, done);
        done.packets.fetch_add(1, Relaxed);
        let sent = stream.write_all(&packet).and_then(|()| stream.flush());
        if sent.is_err() || !reads_what_came(&mut stream, done) {
            return;
        }
    }
    if chance.draw().below(8) == 0 {
        // Gone without a word.
        return;
    }
    stream.conn.send_close_notify();
    let mut rest = Vec::new();
    match stream.flush().and_then(|()| stream.read_to_end(&mut rest)) {
        Err(cause) if cause.kind() == ErrorKind::WouldBlock => {
            panic!("the door stays open after {LONGEST_WAIT:?}")
        }
        Ok(_) | Err(_) => {}
    }
    let rest = u64::try_from(rest.len()).unwrap();
    done.bytes_back.fetch_add(rest, Relaxed);
}

/// Takes what has come, and waits for nothing; gives whether the connection is still there.
fn reads_what_came(
    stream: &mut rustls::StreamOwned<rustls::ClientConnection, std::net::TcpStream>,
    done: &Done,
) -> bool {
    let mut buffer = [0; 4096];
    stream.sock.set_nonblocking(true).unwrap();
    let still_there = loop {
        match stream.read(&mut buffer) {
            Ok(0) => break false,
            Ok(read) => {
                let read = u64::try_from(read).unwrap();
                done.bytes_back.fetch_add(read, Relaxed);
            }
            Err(cause) => break cause.kind() == ErrorKind::WouldBlock,
        }
    };
    stream.sock.set_nonblocking(false).unwrap();
    still_there
}

/// A CONNECT that mostly gets in: of the client's own, without an authentication that the hub does not know.
fn first(drawn: &mut Entropy<'_>, version: Version, who: &Identity) -> Vec<u8> {
    let (as_drawn, damaged) = (drawn.below(16) == 0, drawn.below(16) == 0);
    let mut packet = packet_of(drawn, PacketType::Connect, version, Side::Client);
    if let Packet::Connect(connect) = &mut packet
        && !as_drawn
    {
        connect.properties.authentication_method = None;
        connect.properties.authentication_data = None;
        if who.id.starts_with("cam") {
            (connect.client_id, connect.will) = (who.id.clone().leak(), None);
        }
    }
    let mut bytes = encoded(&packet, version);
    if damaged {
        mutate(&mut bytes, drawn);
    }
    bytes
}

/// Any packet that a client sends, one in so many damaged. What ends a session by itself is rare: an answer to
/// nothing, a number for a topic that stands for nothing, a second CONNECT, DISCONNECT.
fn next(drawn: &mut Entropy<'_>, version: Version, damaged_one_in: usize, done: &Done) -> Vec<u8> {
    use PacketType as P;
    const GOING_ON: [PacketType; 8] = [
        P::Publish,
        P::Publish,
        P::Publish,
        P::Publish,
        P::PubRel,
        P::Subscribe,
        P::Unsubscribe,
        P::PingReq,
    ];
    const ENDING: [PacketType; 5] = [P::PubAck, P::PubRec, P::PubComp, P::Connect, P::Disconnect];
    let (ends, damaged) = (drawn.below(64) == 0, drawn.below(damaged_one_in) == 0);
    let types: &[PacketType] = if ends { &ENDING } else { &GOING_ON };
    let packet_type = types[drawn.below(types.len())];
    let mut packet = packet_of(drawn, packet_type, version, Side::Client);
    if let Packet::Publish(publish) = &mut packet
        && !ends
    {
        publish.properties.topic_alias = None;
        publish.topic = publish.topic.or(TopicName::parse("fuzz").ok());
    }
    let mut bytes = encoded(&packet, version);
    if damaged {
        done.damaged.fetch_add(1, Relaxed);
        mutate(&mut bytes, drawn);
    }
    bytes
}

fn encoded(packet: &Packet<'_>, version: Version) -> Vec<u8> {
    let mut bytes = vec![0; packet.encoded_len(version).unwrap()];
    packet.encode(version, &mut bytes).unwrap();
    bytes
}
