//! What `ironroot up` takes.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ironroot_custody::source::Source;
use ironroot_pki::authority::KeyUri;

/// What `ironroot up` takes.
#[derive(Clone, Debug, Args)]
pub struct UpArgs {
    /// Where everything is kept; made at the first start. With --demo ./ironroot-demo
    #[arg(
        long,
        value_name = "DIR",
        default_value = "./ironroot-data",
        default_value_if("demo", "true", DEMO_DATA)
    )]
    pub data: PathBuf,
    /// Show what Ironroot does: a hub of its own with forty simulated devices, and a script of attacks that
    /// repeats. Its doors listen on this machine alone
    #[arg(long)]
    pub demo: bool,
    /// How many times as fast as for people the script goes
    #[arg(
        long,
        value_name = "N",
        hide = true,
        requires = "demo",
        default_value_t = 1
    )]
    pub demo_speed: u32,
    /// Where the console and the API listen; plain HTTP, so a loopback address
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub console_addr: SocketAddr,
    /// Where the MQTT door listens
    #[arg(
        long,
        value_name = "ADDR",
        default_value = "0.0.0.0:8883",
        default_value_if("demo", "true", "127.0.0.1:8883")
    )]
    pub mqtt_addr: SocketAddr,
    /// Where the device door (EST) listens
    #[arg(
        long,
        value_name = "ADDR",
        default_value = "0.0.0.0:8444",
        default_value_if("demo", "true", "127.0.0.1:8444")
    )]
    pub device_addr: SocketAddr,
    /// Where the CA's certificates are published, over plain HTTP
    #[arg(
        long,
        value_name = "ADDR",
        default_value = "0.0.0.0:8446",
        default_value_if("demo", "true", "127.0.0.1:8446")
    )]
    pub pki_addr: SocketAddr,
    /// The database: `sqlite:FILE` or `postgres://USER@HOST/DATABASE`; SQLite in the data directory when absent
    #[arg(long, value_name = "URL")]
    pub store: Option<String>,
    /// Where the key comes from that opens the CA's and the journal's keys: FILE, passphrase:FILE,
    /// credential:NAME (systemd), tpm or tpm:sha256:7; counts at the first start, and is remembered
    #[arg(long, value_name = "SOURCE")]
    pub seal_key: Option<Source>,
    /// The token that makes and keeps the issuing CA's key, as a PKCS#11 URI; counts when a CA is made, at the first
    /// start or by `ca request`:
    /// pkcs11:token=T;object=K?module-path=FILE&pin-source=FILE
    #[arg(long, value_name = "URI")]
    pub ca_key: Option<KeyUri>,
    /// Further settings, as TOML; `ironroot.toml` in the data directory when absent
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// How the log reads, on standard error
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,
}

/// Where the demonstration keeps everything.
const DEMO_DATA: &str = "./ironroot-demo";

/// How the log reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line, for programs.
    Json,
}
