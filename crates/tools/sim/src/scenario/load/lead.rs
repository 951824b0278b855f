//! How far publishers are ahead of the slowest subscriber.

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use anyhow::Result;

/// Bounds the messages that are published and not yet received by every subscriber, so that a server that
/// is flat out is measured at its own speed, and drops nothing.
#[derive(Debug)]
pub(super) struct Lead {
    permits: Semaphore,
    received: Mutex<Received>,
}

#[derive(Debug)]
struct Received {
    each: Vec<u64>,
    by_all: u64,
}

impl Lead {
    /// Nobody is ahead.
    pub(super) fn new(subscribers: usize, max: usize) -> Self {
        Self {
            permits: Semaphore::new(max),
            received: Mutex::new(Received {
                each: vec![0; subscribers],
                by_all: 0,
            }),
        }
    }

    /// Waits until one more message may be published.
    pub(super) async fn take_one(&self) -> Result<()> {
        self.permits.acquire().await?.forget();
        Ok(())
    }

    /// Notes that a subscriber has received `count` messages by now.
    pub(super) fn received(&self, subscriber: usize, count: u64) {
        let mut received = self.received.lock();
        if let Some(place) = received.each.get_mut(subscriber) {
            *place = count;
        }
        let by_all = received.each.iter().copied().min().unwrap_or_default();
        let more = by_all.saturating_sub(received.by_all);
        received.by_all = by_all;
        self.permits
            .add_permits(usize::try_from(more).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_slowest_subscriber_holds_the_publishers_back() {
        let lead = Lead::new(2, 3);
        for _ in 0..3 {
            lead.take_one().await.unwrap();
        }
        lead.received(0, 3);
        assert_eq!(lead.permits.available_permits(), 0);
        lead.received(1, 2);
        assert_eq!(lead.permits.available_permits(), 2);
        lead.received(1, 3);
        assert_eq!(lead.permits.available_permits(), 3);
    }
}
