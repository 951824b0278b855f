//! The whole program, end to end: `ironroot up` in a folder of its own, and at its doors curl, openssl and
//! mosquitto's clients, as a stranger would use them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod rig;

mod agent;
mod agent_away;
mod agent_disk;
mod agent_local;
mod agent_outage;
mod agent_seal;
mod agent_unit;
mod archive;
mod backup;
mod bytes;
mod ca_rotation;
mod ca_token;
mod certificates;
mod clock;
mod console_look;
mod demonstration;
mod doors;
mod enrolment;
mod enrolment_refused;
mod figures;
mod full_store;
mod fuzz_door;
#[path = "../../../../base/mqtt/tests/fuzz/generate.rs"]
#[expect(dead_code, reason = "the codec's own targets use the rest")]
mod generate;
mod golden;
mod idevid;
mod journal;
mod journal_key;
mod key_generation;
mod kill;
mod load_balancer;
mod lost_answer;
mod malformed_door;
mod migrate;
mod mqtt;
mod mqtt_features;
mod mqtt_kill;
mod mqtt_refused;
#[path = "../../../../base/mqtt/tests/fuzz/mutate.rs"]
mod mutate;
mod newcomer;
mod observe;
mod orders;
mod orders_refused;
mod postgres;
mod published_pki;
mod registration_authority;
mod root_ceremony;
mod seal_key;
mod seal_key_kill;
mod secrets;
mod service_manager;
mod snapshots;
mod sparkplug;
mod start_refused;
mod terminal_look;
mod token;
mod top;
mod two_places;
