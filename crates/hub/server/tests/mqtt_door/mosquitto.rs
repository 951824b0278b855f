//! Mosquitto's own clients, in 3.1.1 and 5.

use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use ironroot_mqtt::Version;
use tokio::process::{Child, Command};

use crate::house::{House, Resident};

/// The words that every call needs; none, after saying so, where the clients are not installed.
fn installed() -> bool {
    let there = std::process::Command::new("mosquitto_sub")
        .arg("--help")
        .output()
        .is_ok();
    if !there {
        println!("skipped: mosquitto_pub and mosquitto_sub are not installed");
    }
    there
}

fn file(house: &House, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = house.folder.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

fn command(
    program: &str,
    house: &House,
    resident: &Resident,
    version: &str,
    words: &[&str],
) -> Command {
    let id = resident.subject.principal().id();
    let pem = |label: &str, der: &[u8]| {
        use base64::Engine;
        format!(
            "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
            base64::prelude::BASE64_STANDARD.encode(der)
        )
    };
    let certificate = file(
        house,
        &format!("{id}.crt"),
        pem("CERTIFICATE", &resident.certificate),
    );
    let key = file(
        house,
        &format!("{id}.key"),
        resident.key.to_pem().unwrap().expose(),
    );
    let mut command = Command::new(program);
    command
        .arg("--cafile")
        .arg(file(house, "ca.pem", house.authority.ca_pem()));
    command.arg("--cert").arg(certificate).arg("--key").arg(key);
    command
        .args([
            "-h",
            "localhost",
            "-p",
            &house.address.port().to_string(),
            "-V",
            version,
            "-i",
            id,
        ])
        .args(words);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn publish(house: &House, resident: &Resident, version: &str, words: &[&str]) -> Output {
    command("mosquitto_pub", house, resident, version, words)
        .output()
        .await
        .unwrap()
}

/// A subscriber that is in and has its subscription.
async fn subscribe(house: &House, resident: &Resident, version: &str, words: &[&str]) -> Child {
    let child = command("mosquitto_sub", house, resident, version, words)
        .spawn()
        .unwrap();
    house
        .until("it has subscribed", |broker| {
            broker.totals().subscriptions > 0
        })
        .await;
    let sessions = house.broker.sessions_of(resident.subject.principal());
    let spoken = if version == "5" {
        Version::V5
    } else {
        Version::V311
    };
    assert!(sessions.iter().all(|session| session.version == spoken));
    child
}

async fn output(child: Child) -> String {
    let output = tokio::time::timeout(crate::house::LONGEST_WAIT, child.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_clients_publish_and_subscribe_in_both_versions() {
    if !installed() {
        return;
    }
    for version in ["311", "5"] {
        for qos in ["0", "1", "2"] {
            let house = House::open().await;
            let (cam, backend) = (house.device("cam-1"), house.service("backend"));
            let child = subscribe(
                &house,
                &backend,
                version,
                &["-t", "d/+/up/#", "-q", qos, "-C", "1", "-v"],
            )
            .await;
            let sent = publish(
                &house,
                &cam,
                version,
                &["-t", "d/cam-1/up/t", "-q", qos, "-m", "21.5"],
            )
            .await;
            assert!(sent.status.success(), "{sent:?}");
            assert_eq!(
                output(child).await,
                "d/cam-1/up/t 21.5\n",
                "-V {version} -q {qos}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_client_gets_what_came_while_it_was_away() {
    if !installed() {
        return;
    }
    for (version, lasting) in [("311", &["-c"][..]), ("5", &["-c", "-x", "3600"])] {
        let house = House::open().await;
        let (cam, backend) = (house.device("cam-1"), house.service("backend"));
        let words = [&["-t", "d/+/up/#", "-q", "2", "-C", "1"], lasting].concat();
        let child = subscribe(&house, &backend, version, &words).await;
        publish(
            &house,
            &cam,
            version,
            &["-t", "d/cam-1/up/t", "-m", "first"],
        )
        .await;
        assert_eq!(output(child).await, "first\n");
        house
            .until("it has gone", |broker| broker.totals().parked == 1)
            .await;
        for qos in ["0", "1", "2"] {
            let words = ["-t", "d/cam-1/up/t", "-q", qos, "-m", qos];
            let sent = publish(&house, &cam, version, &words).await;
            assert!(sent.status.success(), "{sent:?}");
        }
        let words = [&["-t", "d/+/up/#", "-q", "2", "-C", "2"], lasting].concat();
        let child = command("mosquitto_sub", &house, &backend, version, &words)
            .spawn()
            .unwrap();
        assert_eq!(output(child).await, "1\n2\n", "-V {version}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_clients_share_a_subscription() {
    if !installed() {
        return;
    }
    let house = House::open().await;
    let (cam, backend) = (house.device("cam-1"), house.service("backend"));
    let words = |id| ["-t", "$share/g/d/#", "-q", "1", "-C", "2", "-i", id];
    let first = subscribe(&house, &backend, "5", &words("backend/a")).await;
    let second = command("mosquitto_sub", &house, &backend, "5", &words("backend/b"))
        .spawn()
        .unwrap();
    house
        .until("both share", |broker| broker.totals().subscriptions == 2)
        .await;
    for payload in ["1", "2", "3", "4"] {
        let words = ["-t", "d/cam-1/up/t", "-q", "1", "-m", payload];
        publish(&house, &cam, "5", &words).await;
    }
    assert_eq!(output(first).await, "1\n3\n");
    assert_eq!(output(second).await, "2\n4\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_client_gets_retained_messages_and_properties() {
    if !installed() {
        return;
    }
    let house = House::open().await;
    let (cam, backend) = (house.device("cam-1"), house.service("backend"));
    let words = [
        "-t",
        "d/cam-1/up/state",
        "-q",
        "1",
        "-r",
        "-m",
        "fine",
        "-D",
        "publish",
        "content-type",
        "text/plain",
        "-D",
        "publish",
        "user-property",
        "site",
        "north",
    ];
    let sent = publish(&house, &cam, "5", &words).await;
    assert!(sent.status.success(), "{sent:?}");
    let words = ["-t", "d/#", "-C", "1", "-F", "%r %t %p %C %P"];
    let child = command("mosquitto_sub", &house, &backend, "5", &words)
        .spawn()
        .unwrap();
    assert_eq!(
        output(child).await,
        "1 d/cam-1/up/state fine text/plain site:north\n"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_clients_are_told_of_refusals() {
    if !installed() {
        return;
    }
    let house = House::open().await;
    let (cam, backend) = (house.device("cam-1"), house.service("backend"));
    let refused = publish(
        &house,
        &cam,
        "5",
        &["-t", "d/cam-2/up/t", "-q", "1", "-m", "x"],
    )
    .await;
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("Not authorized"),
        "{refused:?}"
    );
    let refused = publish(
        &house,
        &cam,
        "5",
        &["-t", "d/cam-1/up/t", "-m", "x", "-i", "cam-2"],
    )
    .await;
    assert!(!refused.status.success());
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("Client Identifier not valid"),
        "{refused:?}"
    );
    let child = subscribe(&house, &backend, "5", &["-t", "d/#", "-d"]).await;
    house.cut(&backend);
    let said = output(child).await;
    assert!(said.contains("Received DISCONNECT (135)"), "{said}");
    let refused = publish(&house, &backend, "5", &["-t", "a", "-m", "x"]).await;
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("Not authorized"), "{said}");
}
