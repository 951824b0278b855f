//! Records certificates that were used in two places at once; the door does not wait for it.

use std::sync::Arc;
use std::time::Duration;

use ironroot_broker::{Broker, InTwoPlaces, TwoPlaces};
use ironroot_identity::Principal;
use ironroot_registry::{DeviceInTwoPlaces, Fact};

use crate::fault::chain;
use crate::ledger::{Ledger, NotRecorded};

/// How often it is asked what was seen.
const EVERY: Duration = Duration::from_secs(1);

/// Records what `broker` notices for as long as it is polled; what cannot be recorded now is tried again.
pub async fn record(ledger: Ledger, broker: Arc<Broker>) {
    let mut waiting = Vec::new();
    loop {
        tokio::time::sleep(EVERY).await;
        waiting.extend(broker.take_in_two_places());
        while let Some(seen) = waiting.last() {
            match record_one(&ledger, seen).await {
                Err(NotRecorded::Later(_) | NotRecorded::Fenced) => break,
                Err(cause) => {
                    tracing::warn!(error = %chain(&cause), "A certificate in two places was not recorded.");
                }
                Ok(()) => {}
            }
            waiting.pop();
        }
    }
}

async fn record_one(ledger: &Ledger, seen: &InTwoPlaces) -> Result<(), NotRecorded> {
    let Principal::Device(device) = &seen.principal else {
        return Ok(());
    };
    // Addresses can be personal data: they are words that can be erased.
    let words = ledger.words(&words(seen));
    let fact = Fact::from(DeviceInTwoPlaces {
        device: device.clone(),
        certificate: seen.certificate,
        door: "mqtt".to_owned(),
        why: words.digest().to_string(),
    });
    let recorded = ledger.record_with(&fact, |change| change.with_payload(words));
    recorded.await.map(drop)
}

fn words(seen: &InTwoPlaces) -> String {
    let [one, other] = seen.sources;
    match seen.how {
        TwoPlaces::Overlap => {
            format!("From {one} and from {other}, in sessions that go on at the same time.")
        }
        TwoPlaces::Alternation => {
            format!("From {one} and from {other} by turns, again and again within minutes.")
        }
    }
}
