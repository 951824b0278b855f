//! The API, asked directly: for load, where starting a program for each request would be most of it.

use serde_json::Value;
use ureq::Agent;

use super::{LONGEST_WAIT, Place};

/// A way to the API of one hub as it is now; a hub that starts again has another.
#[derive(Clone)]
pub(crate) struct Api {
    agent: Agent,
    base: String,
    authorization: String,
}

impl Api {
    pub(crate) fn of(place: &Place) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(LONGEST_WAIT));
        let token = std::fs::read_to_string(place.data.join("admin.token")).unwrap();
        Self {
            agent: config.build().new_agent(),
            base: format!("{}/api/v1", place.url("console")),
            authorization: format!("Bearer {}", token.trim()),
        }
    }

    /// What is there; it must be.
    pub(crate) fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.base);
        let call = self
            .agent
            .get(&url)
            .header("Authorization", &self.authorization);
        let mut response = call.call().unwrap();
        let body = response.body_mut().read_to_string().unwrap();
        assert_eq!(response.status(), 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Status and body of the answer; none when the hub is gone before its answer is whole.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        let url = format!("{}{path}", self.base);
        let call = self
            .agent
            .post(&url)
            .header("Authorization", &self.authorization);
        let mut response = call.send_json(body).ok()?;
        let body = response.body_mut().read_to_string().ok()?;
        Some((
            response.status().as_u16(),
            serde_json::from_str(&body).ok()?,
        ))
    }
}
