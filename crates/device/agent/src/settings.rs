//! The settings file: read once, checked whole, all faults reported together.

use std::fmt::Display;
use std::fs;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ironroot_custody::source::Source;
use ironroot_identity::DeviceId;
use ironroot_mqtt::TopicFilter;
use serde::Deserialize;

/// What the agent goes by. Made only by [`Settings::read`].
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) device: DeviceId,
    pub(crate) state: PathBuf,
    pub(crate) seal_key: Option<Source>,
    pub(crate) hub: Hub,
    pub(crate) enrol: Enrol,
    pub(crate) mqtt: Mqtt,
    pub(crate) spool: Spool,
    pub(crate) socket: Socket,
    pub(crate) inventory_interval: Option<Duration>,
    pub(crate) handlers: Vec<Handler>,
}

/// Where the hub is, and by what it is known.
#[derive(Clone, Debug)]
pub(crate) struct Hub {
    pub(crate) est: Endpoint,
    pub(crate) mqtt: Endpoint,
    /// The PEM file that the operator has put here.
    pub(crate) ca: PathBuf,
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// What stands for the device before it has a certificate, and how long before its end that is renewed.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Enrol {
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) idevid_certificate: Option<PathBuf>,
    pub(crate) idevid_key: Option<PathBuf>,
    /// Which part of a certificate's life may pass, in percent.
    pub(crate) renew_at_percent: u8,
}

/// How the agent speaks MQTT.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Mqtt {
    pub(crate) keep_alive_s: u16,
    pub(crate) in_flight_max: NonZeroU16,
    /// How long orders wait at the hub for a device that is away.
    pub(crate) session_expiry_s: u32,
}

/// How much waits on disk.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Spool {
    pub(crate) bytes_max: u64,
    pub(crate) payload_size_max: usize,
}

/// Where applications of this device are heard, and who may speak there.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Socket {
    pub(crate) path: PathBuf,
    mode: String,
    pub(crate) group: Option<String>,
    pub(crate) clients_max: usize,
    #[serde(skip)]
    pub(crate) mode_bits: u32,
}

/// A program that carries orders out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Handler {
    /// Which orders, from `down/` on.
    pub(crate) topic: String,
    pub(crate) program: PathBuf,
    #[serde(default)]
    pub(crate) arguments: Vec<String>,
    #[serde(default = "handler_timeout_s")]
    pub(crate) timeout_s: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    device: String,
    #[serde(default = "state")]
    state: PathBuf,
    seal_key: Option<String>,
    hub: RawHub,
    #[serde(default)]
    enrol: Enrol,
    #[serde(default)]
    mqtt: Mqtt,
    #[serde(default)]
    spool: Spool,
    #[serde(default)]
    socket: Socket,
    #[serde(default)]
    inventory: Inventory,
    #[serde(default)]
    handler: Vec<Handler>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHub {
    est: String,
    mqtt: String,
    ca: PathBuf,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Inventory {
    interval_s: u64,
}

impl Default for Enrol {
    fn default() -> Self {
        Self {
            token_file: None,
            idevid_certificate: None,
            idevid_key: None,
            renew_at_percent: 66,
        }
    }
}

impl Default for Mqtt {
    fn default() -> Self {
        Self {
            keep_alive_s: 60,
            in_flight_max: IN_FLIGHT,
            session_expiry_s: 7 * 86_400,
        }
    }
}

impl Default for Spool {
    fn default() -> Self {
        Self {
            bytes_max: 64 << 20,
            payload_size_max: 8 << 10,
        }
    }
}

impl Default for Socket {
    fn default() -> Self {
        Self {
            path: "/run/ironroot-agent/socket".into(),
            mode: "0660".to_owned(),
            group: None,
            clients_max: 16,
            mode_bits: 0,
        }
    }
}

impl Default for Inventory {
    fn default() -> Self {
        Self { interval_s: 3_600 }
    }
}

fn state() -> PathBuf {
    "/var/lib/ironroot-agent".into()
}

fn handler_timeout_s() -> u64 {
    60
}

impl Settings {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// With every fault that can be seen at once, each by its place in the file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is not right", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        ensure!(text.len() <= TEXT_MAX, "it is longer than {TEXT_MAX} bytes");
        let raw: Raw = toml::from_str(text)?;
        let mut faults = Faults::default();
        let device = faults.parsed("device", &raw.device);
        let seal_key = raw
            .seal_key
            .as_ref()
            .and_then(|text| faults.parsed("seal_key", text));
        let est = faults.endpoint("hub.est", "https", &raw.hub.est);
        let mqtt = faults.endpoint("hub.mqtt", "mqtts", &raw.hub.mqtt);
        raw.enrol.check(&mut faults);
        faults.within("mqtt.keep_alive_s", raw.mqtt.keep_alive_s.into(), 5, 3_600);
        faults.within(
            "mqtt.in_flight_max",
            raw.mqtt.in_flight_max.get().into(),
            1,
            1_024,
        );
        faults.within("spool.bytes_max", raw.spool.bytes_max, 256 << 10, 1 << 40);
        let payload = raw.spool.payload_size_max as u64;
        // A reading must fit into a segment, and the smallest spool has segments of 16 KiB.
        let payload_max = (raw.spool.bytes_max / 32).clamp(8 << 10, 256 << 10);
        faults.within("spool.payload_size_max", payload, 64, payload_max);
        faults.within("socket.clients_max", raw.socket.clients_max as u64, 1, 256);
        let socket = raw.socket.checked(&mut faults);
        for (n, handler) in raw.handler.iter().enumerate() {
            handler.check(n, &mut faults);
        }
        if raw.handler.len() > HANDLERS_MAX {
            faults.add("handler", format_args!("at most {HANDLERS_MAX} are taken"));
        }
        let interval = raw.inventory.interval_s;
        if interval > 0 {
            faults.within("inventory.interval_s", interval, 60, 30 * 86_400);
        }
        match (device, est, mqtt) {
            (Some(device), Some(est), Some(mqtt)) if faults.0.is_empty() => Ok(Self {
                device,
                state: raw.state,
                seal_key,
                hub: Hub {
                    est,
                    mqtt,
                    ca: raw.hub.ca,
                },
                enrol: raw.enrol,
                mqtt: raw.mqtt,
                spool: raw.spool,
                socket,
                inventory_interval: (interval > 0).then(|| Duration::from_secs(interval)),
                handlers: raw.handler,
            }),
            _ => bail!("{}", faults.0.join("\n  ")),
        }
    }
}

impl Enrol {
    fn check(&self, faults: &mut Faults) {
        if self.idevid_certificate.is_some() != self.idevid_key.is_some() {
            faults.add("enrol", "idevid_certificate and idevid_key go together");
        }
        let percent = self.renew_at_percent.into();
        faults.within("enrol.renew_at_percent", percent, 1, 90);
    }
}

impl Socket {
    fn checked(mut self, faults: &mut Faults) -> Self {
        match u32::from_str_radix(&self.mode, 8) {
            Ok(bits) if bits & !0o777 == 0 => self.mode_bits = bits,
            Ok(_) | Err(_) => faults.add("socket.mode", "write it like \"0660\""),
        }
        self
    }
}

impl Handler {
    fn check(&self, n: usize, faults: &mut Faults) {
        let of = |field: &str| format!("handler[{n}].{field}");
        if let Err(cause) = TopicFilter::parse(&self.topic) {
            faults.add(&of("topic"), cause);
        } else if !self.topic.starts_with("down/") {
            faults.add(&of("topic"), "it begins with down/");
        }
        if !self.program.is_absolute() {
            faults.add(&of("program"), "write its whole path: none is searched for");
        }
        faults.within(&of("timeout_s"), self.timeout_s, 1, 3_600);
    }
}

/// `scheme://host:port`.
fn endpoint(scheme: &str, text: &str) -> Option<Endpoint> {
    let rest = text.strip_prefix(scheme)?.strip_prefix("://")?;
    let (host, port) = rest.trim_end_matches('/').rsplit_once(':')?;
    let host = host.trim_matches(['[', ']']);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    let named = (1..=253).contains(&host.len()) && host.bytes().all(plain);
    let port: NonZeroU16 = port.parse().ok()?;
    named.then(|| Endpoint {
        host: host.to_owned(),
        port: port.get(),
    })
}

#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn add(&mut self, path: &str, fault: impl Display) {
        self.0.push(format!("{path}: {fault}"));
    }

    fn parsed<T: FromStr<Err: Display>>(&mut self, path: &str, text: &str) -> Option<T> {
        text.parse().map_err(|cause| self.add(path, cause)).ok()
    }

    fn endpoint(&mut self, path: &str, scheme: &str, text: &str) -> Option<Endpoint> {
        let found = endpoint(scheme, text);
        if found.is_none() {
            self.add(
                path,
                format_args!("write it like {scheme}://hub.example:8883"),
            );
        }
        found
    }

    fn within(&mut self, path: &str, value: u64, min: u64, max: u64) {
        if !(min..=max).contains(&value) {
            self.add(path, format_args!("{value} is not from {min} to {max}"));
        }
    }
}

/// The largest settings file, in bytes.
const TEXT_MAX: usize = 64 << 10;
/// The most programs that carry orders out.
const HANDLERS_MAX: usize = 32;
const IN_FLIGHT: NonZeroU16 = match NonZeroU16::new(32) {
    Some(count) => count,
    None => NonZeroU16::MIN,
};

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
        device = "cam-1"
        [hub]
        est = "https://hub.example:8444"
        mqtt = "mqtts://[::1]:8883"
        ca = "/etc/ironroot/ca.pem"
    "#;

    #[test]
    fn what_is_left_out_gets_the_safe_default() {
        let settings = Settings::parse(SMALL).unwrap();
        assert_eq!(settings.device.as_str(), "cam-1");
        assert_eq!(settings.hub.mqtt.host, "::1");
        assert_eq!(settings.hub.est.port, 8444);
        assert_eq!(settings.socket.mode_bits, 0o660);
        assert_eq!(settings.mqtt.in_flight_max.get(), 32);
        assert!(settings.handlers.is_empty());
    }

    #[test]
    fn reports_all_faults_together_with_their_place() {
        let text = r#"
            device = "cam 1"
            seal_key = "vault:x"
            [hub]
            est = "http://hub:8444"
            mqtt = "mqtts://hub"
            ca = "ca.pem"
            [enrol]
            idevid_key = "/k"
            renew_at_percent = 99
            [socket]
            mode = "rw"
            [[handler]]
            topic = "up/x"
            program = "sh"
        "#;
        let refused = Settings::parse(text).unwrap_err().to_string();
        for place in [
            "device:",
            "seal_key:",
            "hub.est:",
            "hub.mqtt:",
            "enrol:",
            "enrol.renew_at_percent:",
            "socket.mode:",
            "handler[0].topic:",
            "handler[0].program:",
        ] {
            assert!(refused.contains(place), "{place} in {refused}");
        }
    }

    #[test]
    fn refuses_a_setting_that_it_does_not_know() {
        let unknown = format!("surprise = 1\n{SMALL}");
        assert!(format!("{:#}", Settings::parse(&unknown).unwrap_err()).contains("surprise"));
    }

    #[test]
    fn attack_a_host_with_a_path_or_a_user_in_it_is_refused() {
        for text in [
            "https://a@b:1",
            "https://a/b:1",
            "https://:1",
            "https://a:0",
            "https://a b:1",
        ] {
            assert_eq!(endpoint("https", text), None, "{text}");
        }
    }
}
