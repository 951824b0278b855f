//! Settings: what the command line and the settings file say, checked once.

mod args;
mod file;

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use ironroot_custody::source::Source;
use ironroot_machine::credentials_directory;
use ironroot_pki::authority::KeyUri;
use rustls::pki_types::ServerName;

pub use self::args::{LogFormat, UpArgs};
pub use self::file::{BackupSection, FileSettings, HubSection, KeysSection, StoreSection};
use crate::demonstration::Purpose;
use crate::fault::chain;
use crate::storage::StoreUrl;

/// Everything that the hub is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where everything is kept.
    pub data: PathBuf,
    /// What the hub is for.
    pub purpose: Purpose,
    /// Where the doors listen.
    pub listen: Listen,
    /// Where the store is.
    pub store: StoreUrl,
    /// Where the sealing key comes from, when it was named.
    pub seal_key: Option<Source>,
    /// The token that keeps the issuing CA's key, when one is to.
    pub ca_key: Option<KeyUri>,
    /// Where systemd put the hub's credentials.
    pub credentials: Option<PathBuf>,
    /// The names that clients reach the hub by, loopback included.
    pub names: Vec<ServerName<'static>>,
    /// What the settings file says.
    pub file: FileSettings,
}

/// Where the doors listen; port 0 picks one.
#[derive(Clone, Copy, Debug)]
pub struct Listen {
    /// Console and API.
    pub console: SocketAddr,
    /// MQTT.
    pub mqtt: SocketAddr,
    /// EST.
    pub device: SocketAddr,
    /// The CA's certificates.
    pub pki: SocketAddr,
}

/// Why the settings cannot be used: every fault that was found, each with its place.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct BadSettings(Vec<String>);

impl Settings {
    /// Puts the command line and the settings file together.
    ///
    /// # Errors
    /// [`BadSettings`] lists every fault at once.
    pub fn gather(args: UpArgs) -> Result<Self, BadSettings> {
        let mut faults = Vec::new();
        let file = read_file(&args, &mut faults);
        if !args.console_addr.ip().is_loopback() {
            faults.push(format!(
                "--console-addr {}: the console is plain HTTP and listens on a loopback address only; put a TLS proxy in front to reach it from elsewhere",
                args.console_addr
            ));
        }
        for (door, settings) in [("console", &file.console), ("pki", &file.pki)] {
            if !settings.admission.proxy_from.is_empty() {
                faults.push(format!(
                    "{door}.admission.proxy_from: the PROXY protocol is for the doors of devices, mqtt and device"
                ));
            }
        }
        let names = server_names(&file.hub.names, &mut faults);
        let store = store(&args, &mut faults);
        if matches!(store, StoreUrl::Postgres(_)) && file.store.size_max_bytes.is_some() {
            faults.push(
                "store.size_max_bytes: PostgreSQL's size is bounded where the database is kept; leave it out"
                    .to_owned(),
            );
        }
        let seal_key = parsed("keys.seal_key", file.keys.seal_key.as_ref(), &mut faults);
        let ca_key = parsed("keys.ca_key", file.keys.ca_key.as_ref(), &mut faults);
        if let Err(cause) = file.archive.open() {
            faults.push(chain(&cause));
        }
        let purpose = if args.demo {
            Purpose::Demonstration
        } else {
            Purpose::Production
        };
        faults.extend(purpose.faults(&file));
        if !faults.is_empty() {
            return Err(BadSettings(faults));
        }
        Ok(Self {
            purpose,
            listen: Listen {
                console: args.console_addr,
                mqtt: args.mqtt_addr,
                device: args.device_addr,
                pki: args.pki_addr,
            },
            seal_key: args.seal_key.or(seal_key),
            ca_key: args.ca_key.or(ca_key),
            credentials: credentials_directory(),
            data: args.data,
            store,
            names,
            file,
        })
    }

    /// The name that stands in certificates and in the journal's name.
    pub fn first_name(&self) -> &str {
        self.file
            .hub
            .names
            .first()
            .map_or("localhost", String::as_str)
    }
}

fn read_file(args: &UpArgs, faults: &mut Vec<String>) -> FileSettings {
    let read = FileSettings::read(&args.data, args.settings.as_deref());
    read.unwrap_or_else(|fault| {
        faults.push(fault);
        FileSettings::default()
    })
}

/// A setting that has a text form of its own.
fn parsed<T: FromStr<Err: Display>>(
    name: &str,
    text: Option<&String>,
    faults: &mut Vec<String>,
) -> Option<T> {
    match text.map(|text| text.parse()) {
        None => None,
        Some(Ok(value)) => Some(value),
        Some(Err(fault)) => {
            faults.push(format!("{name}: {fault}"));
            None
        }
    }
}

fn server_names(texts: &[String], faults: &mut Vec<String>) -> Vec<ServerName<'static>> {
    let loopback = ["localhost", "127.0.0.1", "::1"];
    let mut names = Vec::new();
    for text in texts.iter().map(String::as_str).chain(loopback) {
        match ServerName::try_from(text.to_owned()) {
            Ok(name) => names.push(name),
            Err(_not_a_name) => faults.push(format!(
                "hub.names: {text:?} is neither a host name nor an address"
            )),
        }
    }
    names
}

fn store(args: &UpArgs, faults: &mut Vec<String>) -> StoreUrl {
    let default = StoreUrl::default_in(&args.data);
    let Some(text) = &args.store else {
        return default;
    };
    text.parse().unwrap_or_else(|fault| {
        faults.push(format!("--store {text}: {fault}"));
        default
    })
}

#[cfg(test)]
mod tests {
    use super::file::parse;
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        up: UpArgs,
    }

    fn up(args: &[&str]) -> UpArgs {
        Program::try_parse_from([&["ironroot"], args].concat())
            .unwrap()
            .up
    }

    #[test]
    fn without_a_file_every_setting_has_its_default() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::gather(up(&["--data", folder.path().to_str().unwrap()])).unwrap();
        assert_eq!(settings.file, FileSettings::default());
        assert_eq!(settings.first_name(), "localhost");
        assert_eq!(settings.names.len(), 3);
    }

    #[test]
    fn reports_all_faults_together_and_where_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hub.toml");
        std::fs::write(&file, "[device]\nhead_timeout_s = \"soon\"\n").unwrap();
        let args = [
            "--settings",
            file.to_str().unwrap(),
            "--console-addr",
            "192.0.2.1:80",
            "--store",
            "floppy",
        ];
        let faults = Settings::gather(up(&args)).unwrap_err().0;
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert!(faults[0].contains("device.head_timeout_s"), "{}", faults[0]);
        assert!(faults[1].contains("loopback"), "{}", faults[1]);
        assert!(faults[2].contains("sqlite:FILE"), "{}", faults[2]);
    }

    #[test]
    fn believes_load_balancers_at_the_doors_of_devices_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hub.toml");
        let gather = |door: &str, network: &str| {
            let text = format!("[{door}.admission]\nproxy_from = [{network:?}]\n");
            std::fs::write(&file, text).unwrap();
            Settings::gather(up(&["--settings", file.to_str().unwrap()]))
        };
        for door in ["mqtt", "device"] {
            assert!(gather(door, "10.0.0.0/8").is_ok(), "{door}");
            let fault = gather(door, "10.0.0.0/99").unwrap_err().to_string();
            assert!(fault.contains("10.0.0.0/99"), "{fault}");
        }
        for door in ["console", "pki"] {
            let fault = gather(door, "10.0.0.0/8").unwrap_err().to_string();
            assert!(fault.contains("proxy_from"), "{fault}");
        }
    }

    #[test]
    fn refuses_a_settings_file_that_was_named_and_is_not_there() {
        let missing = Settings::gather(up(&["--settings", "/nowhere/hub.toml"])).unwrap_err();
        assert!(missing.to_string().contains("/nowhere/hub.toml"));
    }

    #[test]
    fn refuses_a_bound_that_postgresql_would_not_keep() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hub.toml");
        std::fs::write(&file, "[store]\nsize_max_bytes = 1_000_000\n").unwrap();
        let store = ["--store", "postgres://hub@localhost/fleet"];
        let args = [["--settings", file.to_str().unwrap()], store].concat();
        let faults = Settings::gather(up(&args)).unwrap_err().0;
        assert!(faults[0].contains("store.size_max_bytes"), "{faults:?}");
    }

    #[test]
    fn refuses_a_misspelt_setting_by_its_path() {
        let fault = parse("[console.admission]\nconnexions_max = 1\n").unwrap_err();
        assert!(
            fault.contains("console.admission") && fault.contains("connexions_max"),
            "{fault}"
        );
    }

    #[test]
    fn no_text_makes_the_parser_panic() {
        const GOOD: &[u8] = b"[hub]\nnames = ['a']\n[console.admission]\nconnections_max = 1\n";
        bolero::check!()
            .with_type::<(Vec<u8>, u8)>()
            .for_each(|(noise, at)| {
                let mut text = GOOD.to_vec();
                let at = usize::from(*at).min(text.len());
                text.splice(at..at, noise.iter().copied());
                if let Err(fault) = parse(&String::from_utf8_lossy(&text)) {
                    assert!(!fault.is_empty());
                }
            });
    }
}
