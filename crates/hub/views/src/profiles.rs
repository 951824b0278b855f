//! Profiles: what each class of devices may do, and how many devices it has.

use aws_lc_rs::digest::{SHA256, digest};
use ironroot_api::{Page, PageQuery, ProfileDetail, ProfileItem, limit};
use ironroot_registry::Profile;

use crate::page::page_by_name;
use crate::{Fleet, NotShown, Views};

impl Views {
    /// The names of all profiles.
    pub fn profile_names(&self) -> Vec<String> {
        let profiles = self.registry.profiles();
        let names = profiles.iter().map(|profile| profile.row.name.to_string());
        names.collect()
    }

    /// One page of profiles, by name.
    pub async fn profiles(&self, query: &PageQuery) -> Page<ProfileItem> {
        let fleet = self.fleet().await;
        let (profiles, next) = page_by_name(
            self.registry.profiles(),
            |profile| profile.row.name.as_str(),
            query.cursor.as_deref(),
            limit(query.limit),
        );
        let items = profiles.iter().map(|profile| item(profile, &fleet));
        Page {
            items: items.collect(),
            next,
        }
    }

    /// One profile, whole.
    ///
    /// # Errors
    /// [`NotShown::Unknown`].
    pub async fn profile(&self, name: &str) -> Result<ProfileDetail, NotShown> {
        let profile = self.registry.profile(name);
        let profile = profile.ok_or_else(|| NotShown::Unknown {
            what: "profile",
            name: name.to_owned(),
        })?;
        Ok(ProfileDetail {
            item: item(&profile, &self.fleet().await),
            toml: profile.row.text.clone(),
        })
    }
}

fn item(known: &Profile, fleet: &Fleet) -> ProfileItem {
    let Profile { row, profile, .. } = known;
    ProfileItem {
        name: row.name.to_string(),
        summary: profile.summary.to_string(),
        evidence: profile.evidence.to_string(),
        devices: fleet.by_profile.get(&row.name).copied().unwrap_or(0),
        digest: digest_of(&row.text),
    }
}

/// SHA-256 of a profile's text, in hexadecimal.
pub fn digest_of(text: &str) -> String {
    hex::encode(digest(&SHA256, text.as_bytes()))
}
