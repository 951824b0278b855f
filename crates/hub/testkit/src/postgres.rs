//! A PostgreSQL server of a test's own: in a folder that is gone after it, ended by its own ids.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The superuser, and the name in every URL.
const USER: &str = "ironroot";

/// PostgreSQL refuses to be root; then it is `nobody`.
const NOBODY: u32 = 65_534;

/// A server that runs, or was ended and can be started again. It is gone when this is dropped.
#[derive(Debug)]
pub struct Postgres {
    folder: TempDir,
    port: u16,
    options: Vec<String>,
    running: Mutex<Option<Child>>,
    stores: AtomicU32,
}

impl Postgres {
    /// A server with PostgreSQL's own settings; in memory where there is room for it.
    pub fn start() -> Self {
        Self::with(
            roomy_memory().unwrap_or_else(|| tempfile::tempdir().unwrap()),
            &[],
        )
    }

    /// A server that keeps everything in `folder`, and owns what lies there already, with these settings, each as `name=value`.
    pub fn with(folder: TempDir, options: &[&str]) -> Self {
        // Free when it is asked for; whoever comes between makes the start fail, and says so.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let server = Self {
            port: free.local_addr().unwrap().port(),
            options: options.iter().map(|&option| option.to_owned()).collect(),
            running: Mutex::default(),
            stores: AtomicU32::new(0),
            folder,
        };
        drop(free);
        server.give(server.folder.path());
        for file in fs::read_dir(server.folder.path()).unwrap() {
            server.give(&file.unwrap().path());
        }
        let mut init = server.program("initdb");
        init.args([
            "--no-sync",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--username",
            USER,
            "--pgdata",
        ]);
        runs(init.arg(server.data()));
        server.starts();
        server
    }

    /// The server that the tests of one program share while any of them runs.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// The URL of a new, empty place for a store, over the socket in the server's folder.
    ///
    /// It is a schema of its own, which is made a hundred times faster than a database of its own.
    pub fn new_store(&self) -> String {
        let folder = self.folder.path().to_str().unwrap().replace('/', "%2F");
        let database = format!("postgres://{USER}@{folder}:{}/postgres", self.port);
        let schema = format!("store_{}", self.stores.fetch_add(1, Ordering::Relaxed));
        self.sql(&database, &format!("CREATE SCHEMA {schema}"));
        format!("{database}?options=-csearch_path%3D{schema}")
    }

    /// The same place as in `url`, over TCP at `host` and `port`.
    pub fn over_tcp(url: &str, host: &str, port: u16) -> String {
        let (_, database) = url.rsplit_once('/').unwrap();
        format!("postgres://{USER}@{host}:{port}/{database}")
    }

    /// The port at which it listens on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it keeps everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What `psql` prints for `statements` in the database at `url`.
    pub fn sql(&self, url: &str, statements: &str) -> String {
        let mut psql = self.program("psql");
        psql.args(["--no-psqlrc", "--tuples-only", "--no-align", "--quiet"]);
        psql.args(["--set", "ON_ERROR_STOP=1", "--command", statements, url]);
        runs(&mut psql).trim().to_owned()
    }

    /// Starts it again, and waits until it takes connections.
    pub fn starts(&self) {
        let mut command = self.program("postgres");
        command.arg("-D").arg(self.data());
        command.arg("-k").arg(self.folder.path());
        let settings = [
            format!("port={}", self.port),
            "listen_addresses=127.0.0.1".to_owned(),
            "shared_buffers=16MB".to_owned(),
            // Beside the data, so that nothing is left elsewhere when it is killed.
            "dynamic_shared_memory_type=mmap".to_owned(),
        ];
        for setting in settings.iter().chain(&self.options) {
            command.args(["-c", setting]);
        }
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = started(command.spawn(), &command);
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut log = String::new();
        while !log.contains("ready to accept connections") {
            let before = log.len();
            said.read_line(&mut log).unwrap();
            assert!(log.len() > before, "PostgreSQL does not start:\n{log}");
        }
        // What it says later is read away, so that it is never kept waiting.
        thread::spawn(move || said.read_to_end(&mut Vec::new()));
        *self.running() = Some(child);
    }

    /// Kills every process of it outright, as a power cut would.
    pub fn kill(&self) {
        let Some(mut server) = self.running().take() else {
            return;
        };
        // The first one is stopped first, so that it starts no others meanwhile.
        signal(server.id(), Signal::STOP);
        let others = children(server.id());
        for process in others.iter().chain([&server.id()]) {
            signal(*process, Signal::KILL);
        }
        server.wait().unwrap();
        for process in others {
            while lives(process) {
                thread::yield_now();
            }
        }
    }

    /// Ends it at once, and lets it clean up: an administrator's immediate shutdown.
    pub fn stop(&self) {
        if let Some(mut server) = self.running().take() {
            signal(server.id(), Signal::QUIT);
            server.wait().unwrap();
        }
    }

    /// Stops every process of it where it stands, as a machine that hangs does.
    pub fn pause(&self) {
        self.signal_all(Signal::STOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal_all(Signal::CONT);
    }

    /// The program `name` of PostgreSQL, as the user that the server runs as.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(binaries().join(name));
        command.current_dir(self.folder.path()).env("LC_ALL", "C");
        if rustix::process::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    /// Makes `path` the server's own.
    pub fn give(&self, path: &Path) {
        if rustix::process::geteuid().is_root() {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }

    fn signal_all(&self, what: Signal) {
        if let Some(server) = &*self.running() {
            signal(server.id(), what);
            for child in children(server.id()) {
                signal(child, what);
            }
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn running(&self) -> MutexGuard<'_, Option<Child>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.resume();
        self.stop();
    }
}

/// A folder in memory, where a server's files have room: what a test does to a server is no power cut.
fn roomy_memory() -> Option<TempDir> {
    let place = "/dev/shm";
    let room = rustix::fs::statvfs(place).ok()?;
    let roomy = room.f_bavail * room.f_frsize > MEMORY_MIN;
    roomy.then(|| tempfile::tempdir_in(place).ok()).flatten()
}

/// How much memory must be free for a server in it, in bytes.
const MEMORY_MIN: u64 = 2 << 30;

/// The newest version that is installed, where Debian puts it; elsewhere what the path names.
fn binaries() -> PathBuf {
    let installed = fs::read_dir("/usr/lib/postgresql");
    let versions = installed.into_iter().flatten().flatten();
    let newest = versions.max_by_key(|version| {
        let name = version.file_name();
        name.to_str().and_then(|name| name.parse::<u32>().ok())
    });
    newest.map_or_else(PathBuf::new, |version| version.path().join("bin"))
}

/// What a program prints, which must succeed.
fn runs(command: &mut Command) -> String {
    let done = started(command.output(), command);
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {said}");
    String::from_utf8(done.stdout).unwrap()
}

fn started<T>(outcome: std::io::Result<T>, command: &Command) -> T {
    match outcome {
        Ok(started) => started,
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            panic!("PostgreSQL is not installed: `make test` installs it")
        }
        Err(cause) => panic!("{command:?}: {cause}"),
    }
}

/// A process that has ended meanwhile is not missed.
fn signal(process: u32, signal: Signal) {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    kill_process(process.unwrap(), signal).unwrap_or_default();
}

fn children(process: u32) -> Vec<u32> {
    let path = format!("/proc/{process}/task/{process}/children");
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace()
        .map(|child| child.parse().unwrap())
        .collect()
}

/// Whether a process is there and does not only wait to be counted by its parent.
fn lives(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}
