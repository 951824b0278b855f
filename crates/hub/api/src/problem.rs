//! Why a request was refused (RFC 9457, `application/problem+json`).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The media type of a [`Problem`].
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request was refused, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The class of problem: `urn:ironroot:problem:<class>`; the same class has the same remedy.
    #[serde(rename = "type")]
    pub kind: String,
    /// The class in a few words, the same each time.
    pub title: String,
    /// The HTTP status code, repeated.
    pub status: u16,
    /// What was wrong with this request, and what to do next.
    pub detail: String,
    /// Number under which the hub's log tells the cause; absent when the fault is the request's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The fields at fault, when it can be said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldFault>,
}

/// One field of a request that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldFault {
    /// The field, as it is called in the request.
    pub field: String,
    /// What is wrong with it and what would be right.
    pub detail: String,
}

impl FieldFault {
    /// A fault of `field`.
    pub fn new(field: &str, detail: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            detail: detail.into(),
        }
    }
}

/// The faults found in a request's form; `Ok` when there are none.
pub(crate) fn outcome(faults: Vec<FieldFault>) -> Result<(), Vec<FieldFault>> {
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_members_of_rfc_9457() {
        let problem = Problem {
            kind: "urn:ironroot:problem:unknown-device".to_owned(),
            title: "There is no such device".to_owned(),
            status: 404,
            detail: "No device has the id cam-9.".to_owned(),
            reference: None,
            fields: Vec::new(),
        };
        assert_eq!(
            serde_json::to_string(&problem).unwrap(),
            r#"{"type":"urn:ironroot:problem:unknown-device","title":"There is no such device","status":404,"detail":"No device has the id cam-9."}"#
        );
    }
}
