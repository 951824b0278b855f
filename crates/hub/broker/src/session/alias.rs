//! Topic aliases: a number in place of a topic that one side has sent before (MQTT 5 section 3.3.2.3.4).

use std::collections::HashMap;
use std::num::NonZeroU16;

use ironroot_mqtt::{Publish, TopicName};

use crate::message::Written;
use crate::refusal::Refusal;

/// The topics that the client has given numbers. They end with the connection.
#[derive(Debug)]
pub(crate) struct ClientAliases {
    topics: Vec<Option<Box<str>>>,
    count_max: u16,
}

/// The numbers that we have given topics. They end with the connection.
#[derive(Debug)]
pub(crate) struct OwnAliases {
    numbers: HashMap<Box<str>, NonZeroU16>,
    count_max: u16,
}

impl ClientAliases {
    /// None yet, and none above `count_max`.
    pub(crate) fn new(count_max: u16) -> Self {
        Self {
            topics: Vec::new(),
            count_max,
        }
    }

    /// Keeps the topic of a PUBLISH under the number that came with it.
    ///
    /// # Errors
    /// [`Refusal::TopicAlias`] when the number is above the bound.
    pub(crate) fn learn(&mut self, publish: &Publish<'_>) -> Result<(), Refusal> {
        let Some(number) = publish.properties.topic_alias.map(NonZeroU16::get) else {
            return Ok(());
        };
        if number > self.count_max {
            return Err(Refusal::TopicAlias);
        }
        let Some(topic) = publish.topic else {
            return Ok(());
        };
        let count = usize::from(number);
        if self.topics.len() < count {
            self.topics.resize(count, None);
        }
        if let Some(place) = self.topics.get_mut(count - 1) {
            *place = Some(topic.as_str().into());
        }
        Ok(())
    }

    /// The topic that a PUBLISH is about.
    ///
    /// # Errors
    /// [`Refusal::TopicAlias`] when it has only a number, and that stands for nothing.
    pub(crate) fn topic<'a>(&'a self, publish: &Publish<'a>) -> Result<TopicName<'a>, Refusal> {
        let known = |number: NonZeroU16| {
            let topic = self.topics.get(usize::from(number.get()) - 1)?;
            TopicName::parse(topic.as_deref()?).ok()
        };
        let topic = publish.topic;
        topic
            .or_else(|| publish.properties.topic_alias.and_then(known))
            .ok_or(Refusal::TopicAlias)
    }
}

impl OwnAliases {
    /// None yet, and as many as the client takes.
    pub(crate) fn new(count_max: u16) -> Self {
        Self {
            numbers: HashMap::new(),
            count_max,
        }
    }

    /// How `topic` is to be written; the first topics get the numbers.
    pub(crate) fn write(&self, topic: &str) -> Written {
        if self.count_max == 0 {
            return Written::Name;
        }
        if let Some(number) = self.numbers.get(topic) {
            return Written::Number(*number);
        }
        let next = u16::try_from(self.numbers.len() + 1).ok();
        next.filter(|next| *next <= self.count_max)
            .and_then(NonZeroU16::new)
            .map_or(Written::Name, Written::NameAndNumber)
    }

    /// The client has been told that `number` stands for `topic`.
    pub(crate) fn keep(&mut self, topic: &str, number: NonZeroU16) {
        self.numbers.insert(topic.into(), number);
    }
}
