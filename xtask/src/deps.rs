//! Installs, by apt and by cargo, the programs of others that the tests talk with.

use std::process::{Command, ExitCode, Stdio};

use anyhow::{Result, ensure};

use crate::{process, workspace};

/// Debian package, and which tests want it.
const PEERS: &[(&str, &str)] = &[
    ("mosquitto", "the broker that benchmarks compare with"),
    ("mosquitto-clients", "MQTT clients at our door"),
    (
        "python3-paho-mqtt",
        "an MQTT client that comes back by itself",
    ),
    ("curl", "EST and the API by hand"),
    ("openssl", "certificates, CRL and OCSP read by others"),
    ("swtpm", "a TPM 2.0 in software"),
    ("tpm2-tools", "the programs that the hub drives a TPM with"),
    ("softhsm2", "a PKCS#11 token in software"),
    (
        "opensc",
        "pkcs11-tool and pkcs11-spy: what others see of a token",
    ),
    (
        "p11-kit",
        "a PKCS#11 token behind a process that can be killed",
    ),
    ("p11-kit-modules", "its client"),
    ("postgresql", "the other database that the store runs on"),
    ("faketime", "a device's clock that a test moves"),
    ("util-linux", "a disk of its own, in a namespace of its own"),
    (
        "qemu-user-static",
        "the agent of another processor, emulated",
    ),
    ("haproxy", "a load balancer before the doors"),
    ("prometheus", "promtool, which checks the alert rules"),
    ("systemd", "systemd-analyze, which checks the unit"),
    ("groff", "reads the pages of the manual"),
    ("bsdutils", "script, which makes a terminal"),
    ("tmux", "a terminal whose screen a test can read"),
    ("strace", "what is on disk before an acknowledgement"),
    ("chromium", "the browser that looks at the console"),
    ("nodejs", "runs what drives the browser"),
    ("npm", "installs what drives the browser"),
    ("golang-go", "the foreign verifier of the journal"),
    ("golang-golang-x-mod-dev", "its tlog and note packages"),
];

/// The one peer that Debian lacks: an S3 server that checks signatures. Built once, below the target
/// folder, where the tests look for it.
const S3_SERVER: [&str; 4] = ["s3s-fs", "--version", "0.13.0-alpha.3", "--features=binary"];

/// `cargo xtask deps`.
pub(crate) fn run(_arguments: &[String]) -> Result<ExitCode> {
    install()?;
    Ok(ExitCode::SUCCESS)
}

/// Installs what is missing and says so.
///
/// # Errors
/// When something is missing and cannot be installed.
pub(crate) fn install() -> Result<()> {
    let peers: Vec<&str> = PEERS.iter().map(|(package, _)| *package).collect();
    install_packages(&peers)?;
    install_s3_server()?;
    install_console_check()
}

/// What drives the browser and judges the pages, as the lock file has it; no part of a program.
fn install_console_check() -> Result<()> {
    let folder = workspace::root().join("crates/hub/console/check");
    if folder.join("node_modules/axe-core").exists() {
        return Ok(());
    }
    println!("installing by npm: what looks at the console's pages");
    let mut command = Command::new("npm");
    command.args(["ci", "--no-audit", "--no-fund", "--silent"]);
    let status = command.current_dir(&folder).status()?;
    ensure!(
        status.success(),
        "npm ci failed in {}, and the test of the console's pages needs it",
        folder.display()
    );
    Ok(())
}

fn install_s3_server() -> Result<()> {
    let peers = workspace::target_dir()?.join("peers");
    if peers.join("bin/s3s-fs").exists() {
        return Ok(());
    }
    println!("building an S3 server for the tests, once");
    let mut command = workspace::cargo(["install", "--quiet", "--debug", "--root"]);
    command.arg(&peers).args(S3_SERVER);
    ensure!(
        command.status()?.success(),
        "{command:?} failed, and the tests of S3 need it"
    );
    Ok(())
}

/// Installs those of these packages that are missing, and says so.
///
/// # Errors
/// When something is missing and cannot be installed.
pub(crate) fn install_packages(wanted: &[&str]) -> Result<()> {
    let missing: Vec<&str> = wanted
        .iter()
        .copied()
        .filter(|package| !installed(package))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    ensure!(
        process::exists("apt-get"),
        "there is no apt-get here: install these by hand: {list}"
    );
    println!("installing by apt: {list}");
    let update = apt(&["update", "-q"]);
    let install = apt(&[
        &["install", "-yq", "--no-install-recommends"],
        missing.as_slice(),
    ]
    .concat());
    for mut command in [update, install] {
        let status = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()?;
        ensure!(
            status.success(),
            "apt-get failed; by hand: apt-get install {list}"
        );
    }
    Ok(())
}

fn installed(package: &str) -> bool {
    // Builds of Node.js from elsewhere bring npm along, and exclude Debian's.
    if package == "npm" && process::exists(package) {
        return true;
    }
    let output = Command::new("dpkg-query")
        .args(["--show", "--showformat=${Status}", package])
        .output();
    output.is_ok_and(|output| output.stdout == b"install ok installed")
}

/// apt-get, through sudo where we are not root and sudo asks for no password.
fn apt(arguments: &[&str]) -> Command {
    let user = Command::new("id").arg("-u").output();
    let root = user.is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    let mut command = if root || !process::exists("sudo") {
        Command::new("env")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "env"]);
        sudo
    };
    command
        .args(["DEBIAN_FRONTEND=noninteractive", "apt-get"])
        .args(arguments);
    command
}
