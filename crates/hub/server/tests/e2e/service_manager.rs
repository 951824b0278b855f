//! The hub under a service manager: what it tells it (`sd_notify(3)`), and the unit that we hand out.

use std::os::unix::net::UnixDatagram;

use crate::rig::{Hub, IRONROOT, LONGEST_WAIT, Said, program, systemd_accepts, unit, up};

#[test]
fn the_hub_says_when_it_is_up_that_it_lives_and_when_it_ends() {
    let mut hub = Hub::unstarted();
    let path = hub.file("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(LONGEST_WAIT)).unwrap();
    let hears = |awaited: &str| {
        let mut message = [0; 64];
        loop {
            let length = manager.recv(&mut message).unwrap();
            match str::from_utf8(&message[..length]).unwrap() {
                said if said == awaited => break,
                said => assert_eq!(said, "WATCHDOG=1", "before {awaited}"),
            }
        }
    };
    let mut command = up(&hub.data);
    command
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "40000");
    hub.starts_as(&mut command);
    hears("READY=1");
    hears("WATCHDOG=1");
    hears("WATCHDOG=1");
    hub.stop();
    hears("STOPPING=1");
}

#[test]
fn refuses_a_service_manager_that_is_not_there() {
    let hub = Hub::unstarted();
    let mut command = up(&hub.data);
    command.env("NOTIFY_SOCKET", hub.file("nobody"));
    let refused = Said::of(&mut command);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("NOTIFY_SOCKET"), "{refused:?}");
}

#[test]
fn the_unit_is_valid_and_leaves_the_hub_little_to_be_misused_for() {
    let hub = Hub::unstarted();
    let installed = "/usr/local/bin/ironroot";
    systemd_accepts(&hub, "ironroot.service", installed, IRONROOT);
}

#[test]
fn the_units_command_line_is_one_that_the_program_takes() {
    let hub = Hub::unstarted();
    let text = unit("ironroot.service");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="));
    let words: Vec<&str> = line.unwrap().split(' ').skip(2).collect();
    let data = ["--data", hub.data.to_str().unwrap()];
    let words = [&["check-settings"], &words[2..], &data].concat();
    Said::of(program(IRONROOT).args(words)).ok();
}
