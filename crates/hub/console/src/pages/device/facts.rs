//! What is known of a device, and how its Grant bounds it: names and values.

use ironroot_api::{DeviceItem, GrantSummary, Source, Traffic};
use ironroot_time::UnixTime;

use crate::figures::{grouped, moment, passed, seen, size};

pub(super) fn facts(item: &DeviceItem, now: UnixTime) -> Vec<(&'static str, String)> {
    let never = || "never".to_owned();
    let ends = item.certificate_ends.as_deref();
    let mut facts = vec![
        ("Sessions now", grouped(item.sessions.into())),
        ("Seen", seen(now, item.sessions, item.last_seen.as_deref())),
        (
            "Last heard of",
            item.last_seen.as_deref().map_or_else(never, moment),
        ),
        (
            "Key",
            item.assurance
                .map_or_else(|| "none yet".to_owned(), |kept| kept.to_string()),
        ),
        (
            "Certificate",
            ends.map_or_else(
                || "none".to_owned(),
                |at| format!("ends {} UTC", moment(at)),
            ),
        ),
    ];
    if item.simulated {
        facts.push(("Simulated", "part of the demonstration".to_owned()));
    }
    facts
}

pub(super) fn limits(grant: &GrantSummary) -> Vec<(&'static str, String)> {
    let rate = bound(grant.messages_per_s, |rate| {
        format!("{} a second", grouped(rate))
    });
    vec![
        ("Sessions at once", grouped(grant.sessions_max.into())),
        ("Subscriptions", grouped(grant.subscriptions_max.into())),
        ("Messages", rate),
        (
            "Bytes",
            bound(grant.bytes_per_s, |bytes| {
                format!("{} a second", size(bytes))
            }),
        ),
        (
            "Topics",
            bound(grant.topics_max, |topics| {
                format!("{} a day", grouped(topics))
            }),
        ),
        ("Largest packet", size(grant.packet_size_max.into())),
    ]
}

fn bound(bound: u32, spoken: impl Fn(u64) -> String) -> String {
    match bound {
        0 => "no bound".to_owned(),
        bound => spoken(bound.into()),
    }
}

pub(super) fn traffic(traffic: &Traffic, sources: &[Source]) -> Vec<(&'static str, String)> {
    let from: Vec<_> = sources.iter().map(|source| &*source.address).collect();
    let from = if from.is_empty() {
        "nowhere yet".to_owned()
    } else {
        from.join(", ")
    };
    let own = [
        ("Throttled", grouped(traffic.throttled)),
        ("Held", grouped(traffic.held)),
        ("Cut off", grouped(traffic.cut_off)),
        ("Topics today", grouped(traffic.topics_today)),
        ("Connects", grouped(traffic.connects)),
    ];
    let passed = passed(traffic).into_iter().chain(own);
    [("From", from)].into_iter().chain(passed).collect()
}
