//! A network in between that cuts a connection at the worst moment, loses a server, or hangs.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// What is in the statement that appends an entry, and in no other.
const ENTRY: &[u8] = b"\"kind\":\"open\"";

/// Where the next commit is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The database never sees it.
    BeforeStatement,
    /// The database has committed, and nobody hears of it.
    BeforeAnswer,
}

/// Forwards connections to a port of this machine. What it forwards ends with the process.
pub(crate) struct Cutter {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    plan: Mutex<Plan>,
    changed: Condvar,
}

#[derive(Default)]
struct Plan {
    cut: Option<Cut>,
    /// New connections are closed at once.
    lost: bool,
    /// Nothing is forwarded, and nothing is closed.
    hanging: bool,
}

impl Cutter {
    pub(crate) fn before(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                if shared.plan.lock().unwrap().lost {
                    continue;
                }
                if let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) {
                    forward(&client, &server, &shared);
                }
            }
        });
        Self { port, state }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The next commit is cut there.
    pub(crate) fn cuts(&self, cut: Cut) {
        self.state.plan.lock().unwrap().cut = Some(cut);
    }

    /// Whether new connections come to nothing.
    pub(crate) fn loses(&self, lost: bool) {
        self.state.plan.lock().unwrap().lost = lost;
    }

    /// Whether bytes stay where they are.
    pub(crate) fn hangs(&self, hanging: bool) {
        self.state.plan.lock().unwrap().hanging = hanging;
        self.state.changed.notify_all();
    }
}

/// Forwards both ways, each on a thread of its own.
fn forward(client: &TcpStream, server: &TcpStream, state: &Arc<State>) {
    let muted = Arc::new(Mutex::new(false));
    for to_server in [true, false] {
        let (client, server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        let (state, muted) = (Arc::clone(state), Arc::clone(&muted));
        thread::spawn(move || {
            let (mut from, mut to) = if to_server {
                (&client, &server)
            } else {
                (&server, &client)
            };
            let mut bytes = vec![0; 1 << 16];
            while let Ok(count @ 1..) = from.read(&mut bytes) {
                let bytes = &bytes[..count];
                let cut = if to_server {
                    state.cut_of(bytes)
                } else {
                    // Once it answers, it has committed.
                    muted.lock().unwrap().then_some(Cut::BeforeStatement)
                };
                match cut {
                    Some(Cut::BeforeStatement) => break,
                    Some(Cut::BeforeAnswer) => *muted.lock().unwrap() = true,
                    None => {}
                }
                if to.write_all(bytes).is_err() {
                    break;
                }
            }
            for end in [&client, &server] {
                end.shutdown(Shutdown::Both).unwrap_or_default();
            }
        });
    }
}

impl State {
    /// Waits while the network hangs; the cut that is planned for `bytes`, which is then over.
    fn cut_of(&self, bytes: &[u8]) -> Option<Cut> {
        let plan = self.plan.lock().unwrap();
        let mut plan = self.changed.wait_while(plan, |plan| plan.hanging).unwrap();
        let entry = bytes.windows(ENTRY.len()).any(|window| window == ENTRY);
        if entry { plan.cut.take() } else { None }
    }
}
