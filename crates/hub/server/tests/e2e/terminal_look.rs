//! What the command line looks like at 80 and at 140 columns, over the fleet that the console is looked at with.

use std::process::Stdio;

use ironroot_sim::demo::{Pace, Scene};

use crate::console_look::{fleet, in_folder_of_the_check};
use crate::demonstration::Play;
use crate::rig::{Hub, Place, Running, Terminal};

/// The sizes that are looked at.
const SIZES: [(u16, u16); 2] = [(80, 24), (140, 32)];

#[test]
fn no_list_passes_the_edge_and_no_moment_is_broken() {
    let hub = Hub::start();
    let _sessions = fleet(&hub);
    for size in SIZES {
        for list in [
            "device list",
            "claim list",
            "service list",
            "profile list",
            "certificate list",
            "journal list",
            "session list",
            "token list",
            "view list",
            "status",
        ] {
            let shown = Terminal::start(&hub, size, list).ends();
            let columns = usize::from(size.0);
            assert!(!shown.trim().is_empty(), "{list}");
            for line in shown.lines() {
                let line = line.trim_end();
                assert!(
                    line.chars().count() <= columns,
                    "{list} at {columns}: {line}"
                );
                assert!(!ends_in_half_a_moment(line), "{list} at {columns}: {line}");
            }
        }
    }
}

/// Whether a line ends with a day whose time of day must stand in the next.
fn ends_in_half_a_moment(line: &str) -> bool {
    let last = line.rsplit(' ').next().unwrap_or_default();
    let digits =
        |part: &str, count| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<_> = last.split('-').collect();
    matches!(parts[..], [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2))
}

#[test]
fn top_shows_the_demonstration_at_both_widths() {
    let mut play = Play::at(Pace::times(10_000));
    for scene in [Scene::NormalLife, Scene::AnothersName] {
        play.plays(scene);
    }
    for size in SIZES {
        let top = Terminal::start(&play.hub, size, "top");
        top.shows("! quarantined");
        top.shows("cam-08");
        pictured(&play.hub, &top, size, "top");
        drop(top);
        let list = Terminal::start(&play.hub, size, "device list --limit 12");
        list.ends();
        pictured(&play.hub, &list, size, "device-list");
    }
}

/// Makes a picture of the terminal among those of the README, when they are wanted.
fn pictured(place: &Place, terminal: &Terminal, (columns, _lines): (u16, u16), name: &str) {
    let Some(images) = std::env::var_os("CONSOLE_IMAGES") else {
        return;
    };
    let text = place.file("screen.txt");
    std::fs::write(&text, terminal.colours()).unwrap();
    let mut node = in_folder_of_the_check("terminal.mjs");
    node.arg(&text).arg(columns.to_string());
    node.arg(std::path::Path::new(&images).join(format!("{name}-{columns}.png")));
    node.stdin(Stdio::null());
    assert!(Running::start(&mut node).ends().success());
}
