//! The local socket: applications of this device hand readings over and hear orders, without knowing TLS.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, chown};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use crate::agent::Agent;
use crate::collect::line::{self, LINE_MAX, Request};
use crate::enforce::orders::Handed;
use crate::outgoing::Ticket;
use crate::settings::Socket;

/// Listens at the path of the settings, for those whom its mode and group let in.
pub(crate) fn listen(settings: &Socket) -> Result<UnixListener> {
    let path = &settings.path;
    // What a killed agent has left; anything but a socket is somebody else's.
    match fs::symlink_metadata(path) {
        Ok(found) => {
            ensure!(
                found.file_type().is_socket(),
                "{} is there and is no socket",
                path.display()
            );
            fs::remove_file(path)?;
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
        Err(cause) => return Err(cause.into()),
    }
    // It gets its name only when nobody is let in who should not be.
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let _left_by_a_crash = fs::remove_file(&beside);
    let listener = UnixListener::bind(&beside)?;
    let mode = fs::Permissions::from_mode(settings.mode_bits);
    if let Some(group) = &settings.group {
        chown(&beside, None, Some(group_id(group)?))
            .with_context(|| format!("giving the socket to the group {group}"))?;
    }
    fs::set_permissions(&beside, mode)?;
    fs::rename(&beside, path)?;
    Ok(listener)
}

/// The number of a group, by its name in `/etc/group`.
fn group_id(name: &str) -> Result<u32> {
    let text = fs::read_to_string("/etc/group")?;
    let id = text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let named = fields.next()? == name;
        named.then(|| fields.nth(1)?.parse().ok()).flatten()
    });
    id.with_context(|| format!("there is no group {name}"))
}

/// Serves so many clients at once, and turns others away; it never ends.
pub(crate) async fn serve(agent: Arc<Agent>, listener: UnixListener) {
    let places = Arc::new(Semaphore::new(agent.settings.socket.clients_max));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _address)) => stream,
            Err(cause) => {
                tracing::warn!(error = %cause, "A local client could not be taken.");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            tokio::spawn(turn_away(stream));
            continue;
        };
        let agent = agent.clone();
        tokio::spawn(async move {
            if let Err(cause) = (Client::new(agent, stream)).serve().await {
                tracing::debug!(error = %cause, "A local client has ended.");
            }
            drop(place);
        });
    }
}

async fn turn_away(mut stream: UnixStream) {
    let line = line::refused(&anyhow::anyhow!("too many clients"));
    let _gone_or_not = timeout(WRITE_MAX, stream.write_all(line.as_bytes())).await;
}

/// One application.
struct Client {
    agent: Arc<Agent>,
    from: BufReader<OwnedReadHalf>,
    to: OwnedWriteHalf,
    line: Vec<u8>,
    orders: (mpsc::Sender<Handed>, mpsc::Receiver<Handed>),
    /// Answers that wait for the disk, in order.
    waiting: Vec<Ticket>,
    /// What this client is called by those who hand orders over.
    number: u64,
}

impl Client {
    fn new(agent: Arc<Agent>, stream: UnixStream) -> Self {
        let (from, to) = stream.into_split();
        Self {
            number: agent.orders.next_client(),
            agent,
            from: BufReader::new(from),
            to,
            line: Vec::new(),
            orders: mpsc::channel(1),
            waiting: Vec::new(),
        }
    }

    async fn serve(mut self) -> Result<()> {
        let outcome = self.answer_all().await;
        self.agent.orders.forget(self.number);
        outcome
    }

    async fn answer_all(&mut self) -> Result<()> {
        loop {
            tokio::select! {
                more = read_line(&mut self.from, &mut self.line) => {
                    if !more? {
                        return self.answer_waiting().await;
                    }
                    self.answer().await?;
                    self.line.clear();
                }
                Some(handed) = self.orders.1.recv() => {
                    write(&mut self.to, &handed.line).await?;
                    let _nobody_waits_any_more = handed.done.send(());
                }
            }
        }
    }

    async fn answer(&mut self) -> Result<()> {
        let answer = match Request::parse(&self.line) {
            Ok(Request::Publish { topic, payload }) => {
                match self.agent.outgoing.take(&topic, &payload) {
                    Ok(ticket) => return self.answer_when_kept(ticket).await,
                    Err(cause) => Err(cause),
                }
            }
            Ok(Request::Subscribe(filter)) => self.subscribe(filter),
            Ok(Request::Status) => Ok(format!("{}\n", json!({ "status": self.agent.status() }))),
            Err(cause) => Err(cause),
        };
        // Answers come in the order of the questions.
        self.answer_waiting().await?;
        let answer = answer.unwrap_or_else(|cause| line::refused(&cause));
        write(&mut self.to, &answer).await
    }

    /// Whoever sends many lines at once waits for the disk once.
    async fn answer_when_kept(&mut self, ticket: Ticket) -> Result<()> {
        self.waiting.push(ticket);
        if self.from.buffer().contains(&b'\n') && self.waiting.len() < TOGETHER_MAX {
            return Ok(());
        }
        self.answer_waiting().await
    }

    fn subscribe(&self, filter: String) -> Result<String> {
        let sender = self.orders.0.clone();
        self.agent.orders.subscribe(self.number, filter, sender)?;
        Ok(line::done())
    }

    async fn answer_waiting(&mut self) -> Result<()> {
        let mut answers = String::new();
        for ticket in self.waiting.drain(..) {
            answers += &match self.agent.outgoing.durable(ticket).await {
                Ok(()) => line::kept(ticket.number),
                Err(cause) => line::refused(&cause),
            };
        }
        write(&mut self.to, &answers).await
    }
}

/// Reads up to the end of a line; whether there was one. What was read stays in `line` when this is dropped.
async fn read_line(from: &mut BufReader<OwnedReadHalf>, line: &mut Vec<u8>) -> Result<bool> {
    let room = LINE_MAX.saturating_sub(line.len()) as u64;
    let read = (&mut *from).take(room).read_until(b'\n', line).await?;
    if line.last() == Some(&b'\n') {
        return Ok(true);
    }
    ensure!(line.len() < LINE_MAX, "a line has at most {LINE_MAX} bytes");
    ensure!(read == 0 && line.is_empty(), "the last line has no end");
    Ok(false)
}

async fn write(to: &mut OwnedWriteHalf, text: &str) -> Result<()> {
    timeout(WRITE_MAX, to.write_all(text.as_bytes()))
        .await
        .context("it does not read")??;
    Ok(())
}

/// How long an application may take to read what it is told.
const WRITE_MAX: Duration = Duration::from_secs(5);
/// How many readings of one client wait for the disk together at most.
const TOGETHER_MAX: usize = 256;
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
