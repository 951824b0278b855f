//! What a service manager is told of the hub (`sd_notify(3)`): that it is up, that it lives, that it ends.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// A service manager that listens, if one started the hub.
#[derive(Debug)]
pub struct Supervisor {
    socket: Option<UnixDatagram>,
    /// How often it wants to hear that the hub lives.
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// The one that this process was started by.
    ///
    /// # Errors
    /// When there is one, and it cannot be reached.
    pub fn of_process() -> io::Result<Self> {
        let number = |name| {
            let text = std::env::var_os(name)?;
            text.to_str()?.parse::<u64>().ok()
        };
        let ours = number("WATCHDOG_PID").is_none_or(|id| id == u64::from(std::process::id()));
        // Twice as often as it asks for, as sd_watchdog_enabled(3) advises.
        let watchdog = number("WATCHDOG_USEC")
            .filter(|_| ours)
            .map(|limit_us| Duration::from_micros(limit_us / 2).max(WATCHDOG_INTERVAL_MIN));
        let socket = std::env::var_os("NOTIFY_SOCKET")
            .map(|path| connect(&path))
            .transpose()?;
        Ok(Self { socket, watchdog })
    }

    /// The hub is up: every door is open.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// The hub ends.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// Says that the hub lives, for as long as it is polled: a hub that hangs falls silent.
    pub async fn keep_alive(&self) {
        let Some(interval) = self.watchdog else {
            return std::future::pending().await;
        };
        let mut beat = tokio::time::interval(interval);
        loop {
            beat.tick().await;
            self.tell("WATCHDOG=1");
        }
    }

    fn tell(&self, state: &str) {
        if let Some(socket) = &self.socket
            && let Err(cause) = socket.send(state.as_bytes())
        {
            tracing::warn!(error = %cause, "The service manager was not told.");
        }
    }
}

/// A path, or a name in the abstract namespace after `@`.
fn connect(path: &OsStr) -> io::Result<UnixDatagram> {
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(path)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

const WATCHDOG_INTERVAL_MIN: Duration = Duration::from_millis(10);
