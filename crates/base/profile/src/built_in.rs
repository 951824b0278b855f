//! The profiles that come with every hub. They are ordinary files, to be copied and changed.

/// Name and TOML text of each built-in profile.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("camera", include_str!("../profiles/camera.toml")),
    ("gateway", include_str!("../profiles/gateway.toml")),
    ("sensor", include_str!("../profiles/sensor.toml")),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DeviceProfile;

    #[test]
    fn every_built_in_profile_is_valid_and_named_like_its_file() {
        for (name, text) in BUILT_IN {
            let profile = DeviceProfile::parse(text).expect(name);
            assert_eq!(profile.name.as_str(), *name);
        }
    }
}
