//! Buffers that belong to a thread, not to a connection.

use std::cell::RefCell;

/// What one turn of one connection needs; empty between turns.
#[derive(Debug)]
pub(super) struct Scratch {
    /// TLS records as they came from the socket.
    pub(super) incoming: Box<[u8]>,
    /// MQTT packets to send.
    pub(super) packets: Vec<u8>,
    /// The same as TLS records.
    pub(super) records: Vec<u8>,
}

/// Bytes read from a socket at once: two whole TLS records and more (RFC 8446 section 5.2).
pub(super) const INCOMING_LEN: usize = 64 * 1024;

/// Capacity that a buffer keeps from one turn to the next.
const KEPT_MAX: usize = 256 * 1024;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        incoming: vec![0; INCOMING_LEN].into(),
        packets: Vec::new(),
        records: Vec::new(),
    });
}

/// Lends the thread's buffers to `turn`, which finds the two outgoing ones empty.
pub(super) fn with_scratch<T>(turn: impl FnOnce(&mut Scratch) -> T) -> T {
    SCRATCH.with_borrow_mut(|scratch| {
        let outcome = turn(scratch);
        for buffer in [&mut scratch.packets, &mut scratch.records] {
            buffer.clear();
            buffer.shrink_to(KEPT_MAX);
        }
        outcome
    })
}
