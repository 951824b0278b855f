//! How long the console takes for a page of the list of devices, asked as a browser asks.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ironroot_api::{BASE, DeviceSort, SignInLink};
use ironroot_sim::hub::Hub;
use serde_json::json;
use ureq::Agent;
use ureq::http::header;

use crate::{OURS, figure};

/// What each order is asked for: all devices, by name and lifecycle, and those that are not there.
const FILTERS: [&str; 3] = [
    "",
    "&lifecycle=claimed&id=7",
    "&unseen_for_s=3600&connected=false",
];

/// The longest that an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Measures the list in every order from its end, under each filter.
pub(crate) fn list(hub: &Hub) -> Result<()> {
    let visitor = Visitor::signed_in(hub)?;
    let mut slowest = Duration::ZERO;
    let mut largest = 0;
    for sort in DeviceSort::ALL {
        for filter in FILTERS {
            let path = format!("/devices?sort={sort}&reverse=true{filter}");
            let begun = Instant::now();
            let page = visitor.page(&path)?;
            slowest = slowest.max(begun.elapsed());
            largest = largest.max(page.len());
        }
    }
    println!("the list of devices in each order: slowest {slowest:?}, largest {largest} bytes");
    figure(
        "ms for a page of the list, 100,000 devices, slowest order",
        OURS,
        1_000.0 * slowest.as_secs_f64(),
    );
    Ok(())
}

/// Somebody who is signed in to the console.
struct Visitor {
    agent: Agent,
    console: String,
    cookie: String,
}

impl Visitor {
    fn signed_in(hub: &Hub) -> Result<Self> {
        let config = Agent::config_builder()
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(ANSWER_MAX));
        let agent = config.build().new_agent();
        let console = format!("http://{}", hub.console);
        let bearer = format!("Bearer {}", hub.token.reveal());
        let asked = agent.post(format!("{console}{BASE}/sign-in-links"));
        let mut answer = asked.header("Authorization", bearer).send_json(json!({}))?;
        let link: SignInLink = answer.body_mut().read_json()?;
        let (_, key) = link.url.reveal().split_once("?key=").context("no key")?;
        let signed_in = agent.post(format!("{console}/sign-in"));
        let answer = signed_in.send_form([("key", key)])?;
        let cookie = answer.headers().get(header::SET_COOKIE);
        let cookie = cookie.context("the link signs nobody in")?.to_str()?;
        let (cookie, _) = cookie.split_once(';').context("an odd cookie")?;
        Ok(Self {
            agent,
            console,
            cookie: cookie.to_owned(),
        })
    }

    /// The page at `path`, which lists as many devices as a page has.
    fn page(&self, path: &str) -> Result<String> {
        let asked = self.agent.get(format!("{}{path}", self.console));
        let page = asked.header("Cookie", &self.cookie).call()?;
        let page = page.into_body().read_to_string()?;
        let rows = page.matches(r#"type="checkbox""#).count();
        ensure!(rows == 25, "{path}: {rows} devices");
        Ok(page)
    }
}
