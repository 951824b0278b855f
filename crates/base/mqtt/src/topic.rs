//! Topic names and topic filters: their grammar (MQTT 5 sections 4.7 and 4.8).

use core::fmt;

use crate::level::{Level, covers};
use crate::text::check_name;
use crate::{BadText, FIELD_LENGTH_MAX, Levels};

/// Why a text is no topic name, topic filter or topic template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTopic {
    /// It has no character (MQTT 5 section 4.7.3).
    #[error("it is empty")]
    Empty,
    /// It has more than [`FIELD_LENGTH_MAX`] bytes (MQTT 5 section 4.7.3).
    #[error("it has more than 65,535 bytes")]
    TooLong,
    /// It has a character that no topic may have (MQTT 5 sections 1.5.4 and 4.7.3).
    #[error(transparent)]
    Text(#[from] BadText),
    /// `+` or `#` stands in a topic name (MQTT 5 section 4.7.1).
    #[error("a topic name contains '+' or '#'")]
    WildcardInName,
    /// `+` is not a whole level, or `#` not the whole last level (MQTT 5 section 4.7.1).
    #[error("'+' is not a whole level, or '#' not the whole last one")]
    Wildcard,
    /// `$share` is not followed by a group and a filter (MQTT 5 section 4.8.2).
    #[error("'$share' is not followed by a group's name and a filter")]
    Share,
    /// A template is a shared subscription.
    #[error("a template cannot be a shared subscription")]
    SharedTemplate,
    /// `{` or `}` stands in a template outside a whole level `{device}`.
    #[error("a template's only placeholder is the whole level '{{device}}'")]
    Placeholder,
}

/// What one message is published under, checked: no wildcard, not empty.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName<'a>(&'a str);

impl<'a> TopicName<'a> {
    /// Checks a topic name.
    ///
    /// # Errors
    /// [`BadTopic`] when it is empty, too long, or has a wildcard or a character that none may have.
    pub fn parse(text: &'a str) -> Result<Self, BadTopic> {
        check_topic(text)?;
        // MQTT 5 section 4.7.1 [MQTT-4.7.1-1] and 3.3.2.1 [MQTT-3.3.2-2].
        if text.bytes().any(is_wildcard) {
            return Err(BadTopic::WildcardInName);
        }
        Ok(Self(text))
    }

    /// The name as text.
    pub const fn as_str(&self) -> &'a str {
        self.0
    }

    /// The levels between the slashes; at least one, and any may be empty.
    pub const fn levels(&self) -> Levels<'a> {
        Levels::of(self.0)
    }
}

/// What a client subscribes to, checked.
///
/// `$share/{group}/{filter}` is a shared subscription wherever it comes from: everything but
/// [`as_str`](Self::as_str) and [`group`](Self::group) speaks of the inner filter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicFilter<'a> {
    text: &'a str,
    group: Option<&'a str>,
    inner: &'a str,
}

impl<'a> TopicFilter<'a> {
    /// Checks a topic filter.
    ///
    /// # Errors
    /// [`BadTopic`] when it is empty, too long, has a misplaced wildcard, a character that none may
    /// have, or is a shared subscription without group or filter.
    pub fn parse(text: &'a str) -> Result<Self, BadTopic> {
        check_topic(text)?;
        let (group, inner) = match split_share(text)? {
            Some((group, inner)) => (Some(group), inner),
            None => (None, text),
        };
        check_wildcards(inner)?;
        Ok(Self { text, group, inner })
    }

    /// The filter as text, `$share/{group}/` included.
    pub const fn as_str(&self) -> &'a str {
        self.text
    }

    /// The group of a shared subscription.
    pub const fn group(&self) -> Option<&'a str> {
        self.group
    }

    /// The filter without `$share/{group}/`.
    pub const fn inner(&self) -> &'a str {
        self.inner
    }

    /// The levels of the inner filter; at least one.
    pub const fn levels(&self) -> Levels<'a> {
        Levels::of(self.inner)
    }

    /// Whether a message under `name` is for this filter (MQTT 5 section 4.7).
    pub fn matches(&self, name: TopicName<'_>) -> bool {
        covers(
            self.levels().map(Level::of_filter),
            name.levels().map(Level::Is),
        )
    }

    /// Whether every topic name that `narrow` matches is matched by this filter too.
    pub fn covers(&self, narrow: TopicFilter<'_>) -> bool {
        covers(
            self.levels().map(Level::of_filter),
            narrow.levels().map(Level::of_filter),
        )
    }
}

/// Checks what names, filters and templates have in common (MQTT 5 section 4.7.3).
pub(crate) fn check_topic(text: &str) -> Result<(), BadTopic> {
    if text.is_empty() {
        return Err(BadTopic::Empty); // [MQTT-4.7.3-1]
    }
    if text.len() > FIELD_LENGTH_MAX {
        return Err(BadTopic::TooLong); // [MQTT-4.7.3-3]
    }
    check_name(text)?; // [MQTT-4.7.3-2]
    Ok(())
}

/// Checks where wildcards stand (MQTT 5 section 4.7.1 [MQTT-4.7.1-1], [MQTT-4.7.1-2]).
pub(crate) fn check_wildcards(filter: &str) -> Result<(), BadTopic> {
    let mut levels = Levels::of(filter);
    while let Some(level) = levels.next() {
        match level {
            "+" => {}
            "#" if levels.clone().next().is_none() => {}
            _ if level.bytes().any(is_wildcard) => return Err(BadTopic::Wildcard),
            _ => {}
        }
    }
    Ok(())
}

/// Splits a shared subscription into its group and its filter (MQTT 5 section 4.8.2).
pub(crate) fn split_share(filter: &str) -> Result<Option<(&str, &str)>, BadTopic> {
    let Some(rest) = filter.strip_prefix("$share") else {
        return Ok(None);
    };
    let shared = match rest.strip_prefix('/') {
        Some(shared) => shared,
        None if rest.is_empty() => return Err(BadTopic::Share),
        None => return Ok(None),
    };
    // [MQTT-4.8.2-1] and [MQTT-4.8.2-2].
    match shared.split_once('/') {
        Some((group, inner))
            if !group.is_empty() && !group.bytes().any(is_wildcard) && !inner.is_empty() =>
        {
            Ok(Some((group, inner)))
        }
        Some(_) | None => Err(BadTopic::Share),
    }
}

fn is_wildcard(byte: u8) -> bool {
    matches!(byte, b'+' | b'#')
}

impl fmt::Display for TopicName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl fmt::Debug for TopicName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}

impl fmt::Display for TopicFilter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text)
    }
}

impl fmt::Debug for TopicFilter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.text, f)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    #[test]
    fn a_shared_subscription_is_taken_apart() {
        for (text, group, inner) in [
            ("$share/consumer1/sport/+", Some("consumer1"), "sport/+"),
            ("$share/g//finance", Some("g"), "/finance"),
            ("$share/g//", Some("g"), "/"),
            ("$shared/x", None, "$shared/x"),
            ("$SHARE/g/f", None, "$SHARE/g/f"),
            ("a/$share/g/f", None, "a/$share/g/f"),
        ] {
            let filter = TopicFilter::parse(text).unwrap();
            assert_eq!((filter.group(), filter.inner()), (group, inner));
            assert_eq!(filter.as_str(), text);
        }
    }

    #[test]
    fn ends_at_the_longest_length() {
        let (longest, longer) = (
            "x".repeat(FIELD_LENGTH_MAX),
            "x".repeat(FIELD_LENGTH_MAX + 1),
        );
        assert!(TopicName::parse(&longest).is_ok());
        assert!(TopicFilter::parse(&longest).is_ok());
        assert_eq!(TopicName::parse(&longer), Err(BadTopic::TooLong));
        assert_eq!(TopicFilter::parse(&longer), Err(BadTopic::TooLong));
    }

    #[test]
    fn refuses_wildcards_out_of_place() {
        for text in ["a/#/b", "#/", "a#", "+a", "a/b+", "++", "a/##"] {
            assert_eq!(TopicFilter::parse(text), Err(BadTopic::Wildcard), "{text}");
        }
        for text in ["+", "#", "a/+", "a/b#"] {
            assert_eq!(
                TopicName::parse(text),
                Err(BadTopic::WildcardInName),
                "{text}"
            );
        }
    }
}
