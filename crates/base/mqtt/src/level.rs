//! Which topics a filter lets through, level by level (MQTT 5 section 4.7).

/// The levels of a topic name or filter, in order: what stands between the slashes.
///
/// There is at least one, and any may be empty.
#[derive(Clone, Debug)]
pub struct Levels<'a>(Option<&'a str>);

impl<'a> Levels<'a> {
    pub(crate) const fn of(text: &'a str) -> Self {
        Self(Some(text))
    }
}

impl<'a> Iterator for Levels<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.0?;
        // Levels are short: looking at each byte beats a search that is made for long texts.
        match text.bytes().position(|byte| byte == b'/') {
            Some(slash) => {
                self.0 = text.get(slash.saturating_add(1)..);
                text.get(..slash)
            }
            None => self.0.take(),
        }
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

#[cfg(test)]
mod tests {
    extern crate std;
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    use crate::{TopicFilter, TopicName};

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
}
