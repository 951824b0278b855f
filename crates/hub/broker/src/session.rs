//! One client's session, without a socket: bytes and time in, bytes and a verdict out.
//!
//! The edge hands in what it read ([`Session::receive`]) and the moments that were asked for
//! ([`Session::handle_deadline`]), and asks for what is to be sent ([`Session::poll_output`]). It reads no
//! further as long as [`Session::resume`] says no, and closes the connection once
//! [`Session::is_over`].

mod alias;
mod close;
mod connect;
mod deliver;
mod gate;
mod in_flight;
mod open;
mod pace;
mod publish;
mod report;
mod state;
mod subscribe;
mod will;

use std::net::IpAddr;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use ironroot_identity::CertificateSerial;
use ironroot_mqtt::{Frame, frame};
use ironroot_registry::Subject;
use ironroot_time::UnixTime;

use crate::broker::Broker;
use crate::outbox::Outbox;
use crate::refusal::Refusal;

use close::Ending;
use connect::Opened;
use open::{Handled, Open, PauseEnd};

pub(crate) use state::{Parked, SessionState};
pub(crate) use will::DueWill;

pub use deliver::Output;

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Whom its certificate stands for.
    pub subject: Arc<Subject>,
    /// That certificate, which has been verified.
    pub certificate: CertificateSerial,
    /// Where it comes from.
    pub address: IpAddr,
}

/// One client's session, from its first byte to its last.
#[derive(Debug)]
pub struct Session {
    broker: Arc<Broker>,
    peer: Peer,
    stage: Stage,
    /// The beginning of a packet whose rest has not come, or what came behind a pause.
    partial: Vec<u8>,
    /// The latest moment that was handed in.
    now: UnixTime,
}

#[derive(Debug)]
enum Stage {
    /// CONNECT has not come, or waits for the client's earlier connection to give up the session.
    Opening {
        until: UnixTime,
        waits_for: Option<Arc<Outbox>>,
    },
    Open(Box<Open>),
    Over,
}

impl Session {
    /// A session of `peer`, whose CONNECT is still to come.
    pub fn new(broker: Arc<Broker>, peer: Peer, now: UnixTime) -> Self {
        let until = now.plus(Duration::from_secs(broker.settings.connect_timeout_s));
        Self {
            broker,
            peer,
            stage: Stage::Opening {
                until,
                waits_for: None,
            },
            partial: Vec::new(),
            now,
        }
    }

    /// Handles bytes from the client; answers are written to the end of `out`.
    ///
    /// All bytes are taken; those behind a pause are kept for [`Self::resume`].
    pub fn receive(&mut self, bytes: &[u8], now: UnixTime, out: &mut Vec<u8>) {
        self.now = now;
        if let Stage::Open(open) = &self.stage {
            open.state.outbox.hear(now);
        }
        let mut held = std::mem::take(&mut self.partial);
        if held.is_empty() {
            let taken = self.handle_frames(bytes, out);
            held.extend_from_slice(bytes.get(taken..).unwrap_or_default());
        } else {
            held.extend_from_slice(bytes);
            let taken = self.handle_frames(&held, out);
            held.drain(..taken);
        }
        if !held.is_empty() && !self.is_over() {
            self.partial = held;
        }
    }

    /// Whether the edge may read on; what came behind a pause that is over is handled now. If not, `waker` is
    /// woken when there is room again, and [`Self::deadline`] says when to ask in any case.
    pub fn resume(&mut self, now: UnixTime, waker: &Waker, out: &mut Vec<u8>) -> bool {
        loop {
            let end = match &mut self.stage {
                Stage::Opening { waits_for, .. } => end_wait(waits_for, waker),
                Stage::Open(open) => open.end_pause(now, waker),
                Stage::Over => PauseEnd::NoPause,
            };
            match end {
                PauseEnd::NoPause => return true,
                PauseEnd::NotYet => return false,
                PauseEnd::Now => self.receive(&[], now, out),
            }
        }
    }

    /// When [`Self::resume`] and [`Self::handle_deadline`] want to be called, whatever else happens.
    pub fn deadline(&self) -> Option<UnixTime> {
        match &self.stage {
            Stage::Opening { until, .. } => Some(*until),
            Stage::Open(open) => open.deadline(),
            Stage::Over => None,
        }
    }

    /// Ends the session when the client has been silent for too long.
    pub fn handle_deadline(&mut self, now: UnixTime, out: &mut Vec<u8>) {
        self.now = now;
        let refusal = match &self.stage {
            Stage::Opening { until, .. } if now >= *until => Refusal::ConnectTimeout,
            Stage::Open(open) if open.is_silent_too_long(now) => Refusal::KeepAliveTimeout,
            Stage::Opening { .. } | Stage::Open(_) | Stage::Over => return,
        };
        self.end(Ending::Refused(refusal), out);
    }

    /// Writes what is to be sent now to the end of `out`, about `bytes_max` of it. When the session is to end,
    /// the farewell is all that is written.
    pub fn poll_output(&mut self, now: UnixTime, bytes_max: usize, out: &mut Vec<u8>) -> Output {
        self.now = now;
        let Stage::Open(open) = &mut self.stage else {
            return Output::Done;
        };
        open.gate.release(out);
        let start = out.len();
        let written = open.write_deliveries(now, bytes_max, out);
        open.gate.hold(start, out);
        match written {
            Ok(output) => output,
            Err(refusal) => {
                self.end(Ending::Refused(refusal), out);
                Output::Done
            }
        }
    }

    /// Ends the session if that has been ordered: for an edge that cannot send now, and so does not ask for
    /// output.
    pub fn obey(&mut self, now: UnixTime, out: &mut Vec<u8>) {
        self.now = now;
        if let Stage::Open(open) = &self.stage
            && let Some(order) = open.state.outbox.order_waiting()
        {
            self.end(Ending::Refused(order.into()), out);
        }
    }

    /// Says whom to wake when there is something to send, or the session is to end. To miss nothing, call it
    /// before [`Self::poll_output`].
    pub fn wake_for_output(&mut self, waker: &Waker) {
        if let Stage::Open(open) = &mut self.stage {
            open.gate.wake(waker);
            open.state.outbox.wake_session(waker);
        }
    }

    /// Says that the connection is gone.
    pub fn connection_lost(&mut self, now: UnixTime) {
        self.now = now;
        self.end(Ending::Lost, &mut Vec::new());
    }

    /// Ends the session because the edge found the client at fault, as when it reads nothing for too long.
    pub fn refuse(&mut self, refusal: Refusal, now: UnixTime, out: &mut Vec<u8>) {
        self.now = now;
        self.end(Ending::Refused(refusal), out);
    }

    /// Whether the session has ended: what was written is still to be sent, and then the connection closed.
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// Handles whole packets from the front of `bytes`; says how many bytes they took.
    fn handle_frames(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> usize {
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_over() {
            let packet_size_max = self.peer.subject.grant().limits().packet_size_max as usize;
            let handled = match frame(rest, packet_size_max) {
                Ok(None) => break,
                Ok(Some(frame)) => {
                    let (_, behind) = rest.split_at(frame.packet_len());
                    self.handle_frame(&frame, out).inspect(|handled| {
                        if *handled == Handled::Done {
                            rest = behind;
                        }
                    })
                }
                Err(rule) => Err(Ending::Refused(rule.into())),
            };
            match handled {
                Ok(Handled::Done) => {}
                Ok(Handled::Later) => break,
                Err(ending) => self.end(ending, out),
            }
        }
        bytes.len() - rest.len()
    }

    fn handle_frame(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) -> Result<Handled, Ending> {
        match &mut self.stage {
            Stage::Opening {
                waits_for: Some(_), ..
            } => Ok(Handled::Later),
            Stage::Opening { waits_for, .. } => {
                let opened = connect::open(&self.broker, &self.peer, frame, self.now, out)?;
                match opened {
                    Opened::Now(open) => {
                        self.stage = Stage::Open(open);
                        Ok(Handled::Done)
                    }
                    Opened::After(earlier) => {
                        *waits_for = Some(earlier);
                        Ok(Handled::Later)
                    }
                }
            }
            Stage::Open(open) => {
                let start = out.len();
                let handled = open.handle_frame(frame, self.now, out);
                open.gate.hold(start, out);
                handled
            }
            Stage::Over => Ok(Handled::Done),
        }
    }

    /// Ends the session, once.
    fn end(&mut self, ending: Ending, out: &mut Vec<u8>) {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        self.partial = Vec::new();
        if let (Ending::Refused(refusal), Stage::Opening { .. } | Stage::Open(_)) = (ending, &stage)
        {
            report::session_refused(&self.broker, &self.peer.subject, refusal);
        }
        if let Stage::Open(open) = stage {
            open.close(ending, self.now, out);
        }
    }
}

/// Whether the earlier connection has given up the session that this one is to go on with.
fn end_wait(waits_for: &mut Option<Arc<Outbox>>, waker: &Waker) -> PauseEnd {
    match waits_for {
        None => PauseEnd::NoPause,
        Some(earlier) if earlier.is_still_connected(waker) => PauseEnd::NotYet,
        Some(_) => {
            *waits_for = None;
            PauseEnd::Now
        }
    }
}

/// A session that is dropped without a word has lost its connection.
impl Drop for Session {
    fn drop(&mut self) {
        self.end(Ending::Lost, &mut Vec::new());
    }
}
