//! Lists of topic templates: where a class of devices may publish and what it may subscribe to.

use ironroot_mqtt::{TopicFilter, TopicName, TopicTemplate};

/// A list of templates; empty means nothing is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topics(Box<[TopicTemplate<Box<str>>]>);

impl Topics {
    /// The list of these templates.
    pub fn new(templates: Vec<TopicTemplate<Box<str>>>) -> Self {
        Self(templates.into())
    }

    /// Whether nothing is allowed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The templates, as they were written.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(TopicTemplate::as_str)
    }

    /// The first branch of topics that is allowed as a whole and has a name: `a/b` for `a/b/#`, filled with `id`.
    pub fn branch(&self, id: &str) -> Option<String> {
        let mut branches = self.0.iter().filter_map(|template| template.branch(id));
        Some(branches.next()?.collect::<Vec<_>>().join("/"))
    }

    /// Whether one of the templates, filled with `id`, matches the topic name.
    pub fn match_topic(&self, id: &str, topic: TopicName<'_>) -> bool {
        self.0.iter().any(|template| template.matches(id, topic))
    }

    /// Whether one of the templates, filled with `id`, covers every topic that `filter` matches.
    pub fn cover_filter(&self, id: &str, filter: TopicFilter<'_>) -> bool {
        self.0.iter().any(|template| template.covers(id, filter))
    }
}
