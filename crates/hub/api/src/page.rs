//! Lists come in pages: at most so many items, and a cursor to the rest.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// How many items a page has when the caller does not say.
pub const PAGE_LIMIT_DEFAULT: u32 = 50;
/// The largest number of items in a page.
pub const PAGE_LIMIT_MAX: u32 = 500;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the order asked for.
    pub items: Vec<T>,
    /// Hand this back as `cursor` to read on; null on the last page.
    #[schema(required = true)]
    pub next: Option<String>,
}

/// Which part of a list is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many items at most; 50 when absent, never more than 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// The number of items to give for the `limit` asked for: at least one, at most [`PAGE_LIMIT_MAX`].
pub fn limit(asked: Option<u32>) -> usize {
    let limit = asked.unwrap_or(PAGE_LIMIT_DEFAULT).clamp(1, PAGE_LIMIT_MAX);
    usize::try_from(limit).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::PartialSchema;

    #[test]
    fn a_page_is_never_empty_by_request_and_never_larger_than_its_bound() {
        assert_eq!(limit(None), 50);
        assert_eq!(limit(Some(0)), 1);
        assert_eq!(limit(Some(500)), 500);
        assert_eq!(limit(Some(u32::MAX)), 500);
    }

    #[test]
    fn the_openapi_document_describes_a_page_and_requires_its_end() {
        let schema = serde_json::to_value(Page::<String>::schema()).unwrap();
        assert_eq!(schema["required"], serde_json::json!(["items", "next"]));
        assert_eq!(
            schema["properties"]["next"]["type"],
            serde_json::json!(["string", "null"])
        );
        assert_eq!(schema["description"], "One page of a list.");
    }

    #[test]
    fn the_last_page_says_so_with_null() {
        let last = Page::<u8> {
            items: vec![1],
            next: None,
        };
        assert_eq!(
            serde_json::to_string(&last).unwrap(),
            r#"{"items":[1],"next":null}"#
        );
    }
}
