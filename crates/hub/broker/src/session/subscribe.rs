//! SUBSCRIBE and UNSUBSCRIBE: what the session may receive from now on.

use std::sync::Arc;

use ironroot_mqtt::{
    AckProperties, List, Packet, Qos, ReasonCode, RetainHandling, SubAck, Subscribe,
    Subscription as Asked, SubscriptionId, TopicFilter, UnsubAck, Unsubscribe, Version,
};
use smallvec::SmallVec;

use super::deliver::Replay;
use super::open::Open;
use super::report;
use crate::refusal::Refusal;
use crate::router::{Options, Subscription};
use crate::shelf::{PackedOptions, Step};

type Codes = SmallVec<[ReasonCode; 16]>;

impl Open {
    /// Answers each filter by its own code (MQTT 5 section 3.8.4 [MQTT-3.8.4-6]).
    pub(super) fn handle_subscribe(&mut self, subscribe: &Subscribe<'_>, out: &mut Vec<u8>) {
        let id = subscribe.properties.subscription_id;
        let mut codes = Codes::new();
        for (place, asked) in subscribe.subscriptions.iter().enumerate() {
            codes.push(match self.subscribe(&asked, id, place) {
                Ok(qos) => granted(qos),
                Err(refusal) => {
                    report::packet_refused(self.counters(), &self.subject, refusal);
                    match self.version {
                        Version::V5 => refusal.reason(),
                        Version::V311 => refusal.reason().nearest_in_v311_suback(),
                    }
                }
            });
        }
        let (packet_id, codes) = (subscribe.packet_id, List::from(&*codes));
        self.send(
            &Packet::SubAck(SubAck {
                packet_id,
                properties: AckProperties::default(),
                codes,
            }),
            out,
        );
    }

    /// Every check on one filter, which has this place in its packet; then the subscription is made.
    fn subscribe(
        &mut self,
        asked: &Asked<'_>,
        id: Option<SubscriptionId>,
        place: usize,
    ) -> Result<Qos, Refusal> {
        let filter = asked.filter;
        if filter.levels().count() > self.broker.settings.topic_levels_max {
            return Err(Refusal::FilterTooDeep);
        }
        let grant = self.subject.grant();
        if !grant.may_subscribe(self.subject.principal().id(), filter) {
            return Err(Refusal::SubscribeNotGranted);
        }
        let subscriptions_max = usize::from(grant.limits().subscriptions_max);
        let known = self
            .state
            .filters
            .iter()
            .any(|known| **known == *filter.as_str());
        if place >= subscriptions_max || (!known && self.state.filters.len() >= subscriptions_max) {
            return Err(Refusal::TooManySubscriptions);
        }
        let options = Options {
            qos: asked.qos,
            no_local: asked.no_local,
            retain_as_published: asked.retain_as_published,
            id,
        };
        let subscription = Subscription {
            outbox: Arc::clone(&self.state.outbox),
            options,
        };
        self.broker.router.subscribe(filter, subscription);
        self.note_if(self.state.is_shelved(), |session| Step::Subscribe {
            session,
            filter: filter.as_str().into(),
            how: PackedOptions::of(options),
        });
        if !known {
            self.state.filters.push(filter.as_str().into());
        }
        self.replay_retained(asked, options, known);
        Ok(options.qos)
    }

    /// Has retained messages sent if the subscription asks for them (MQTT 5 section 3.3.1.3).
    fn replay_retained(&mut self, asked: &Asked<'_>, options: Options, known: bool) {
        self.state
            .replays
            .retain(|replay| !replay.is_for(asked.filter.as_str()));
        let wanted = match asked.retain_handling {
            // MQTT 5 section 4.8.2: a group shares what is published from now on.
            _ if asked.filter.group().is_some() => false,
            RetainHandling::Always => true,
            RetainHandling::IfNew => !known,
            RetainHandling::Never => false,
        };
        if wanted {
            self.state
                .replays
                .push_back(Replay::new(asked.filter.as_str(), options));
        }
    }

    /// Gives subscriptions up (MQTT 5 section 3.10.4).
    pub(super) fn handle_unsubscribe(&mut self, unsubscribe: &Unsubscribe<'_>, out: &mut Vec<u8>) {
        let codes: Codes = unsubscribe
            .filters
            .iter()
            .map(|filter| self.unsubscribe(filter))
            .collect();
        let codes = match self.version {
            Version::V5 => List::from(&*codes),
            Version::V311 => List::default(),
        };
        let packet_id = unsubscribe.packet_id;
        self.send(
            &Packet::UnsubAck(UnsubAck {
                packet_id,
                properties: AckProperties::default(),
                codes,
            }),
            out,
        );
    }

    fn unsubscribe(&mut self, filter: TopicFilter<'_>) -> ReasonCode {
        let text = filter.as_str();
        let Some(at) = self.state.filters.iter().position(|known| **known == *text) else {
            return ReasonCode::NoSubscriptionExisted;
        };
        self.state.filters.swap_remove(at);
        self.state.replays.retain(|replay| !replay.is_for(text));
        self.broker
            .router
            .unsubscribe(filter, self.state.outbox.number());
        self.note_if(self.state.is_shelved(), |session| Step::Unsubscribe {
            session,
            filter: text.into(),
        });
        ReasonCode::Success
    }
}

fn granted(qos: Qos) -> ReasonCode {
    match qos {
        Qos::AtMostOnce => ReasonCode::Success,
        Qos::AtLeastOnce => ReasonCode::GrantedQos1,
        Qos::ExactlyOnce => ReasonCode::GrantedQos2,
    }
}
