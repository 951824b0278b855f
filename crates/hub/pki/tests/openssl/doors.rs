//! Doors that answer one connection in a thread, and the clients that come to them.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ironroot_identity::{CertificateSerial, Fingerprint};
use ironroot_pki::CertificateDer;
use ironroot_pki::authority::PkiUrls;
use ironroot_pki::peer::PeerCertificate;
use ironroot_pki::tls::{
    AnchorSet, CertificateStatus, DoorTls, ManufacturerCa, RevocationStatus, ServerCertificate,
    ServerCertificateOrder, TlsParts, TrustAnchors, UnshownCertificate,
};
use ironroot_testkit::ManualClock;
use ironroot_time::Clock;
use rustls::ServerConnection;
use rustls::server::Acceptor;

use crate::fixture::{DAY, ForeignCa, Hub, NOW, Peer};
use crate::tool::{OpenSsl, Said};

/// What is on record about certificates: good unless said otherwise.
#[derive(Debug, Default)]
pub(crate) struct Records(Mutex<HashMap<Fingerprint, CertificateStatus>>);

/// A hub's CA with everything that doors share.
pub(crate) struct Doors {
    pub(crate) hub: Hub,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) records: Arc<Records>,
    pub(crate) parts: TlsParts,
}

/// How a handshake ended at the door.
pub(crate) struct Met {
    pub(crate) outcome: Result<Option<PeerCertificate>, rustls::Error>,
    pub(crate) client: Said,
}

impl Records {
    pub(crate) fn note(&self, certificate: &CertificateDer<'_>, status: CertificateStatus) {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certificate);
        let fingerprint = Fingerprint(digest.as_ref().try_into().unwrap());
        self.0.lock().unwrap().insert(fingerprint, status);
    }
}

impl RevocationStatus for Records {
    fn status(&self, peer: &PeerCertificate) -> CertificateStatus {
        let noted = self.0.lock().unwrap();
        *noted
            .get(&peer.fingerprint())
            .unwrap_or(&CertificateStatus::Good)
    }
}

impl Doors {
    pub(crate) fn new(manufacturers: &[(&str, &ForeignCa)]) -> Self {
        let hub = Hub::new();
        let clock = Arc::new(ManualClock::at(NOW));
        let records = Arc::new(Records::default());
        let urls = PkiUrls::default();
        let order = server_order(1, &urls);
        let certificate = UnshownCertificate::make(&hub.authority, order).unwrap();
        let parts = TlsParts {
            anchors: Arc::new(AnchorSet::new(anchors(&hub, manufacturers))),
            revocation: records.clone(),
            certificate: Arc::new(ServerCertificate::new(certificate)),
            clock: clock.clone(),
        };
        Self {
            hub,
            clock,
            records,
            parts,
        }
    }

    /// `openssl s_client` comes to `door` with these further words, and with the peer's certificate
    /// and key as `leaf.pem` and `key.pem` in its folder if there is one.
    pub(crate) fn meet(&self, door: &DoorTls, peer: Option<&Peer>, words: &str) -> Met {
        let openssl = OpenSsl::new();
        let mut words = words.to_owned();
        if let Some(peer) = peer {
            openssl.write_pem("leaf.pem", &[&peer.certificate]);
            openssl.write("key.pem", &peer.key_pem);
            words += " -cert leaf.pem -key key.pem";
        }
        self.meet_from(&openssl, door, &words)
    }

    /// The same, from a folder with whatever files the words name.
    pub(crate) fn meet_from(&self, openssl: &OpenSsl, door: &DoorTls, words: &str) -> Met {
        openssl.write("ca.pem", self.hub.authority.ca_pem());
        let at = self.clock.now().as_s();
        let (outcome, client) = answer_one(door, |port| {
            openssl.run(&format!(
                "s_client -connect 127.0.0.1:{port} -servername localhost -ign_eof -CAfile ca.pem \
                 -attime {at} -verify_return_error -verify_hostname localhost {words}"
            ))
        });
        Met { outcome, client }
    }
}

impl Met {
    /// The peer got in, and this is whom the door took it for.
    pub(crate) fn admitted(self) -> Option<PeerCertificate> {
        assert!(self.client.text.contains("welcome"), "{}", self.client.text);
        self.outcome.unwrap()
    }

    /// The peer was turned away with this alert (RFC 8446 section 6.2).
    #[track_caller]
    pub(crate) fn refused_with(&self, alert: u8) {
        let expected = format!("SSL alert number {alert}\n");
        assert!(self.outcome.is_err(), "{}", self.client.text);
        assert!(self.client.text.contains(&expected), "{}", self.client.text);
        assert!(!self.client.text.contains("welcome"));
    }
}

pub(crate) fn anchors(hub: &Hub, manufacturers: &[(&str, &ForeignCa)]) -> TrustAnchors {
    let manufacturers: Vec<_> = manufacturers
        .iter()
        .map(|(label, ca)| ManufacturerCa {
            label: (*label).to_owned(),
            certificate: ca.der().clone(),
        })
        .collect();
    TrustAnchors::new(&hub.authority, &manufacturers).unwrap()
}

pub(crate) fn server_order(serial: u8, urls: &PkiUrls) -> ServerCertificateOrder<'_> {
    ServerCertificateOrder {
        names: vec!["localhost".try_into().unwrap()],
        serial: CertificateSerial::from_random([serial; 16]),
        now: NOW,
        not_after: NOW.plus(90 * DAY),
        urls,
    }
}

/// Listens, lets `client` come to the port, and answers it as `door` would.
pub(crate) fn answer_one<T>(
    door: &DoorTls,
    client: impl FnOnce(u16) -> T,
) -> (Result<Option<PeerCertificate>, rustls::Error>, T) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::scope(|scope| {
        let answer = scope.spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(LONGEST_WAIT)).unwrap();
            answer(door, stream)
        });
        let said = client(port);
        (answer.join().unwrap(), said)
    })
}

fn answer(door: &DoorTls, mut stream: TcpStream) -> Result<Option<PeerCertificate>, rustls::Error> {
    let outcome = shake_hands(door, &mut stream).map(|mut connection| {
        let peer = door.peer(&connection).unwrap();
        connection.writer().write_all(b"welcome\n").unwrap();
        connection.send_close_notify();
        while connection.wants_write() {
            connection.write_tls(&mut stream).unwrap();
        }
        peer
    });
    // What the client still sends is read, so that closing does not destroy what it was sent.
    stream.shutdown(Shutdown::Write).ok();
    io::copy(&mut stream, &mut io::sink()).ok();
    outcome
}

fn shake_hands(door: &DoorTls, stream: &mut TcpStream) -> Result<ServerConnection, rustls::Error> {
    let mut acceptor = Acceptor::default();
    let accepted = loop {
        acceptor.read_tls(stream).unwrap();
        match acceptor.accept() {
            Ok(Some(accepted)) => break accepted,
            Ok(None) => {}
            Err((error, mut alert)) => {
                alert.write_all(stream).unwrap();
                return Err(error);
            }
        }
    };
    let config = door.config_for(&accepted.client_hello());
    let mut connection = accepted
        .into_connection(config)
        .map_err(|(error, mut alert)| {
            alert.write_all(stream).unwrap();
            error
        })?;
    while connection.is_handshaking() {
        if let Err(error) = connection.complete_io(stream) {
            let error = error.downcast::<rustls::Error>();
            return Err(error.unwrap_or_else(|e| rustls::Error::General(e.to_string())));
        }
    }
    Ok(connection)
}

/// So that a test that would hang fails.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
