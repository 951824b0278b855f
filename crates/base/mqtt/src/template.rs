//! Topic templates: one filter for many devices, with each one's id in the levels `{device}`.

use crate::level::{Level, covers};
use crate::topic::{check_topic, check_wildcards, split_share};
use crate::{BadTopic, Levels, TopicFilter, TopicName};

/// A topic filter in which whole levels `{device}` stand for a device's id.
///
/// The id is compared, never pasted: an id with `/`, `+` or `#` in it opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TopicTemplate<S>(S);

const PLACEHOLDER: &str = "{device}";

impl<S: AsRef<str>> TopicTemplate<S> {
    /// Checks a template.
    ///
    /// # Errors
    /// [`BadTopic`] when it would be no topic filter, is a shared subscription, or has braces
    /// anywhere but in a whole level `{device}`.
    pub fn parse(text: S) -> Result<Self, BadTopic> {
        let template = text.as_ref();
        check_topic(template)?;
        check_wildcards(template)?;
        if split_share(template)?.is_some() {
            return Err(BadTopic::SharedTemplate);
        }
        if Levels::of(template).any(|level| level != PLACEHOLDER && level.contains(['{', '}'])) {
            return Err(BadTopic::Placeholder);
        }
        Ok(Self(text))
    }

    /// The template as text.
    pub fn as_str(&self) -> &str {
        self.0.as_ref()
    }

    /// Whether the template, filled with `id`, matches `topic`; never for an empty `id`.
    pub fn matches(&self, id: &str, topic: TopicName<'_>) -> bool {
        !id.is_empty() && covers(self.levels(id), topic.levels().map(Level::Is))
    }

    /// Whether the template, filled with `id`, covers `filter`; never for an empty `id`.
    ///
    /// A shared subscription is judged by its inner filter.
    pub fn covers(&self, id: &str, filter: TopicFilter<'_>) -> bool {
        !id.is_empty() && covers(self.levels(id), filter.levels().map(Level::of_filter))
    }

    /// The levels of `a/b` where the template, filled with `id`, is `a/b/#`: a branch of topics with a name.
    pub fn branch<'a>(&'a self, id: &'a str) -> Option<impl Iterator<Item = &'a str>> {
        let branch = self.as_str().strip_suffix("/#")?;
        let fill = move |level| if level == PLACEHOLDER { id } else { level };
        (!branch.contains('+')).then(|| Levels::of(branch).map(fill))
    }

    fn levels<'a>(&'a self, id: &'a str) -> impl Iterator<Item = Level<'a>> {
        Levels::of(self.as_str()).map(move |level| match level {
            PLACEHOLDER => Level::Is(id),
            _ => Level::of_filter(level),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> TopicTemplate<&str> {
        TopicTemplate::parse(text).unwrap()
    }

    fn matches(text: &str, id: &str, topic: &str) -> bool {
        template(text).matches(id, TopicName::parse(topic).unwrap())
    }

    fn covers(text: &str, id: &str, filter: &str) -> bool {
        template(text).covers(id, TopicFilter::parse(filter).unwrap())
    }

    #[test]
    fn a_branch_has_a_name_when_it_ends_in_the_only_wildcard() {
        let levels = template("d/{device}/down/#");
        assert!(levels.branch("cam-1").unwrap().eq(["d", "cam-1", "down"]));
        for unnamed in ["#", "d/+/down/#", "d/{device}/down", "d/{device}/+"] {
            assert!(template(unnamed).branch("cam-1").is_none(), "{unnamed}");
        }
    }

    #[test]
    fn a_device_reaches_its_own_topics_alone() {
        assert!(matches(
            "d/{device}/up/#",
            "cam-1",
            "d/cam-1/up/temperature"
        ));
        assert!(!matches(
            "d/{device}/up/#",
            "cam-1",
            "d/cam-10/up/temperature"
        ));
        assert!(!matches(
            "d/{device}/up/#",
            "cam-1",
            "d/cam-2/up/temperature"
        ));
        assert!(!matches(
            "d/{device}/up/#",
            "cam-1",
            "d/{device}/up/temperature"
        ));
        assert!(!matches("d/{device}/up/#", "cam-1", "d/cam-1/down"));
        assert!(matches("{device}/{device}", "a", "a/a"));
        assert!(!matches("{device}/{device}", "a", "a/b"));
    }

    #[test]
    fn a_device_cannot_subscribe_wider_than_its_template() {
        assert!(covers("d/{device}/down/#", "cam-1", "d/cam-1/down/#"));
        assert!(covers("d/{device}/down/#", "cam-1", "d/cam-1/down/+/x"));
        assert!(covers(
            "d/{device}/down/#",
            "cam-1",
            "$share/g/d/cam-1/down/#"
        ));
        assert!(!covers("d/{device}/down/#", "cam-1", "d/+/down/#"));
        assert!(!covers("d/{device}/down/#", "cam-1", "d/cam-1/#"));
        assert!(!covers("d/{device}/down/#", "cam-1", "d/cam-1/+/#"));
        assert!(!covers("d/{device}/down/#", "cam-1", "#"));
        assert!(!covers("d/{device}/down/#", "cam-1", "$share/d/cam-1/down"));
    }

    #[test]
    fn an_id_made_of_wildcards_or_levels_opens_nothing() {
        assert!(!covers("d/{device}/#", "+", "d/+/x"));
        assert!(!matches("d/{device}/#", "+", "d/cam-1/x"));
        assert!(!matches("d/{device}", "a/b", "d/a/b"));
        assert!(!covers("d/{device}", "#", "d/#"));
        assert!(!matches("d/{device}/x", "", "d//x"));
        assert!(!covers("d/#", "", "d/x"));
    }

    #[test]
    fn refuses_what_is_no_template() {
        for (text, why) in [
            ("", BadTopic::Empty),
            ("d/#/x", BadTopic::Wildcard),
            ("$share/g/d/{device}", BadTopic::SharedTemplate),
            ("$share/g", BadTopic::Share),
            ("d/{devcie}/up", BadTopic::Placeholder),
            ("d/x{device}/up", BadTopic::Placeholder),
            ("d/{device", BadTopic::Placeholder),
            ("d/}", BadTopic::Placeholder),
        ] {
            assert_eq!(TopicTemplate::parse(text), Err(why), "{text}");
        }
    }
}
