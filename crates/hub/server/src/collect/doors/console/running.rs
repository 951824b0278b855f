//! What pages and answers tell of the running hub: the broker's sessions and the orders that wait.

use std::sync::Arc;

use ironroot_api::Traffic;
use ironroot_broker::Broker;
use ironroot_identity::Principal;
use ironroot_time::Clock;
use ironroot_views::{Activity, Live};

use crate::collect::intake::order::Orders;

/// The parts of the hub that know what no row knows.
#[derive(Debug)]
pub struct RunningHub {
    /// Sessions and traffic.
    pub broker: Arc<Broker>,
    /// Orders that wait to be recorded.
    pub orders: Arc<Orders>,
    /// The present moment.
    pub clock: Arc<dyn Clock>,
}

impl Live for RunningHub {
    fn activity(&self, principal: &Principal) -> Activity {
        let sessions = self.broker.sessions_of(principal).len();
        let counted = self.broker.counters_of(principal).unwrap_or_default();
        Activity {
            sessions: u32::try_from(sessions).unwrap_or(u32::MAX),
            last_seen: (sessions > 0).then(|| self.clock.now()),
            traffic: Traffic {
                connects: counted.connects,
                messages_in: counted.messages_in,
                messages_out: counted.messages_out,
                bytes_in: counted.bytes_in,
                bytes_out: counted.bytes_out,
                refused: counted.refused,
                withheld: counted.withheld.saturating_add(counted.dropped),
            },
        }
    }

    fn sessions_count(&self) -> u64 {
        u64::try_from(self.broker.totals().sessions).unwrap_or(u64::MAX)
    }

    fn held_orders(&self) -> usize {
        self.orders.held_count()
    }
}
