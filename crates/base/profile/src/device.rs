//! A `DeviceProfile`: read from TOML, checked whole, all faults reported together.

use core::fmt;
use core::time::Duration;

use ironroot_identity::{BadId, ProfileName};
use serde::Deserialize;

use crate::topics::Topics;
use ironroot_mqtt::TopicTemplate;

/// The largest profile text, in bytes.
pub const PROFILE_SIZE_MAX: usize = 16 * 1024;

/// The largest number of templates in one list.
const TEMPLATES_MAX: usize = 32;

/// The largest number of profiles in one list.
const PROFILES_MAX: usize = 32;

/// The largest bound on topics: each takes a few bytes of memory for as long as its day lasts.
const TOPICS_MAX: u16 = 4_096;

/// How many kinds of key the hub can make.
const SERVER_KEYS_MAX: usize = 3;

const DAY: Duration = Duration::from_secs(86_400);

/// What every device of one class may do. Made only by [`DeviceProfile::parse`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceProfile {
    /// Its name, unique in a hub.
    pub name: ProfileName,
    /// One sentence for people.
    pub summary: Box<str>,
    /// What kind of Evidence the device must bring before tier None stops applying.
    pub evidence: EvidenceKind,
    /// How long an LDevID is valid.
    pub certificate_lifetime: Duration,
    /// Where a device in good standing may publish.
    pub publish: Topics,
    /// What a device in good standing may subscribe to and receive.
    pub subscribe: Topics,
    /// The kinds of key that the hub may make for its devices; none when it makes no keys for them.
    pub server_keys: Vec<ServerKey>,
    /// The profiles whose devices it may renew certificates for, as their registration authority.
    pub registration_authority: Vec<ProfileName>,
    /// Bounds on what it sends and holds.
    pub limits: Limits,
    /// Where it may still publish under quarantine.
    pub quarantine_publish: Topics,
    /// What it may still subscribe to and receive under quarantine.
    pub quarantine_subscribe: Topics,
}

/// The kind of Evidence that a profile asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceKind {
    /// None: the profile says openly that its devices are granted their rights at tier None.
    None,
}

impl fmt::Display for EvidenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
        })
    }
}

/// A kind of key that the hub can make for a device which cannot make its own (RFC 7030 section 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerKey {
    /// ECDSA on the curve P-256.
    P256,
    /// ECDSA on the curve P-384.
    P384,
    /// Ed25519.
    Ed25519,
}

/// Bounds on one device or service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Packets a second that it sends of its own accord, averaged; 0 stands for no bound.
    pub messages_per_s: u32,
    /// Packets that may come at once before the average counts.
    pub message_burst: u32,
    /// Bytes of MQTT packets a second, averaged over ten seconds; 0 stands for no bound.
    pub bytes_per_s: u32,
    /// Topics that it publishes on in one day, counted in UTC; 0 stands for no bound.
    pub topics_max: u16,
    /// The largest MQTT packet, in bytes.
    pub packet_size_max: u32,
    /// Live MQTT sessions at one time.
    pub sessions_max: u16,
    /// Source addresses that one certificate may be used from at one time before that is noticed; 0 stands for
    /// any number.
    pub sources_max: u16,
    /// Subscriptions in one session.
    pub subscriptions_max: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            messages_per_s: 50,
            message_burst: 200,
            bytes_per_s: 256 * 1024,
            topics_max: 64,
            packet_size_max: 64 * 1024,
            sessions_max: 1,
            sources_max: 1,
            subscriptions_max: 16,
        }
    }
}

impl Limits {
    /// The bounds of a service: it speaks for many devices.
    pub const SERVICE: Self = Self {
        messages_per_s: 0,
        message_burst: 0,
        bytes_per_s: 0,
        topics_max: 0,
        packet_size_max: 1024 * 1024,
        sessions_max: 64,
        sources_max: 0,
        subscriptions_max: 256,
    };

    /// Bytes that may come at once: ten seconds' worth, or one packet of the largest size.
    pub fn byte_burst(&self) -> u64 {
        let seconds = u64::from(self.bytes_per_s).saturating_mul(10);
        seconds.max(self.packet_size_max.into())
    }
}

/// Everything that is wrong with a profile's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct BadProfile {
    /// The faults, in the order of the fields; never empty.
    pub faults: Vec<ProfileFault>,
}

/// One fault and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileFault {
    /// Path of the field, as in `topics.publish[2]`; empty for the text as a whole.
    pub path: String,
    /// What is wrong, and what would be right.
    pub fault: String,
}

impl fmt::Display for BadProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, ProfileFault { path, fault }) in self.faults.iter().enumerate() {
            let (lead, colon) = (
                if n == 0 { "" } else { "; " },
                if path.is_empty() { "" } else { ": " },
            );
            write!(f, "{lead}{path}{colon}{fault}")?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProfile {
    name: String,
    #[serde(default)]
    summary: String,
    evidence: EvidenceKind,
    #[serde(default = "default_certificate_days")]
    certificate_days: u32,
    #[serde(default)]
    server_keys: Vec<ServerKey>,
    #[serde(default)]
    registration_authority: Vec<String>,
    #[serde(default)]
    sparkplug: Option<RawSparkplug>,
    topics: RawTopics,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    quarantine: RawTopics,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawTopics {
    publish: Vec<String>,
    subscribe: Vec<String>,
}

/// Makes its devices edge nodes of a Sparkplug B group, each called by its own id.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSparkplug {
    group: String,
}

/// What an edge node publishes, and what it receives (Sparkplug 3.0 chapter 4), behind `spBv1.0/` and, but for
/// the last, the group.
const NODE_PUBLISHES: [&str; 6] = [
    "NBIRTH/{device}",
    "NDEATH/{device}",
    "NDATA/{device}",
    "DBIRTH/{device}/+",
    "DDEATH/{device}/+",
    "DDATA/{device}/+",
];
const NODE_RECEIVES: [&str; 2] = ["NCMD/{device}/#", "DCMD/{device}/#"];
const HOST_STATE: &str = "spBv1.0/STATE/+";

fn default_certificate_days() -> u32 {
    90
}

impl DeviceProfile {
    /// Reads a profile from its TOML text.
    ///
    /// # Errors
    /// [`BadProfile`] lists every fault that can be seen at once.
    pub fn parse(text: &str) -> Result<Self, BadProfile> {
        if text.len() > PROFILE_SIZE_MAX {
            return Err(BadProfile::whole(format!(
                "the text has {} bytes; a profile has at most {PROFILE_SIZE_MAX}",
                text.len()
            )));
        }
        let raw: RawProfile = toml::from_str(text)
            .map_err(|cause| BadProfile::whole(cause.to_string().trim_end().to_owned()))?;
        raw.check()
    }
}

impl RawProfile {
    fn check(self) -> Result<DeviceProfile, BadProfile> {
        let mut faults = Faults::default();
        let name = self
            .name
            .parse()
            .map_err(|cause: BadId| faults.add("name", cause))
            .ok();
        if self.summary.chars().count() > 200 {
            faults.add("summary", "it has more than 200 characters");
        }
        if !(1..=3_650).contains(&self.certificate_days) {
            faults.add("certificate_days", "a certificate lives for 1 to 3650 days");
        }
        if self.server_keys.len() > SERVER_KEYS_MAX {
            faults.add("server_keys", "it names a kind of key twice");
        }
        let registration_authority = faults.profile_names(&self.registration_authority);
        faults.check_limits(&self.limits);
        let (mut publish, mut subscribe) = (self.topics.publish, self.topics.subscribe);
        if let Some(RawSparkplug { group }) = &self.sparkplug {
            faults.check_group(group);
            let in_group = |rest: &&str| format!("spBv1.0/{group}/{rest}");
            publish.extend(NODE_PUBLISHES.iter().map(in_group));
            subscribe.extend(NODE_RECEIVES.iter().map(in_group));
            subscribe.push(HOST_STATE.to_owned());
        }
        let publish = faults.topics("topics.publish", &publish);
        let subscribe = faults.topics("topics.subscribe", &subscribe);
        let quarantine_publish = faults.topics("quarantine.publish", &self.quarantine.publish);
        let quarantine_subscribe =
            faults.topics("quarantine.subscribe", &self.quarantine.subscribe);
        match name {
            Some(name) if faults.0.is_empty() => Ok(DeviceProfile {
                name,
                summary: self.summary.into(),
                evidence: self.evidence,
                certificate_lifetime: DAY.saturating_mul(self.certificate_days),
                publish,
                subscribe,
                server_keys: self.server_keys,
                registration_authority,
                limits: self.limits,
                quarantine_publish,
                quarantine_subscribe,
            }),
            Some(_) | None => Err(BadProfile { faults: faults.0 }),
        }
    }
}

impl BadProfile {
    fn whole(fault: String) -> Self {
        Self {
            faults: vec![ProfileFault {
                path: String::new(),
                fault,
            }],
        }
    }
}

#[derive(Default)]
struct Faults(Vec<ProfileFault>);

impl Faults {
    fn add(&mut self, path: impl Into<String>, fault: impl fmt::Display) {
        self.0.push(ProfileFault {
            path: path.into(),
            fault: fault.to_string(),
        });
    }

    fn topics(&mut self, path: &str, texts: &[String]) -> Topics {
        if texts.len() > TEMPLATES_MAX {
            self.add(
                path,
                format_args!(
                    "it has {} topics; at most {TEMPLATES_MAX} are allowed",
                    texts.len()
                ),
            );
            return Topics::default();
        }
        let mut templates = Vec::new();
        for (n, text) in texts.iter().enumerate() {
            match TopicTemplate::parse(text.as_str().into()) {
                Ok(template) => templates.push(template),
                Err(cause) => self.add(format!("{path}[{n}]"), format_args!("{text:?}: {cause}")),
            }
        }
        Topics::new(templates)
    }

    fn profile_names(&mut self, texts: &[String]) -> Vec<ProfileName> {
        let path = "registration_authority";
        if texts.len() > PROFILES_MAX {
            self.add(
                path,
                format_args!(
                    "it has {} profiles; at most {PROFILES_MAX} are allowed",
                    texts.len()
                ),
            );
            return Vec::new();
        }
        let mut names = Vec::new();
        for (n, text) in texts.iter().enumerate() {
            match text.parse() {
                Ok(name) => names.push(name),
                Err(cause) => {
                    let cause: BadId = cause;
                    self.add(format!("{path}[{n}]"), format_args!("{text:?}: {cause}"));
                }
            }
        }
        names
    }

    /// A group is one level of a topic, and the name of no other kind of message.
    fn check_group(&mut self, group: &str) {
        let is_level = !group.is_empty() && !group.contains(['/', '+', '#', '{', '}']);
        if !is_level || group == "STATE" {
            self.add(
                "sparkplug.group",
                format_args!(
                    "{group:?}: a group is one level of a topic, without wildcards, and not STATE"
                ),
            );
        }
    }

    fn check_limits(&mut self, limits: &Limits) {
        if limits.messages_per_s > 0 && limits.message_burst == 0 {
            self.add(
                "limits.message_burst",
                "with a bound on messages_per_s it must be at least 1",
            );
        }
        if !(64..=16 * 1024 * 1024).contains(&limits.packet_size_max) {
            self.add(
                "limits.packet_size_max",
                "a packet may have 64 bytes to 16 MiB",
            );
        }
        if !(1..=64).contains(&limits.sessions_max) {
            self.add("limits.sessions_max", "1 to 64 sessions are allowed");
        }
        if limits.topics_max > TOPICS_MAX {
            self.add(
                "limits.topics_max",
                format_args!("at most {TOPICS_MAX} topics can be counted; 0 stands for no bound"),
            );
        }
        if limits.subscriptions_max > 1_024 {
            self.add(
                "limits.subscriptions_max",
                "at most 1024 subscriptions are allowed",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
        name = "sensor"
        evidence = "none"
        [topics]
        publish = ["d/{device}/up/#"]
    "#;

    #[test]
    fn what_is_left_out_gets_the_safe_default() {
        let profile = DeviceProfile::parse(SMALL).unwrap();
        assert_eq!(profile.limits, Limits::default());
        assert_eq!(profile.certificate_lifetime, DAY * 90);
        assert!(profile.subscribe.is_empty() && profile.quarantine_publish.is_empty());
        assert!(profile.server_keys.is_empty() && profile.registration_authority.is_empty());
    }

    #[test]
    fn reports_all_faults_together_with_their_path() {
        let text = r#"
            name = "sen sor"
            evidence = "none"
            certificate_days = 0
            [topics]
            publish = ["ok", "d/#/x"]
            [limits]
            sessions_max = 0
            topics_max = 4097
        "#;
        let bad = DeviceProfile::parse(text).unwrap_err();
        let paths: Vec<_> = bad.faults.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "name",
                "certificate_days",
                "limits.sessions_max",
                "limits.topics_max",
                "topics.publish[1]"
            ]
        );
    }

    #[test]
    fn refuses_an_unknown_field_a_missing_one_and_an_unknown_evidence_kind() {
        let unknown = format!("surprise = 1\n{SMALL}");
        assert!(
            DeviceProfile::parse(&unknown)
                .unwrap_err()
                .to_string()
                .contains("surprise")
        );
        assert!(
            DeviceProfile::parse("name = 'x'")
                .unwrap_err()
                .to_string()
                .contains("evidence")
        );
        let kind = SMALL.replace("none", "vibes");
        assert!(
            DeviceProfile::parse(&kind)
                .unwrap_err()
                .to_string()
                .contains("vibes")
        );
    }

    #[test]
    fn names_the_keys_the_hub_may_make_and_the_profiles_it_renews_for() {
        let more = "server_keys = ['p256', 'p384', 'ed25519']\nregistration_authority = ['meter']";
        let profile = DeviceProfile::parse(&format!("{more}\n{SMALL}")).unwrap();
        assert_eq!(
            profile.server_keys,
            [ServerKey::P256, ServerKey::P384, ServerKey::Ed25519]
        );
        assert_eq!(profile.registration_authority, ["meter".parse().unwrap()]);
    }

    #[test]
    fn refuses_a_kind_of_key_it_does_not_make_and_names_that_are_none() {
        let refused = |line: String| {
            let refused = DeviceProfile::parse(&format!("{line}\n{SMALL}")).unwrap_err();
            refused.to_string()
        };
        assert!(refused("server_keys = ['rsa']".to_owned()).contains("rsa"));
        let twice = "server_keys = ['p256', 'p384', 'ed25519', 'p256']".to_owned();
        assert!(refused(twice).contains("server_keys"));
        let bad = refused("registration_authority = ['ok', 'me ter']".to_owned());
        assert!(bad.contains("registration_authority[1]"), "{bad}");
        let many = format!("registration_authority = {:?}", vec!["m"; PROFILES_MAX + 1]);
        assert!(refused(many).contains("at most 32"));
    }

    #[test]
    fn an_edge_node_is_bound_to_its_group_and_its_own_id() {
        let text = "name = 'node'\nevidence = 'none'\n[sparkplug]\ngroup = 'plant'\n[topics]\npublish = ['d/{device}/up/#']";
        let profile = DeviceProfile::parse(text).unwrap();
        let publish: Vec<_> = profile.publish.iter().collect();
        assert_eq!(publish.len(), 7);
        assert_eq!(
            publish[..2],
            ["d/{device}/up/#", "spBv1.0/plant/NBIRTH/{device}"]
        );
        for group in ["", "a/b", "+", "#", "{device}", "STATE"] {
            let refused = DeviceProfile::parse(&text.replace("plant", group)).unwrap_err();
            assert_eq!(refused.faults[0].path, "sparkplug.group", "{group}");
        }
    }

    #[test]
    fn the_edge_node_of_the_manual_is_a_profile() {
        let manual = include_str!("../../../../docs/operate/sparkplug.md");
        let (_, example) = manual.split_once("```toml\n").unwrap();
        let (example, _) = example.split_once("```").unwrap();
        assert_eq!(
            DeviceProfile::parse(example).unwrap().name.as_str(),
            "edge-node"
        );
    }

    #[test]
    fn refuses_a_text_past_its_bound() {
        let long = format!("{SMALL}#{}", "x".repeat(PROFILE_SIZE_MAX));
        assert!(
            DeviceProfile::parse(&long)
                .unwrap_err()
                .to_string()
                .contains("at most 16384")
        );
    }

    #[test]
    fn no_text_makes_the_parser_panic() {
        bolero::check!()
            .with_type::<(Vec<u8>, u8)>()
            .for_each(|(noise, at)| {
                let mut text = SMALL.as_bytes().to_vec();
                let at = usize::from(*at).min(text.len());
                text.splice(at..at, noise.iter().copied());
                let parsed = DeviceProfile::parse(&String::from_utf8_lossy(&text));
                assert!(parsed.is_ok() || !parsed.unwrap_err().faults.is_empty());
            });
    }
}
