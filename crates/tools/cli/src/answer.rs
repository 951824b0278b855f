//! A hub's answer, read and as it came.

use anyhow::Context;
use ironroot_api::Secret;
use serde::de::DeserializeOwned;

use crate::failure::Failure;

/// A hub's answer, read and as it came.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    pub(crate) body: T,
    /// The JSON text; it may contain a token or a key.
    pub(crate) json: Secret,
}

impl<T: DeserializeOwned> Answer<T> {
    /// Reads the JSON text of an answer.
    pub(crate) fn read(json: String) -> Result<Self, Failure> {
        let body = serde_json::from_str(&json)
            .context("the hub answered with something unknown; is it newer than this program?")?;
        let json = Secret::new(json);
        Ok(Self { body, json })
    }
}
