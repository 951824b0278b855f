//! TLS without a socket and without buffers of its own: records in, plaintext out, and the other way round.

use std::sync::Arc;

use ironroot_pki::peer::{PeerCertificate, PeerRefused};
use ironroot_pki::tls::DoorTls;
use rustls::ServerConfig;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncryptError, UnbufferedStatus, WriteTraffic,
};

/// One TLS connection, from its `ClientHello` on.
pub(super) struct Tls(UnbufferedServerConnection);

/// What became of incoming records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Processed {
    /// Bytes that are done with; what is behind them is the beginning of a record.
    pub(super) taken: usize,
    /// Whether the peer has said that nothing more will come (`close_notify`).
    pub(super) closed: bool,
}

/// The most that one record adds to what it carries: header, explicit nonce, content type, tag (RFC 8446
/// section 5.2, RFC 5288 section 3), rounded up.
const RECORD_OVERHEAD: usize = 48;

/// The most plaintext in one record (RFC 8446 section 5.1).
const RECORD_PLAINTEXT_MAX: usize = 16 * 1024;

impl Tls {
    pub(super) fn new(config: Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        UnbufferedServerConnection::new(config).map(Self)
    }

    pub(super) fn is_handshaking(&self) -> bool {
        self.0.is_handshaking()
    }

    /// Whose certificate the client showed.
    pub(super) fn peer(&self, door: &DoorTls) -> Result<Option<PeerCertificate>, PeerRefused> {
        door.peer(&self.0)
    }

    /// Takes whole records from the front of `incoming` and hands their plaintext to `received`; what has to
    /// be sent in answer is written to the end of `records`, an alert included when this fails.
    pub(super) fn process(
        &mut self,
        incoming: &mut [u8],
        mut received: impl FnMut(&[u8]),
        records: &mut Vec<u8>,
    ) -> Result<Processed, rustls::Error> {
        let mut processed = Processed {
            taken: 0,
            closed: false,
        };
        loop {
            let rest = incoming.get_mut(processed.taken..).unwrap_or_default();
            let UnbufferedStatus { mut discard, state } = self.0.process_tls_records(rest);
            let step = match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record?;
                        discard += record.discard;
                        received(record.payload);
                    }
                    Step::GoOn
                }
                Ok(ConnectionState::PeerClosed) => {
                    processed.closed = true;
                    Step::GoOn
                }
                Ok(state) => answer(state, records)?,
                Err(cause) => {
                    let rest = incoming.get_mut(processed.taken + discard..);
                    self.write_alert(rest.unwrap_or_default(), records);
                    return Err(cause);
                }
            };
            processed.taken += discard;
            if step == Step::Done {
                return Ok(processed);
            }
        }
    }

    /// Writes `packets` as records to the end of `records`.
    pub(super) fn encrypt(
        &mut self,
        packets: &[u8],
        records: &mut Vec<u8>,
    ) -> Result<(), rustls::Error> {
        let room = packets.len() + (packets.len() / RECORD_PLAINTEXT_MAX + 1) * RECORD_OVERHEAD;
        self.write(room, records, |traffic, out| traffic.encrypt(packets, out))
    }

    /// Writes `close_notify` to the end of `records` (RFC 8446 section 6.1).
    pub(super) fn close(&mut self, records: &mut Vec<u8>) -> Result<(), rustls::Error> {
        self.write(RECORD_OVERHEAD, records, |traffic, out| {
            traffic.queue_close_notify(out)
        })
    }

    /// Has `write` fill `room` bytes at the end of `records`, after whatever TLS itself wants to send.
    fn write(
        &mut self,
        room: usize,
        records: &mut Vec<u8>,
        write: impl FnOnce(
            &mut WriteTraffic<'_, rustls::server::ServerConnectionData>,
            &mut [u8],
        ) -> Result<usize, EncryptError>,
    ) -> Result<(), rustls::Error> {
        loop {
            match self.0.process_tls_records(&mut []).state? {
                ConnectionState::WriteTraffic(mut traffic) => {
                    let start = records.len();
                    records.resize(start + room, 0);
                    let written = write(&mut traffic, &mut records[start..]);
                    records.truncate(start + written.as_ref().map_or(0, |len| *len));
                    return written
                        .map(drop)
                        .map_err(|cause| rustls::Error::General(cause.to_string()));
                }
                state => {
                    if answer(state, records)? == Step::Done {
                        return Err(rustls::Error::HandshakeNotComplete);
                    }
                }
            }
        }
    }

    /// After a failure: the alert that says so, if there is one.
    ///
    /// `incoming` is what is left after the failure. TLS remembers messages by their place in it, and panics
    /// when it is asked for more without it.
    fn write_alert(&mut self, incoming: &mut [u8], records: &mut Vec<u8>) {
        let mut taken = 0;
        loop {
            let rest = incoming.get_mut(taken..).unwrap_or_default();
            let UnbufferedStatus { discard, state } = self.0.process_tls_records(rest);
            let Ok(
                state @ (ConnectionState::EncodeTlsData(_) | ConnectionState::TransmitTlsData(_)),
            ) = state
            else {
                return;
            };
            if answer(state, records).is_err() {
                return;
            }
            taken += discard;
        }
    }
}

/// Whether TLS has more to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    GoOn,
    Done,
}

/// Does what a state without plaintext asks for.
fn answer<Data>(
    state: ConnectionState<'_, '_, Data>,
    records: &mut Vec<u8>,
) -> Result<Step, rustls::Error> {
    match state {
        ConnectionState::EncodeTlsData(mut data) => {
            let start = records.len();
            if let Err(EncodeError::InsufficientSize(needed)) = data.encode(&mut []) {
                records.resize(start + needed.required_size, 0);
                data.encode(&mut records[start..])
                    .map_err(|cause| rustls::Error::General(cause.to_string()))?;
            }
            Ok(Step::GoOn)
        }
        // It is sent before anything that is written after it.
        ConnectionState::TransmitTlsData(data) => {
            data.done();
            Ok(Step::GoOn)
        }
        ConnectionState::BlockedHandshake
        | ConnectionState::WriteTraffic(_)
        | ConnectionState::Closed => Ok(Step::Done),
        ConnectionState::ReadTraffic(_) | ConnectionState::PeerClosed => Ok(Step::GoOn),
        // Early data is off, and what is not known is not answered.
        _ => Err(rustls::Error::HandshakeNotComplete),
    }
}
