//! Which hub is talked to: what its data folder says, and that it is on this machine.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use ironroot_api::Secret;
use serde::Deserialize;

/// A hub on this machine.
#[derive(Clone, Debug)]
pub struct Hub {
    /// Its API.
    pub console: SocketAddr,
    /// Its MQTT door.
    pub mqtt: SocketAddr,
    /// Its EST door.
    pub device: SocketAddr,
    /// The administrator's token.
    pub token: Secret,
    /// The certificates of its CA, PEM.
    pub ca_pem: String,
}

#[derive(Deserialize)]
struct Addresses {
    console: String,
    mqtt: String,
    device: String,
}

impl Hub {
    /// Reads what a running hub has written into its data folder.
    ///
    /// # Errors
    /// When a file is missing or not as a hub writes it, and when a door is not on this machine.
    pub fn read(folder: &Path) -> Result<Self> {
        let file = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path)
                .with_context(|| format!("{}: has a hub started there?", path.display()))
        };
        let addresses: Addresses = serde_json::from_str(&file("addresses.json")?)
            .context("addresses.json is not as a hub writes it")?;
        Ok(Self {
            console: loopback(&addresses.console)?,
            mqtt: loopback(&addresses.mqtt)?,
            device: loopback(&addresses.device)?,
            token: Secret::new(file("admin.token")?.trim().to_owned()),
            ca_pem: file("ca.pem")?,
        })
    }
}

/// The address in a URL. Whatever is not a loopback address is refused: the load that is made here is an
/// attack on anybody who has not asked for it.
fn loopback(url: &str) -> Result<SocketAddr> {
    let (_scheme, rest) = url.split_once("://").context("an address is no URL")?;
    let (host, port) = rest
        .trim_end_matches('/')
        .rsplit_once(':')
        .with_context(|| format!("{url} names no port"))?;
    let ip = match host.trim_matches(['[', ']']) {
        "localhost" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        other => other.parse().ok(),
    };
    let port = port
        .parse()
        .with_context(|| format!("{url} names no port"))?;
    match ip.filter(IpAddr::is_loopback) {
        Some(ip) => Ok(SocketAddr::new(ip, port)),
        None => {
            anyhow::bail!("{url} is not on this machine: simulated devices talk to loopback only")
        }
    }
}

/// What a hub is called on its own machine.
pub(crate) const NAME: &str = "localhost";

/// The source address of the device with this number, so that a fleet comes from as many places as a
/// real one does: the hub bounds what one source may do.
pub(crate) fn source(number: usize) -> Ipv4Addr {
    let [.., high, low] = number.to_be_bytes();
    Ipv4Addr::new(127, 1, high, low)
}

/// Checks that a count stays within its bound.
pub(crate) fn bounded(what: &str, count: usize, max: usize) -> Result<()> {
    ensure!(
        (1..=max).contains(&count),
        "{count} {what}: 1 to {max} are simulated"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_loopback_addresses_that_a_hub_writes() {
        for (url, address) in [
            ("https://localhost:8444", "127.0.0.1:8444"),
            ("mqtts://127.0.0.7:1", "127.0.0.7:1"),
            ("http://[::1]:8080/", "[::1]:8080"),
        ] {
            assert_eq!(loopback(url).unwrap(), address.parse().unwrap());
        }
    }

    #[test]
    fn refuses_to_load_any_other_machine() {
        for url in [
            "http://192.0.2.1:80",
            "http://hub.example:80",
            "http://localhost.evil.example:80",
            "http://[2001:db8::1]:80",
            "http://0.0.0.0:80",
        ] {
            let refused = loopback(url).unwrap_err().to_string();
            assert!(refused.contains("loopback only"), "{refused}");
        }
    }

    #[test]
    fn refuses_what_names_no_port() {
        for url in ["localhost:80", "http://localhost", "http://localhost:x"] {
            assert!(loopback(url).is_err(), "{url}");
        }
    }

    #[test]
    fn says_that_no_hub_has_started() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Hub::read(folder.path()).unwrap_err().to_string();
        assert!(missing.contains("has a hub started there?"), "{missing}");
    }

    #[test]
    fn devices_come_from_loopback_addresses_of_their_own() {
        assert_eq!(source(258), Ipv4Addr::new(127, 1, 1, 2));
        assert!(source(usize::MAX).is_loopback());
    }

    #[test]
    fn refuses_a_count_outside_its_bound() {
        assert!(bounded("devices", 0, 2).is_err());
        assert!(bounded("devices", 2, 2).is_ok());
        assert!(bounded("devices", 3, 2).is_err());
    }
}
