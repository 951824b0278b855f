//! How the running hub is: what pages tell of its doors, and its metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ironroot_api::{EdgeDevice, EdgeNode, Source, Traffic};
use ironroot_broker::Broker;
use ironroot_history::History;
use ironroot_identity::Principal;
use ironroot_registry::Registry;
use ironroot_store::{Health, Store};
use ironroot_time::{Clock, UnixTime};
use ironroot_views::{Activity, Live, Trouble};
use metrics::{counter, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use parking_lot::Mutex;

use crate::clock::HubClock;
use crate::collect::intake::order::Orders;
use crate::upkeep::{Chore, Upkeep};

/// The parts of the hub that know how it is.
#[derive(Clone, Debug)]
pub struct Gauges {
    /// Sessions and messages.
    pub broker: Arc<Broker>,
    /// Orders.
    pub orders: Arc<Orders>,
    /// Devices and services.
    pub registry: Arc<Registry>,
    /// The journal.
    pub store: Arc<dyn Store>,
    /// Snapshots and the like.
    pub upkeep: Arc<Upkeep>,
    /// The time.
    pub clock: Arc<HubClock>,
    /// Connections that the MQTT door has refused for their certificate.
    pub certificates_refused: Arc<AtomicU64>,
    /// What was counted over time.
    pub history: Arc<Mutex<History>>,
}

impl Live for Gauges {
    fn activity(&self, principal: &Principal) -> Activity {
        let sessions = self.broker.sessions_of(principal).len();
        let counters = self.broker.counters_of(principal).unwrap_or_default();
        let sources = self.broker.sources_of(principal).into_iter().rev();
        let nodes = self.broker.edge_nodes_of(principal).into_iter();
        Activity {
            sessions: u32::try_from(sessions).unwrap_or(u32::MAX),
            last_seen: self.broker.last_seen(principal),
            traffic: Traffic {
                connects: counters.connects,
                messages_in: counters.messages_in,
                messages_out: counters.messages_out,
                bytes_in: counters.bytes_in,
                bytes_out: counters.bytes_out,
                refused: counters.refused,
                withheld: counters.withheld + counters.dropped,
                throttled: counters.throttled,
                held: counters.held,
                cut_off: counters.cut_off,
                topics_today: self.broker.topics_today(principal, self.clock.now()),
            },
            sources: sources
                .map(|source| Source {
                    address: source.address.to_string(),
                    last: UnixTime::from_ms(source.last_ms).to_string(),
                })
                .collect(),
            edge_nodes: nodes.map(edge_node).collect(),
        }
    }

    fn sessions_count(&self) -> u64 {
        self.broker.totals().sessions as u64
    }

    fn held_orders(&self) -> usize {
        self.orders.held_count()
    }

    fn troubles(&self) -> Vec<Trouble> {
        let clock = self.clock.step().map(|step| Trouble {
            what: format!(
                "The machine's clock jumped from {} to {}: no certificates are issued, and the hub goes on by its own time.",
                step.expected, step.shown
            ),
            remedy: "Set the clock right, and the hub issues again by itself. If what it shows is right: \
                     ironroot clock confirm --why …"
                .to_owned(),
            since: step.expected,
        });
        clock.into_iter().chain(self.upkeep.troubles()).collect()
    }

    fn history(&self) -> &Mutex<History> {
        &self.history
    }
}

fn edge_node(node: ironroot_broker::EdgeNode) -> EdgeNode {
    let since = |ms| UnixTime::from_ms(ms).to_string();
    let devices = node.devices.into_iter().map(|device| EdgeDevice {
        device: device.device.into(),
        online: device.online,
        since: since(device.since_ms),
    });
    EdgeNode {
        group: node.group.into(),
        node: node.node.into(),
        online: node.online,
        bd_seq: node.bd_seq,
        since: since(node.since_ms),
        devices: devices.collect(),
    }
}

/// The hub's metrics in Prometheus's text format, read off the parts when they are asked for.
pub struct MetricsPage {
    gauges: Gauges,
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl std::fmt::Debug for MetricsPage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MetricsPage")
            .field("gauges", &self.gauges)
            .finish_non_exhaustive()
    }
}

impl MetricsPage {
    /// A page over these parts.
    pub fn new(gauges: Gauges) -> Self {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        Self {
            gauges,
            recorder,
            handle,
        }
    }

    /// The page of this moment.
    pub fn render(&self) -> String {
        metrics::with_local_recorder(&self.recorder, || self.read());
        self.handle.render()
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "Prometheus has no other number; 2^53 is far away"
    )]
    fn read(&self) {
        let Gauges {
            broker,
            orders,
            registry,
            store,
            upkeep,
            clock,
            certificates_refused,
            history: _,
        } = &self.gauges;
        let totals = broker.totals();
        gauge!("ironroot_devices").set(registry.devices_count() as f64);
        gauge!("ironroot_mqtt_sessions").set(totals.sessions as f64);
        gauge!("ironroot_mqtt_sessions_parked").set(totals.parked as f64);
        gauge!("ironroot_mqtt_sessions_kept").set(f64::from(u8::from(totals.keeping)));
        gauge!("ironroot_mqtt_retained_messages").set(totals.retained as f64);
        gauge!("ironroot_mqtt_queued_bytes").set(totals.queued_bytes as f64);
        let counted = totals.counters;
        for (name, value) in [
            ("ironroot_mqtt_connects_total", counted.connects),
            ("ironroot_mqtt_messages_in_total", counted.messages_in),
            ("ironroot_mqtt_messages_out_total", counted.messages_out),
            ("ironroot_mqtt_bytes_in_total", counted.bytes_in),
            ("ironroot_mqtt_bytes_out_total", counted.bytes_out),
            ("ironroot_mqtt_refused_total", counted.refused),
            ("ironroot_mqtt_over_limit_total", counted.over_limit),
            (
                "ironroot_mqtt_certificates_refused_total",
                certificates_refused.load(Relaxed),
            ),
            ("ironroot_mqtt_withheld_total", counted.withheld),
            ("ironroot_mqtt_dropped_total", counted.dropped),
            ("ironroot_mqtt_throttled_total", counted.throttled),
            ("ironroot_mqtt_held_total", counted.held),
            ("ironroot_mqtt_cut_off_total", counted.cut_off),
            ("ironroot_journal_entries_total", store.head().size),
        ] {
            counter!(name).absolute(value);
        }
        gauge!("ironroot_orders_held").set(orders.held_count() as f64);
        gauge!("ironroot_clock_stepped").set(f64::from(u8::from(clock.step().is_some())));
        let appending = matches!(store.health(), Health::Appending);
        gauge!("ironroot_journal_appending").set(f64::from(u8::from(appending)));
        for chore in Chore::ALL {
            let well = f64::from(u8::from(upkeep.is_well(chore)));
            gauge!("ironroot_upkeep_well", "chore" => chore.name()).set(well);
        }
    }
}
