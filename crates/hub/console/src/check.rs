//! What every rendered page must be, and the sample that pages are rendered with in tests.

use crate::frame::{Begun, Frame, Section, SessionEnd, Visitor};

/// Elements without an end (HTML, section 13.1.2).
const VOID: [&str; 6] = ["meta", "link", "input", "br", "hr", "img"];

/// A frame of a hub in ordinary use.
pub(crate) fn frame(section: Section) -> Frame {
    Frame {
        title: "A page".to_owned(),
        section,
        visitor: Visitor {
            name: HOSTILE.to_owned(),
            csrf: "c5f".to_owned(),
            begun: Begun::Link,
            has_password: false,
            session: SessionEnd::new().1,
        },
        initials: "AD".to_owned(),
        version: "1.2.3",
        demonstration: true,
        attention: 2,
        claims: 9,
        entries: "1,842,196".to_owned(),
        signed: "signed up to 1,842,190, 3 s ago".to_owned(),
        as_of: "2026-11-22T05:06:01.042Z".to_owned(),
        modal: false,
    }
}

/// A name that nobody can have, for pages to show as text all the same.
pub(crate) const HOSTILE: &str = r#""><script>alert('x')</script>&<b onload=x>"#;

/// Panics unless the page keeps to the policy, has one heading and one main part, ends every element that it
/// begins, and shows what was hostile as text.
pub(crate) fn check(html: &str) {
    for forbidden in [
        "style=",
        "<style",
        "onload=x>",
        "javascript:",
        "<script>",
        "alert('x')",
    ] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    if html.contains("<div class=\"app\"") {
        assert!(html.contains("· Demonstration · Ironroot</title>"));
        assert!(html.contains("<p class=\"demo\">"), "said with the heading");
    }
    // The page behind an order is inert, and its heading counts for nobody.
    let behind = usize::from(html.contains("<div class=\"app\" inert>"));
    assert_eq!(html.matches("<h1").count(), 1 + behind);
    assert_eq!(html.matches("<main").count(), 1);
    let mut open = Vec::new();
    for tag in html.split('<').skip(1) {
        let (inside, _text) = tag.split_once('>').expect(tag);
        let name = inside.split([' ', '\n']).next().unwrap_or_default();
        if let Some(ended) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(ended), "<{inside}>");
        } else if !(name.starts_with('!') || inside.ends_with('/') || VOID.contains(&name)) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    check_ids(html);
}

/// Every id once, and every label and heading that is named is there.
fn check_ids(html: &str) {
    let values = |attribute: &str| -> Vec<String> {
        let begin = format!(" {attribute}=\"");
        let parts = html.split(&begin).skip(1);
        parts
            .map(|part| part.split('"').next().unwrap_or_default().to_owned())
            .collect()
    };
    let mut ids = values("id");
    let named = [
        values("for"),
        values("aria-labelledby"),
        values("popovertarget"),
    ]
    .concat();
    for name in named {
        assert!(ids.contains(&name), "{name}");
    }
    ids.sort();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count, "{ids:?}");
}
