//! One profile, as it is in force.

use askama::Template;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use ironroot_api::ProfileDetail;
use serde::Deserialize;

use super::Shown;
use super::fault::Trouble;
use crate::Console;
use crate::figures::{counted, shortened};
use crate::frame::{Frame, Section, Visitor};

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    /// It was applied just now.
    applied: bool,
}

#[derive(Debug, Template)]
#[template(path = "profile.html")]
pub(crate) struct ProfilePage {
    frame: Frame,
    applied: bool,
    name: String,
    summary: String,
    evidence: String,
    devices: String,
    digest: String,
    short: String,
    toml: String,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Shown<ProfilePage> {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    Shown(page(&console, visitor, &name, asked).await)
}

async fn page(
    console: &Console,
    visitor: Visitor,
    name: &str,
    asked: Asked,
) -> Result<ProfilePage, Trouble> {
    let detail = console.views.profile(name).await?;
    let frame = console.frame(visitor, Section::Profiles, name).await;
    Ok(ProfilePage::new(frame, detail, asked.applied))
}

impl ProfilePage {
    fn new(frame: Frame, detail: ProfileDetail, applied: bool) -> Self {
        let ProfileDetail { item, toml } = detail;
        Self {
            frame,
            applied,
            devices: counted(item.devices, "device", "devices"),
            name: item.name,
            summary: item.summary,
            evidence: item.evidence,
            short: shortened(&item.digest),
            digest: item.digest,
            toml,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};
    use ironroot_api::ProfileItem;

    #[test]
    fn it_is_shown_as_it_stands_in_its_file() {
        for applied in [true, false] {
            let detail = ProfileDetail {
                item: ProfileItem {
                    name: "x".repeat(64),
                    summary: HOSTILE.to_owned(),
                    evidence: "none".to_owned(),
                    devices: 1,
                    digest: "ab".repeat(32),
                },
                toml: format!("# {HOSTILE}\nname = \"x\"\n"),
            };
            let page = ProfilePage::new(frame(Section::Profiles), detail, applied);
            let html = page.render().unwrap();
            check(&html);
            assert_eq!(html.contains(r#"role="status""#), applied);
        }
    }
}
