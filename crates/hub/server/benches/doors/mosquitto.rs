//! Debian's mosquitto, asking for the same client certificates as the hub.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ironroot_sim::process::Process;
use ironroot_sim::scenario::Door;
use ironroot_sim::tls::{KeyExchange, Trust};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
};
use tempfile::TempDir;

use crate::stand::Stand;

/// Its name among the figures.
pub(crate) const NAME: &str = "mosquitto";

/// A mosquitto that is up.
pub(crate) struct Mosquitto {
    _folder: TempDir,
    child: Child,
    address: SocketAddr,
    /// The CA of its own certificate, PEM.
    pub(crate) ca_pem: String,
}

impl Mosquitto {
    /// Starts one that lets the devices of `stand` in.
    pub(crate) async fn start(stand: &Stand) -> Result<Self> {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let (ca_pem, certificate, key) = server_certificate()?;
        // It is free now; whoever takes it in between makes mosquitto fail, not lie.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let file = |name: &str, content: &str| -> Result<String> {
            let path = folder.path().join(name);
            fs::write(&path, content)?;
            Ok(path.display().to_string())
        };
        let settings = format!(
            "listener {} {}\ncafile {}\ncertfile {}\nkeyfile {}\n{SETTINGS}",
            address.port(),
            address.ip(),
            file("clients.pem", &stand.hub.ca_pem)?,
            file("server.pem", &certificate)?,
            file("server.key", &key)?,
        );
        let child = Command::new("mosquitto")
            .args(["-c", &file("mosquitto.conf", &settings)?])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("mosquitto is not installed: `cargo xtask deps` does it")?;
        let mut mosquitto = Self {
            _folder: folder,
            child,
            address,
            ca_pem,
        };
        mosquitto.listens().await?;
        Ok(mosquitto)
    }

    async fn listens(&mut self) -> Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            ensure!(self.child.try_wait()?.is_none(), "mosquitto has ended");
            ensure!(begun.elapsed() < START_MAX, "mosquitto does not come up");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Its door. Its TLS has no X25519MLKEM768.
    pub(crate) fn door(&self) -> Result<Door> {
        Ok(Door {
            address: self.address,
            trust: Trust::new(&self.ca_pem, KeyExchange::X25519)?,
            process: Some(Process::new(self.child.id())),
        })
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// A CA and a server's certificate and key, P-256, PEM.
fn server_certificate() -> Result<(String, String, String)> {
    let name = |name: &str| {
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CommonName, name);
        subject
    };
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.distinguished_name = name("peer CA");
    let key = KeyPair::generate()?;
    let ca_pem = ca.self_signed(&key)?.pem();
    let issuer = Issuer::new(ca, key);
    let mut server = CertificateParams::new(vec!["localhost".to_owned()])?;
    server.distinguished_name = name("peer");
    let key = KeyPair::generate()?;
    let certificate = server.signed_by(&key, &issuer)?.pem();
    Ok((ca_pem, certificate, key.serialize_pem()))
}

/// Set in mosquitto's favour: no access rules, nothing logged or kept, and no small queues that would make it
/// drop or wait.
const SETTINGS: &str = "\
require_certificate true
use_identity_as_username true
max_inflight_messages 1000
max_queued_messages 0
persistence false
log_dest none
user root
";

/// The longest that it may take to come up.
const START_MAX: Duration = Duration::from_secs(10);
