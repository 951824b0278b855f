//! Topic names and topic filters: their grammar, matching, and which filter covers which
//! (MQTT 5 section 4.7 and 4.8).

use core::fmt;

use crate::text::check_name;
use crate::{BadText, FIELD_LENGTH_MAX};

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
    pub fn levels(&self) -> core::str::Split<'a, char> {
        self.0.split('/')
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
    pub fn levels(&self) -> core::str::Split<'a, char> {
        self.inner.split('/')
    }

    /// Whether `+` or `#` stands in it.
    pub fn has_wildcard(&self) -> bool {
        self.inner.bytes().any(is_wildcard)
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

/// What one level of a filter lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level<'a> {
    /// This text.
    Is(&'a str),
    /// Any one level: `+`.
    Any,
    /// Any number of levels, none included: `#`.
    Rest,
}

impl<'a> Level<'a> {
    pub(crate) fn of_filter(text: &'a str) -> Self {
        match text {
            "+" => Self::Any,
            "#" => Self::Rest,
            _ => Self::Is(text),
        }
    }
}

/// Whether everything that `narrow` matches is matched by `wide`.
///
/// A topic name is a filter without wildcards, so this is the one place that matches.
pub(crate) fn covers<'w, 'n>(
    wide: impl Iterator<Item = Level<'w>>,
    narrow: impl Iterator<Item = Level<'n>>,
) -> bool {
    let (mut wide, mut narrow) = (wide, narrow.peekable());
    // MQTT 5 section 4.7.2 [MQTT-4.7.2-1]: a leading wildcard lets no leading `$` through.
    let dollar = matches!(narrow.peek(), Some(Level::Is(text)) if text.starts_with('$'));
    let mut first = true;
    loop {
        match (wide.next(), narrow.next()) {
            (Some(Level::Any | Level::Rest), _) if first && dollar => return false,
            // MQTT 5 section 4.7.1.2: `#` takes the parent level and whatever follows.
            (Some(Level::Rest), _) | (None, None) => return true,
            (Some(Level::Any), Some(Level::Is(_) | Level::Any)) => {}
            // A name has at least one level, so a lone `#` says the same as `+/#`.
            (Some(Level::Any), Some(Level::Rest)) if first => {
                return wide.next() == Some(Level::Rest);
            }
            (Some(Level::Is(text)), Some(Level::Is(other))) if text == other => {}
            (Some(Level::Is(_) | Level::Any) | None, _) => return false,
        }
        first = false;
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
    let mut levels = filter.split('/');
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
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    use super::*;

    fn filter(text: &str) -> TopicFilter<'_> {
        TopicFilter::parse(text).unwrap()
    }

    fn name(text: &str) -> TopicName<'_> {
        TopicName::parse(text).unwrap()
    }

    #[test]
    fn matches_as_the_examples_of_the_standard_say() {
        // MQTT 5 sections 4.7.1.2, 4.7.1.3, 4.7.2 and 4.7.3.
        for (wide, topic, expected) in [
            ("sport/tennis/player1/#", "sport/tennis/player1", true),
            (
                "sport/tennis/player1/#",
                "sport/tennis/player1/ranking",
                true,
            ),
            (
                "sport/tennis/player1/#",
                "sport/tennis/player1/score/wimbledon",
                true,
            ),
            ("sport/#", "sport", true),
            ("#", "sport/tennis", true),
            ("sport/tennis/+", "sport/tennis/player1", true),
            ("sport/tennis/+", "sport/tennis/player1/ranking", false),
            ("sport/+", "sport", false),
            ("sport/+", "sport/", true),
            ("+/+", "/finance", true),
            ("/+", "/finance", true),
            ("+", "/finance", false),
            ("#", "$SYS/monitor", false),
            ("+/monitor/Clients", "$SYS/monitor/Clients", false),
            ("$SYS/#", "$SYS/", true),
            ("$SYS/#", "$SYS", true),
            ("$SYS/monitor/+", "$SYS/monitor/Clients", true),
            ("sport/+", "sport/$odd", true),
            ("ACCOUNTS", "Accounts", false),
            ("/finance", "finance", false),
            ("a//b", "a/b", false),
        ] {
            assert_eq!(
                filter(wide).matches(name(topic)),
                expected,
                "{wide} {topic}"
            );
            let shared = format!("$share/group/{wide}");
            assert_eq!(
                filter(&shared).matches(name(topic)),
                expected,
                "{shared} {topic}"
            );
        }
    }

    #[test]
    fn a_shared_subscription_is_taken_apart() {
        let shared = filter("$share/consumer1/sport/tennis/+");
        assert_eq!(shared.group(), Some("consumer1"));
        assert_eq!(shared.inner(), "sport/tennis/+");
        assert_eq!(shared.as_str(), "$share/consumer1/sport/tennis/+");
        assert_eq!(filter("$share/g//finance").inner(), "/finance");
        assert_eq!(filter("$share/g//").inner(), "/");
        for plain in ["$shared/x", "a/$share/g/f", "$SHARE/g/f"] {
            assert_eq!(filter(plain).group(), None);
            assert_eq!(filter(plain).inner(), plain);
        }
    }

    #[test]
    fn a_shared_subscription_cannot_reach_what_its_filter_cannot() {
        assert!(!filter("d/cam-1/#").covers(filter("$share/d/#")));
        assert!(!filter("$share/d/+").covers(filter("d/+")));
        assert!(filter("d/cam-1/#").covers(filter("$share/g/d/cam-1/up")));
    }

    #[test]
    fn covers_at_its_edges() {
        for (wide, narrow, expected) in [
            ("#", "+", true),
            ("#", "a/#", true),
            ("#", "$SYS/#", false),
            ("+/#", "#", true),
            ("+", "#", false),
            ("+/+/#", "#", false),
            ("a/#", "a", true),
            ("a/#", "a/+/b", true),
            ("a/+/#", "a/#", false),
            ("a/+/#", "a/b", true),
            ("a/+", "a/#", false),
            ("a/b", "a/+", false),
            ("+/b", "$SYS/b", false),
            ("$SYS/+", "$SYS/b", true),
            ("+", "+", true),
            ("a", "a/#", false),
        ] {
            assert_eq!(
                filter(wide).covers(filter(narrow)),
                expected,
                "{wide} {narrow}"
            );
        }
    }

    /// Every filter of up to three levels against every other, judged by every name of up to four.
    #[test]
    fn covers_exactly_when_every_name_is_matched() {
        // `z` stands in no filter, so it speaks for all texts that a wildcard alone matches.
        let names = texts(&["", "a", "$a", "z"], 4);
        let filters: Vec<_> = texts(&["", "a", "$a", "+", "#"], 3)
            .into_iter()
            .filter(|text| TopicFilter::parse(text).is_ok())
            .collect();
        let names: Vec<_> = names
            .iter()
            .filter_map(|text| TopicName::parse(text).ok())
            .collect();
        assert!(names.len() > 300 && filters.len() > 90);
        for wide in filters.iter().map(|text| filter(text)) {
            for narrow in filters.iter().map(|text| filter(text)) {
                let every = names
                    .iter()
                    .all(|&name| !narrow.matches(name) || wide.matches(name));
                // `/#` is judged as if it matched the empty name too, which does not exist.
                let expected =
                    every && !(narrow.as_str() == "/#" && wide.as_str().ends_with("/+/#"));
                assert_eq!(wide.covers(narrow), expected, "{wide} {narrow}");
            }
        }
    }

    /// Every text of one to `levels_max` of the `choices`.
    fn texts(choices: &[&str], levels_max: usize) -> Vec<String> {
        let mut all: Vec<String> = choices.iter().map(|&choice| choice.into()).collect();
        let mut last = all.clone();
        for _ in 1..levels_max {
            last = last
                .iter()
                .flat_map(|front| choices.iter().map(move |level| format!("{front}/{level}")))
                .collect();
            all.extend(last.iter().cloned());
        }
        all
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
