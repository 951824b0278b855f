//! Topic templates: one filter for many devices, with each one's id in the levels `{device}`.

use crate::topic::{Level, check_topic, check_wildcards, covers, split_share};
use crate::{BadTopic, TopicFilter, TopicName};

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
        if template
            .split('/')
            .any(|level| level != PLACEHOLDER && level.contains(['{', '}']))
        {
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

    fn levels<'a>(&'a self, id: &'a str) -> impl Iterator<Item = Level<'a>> {
        self.as_str().split('/').map(move |level| match level {
            PLACEHOLDER => Level::Is(id),
            _ => Level::of_filter(level),
        })
    }
}
