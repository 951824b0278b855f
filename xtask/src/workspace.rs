//! The workspace as Cargo sees it: where it lies, its crates, and who depends on whom.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The folder of the workspace's `Cargo.toml`.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// A call of the Cargo that runs this program, from the workspace's root.
pub(crate) fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root()).args(arguments);
    command
}

/// What `cargo metadata` says, with the dependencies of this platform resolved.
pub(crate) fn metadata() -> Result<Value> {
    let output = cargo(["metadata", "--format-version=1", "--filter-platform"])
        .arg(host()?)
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cargo does not start")?;
    ensure!(output.status.success(), "cargo metadata failed");
    serde_json::from_slice(&output.stdout).context("cargo metadata is no JSON")
}

/// The target triple that this machine builds for when nothing else is said.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output()?;
    let text = String::from_utf8(output.stdout)?;
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.context("rustc -vV names no host")?.to_owned())
}

/// Where builds and logs go.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let output = cargo(["metadata", "--format-version=1", "--no-deps"]).output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let path = metadata["target_directory"].as_str();
    Ok(path
        .context("cargo metadata names no target directory")?
        .into())
}

/// One crate of the workspace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Crate {
    /// The package's name.
    pub(crate) name: String,
    /// Its folder below `crates/`, such as `base/time`; `xtask` for this one.
    pub(crate) place: String,
    /// The workspace's crates that it uses.
    pub(crate) arrows: Vec<Arrow>,
    /// Crates from elsewhere that come along, directly or not, when it is built.
    pub(crate) foreign: BTreeSet<String>,
}

/// One crate of the workspace uses another.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arrow {
    /// The place of the crate that is used.
    pub(crate) to: String,
    /// Whether only tests, examples and benchmarks use it.
    pub(crate) use_: Use,
}

/// What a dependency serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// The crate itself or its build script.
    Normal,
    /// Its tests, examples and benchmarks.
    Tests,
}

impl Crate {
    /// The folder on disk.
    pub(crate) fn folder(&self) -> PathBuf {
        let parent = if self.place == "xtask" { "" } else { "crates" };
        root().join(parent).join(&self.place)
    }

    /// The first part of the place: `base`, `hub`, ...
    pub(crate) fn layer(&self) -> &str {
        self.place.split('/').next().unwrap_or(&self.place)
    }
}

/// The workspace's crates, read from `cargo metadata`.
pub(crate) fn crates(metadata: &Value) -> Result<Vec<Crate>> {
    let packages = metadata["packages"].as_array().context("no packages")?;
    let root = metadata["workspace_root"].as_str().context("no root")?;
    let ours = packages
        .iter()
        .filter(|package| package["source"].is_null());
    ours.map(|package| {
        Ok(Crate {
            name: text(package, "name")?.to_owned(),
            place: place(root, text(package, "manifest_path")?)?,
            arrows: arrows(root, package)?,
            foreign: foreign(metadata, text(package, "id")?),
        })
    })
    .collect()
}

fn arrows(root: &str, package: &Value) -> Result<Vec<Arrow>> {
    let all = package["dependencies"].as_array().context("no list")?;
    let ours = all.iter().filter_map(|dependency| {
        let path = dependency["path"].as_str()?;
        let use_ = match dependency["kind"].as_str() {
            Some("dev") => Use::Tests,
            _ => Use::Normal,
        };
        Some((path, use_))
    });
    ours.map(|(path, use_)| {
        let to = place(root, &format!("{path}/Cargo.toml"))?;
        Ok(Arrow { to, use_ })
    })
    .collect()
}

/// `base/time` for `<root>/crates/base/time/Cargo.toml`.
fn place(root: &str, manifest: &str) -> Result<String> {
    let folder = manifest
        .strip_prefix(root)
        .and_then(|path| path.strip_suffix("/Cargo.toml"))
        .with_context(|| format!("{manifest} lies outside the workspace"))?
        .trim_start_matches('/');
    Ok(folder.strip_prefix("crates/").unwrap_or(folder).to_owned())
}

/// The names of all foreign packages that building `id` brings, tests left out.
fn foreign(metadata: &Value, id: &str) -> BTreeSet<String> {
    let empty = Vec::new();
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap_or(&empty);
    let packages = metadata["packages"].as_array().unwrap_or(&empty);
    let (mut names, mut seen, mut open) = (BTreeSet::new(), BTreeSet::new(), vec![id]);
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let package = packages.iter().find(|package| package["id"] == id);
        if let Some(package) = package.filter(|package| !package["source"].is_null()) {
            names.extend(package["name"].as_str().map(str::to_owned));
        }
        let node = nodes.iter().find(|node| node["id"] == id);
        let used = node
            .and_then(|node| node["deps"].as_array())
            .unwrap_or(&empty);
        open.extend(
            used.iter()
                .filter(|used| built(used))
                .filter_map(|used| used["pkg"].as_str()),
        );
    }
    names
}

/// Whether a resolved dependency is linked into what is built: neither a test's nor a build script's.
fn built(used: &Value) -> bool {
    let empty = Vec::new();
    let kinds = used["dep_kinds"].as_array().unwrap_or(&empty);
    kinds.iter().any(|kind| kind["kind"].is_null())
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value[key]
        .as_str()
        .with_context(|| format!("a package without {key}"))
}
