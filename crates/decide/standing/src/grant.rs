//! The Grant: what a principal may do right now.

use ironroot_mqtt::{TopicFilter, TopicName};
use ironroot_profile::{DeviceProfile, EvidenceKind, Limits, Topics};

use crate::{Lifecycle, Standing, Tier};

/// What a principal may do right now. Asked by every door before every step.
///
/// One Grant serves all devices of the same profile and Standing; the id of the one who asks is handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    connect: Access,
    renew: Access,
    publish: Topics,
    subscribe: Topics,
    limits: Limits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Open,
    Shut,
}

impl Grant {
    /// The Grant that opens nothing.
    pub fn nothing() -> Self {
        Self {
            connect: Access::Shut,
            renew: Access::Shut,
            publish: Topics::default(),
            subscribe: Topics::default(),
            limits: Limits::default(),
        }
    }

    /// Whether it may hold a session at the MQTT door.
    pub fn may_connect(&self) -> bool {
        self.connect == Access::Open
    }

    /// Whether it may be given a new certificate.
    pub fn may_renew(&self) -> bool {
        self.renew == Access::Open
    }

    /// Whether `id` may publish to the topic name.
    pub fn may_publish(&self, id: &str, topic: TopicName<'_>) -> bool {
        self.publish.match_topic(id, topic)
    }

    /// Whether `id` may subscribe to the topic filter: all it matches must be granted.
    pub fn may_subscribe(&self, id: &str, filter: TopicFilter<'_>) -> bool {
        self.subscribe.cover_filter(id, filter)
    }

    /// Whether a message on the topic name may be delivered to `id`.
    pub fn may_receive(&self, id: &str, topic: TopicName<'_>) -> bool {
        self.subscribe.match_topic(id, topic)
    }

    /// Bounds on what it sends and holds.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Where it may publish, for people.
    pub fn publish(&self) -> &Topics {
        &self.publish
    }

    /// What it may receive, for people.
    pub fn subscribe(&self) -> &Topics {
        &self.subscribe
    }
}

/// The Grant of a device.
pub fn grant_device(standing: Standing, profile: &DeviceProfile) -> Grant {
    match standing.lifecycle {
        Lifecycle::Claimed | Lifecycle::Transferred | Lifecycle::Retired => Grant::nothing(),
        Lifecycle::Quarantined => under_quarantine(profile),
        Lifecycle::Enrolled | Lifecycle::Active => in_good_standing(standing.tier, profile),
    }
}

/// The Grant of a service: the filters it was created with.
pub fn grant_service(publish: Topics, subscribe: Topics) -> Grant {
    Grant {
        connect: Access::Open,
        renew: Access::Shut,
        publish,
        subscribe,
        limits: Limits::SERVICE,
    }
}

/// Tier None opens nothing, unless the profile says openly that it asks for no Evidence.
fn in_good_standing(tier: Tier, profile: &DeviceProfile) -> Grant {
    match (tier, profile.evidence) {
        (Tier::Contraindicated, EvidenceKind::None) => Grant::nothing(),
        (Tier::None | Tier::Affirming | Tier::Warning, EvidenceKind::None) => Grant {
            connect: Access::Open,
            renew: Access::Open,
            publish: profile.publish.clone(),
            subscribe: profile.subscribe.clone(),
            limits: profile.limits,
        },
    }
}

/// Only what the profile lists for quarantine; with nothing listed, not even a session.
fn under_quarantine(profile: &DeviceProfile) -> Grant {
    let (publish, subscribe) = (&profile.quarantine_publish, &profile.quarantine_subscribe);
    let connect = if publish.is_empty() && subscribe.is_empty() {
        Access::Shut
    } else {
        Access::Open
    };
    Grant {
        connect,
        renew: Access::Shut,
        publish: publish.clone(),
        subscribe: subscribe.clone(),
        limits: profile.limits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATEWAY: &str = r#"
        name = "gateway"
        evidence = "none"
        [topics]
        publish = ["d/{device}/up/#"]
        subscribe = ["d/{device}/down/#"]
        [quarantine]
        publish = ["d/{device}/up/diagnosis"]
    "#;

    fn topic(text: &str) -> TopicName<'_> {
        TopicName::parse(text).unwrap()
    }

    fn filter(text: &str) -> TopicFilter<'_> {
        TopicFilter::parse(text).unwrap()
    }

    fn granted(lifecycle: Lifecycle) -> Grant {
        let profile = DeviceProfile::parse(GATEWAY).unwrap();
        grant_device(
            Standing {
                lifecycle,
                tier: Tier::None,
            },
            &profile,
        )
    }

    #[test]
    fn a_device_in_good_standing_reaches_its_own_topics_only() {
        let grant = granted(Lifecycle::Active);
        assert!(grant.may_connect() && grant.may_renew());
        assert!(grant.may_publish("gw-1", topic("d/gw-1/up/temperature")));
        assert!(!grant.may_publish("gw-1", topic("d/gw-2/up/temperature")));
        assert!(!grant.may_publish("gw-1", topic("d/gw-1/down/reboot")));
        assert!(grant.may_subscribe("gw-1", filter("d/gw-1/down/+")));
        assert!(!grant.may_subscribe("gw-1", filter("d/+/down/#")));
        assert!(grant.may_receive("gw-1", topic("d/gw-1/down/reboot")));
    }

    #[test]
    fn quarantine_leaves_what_the_profile_lists_and_no_more() {
        let grant = granted(Lifecycle::Quarantined);
        assert!(grant.may_connect() && !grant.may_renew());
        assert!(grant.may_publish("gw-1", topic("d/gw-1/up/diagnosis")));
        assert!(!grant.may_publish("gw-1", topic("d/gw-1/up/temperature")));
        assert!(!grant.may_receive("gw-1", topic("d/gw-1/down/reboot")));
    }

    #[test]
    fn quarantine_shuts_the_door_when_the_profile_lists_nothing() {
        let text = GATEWAY.replace("publish = [\"d/{device}/up/diagnosis\"]", "");
        let profile = DeviceProfile::parse(&text).unwrap();
        let standing = Standing {
            lifecycle: Lifecycle::Quarantined,
            tier: Tier::None,
        };
        assert!(!grant_device(standing, &profile).may_connect());
    }

    #[test]
    fn a_device_without_an_owner_is_granted_nothing() {
        for lifecycle in [
            Lifecycle::Claimed,
            Lifecycle::Transferred,
            Lifecycle::Retired,
        ] {
            assert_eq!(granted(lifecycle), Grant::nothing());
        }
    }

    #[test]
    fn a_contraindicated_device_is_granted_nothing() {
        let profile = DeviceProfile::parse(GATEWAY).unwrap();
        let standing = Standing {
            lifecycle: Lifecycle::Active,
            tier: Tier::Contraindicated,
        };
        assert_eq!(grant_device(standing, &profile), Grant::nothing());
    }
}
