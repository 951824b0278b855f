//! A cable that can be cut: everything that comes in at one end goes out at the other, until it does not.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A cable to a port of this machine.
pub(crate) struct Cable {
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    /// Where it leads; nowhere while it is cut.
    to: Option<u16>,
    open: Vec<TcpStream>,
}

impl Cable {
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State {
            to: Some(port),
            open: Vec::new(),
        }));
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                // A cable that is cut takes nothing: dropping the stream closes it.
                let _cut = join(&shared, stream.unwrap());
            }
        });
        Self { port: own, state }
    }

    /// Cuts everything that is connected, and lets nothing through any more.
    pub(crate) fn cut(&self) {
        let mut state = self.state.lock().unwrap();
        state.to = None;
        for stream in state.open.drain(..) {
            let _closed_already = stream.shutdown(Shutdown::Both);
        }
    }

    /// Lets what comes through again.
    pub(crate) fn mend(&self, port: u16) {
        self.state.lock().unwrap().to = Some(port);
    }
}

fn join(state: &Mutex<State>, near: TcpStream) -> io::Result<()> {
    let mut state = state.lock().unwrap();
    let to = state.to.ok_or(io::ErrorKind::NotConnected)?;
    let far = TcpStream::connect(("127.0.0.1", to))?;
    for (from, to) in [(&near, &far), (&far, &near)] {
        let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
        thread::spawn(move || {
            let _broken_or_whole = io::copy(&mut from, &mut to);
            let _closed_already = to.shutdown(Shutdown::Both);
        });
    }
    state.open.extend([near, far]);
    Ok(())
}
