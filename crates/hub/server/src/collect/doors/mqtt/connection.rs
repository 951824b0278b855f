//! One connection after its handshake: moves bytes between the socket, TLS and the session.
//!
//! A turn reads once, lets the session answer, adds what waits for the client, and writes all of that as
//! one batch of records: one write for each time the task is woken.

use std::io::{self, Write};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use ironroot_broker::{Output, Refusal, Session};
use ironroot_time::UnixTime;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep_until};

use super::handshake::Shaken;
use super::scratch::{INCOMING_LEN, Scratch, with_scratch};
use super::tls::Tls;
use super::{DOOR, Door, Opened};

/// Turns in a row before other tasks have theirs.
const TURNS_MAX: usize = 4;

/// About how many bytes of packets one turn sends.
const OUTPUT_LEN: usize = 32 * 1024;

/// A session and its socket; ends when both are done.
pub(super) struct Connection {
    door: Arc<Door>,
    stream: TcpStream,
    tls: Tls,
    session: Session,
    /// The beginning of a record whose rest has not come.
    partial: Vec<u8>,
    /// Records that the socket has not taken yet.
    unsent: Vec<u8>,
    /// When the client's certificate expires.
    expires: UnixTime,
    /// Since when the socket takes nothing.
    blocked: Option<UnixTime>,
    /// When the connection is given up, after its session has ended.
    lingers: Option<UnixTime>,
    timer: Pin<Box<Sleep>>,
}

/// What a turn leaves to do.
enum Turn {
    Again,
    Wait,
    Over,
}

/// What came of reading.
enum Read {
    Something,
    Nothing,
    /// The client is gone.
    End,
}

impl Connection {
    /// # Errors
    /// When the socket is gone.
    pub(super) fn new(door: Arc<Door>, opened: Opened, expires: UnixTime) -> io::Result<Self> {
        let Opened { shaken, peer } = opened;
        let Shaken {
            mut stream,
            mut tls,
            partial,
            packets: received,
            closed,
            ..
        } = shaken;
        let now = door.timeline.now();
        let mut session = Session::new(Arc::clone(&door.broker), peer, now);
        let mut packets = Vec::new();
        session.receive(&received, now, &mut packets);
        if closed {
            session.connection_lost(now);
        }
        let mut unsent = Vec::new();
        // A failure shows again at the first turn.
        let _shown_again = tls.encrypt(&packets, &mut unsent);
        // Sent before the runtime has the socket: it would say that the socket takes nothing until it has heard
        // otherwise, and a session that is over already would end unanswered.
        let sent = stream.write(&unsent).unwrap_or(0);
        unsent.drain(..sent);
        Ok(Self {
            session,
            stream: TcpStream::from_std(stream)?,
            tls,
            partial,
            unsent,
            expires,
            blocked: None,
            lingers: None,
            timer: Box::pin(sleep_until(tokio::time::Instant::now())),
            door,
        })
    }

    fn turn(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Turn {
        let now = self.door.timeline.now();
        if self.lingers.is_some() {
            return self.linger(now, cx, scratch);
        }
        self.check_time(now, &mut scratch.packets);
        match self.flush(now, cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(_gone)) => return self.lose(now),
            // Nothing more is taken in or given out before the client has taken this.
            Poll::Pending => {
                self.session.wake_for_output(cx.waker());
                self.session.obey(now, &mut scratch.packets);
                return if self.session.is_over() {
                    Turn::Over
                } else {
                    Turn::Wait
                };
            }
        }
        let read = self.read(now, cx, scratch);
        self.session.wake_for_output(cx.waker());
        let output = self
            .session
            .poll_output(now, OUTPUT_LEN, &mut scratch.packets);
        if self.send(now, cx, scratch).is_err() {
            return self.lose(now);
        }
        if self.session.is_over() {
            self.lingers = Some(now.plus(Duration::from_millis(self.door.settings.linger_ms)));
            return Turn::Again;
        }
        match (read, output) {
            (Read::End, _) => self.lose(now),
            (Read::Something, _) | (Read::Nothing, Output::More) => Turn::Again,
            (Read::Nothing, Output::Done) => Turn::Wait,
        }
    }

    /// Ends the session when one of its times is up.
    fn check_time(&mut self, now: UnixTime, packets: &mut Vec<u8>) {
        self.session.handle_deadline(now, packets);
        if self
            .blocked
            .is_some_and(|since| now >= since.plus(self.write_timeout()))
        {
            self.session.refuse(Refusal::TooSlow, now, packets);
        }
        if now >= self.expires {
            self.session
                .refuse(Refusal::CertificateExpired, now, packets);
        }
    }

    /// Reads once, if the session may be read from, and hands what came to it.
    fn read(&mut self, now: UnixTime, cx: &mut Context<'_>, scratch: &mut Scratch) -> Read {
        let Scratch {
            incoming,
            packets,
            records,
        } = scratch;
        if self.session.is_over() || !self.session.resume(now, cx.waker(), packets) {
            return Read::Nothing;
        }
        // A record has at most 16 KiB and a little: there is always room behind its beginning.
        let held = self.partial.len().min(INCOMING_LEN);
        incoming[..held].copy_from_slice(&self.partial[..held]);
        let mut buffer = ReadBuf::new(&mut incoming[held..]);
        let read = match pin!(&mut self.stream).poll_read(cx, &mut buffer) {
            Poll::Ready(Ok(())) => buffer.filled().len(),
            Poll::Ready(Err(_gone)) => 0,
            Poll::Pending => return Read::Nothing,
        };
        if read == 0 {
            return Read::End;
        }
        let session = &mut self.session;
        let received = |plaintext: &[u8]| session.receive(plaintext, now, packets);
        match self
            .tls
            .process(&mut incoming[..held + read], received, records)
        {
            Ok(processed) => {
                self.partial = incoming[processed.taken..held + read].to_vec();
                if processed.closed {
                    Read::End
                } else {
                    Read::Something
                }
            }
            Err(cause) => {
                tracing::debug!(door = DOOR, error = %cause, "TLS failed.");
                Read::End
            }
        }
    }

    /// Writes what the turn has gathered.
    fn send(
        &mut self,
        now: UnixTime,
        cx: &mut Context<'_>,
        scratch: &mut Scratch,
    ) -> io::Result<()> {
        let Scratch {
            packets, records, ..
        } = scratch;
        if !packets.is_empty() {
            self.tls
                .encrypt(packets, records)
                .map_err(io::Error::other)?;
            packets.clear();
        }
        if self.session.is_over() {
            self.tls.close(records).map_err(io::Error::other)?;
        }
        if records.is_empty() {
            return Ok(());
        }
        let mut sent = 0;
        while let Poll::Ready(written) = pin!(&mut self.stream).poll_write(cx, &records[sent..]) {
            sent += written?;
            if sent == records.len() {
                break;
            }
        }
        if sent < records.len() {
            self.unsent.extend_from_slice(&records[sent..]);
            self.blocked = Some(now);
        }
        records.clear();
        Ok(())
    }

    /// Writes what an earlier turn could not.
    fn flush(&mut self, now: UnixTime, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            match pin!(&mut self.stream).poll_write(cx, &self.unsent) {
                Poll::Ready(Ok(written)) => {
                    self.unsent.drain(..written);
                    self.blocked = Some(now);
                }
                Poll::Ready(Err(cause)) => return Poll::Ready(Err(cause)),
                Poll::Pending => {
                    self.blocked.get_or_insert(now);
                    return Poll::Pending;
                }
            }
        }
        self.unsent = Vec::new();
        self.blocked = None;
        Poll::Ready(Ok(()))
    }

    fn lose(&mut self, now: UnixTime) -> Turn {
        self.session.connection_lost(now);
        Turn::Over
    }

    /// Sends the rest, says that nothing follows, and waits for the client to close: closing at once, with
    /// something unread, would make TCP throw away what the client has not read either (RFC 1122 section
    /// 4.2.2.13).
    fn linger(&mut self, now: UnixTime, cx: &mut Context<'_>, scratch: &mut Scratch) -> Turn {
        if self.lingers.is_none_or(|until| now >= until) {
            return Turn::Over;
        }
        match self.flush(now, cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(_gone)) => return Turn::Over,
            Poll::Pending => return Turn::Wait,
        }
        match pin!(&mut self.stream).poll_shutdown(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(_gone)) => return Turn::Over,
            Poll::Pending => return Turn::Wait,
        }
        let mut buffer = ReadBuf::new(&mut scratch.incoming);
        match pin!(&mut self.stream).poll_read(cx, &mut buffer) {
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => Turn::Again,
            Poll::Ready(_) => Turn::Over,
            Poll::Pending => Turn::Wait,
        }
    }

    /// The next moment at which there must be a turn, whatever else happens.
    fn deadline(&self) -> UnixTime {
        let next = match (self.lingers, self.blocked) {
            (Some(until), _) => return until,
            // The client is not listened to either: no other time counts.
            (None, Some(since)) => Some(since.plus(self.write_timeout())),
            (None, None) => self.session.deadline(),
        };
        next.map_or(self.expires, |next| next.min(self.expires))
    }

    fn write_timeout(&self) -> Duration {
        Duration::from_secs(self.door.settings.write_timeout_s)
    }

    /// Sets the timer if it would ring too late, or has rung. One that rings too early costs an idle turn,
    /// and setting it at every packet would cost more.
    fn is_time(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(deadline) = self.door.timeline.instant(self.deadline())
            && (self.timer.is_elapsed() || deadline < self.timer.deadline())
        {
            self.timer.as_mut().reset(deadline);
        }
        self.timer.as_mut().poll(cx).is_ready()
    }
}

impl Future for Connection {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        with_scratch(|scratch| {
            for _ in 0..TURNS_MAX {
                match self.turn(cx, scratch) {
                    Turn::Again => {}
                    Turn::Wait if self.is_time(cx) => {}
                    Turn::Wait => return Poll::Pending,
                    Turn::Over => return Poll::Ready(()),
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    }
}
