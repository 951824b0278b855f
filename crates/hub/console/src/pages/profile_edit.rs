//! A profile is changed: first it is shown which devices may then do what, then it is put in force.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use ironroot_api::{GrantChange, GrantSummary, NewProfile, ProfileApplied, ProfileCheck};
use serde::Deserialize;

use super::fault::Trouble;
use super::{Shown, answered};
use crate::Console;
use crate::address::segment;
use crate::figures::{counted, grouped, size};
use crate::form::{Faults, Sent, see};
use crate::frame::{Frame, Section, Visitor};
use crate::marks::{self, Mark};

/// What a new profile begins with.
const FRESH: &str = r#"name = "pump"
summary = "What it is, in a line"

# No Evidence is asked for: a device is granted its rights at tier None.
evidence = "none"
certificate_days = 90

[topics]
# `{device}` stands for the device's own id.
publish = ["d/{device}/up/#"]
subscribe = ["d/{device}/down/#"]

[limits]
messages_per_s = 10
message_burst = 50

# What it may still do under quarantine: nothing.
[quarantine]
publish = []
subscribe = []
"#;

/// The form, as it was typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EditForm {
    toml: String,
    /// The digest of the text that it was made from.
    from: String,
}

/// One thing of a Grant, now and then.
#[derive(Debug)]
struct Line {
    what: &'static str,
    before: String,
    after: String,
}

/// Devices of one Standing, and what changes for them.
#[derive(Debug)]
struct Group {
    devices: String,
    life: Mark,
    tier: Mark,
    /// The list of exactly these devices.
    href: String,
    lines: Vec<Line>,
}

/// What would change.
#[derive(Debug)]
struct Preview {
    name: String,
    lead: String,
    groups: Vec<Group>,
    others: Vec<Line>,
    /// Sessions that would be cut, in words; empty when none would.
    cut: String,
    /// What the button says.
    button: String,
}

#[derive(Debug, Template)]
#[template(path = "profile_edit.html")]
pub(crate) struct ProfileEdit {
    frame: Frame,
    /// Empty for a new one.
    name: String,
    form: EditForm,
    faults: Faults,
    preview: Option<Preview>,
}

/// The form with the text that is in force.
pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Response {
    let page = match console.views.profile(&name).await {
        Ok(detail) => {
            let form = EditForm {
                toml: detail.toml,
                from: detail.item.digest,
            };
            Ok(page(&console, visitor, name, form, Faults::default(), None).await)
        }
        Err(cause) => Err(Trouble::from(cause)),
    };
    Shown(page).into_response()
}

/// The form for a new one.
pub(crate) async fn fresh(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    let form = EditForm {
        toml: FRESH.to_owned(),
        from: String::new(),
    };
    let page = page(
        &console,
        visitor,
        String::new(),
        form,
        Faults::default(),
        None,
    )
    .await;
    Shown(Ok(page)).into_response()
}

/// Shows what the text would change.
pub(crate) async fn check(
    State(console): State<Console>,
    Path(name): Path<String>,
    sent: Sent<EditForm>,
) -> Response {
    checked(&console, name, sent).await
}

/// The same, for a new one.
pub(crate) async fn check_new(State(console): State<Console>, sent: Sent<EditForm>) -> Response {
    checked(&console, String::new(), sent).await
}

async fn checked(console: &Console, name: String, sent: Sent<EditForm>) -> Response {
    let Sent { visitor, form } = sent;
    let heading = "The profile is not in order";
    let new = new_profile(&form);
    let asked = console
        .hub
        .post::<ProfileCheck>(&visitor, "/profiles/check", &new)
        .await;
    let (faults, preview) = match asked {
        Err(problem) => (Faults::of(heading, problem, "toml"), None),
        Ok(check) if !name.is_empty() && check.name != name => {
            let told = format!("The text is of the profile {}, not of {name}.", check.name);
            (Faults::one(heading, "toml", told), None)
        }
        Ok(check) if name.is_empty() && !check.new => {
            let told = format!(
                "There is a profile {} already: edit that one, or take another name.",
                check.name
            );
            (Faults::one(heading, "toml", told), None)
        }
        Ok(check) => (Faults::default(), Some(Preview::new(check))),
    };
    let page = page(console, visitor, name, form, faults.clone(), preview).await;
    answered(&faults, Ok(page))
}

/// Puts the text in force.
pub(crate) async fn apply(
    State(console): State<Console>,
    Path(name): Path<String>,
    sent: Sent<EditForm>,
) -> Response {
    let Sent { visitor, form } = sent;
    let path = format!("/profiles/{}", segment(&name));
    match console
        .hub
        .put::<ProfileApplied>(&visitor, &path, &new_profile(&form))
        .await
    {
        Ok(done) => see(&format!("/profiles/{}?applied=true", segment(&done.name))),
        Err(problem) => {
            let faults = Faults::of("The profile was not applied", problem, "toml");
            let page = page(&console, visitor, name, form, faults.clone(), None).await;
            answered(&faults, Ok(page))
        }
    }
}

/// Browsers send a text with the line ends of old terminals.
fn new_profile(form: &EditForm) -> NewProfile {
    NewProfile {
        toml: form.toml.replace("\r\n", "\n"),
        from: (!form.from.is_empty()).then(|| form.from.clone()),
    }
}

async fn page(
    console: &Console,
    visitor: Visitor,
    name: String,
    form: EditForm,
    faults: Faults,
    preview: Option<Preview>,
) -> ProfileEdit {
    let title = match name.as_str() {
        "" => faults.titled("New profile"),
        name => faults.titled(&format!("Edit {name}")),
    };
    ProfileEdit {
        frame: console.frame(visitor, Section::Profiles, title).await,
        name,
        form,
        faults,
        preview,
    }
}

impl Preview {
    fn new(check: ProfileCheck) -> Self {
        let affected: u64 = check.grants.iter().map(|group| group.devices).sum();
        let lead = match (check.devices, affected) {
            (0, _) => "No device has this profile yet.".to_owned(),
            (all, 0) => format!(
                "{}: none of them may do anything else than now.",
                counted(all, "device has it", "devices have it")
            ),
            (all, some) => format!(
                "{some} of {} may do something else than now.",
                counted(all, "device", "devices")
            ),
        };
        let button = match affected {
            0 => format!("Apply {}", check.name),
            some => format!(
                "Apply {} to {}",
                check.name,
                counted(some, "device", "devices")
            ),
        };
        let cut = match check.cut {
            0 => String::new(),
            count => format!(
                "{} cut at once.",
                counted(count, "session is", "sessions are")
            ),
        };
        let group = |change: &GrantChange| Group::new(&check.name, change);
        Self {
            lead,
            button,
            cut,
            groups: check.grants.iter().map(group).collect(),
            others: check
                .others
                .iter()
                .map(|other| Line {
                    what: setting(&other.path),
                    before: other.before.clone(),
                    after: other.after.clone(),
                })
                .collect(),
            name: check.name,
        }
    }
}

/// A setting in words.
fn setting(path: &str) -> &'static str {
    match path {
        "summary" => "Summary",
        "evidence" => "Evidence asked for",
        "certificate_days" => "Days a certificate is valid",
        "server_keys" => "Keys that the hub makes",
        "registration_authority" => "Renews certificates of",
        _ => "Another setting",
    }
}

impl Group {
    fn new(profile: &str, change: &GrantChange) -> Self {
        let pairs = told(&change.before).into_iter().zip(told(&change.after));
        let differ = pairs.filter(|((_, before), (_, after))| before != after);
        Self {
            devices: counted(change.devices, "device", "devices"),
            life: marks::lifecycle(change.lifecycle),
            tier: marks::tier(change.tier),
            href: format!(
                "/devices?profile={profile}&lifecycle={}&tier={}",
                change.lifecycle, change.tier
            ),
            lines: differ
                .map(|((what, before), (_, after))| Line {
                    what,
                    before,
                    after,
                })
                .collect(),
        }
    }
}

/// A Grant, thing by thing.
fn told(grant: &GrantSummary) -> [(&'static str, String); 10] {
    let listed = |topics: &Vec<String>| match topics.as_slice() {
        [] => "nothing".to_owned(),
        some => some.join(", "),
    };
    let bound = |most: u64| match most {
        0 => "no bound".to_owned(),
        some => grouped(some),
    };
    [
        (
            "Hold a session",
            if grant.connect { "yes" } else { "no" }.to_owned(),
        ),
        ("Publish", listed(&grant.publish)),
        ("Receive", listed(&grant.subscribe)),
        ("Messages a second", bound(grant.messages_per_s.into())),
        ("Messages at once", grouped(grant.message_burst.into())),
        ("Bytes a second", bound(grant.bytes_per_s.into())),
        ("Topics in a day", bound(grant.topics_max.into())),
        ("Largest packet", size(grant.packet_size_max.into())),
        ("Sessions", grant.sessions_max.to_string()),
        ("Subscriptions", grant.subscriptions_max.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{HOSTILE, check, frame};
    use ironroot_api::{Lifecycle, SettingChange, Tier};

    fn grant(connect: bool, topics: usize) -> GrantSummary {
        GrantSummary {
            connect,
            renew: connect,
            publish: vec![HOSTILE.to_owned(); topics],
            subscribe: vec!["d/{device}/down/#".to_owned(); topics],
            sessions_max: 1,
            subscriptions_max: 16,
            packet_size_max: 65_536,
            messages_per_s: 10,
            message_burst: 50,
            bytes_per_s: 0,
            topics_max: 64,
        }
    }

    fn html(preview: Option<Preview>, faults: Faults) -> String {
        let page = ProfileEdit {
            frame: frame(Section::Profiles),
            name: "camera".to_owned(),
            form: EditForm {
                toml: HOSTILE.to_owned(),
                from: "ab".repeat(32),
            },
            faults,
            preview,
        };
        let html = page.render().unwrap();
        check(&html);
        html
    }

    fn preview(groups: usize) -> Preview {
        let change = GrantChange {
            lifecycle: Lifecycle::Active,
            tier: Tier::None,
            devices: 12,
            before: grant(true, 32),
            after: grant(false, 0),
        };
        Preview::new(ProfileCheck {
            name: "camera".to_owned(),
            new: false,
            from: None,
            devices: 40,
            grants: vec![change; groups],
            cut: 3,
            others: vec![SettingChange {
                path: "certificate_days".to_owned(),
                before: "90".to_owned(),
                after: HOSTILE.to_owned(),
            }],
        })
    }

    #[test]
    fn the_consequence_stands_before_the_button_that_brings_it_about() {
        let shown = html(Some(preview(1)), Faults::default());
        assert!(shown.contains("12 of 40 devices may do something else than now."));
        assert!(
            shown.contains("Apply camera to 12 devices")
                && shown.contains("3 sessions are cut at once.")
        );
        assert!(shown.contains("lifecycle=active&#38;tier=none"));
        assert!(!html(None, Faults::default()).contains("/profiles/camera/apply"));
    }

    #[test]
    fn nothing_and_much_hold_and_faults_keep_what_was_typed() {
        assert!(
            html(Some(preview(0)), Faults::default()).contains("none of them may do anything else")
        );
        html(Some(preview(6)), Faults::default());
        let wrong = html(
            None,
            Faults::one("The profile is not in order", "toml", HOSTILE),
        );
        assert!(
            wrong.contains(r#"id="toml-e""#) && wrong.contains("&#60;b onload=x&#62;</textarea>")
        );
    }
}
