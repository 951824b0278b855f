//! Which hub is meant, and the token that it knows us by.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use ironroot_api::Secret;
use serde::Deserialize;

/// The file of the data directory that a hub writes when it is up.
const ADDRESSES: &str = "addresses.json";

/// The folder beside the usual data directory in which the demonstration's hub keeps everything.
const DEMO_DATA: &str = "ironroot-demo";

/// The largest file read here, in bytes: a token, addresses, or a CA certificate.
const FILE_SIZE_MAX: u64 = 64 * 1024;

/// Which hub is meant, and how its answer is printed.
#[derive(Clone, Debug, Args)]
pub struct HubArgs {
    /// Data directory of a hub on this machine
    #[arg(
        long,
        value_name = "DIR",
        default_value = "./ironroot-data",
        help_heading = "Hub"
    )]
    pub(crate) data: PathBuf,
    /// Address of a hub's console, instead of --data
    #[arg(
        long,
        value_name = "URL",
        requires = "token_file",
        conflicts_with = "data",
        help_heading = "Hub"
    )]
    pub(crate) hub: Option<String>,
    /// File with the token that the hub of --hub knows you by
    #[arg(long, value_name = "FILE", requires = "hub", help_heading = "Hub")]
    token_file: Option<PathBuf>,
    /// PEM file of the CA that vouches for the hub of --hub
    #[arg(long, value_name = "FILE", requires = "hub", help_heading = "Hub")]
    ca: Option<PathBuf>,
    /// Print the API's answer, as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What it takes to speak with one hub.
#[derive(Debug)]
pub(crate) struct Connection {
    /// The console's URL, without a slash at its end.
    pub(crate) console: String,
    /// The device door's URL, when the hub is on this machine.
    pub(crate) device: Option<String>,
    pub(crate) token: Secret,
    /// Where the token was read.
    pub(crate) token_file: PathBuf,
    /// The CA certificates in PEM that vouch for an https hub.
    pub(crate) ca: Option<String>,
}

/// `addresses.json`, as far as it matters here.
#[derive(Deserialize)]
struct Addresses {
    console: String,
    device: Option<String>,
}

impl HubArgs {
    /// The data directory, when its hub is said to be stopped, or never was up.
    pub(crate) fn files(&self, stopped: bool) -> Option<&Path> {
        let down = stopped || !self.data.join(ADDRESSES).exists();
        (self.hub.is_none() && down).then_some(&self.data)
    }

    /// Finds the hub and reads the token.
    pub(crate) fn find(&self) -> Result<Connection> {
        let (Some(hub), Some(token_file)) = (&self.hub, &self.token_file) else {
            return in_data(&self.data);
        };
        let console = hub.trim_end_matches('/').to_owned();
        let ca = self.ca.as_deref().map(read).transpose()?;
        if console.starts_with("https://") {
            ensure!(
                ca.is_some(),
                "{console}: name the CA that vouches for it with --ca FILE"
            );
        } else {
            ensure_loopback(&console)?;
        }
        Ok(Connection {
            console,
            device: None,
            token: token(token_file)?,
            token_file: token_file.clone(),
            ca,
        })
    }
}

/// The hub whose data lies in `folder`.
fn in_data(folder: &Path) -> Result<Connection> {
    let path = folder.join(ADDRESSES);
    if !path.exists() {
        let demo = folder.with_file_name(DEMO_DATA);
        let other = if demo.join(ADDRESSES).exists() {
            format!("; the demonstration is --data {}", demo.display())
        } else {
            String::new()
        };
        bail!(
            "no hub has started in {} yet: start one with `ironroot up`, or name another with \
             --data DIR or --hub URL{other}",
            folder.display()
        );
    }
    let addresses: Addresses = serde_json::from_str(&read(&path)?)
        .with_context(|| format!("{} is not as a hub writes it", path.display()))?;
    let console = addresses.console.trim_end_matches('/').to_owned();
    let https = console.starts_with("https://");
    let ca = https.then(|| read(&folder.join("ca.pem"))).transpose()?;
    if ca.is_none() {
        ensure_loopback(&console)?;
    }
    let token_file = folder.join("admin.token");
    Ok(Connection {
        console,
        device: addresses.device,
        token: token(&token_file)?,
        token_file,
        ca,
    })
}

fn token(path: &Path) -> Result<Secret> {
    let text = Secret::new(read(path)?);
    let token = text.reveal().trim();
    let plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    ensure!(
        plain,
        "{} holds no token: one line of plain text is expected",
        path.display()
    );
    Ok(Secret::new(token.to_owned()))
}

fn read(path: &Path) -> Result<String> {
    let name = || path.display().to_string();
    let size = fs::metadata(path).with_context(name)?.len();
    ensure!(
        size <= FILE_SIZE_MAX,
        "{} is too large: {size} bytes",
        path.display()
    );
    fs::read_to_string(path).with_context(name)
}

/// Plain HTTP is for this machine alone: anywhere else the token would travel in clear.
fn ensure_loopback(url: &str) -> Result<()> {
    let rest = url.strip_prefix("http://").with_context(|| {
        format!("{url:?} is no address of a hub: write http://localhost:8080 or https://…")
    })?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(v6),
        None => authority.split(':').next().unwrap_or(authority),
    };
    let loopback = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    ensure!(
        loopback,
        "{url} is plain HTTP to another machine, which would show your token to the network: use \
         https:// with --ca FILE"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        hub: HubArgs,
    }

    fn find(arguments: &[&str]) -> Result<Connection> {
        let arguments = [&["ironroot"], arguments].concat();
        Program::try_parse_from(arguments)?.hub.find()
    }

    fn said(outcome: Result<Connection>) -> String {
        format!("{:#}", outcome.unwrap_err())
    }

    #[test]
    fn says_how_to_start_a_hub_when_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().to_str().unwrap();
        assert_eq!(
            said(find(&["--data", data])),
            format!(
                "no hub has started in {data} yet: start one with `ironroot up`, or name another \
                 with --data DIR or --hub URL"
            )
        );
    }

    #[test]
    fn reads_addresses_and_token_from_the_data_directory() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write(
            "addresses.json",
            r#"{"console":"http://localhost:8080/","mqtt":"mqtts://localhost"}"#,
        );
        write("admin.token", "abc\n");
        let hub = find(&["--data", folder.path().to_str().unwrap()]).unwrap();
        assert_eq!(
            (hub.console.as_str(), hub.token.reveal()),
            ("http://localhost:8080", "abc")
        );
        write("admin.token", "abc\ndef\n");
        let two = said(find(&["--data", folder.path().to_str().unwrap()]));
        assert!(two.contains("one line of plain text"), "{two}");
    }

    #[test]
    fn refuses_to_send_the_token_in_clear_to_another_machine() {
        let folder = tempfile::tempdir().unwrap();
        let token = folder.path().join("token");
        fs::write(&token, "abc").unwrap();
        let find = |hub| find(&["--hub", hub, "--token-file", token.to_str().unwrap()]);
        for hub in [
            "http://hub.example",
            "http://localhost.evil.example",
            "http://10.0.0.1:8080",
        ] {
            assert!(said(find(hub)).contains("show your token"), "{hub}");
        }
        for hub in [
            "http://localhost:8080",
            "http://127.0.0.7/",
            "http://[::1]:80",
        ] {
            assert!(find(hub).is_ok(), "{hub}");
        }
        assert!(said(find("localhost:8080")).contains("is no address of a hub"));
        assert!(said(find("https://hub.example")).contains("--ca FILE"));
    }

    #[test]
    fn a_hub_by_address_needs_a_token_file() {
        assert!(find(&["--hub", "http://localhost:8080"]).is_err());
        assert!(
            find(&[
                "--hub",
                "http://localhost",
                "--token-file",
                "t",
                "--data",
                "d"
            ])
            .is_err()
        );
    }
}
