//! `ironroot-agent` and its own device: the local socket, orders and the programs that carry them out, what it tells of
//! the device, and the device's clock.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use ironroot_machine::SystemClock;
use ironroot_time::Clock;
use serde_json::{Value, json};

use crate::rig::{Agent, Hub, until};

#[test]
fn an_application_publishes_any_json_and_hears_its_orders() {
    let hub = Hub::start();
    let backend = hub.service("backend");
    let subscriber = hub.mosquitto(&backend).subscribes("d/+/up/#");
    let mut agent = Agent::claimed(&hub, "cam-1");
    agent.connects();
    let mut application = agent.application();
    let kept = application.asks(&json!({ "topic": "up/t", "payload": { "c": 21.5 } }));
    assert_eq!(kept["ok"], true, "{kept}");
    subscriber.says(r#"got d/cam-1/up/t {"c":21.5}"#);
    application.asks(&json!({ "subscribe": "down/light/#" }));
    let orders = backend.saying("orders");
    let orders = hub.mosquitto(&orders);
    orders
        .publishes("d/cam-1/down/light/1", r#"{"on":true}"#)
        .ok();
    assert_eq!(
        application.hears().unwrap(),
        json!({ "message": "down/light/1", "payload": { "on": true } })
    );
    let result = subscriber.says("got d/cam-1/up/agent/result");
    assert!(result.contains(r#""delivered":1"#), "{result}");
    orders.publishes("d/cam-1/down/other", "x").ok();
    let result = subscriber.says(r#""topic":"down/other""#);
    assert!(result.contains(r#""delivered":0"#), "{result}");
}

#[test]
fn an_order_waits_at_the_hub_for_an_agent_that_is_away() {
    let hub = Hub::start();
    let backend = hub.service("backend");
    let mut agent = Agent::claimed(&hub, "cam-1");
    agent.connects();
    hub.until_sessions("cam-1", 1);
    // A reading that has come shows that the subscription was made before it.
    let subscriber = hub.mosquitto(&backend).subscribes("d/+/up/#");
    agent.publishes("up/t", "21").ok();
    subscriber.says("up/t 21");
    agent.kill();
    let orders = backend.saying("orders");
    hub.mosquitto(&orders)
        .publishes("d/cam-1/down/x", "late")
        .ok();
    agent.starts();
    subscriber.says(r#""topic":"down/x""#);
}

#[test]
fn a_program_carries_an_order_out_and_its_result_is_reported() {
    let hub = Hub::start();
    let backend = hub.service("backend");
    let subscriber = hub.mosquitto(&backend).subscribes("d/+/up/#");
    let mut agent = Agent::claimed(&hub, "cam-1");
    let handlers = "[enrol]\ntoken_file = \"FOLDER/token\"\n\
        [[handler]]\ntopic = \"down/echo\"\nprogram = \"/bin/cat\"\n\
        [[handler]]\ntopic = \"down/slow\"\nprogram = \"/bin/sleep\"\narguments = [\"1000\"]\ntimeout_s = 1\n";
    agent.set(&hub, handlers);
    agent.connects();
    let orders = backend.saying("orders");
    let orders = hub.mosquitto(&orders);
    orders.publishes("d/cam-1/down/echo", "hello").ok();
    let result = subscriber.says(r#""topic":"down/echo""#);
    assert!(
        result.contains(r#""code":0"#) && result.contains(r#""output":"hello""#),
        "{result}"
    );
    orders.publishes("d/cam-1/down/slow", "x").ok();
    let result = subscriber.says(r#""topic":"down/slow""#);
    assert!(result.contains("took longer"), "{result}");
}

#[test]
fn attack_the_topic_of_an_order_is_no_command_and_leads_nowhere() {
    let hub = Hub::start();
    let backend = hub.service("backend");
    let subscriber = hub.mosquitto(&backend).subscribes("d/+/up/#");
    let mut agent = Agent::claimed(&hub, "cam-1");
    agent.set(
        &hub,
        "[enrol]\ntoken_file = \"FOLDER/token\"\n[[handler]]\ntopic = \"down/#\"\nprogram = \"/usr/bin/env\"\n",
    );
    agent.connects();
    let mark = agent.file("mark");
    let topic = format!(
        "down/$(touch {0});`touch {0}`/../../etc/--help",
        mark.display()
    );
    let orders = backend.saying("orders");
    hub.mosquitto(&orders)
        .publishes(&format!("d/cam-1/{topic}"), "$(reboot)")
        .ok();
    let result = subscriber.says("got d/cam-1/up/agent/result");
    assert!(
        result.contains(&format!("IRONROOT_TOPIC={topic}")),
        "{result}"
    );
    assert!(!mark.exists());
}

#[test]
fn the_socket_refuses_what_an_application_may_not_say() {
    let hub = Hub::start();
    let mut agent = Agent::claimed(&hub, "cam-1");
    agent.connects();
    let mut application = agent.application();
    for (request, why) in [
        (
            json!({ "topic": "up/agent/dropped", "payload": 1 }),
            "the agent's own",
        ),
        (
            json!({ "topic": "down/x", "payload": 1 }),
            "no topic below up/",
        ),
        (
            json!({ "topic": "up/#", "payload": 1 }),
            "no topic below up/",
        ),
        (
            json!({ "topic": "d/cam-2/up/x", "payload": 1 }),
            "no topic below up/",
        ),
        (
            json!({ "topic": "up/x", "text": "x".repeat(9_000) }),
            "at most 8192 bytes",
        ),
        (json!({ "subscribe": "up/#" }), "no filter below down/"),
        (json!({ "topic": "up/x" }), "write a topic"),
        (json!([1]), "no request"),
    ] {
        let answer = application.asks(&request);
        assert!(
            answer["error"].as_str().unwrap().contains(why),
            "{request}: {answer}"
        );
    }
    // It goes on as if nothing had been.
    assert_eq!(
        application.asks(&json!({ "topic": "up/x", "payload": 1 }))["ok"],
        true
    );
}

#[test]
fn attack_an_endless_line_ends_the_talk_and_nothing_else() {
    let hub = Hub::start();
    let mut agent = Agent::claimed(&hub, "cam-1");
    agent.connects();
    let mut attacker = agent.application();
    // The agent closes while it is written to: that may be seen here as a failure to write.
    let _closed = attacker.to.write_all(&vec![b'x'; 2 << 20]);
    assert_eq!(attacker.hears(), None);
    agent.publishes("up/t", "21").ok();
}

#[test]
fn attack_too_many_clients_are_turned_away_and_the_first_are_served() {
    let hub = Hub::start();
    let mut agent = Agent::claimed(&hub, "cam-1");
    agent.set(
        &hub,
        "[enrol]\ntoken_file = \"FOLDER/token\"\n[socket]\npath = \"FOLDER/socket\"\nclients_max = 3\n",
    );
    agent.connects();
    let mut first: Vec<_> = (0..3).map(|_| agent.application()).collect();
    for application in &mut first {
        application.asks(&json!({ "status": true }));
    }
    let answer = agent.application().hears().unwrap();
    assert!(
        answer["error"].as_str().unwrap().contains("too many"),
        "{answer}"
    );
    for application in &mut first {
        assert_eq!(
            application.asks(&json!({ "topic": "up/x", "payload": 1 }))["ok"],
            true
        );
    }
    drop(first);
    until("a place is free again", || {
        (agent.publishes("up/t", "21").code == 0).then_some(())
    });
}

#[test]
fn an_application_that_reads_no_orders_does_not_hold_up_the_others() {
    let hub = Hub::start();
    let backend = hub.service("backend");
    let subscriber = hub.mosquitto(&backend).subscribes("d/+/up/#");
    let mut agent = Agent::claimed(&hub, "cam-1");
    agent.connects();
    let mut deaf = agent.application();
    deaf.asks(&json!({ "subscribe": "down/#" }));
    let big = "x".repeat(60_000);
    let orders = backend.saying("orders");
    let orders = hub.mosquitto(&orders);
    for nth in 0..8 {
        orders
            .publishes_as(&format!("d/cam-1/down/{nth}"), &["-m", &big])
            .ok();
    }
    for nth in 0..8 {
        subscriber.says(&format!(r#""topic":"down/{nth}""#));
    }
    agent.publishes("up/t", "21").ok();
    subscriber.says("up/t 21");
}

#[test]
fn the_socket_has_the_mode_of_the_settings_and_a_file_in_its_place_is_left_alone() {
    let hub = Hub::start();
    let mut agent = Agent::claimed(&hub, "cam-1");
    agent.set(
        &hub,
        "[enrol]\ntoken_file = \"FOLDER/token\"\n[socket]\npath = \"FOLDER/socket\"\nmode = \"0620\"\ngroup = \"nogroup\"\n",
    );
    agent.connects();
    let metadata = fs::metadata(agent.file("socket")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o620);
    agent.kill();
    // What the killed agent has left is no hindrance; somebody's file is.
    agent.connects();
    agent.stop();
    fs::remove_file(agent.file("socket")).unwrap();
    fs::write(agent.file("socket"), "precious").unwrap();
    let refused = agent.says(&["run"]);
    assert!(
        refused.code == 1 && refused.err.contains("is no socket"),
        "{refused:?}"
    );
    assert_eq!(
        fs::read_to_string(agent.file("socket")).unwrap(),
        "precious"
    );
}

#[test]
fn publish_takes_readings_from_standard_input() {
    let hub = Hub::start();
    let backend = hub.service("backend");
    let subscriber = hub.mosquitto(&backend).subscribes("d/+/up/#");
    let mut agent = Agent::claimed(&hub, "cam-1");
    agent.connects();
    let mut publisher = agent.keeps_publishing("up/n");
    publisher.hears("one\ntwo\nthree\n");
    drop(publisher.stdin());
    assert!(publisher.ends().success());
    for line in ["one", "two", "three"] {
        subscriber.says(&format!("got d/cam-1/up/n {line}"));
    }
    agent.stop();
    let refused = agent.publishes("up/n", "four");
    assert!(
        refused.code == 1 && refused.err.contains("no agent listens"),
        "{refused:?}"
    );
}

#[test]
fn tells_what_the_device_is_made_of_once_and_again_when_it_has_changed() {
    let hub = Hub::start();
    let backend = hub.service("backend");
    let subscriber = hub.mosquitto(&backend).subscribes("d/+/up/#");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("tcp {}", listener.local_addr().unwrap());
    let mut agent = Agent::claimed(&hub, "cam-1");
    agent.connects();
    let told = subscriber.says("got d/cam-1/up/agent/inventory");
    let told: Value = serde_json::from_str(told.split_once("inventory ").unwrap().1).unwrap();
    assert!(
        told["users"]["items"]
            .as_array()
            .unwrap()
            .contains(&json!("root:0")),
        "{told}"
    );
    assert!(told["packages"]["count"].as_u64().unwrap() > 0);
    let ports = told["ports"]["items"].as_array().unwrap();
    let cut = told["ports"]["left_out"].as_u64().unwrap_or(0) > 0;
    assert!(cut || ports.contains(&json!(port)), "{told}");
    let digest = fs::read_to_string(agent.file("state/inventory"));
    assert_eq!(digest.unwrap().trim().len(), 64);
}

#[test]
fn a_clock_that_has_gone_back_is_not_followed_and_is_reported() {
    let hub = Hub::start();
    let backend = hub.service("backend");
    let subscriber = hub.mosquitto(&backend).subscribes("d/+/up/#");
    let mut agent = Agent::claimed(&hub, "cam-1");
    agent.connects();
    agent.stop();
    // As if the machine had been an hour ahead when a hub vouched for it.
    let now = SystemClock.now().as_s();
    agent.writes_secret("state/clock", &format!("{}\n", now + 3_600));
    agent.connects();
    let report = subscriber.says("got d/cam-1/up/agent/clock");
    assert!(
        report.contains("shown") && report.contains("expected"),
        "{report}"
    );
    assert_eq!(agent.status()["clock_trusted"], false);
}
