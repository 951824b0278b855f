//! `cargo xtask agent [--target T]`: builds `ironroot-agent` small, for this machine or for a device's processor.
//!
//! Where rustup is, it adds the target's standard library to the compiler that builds everything else. Else Debian's own
//! Rust is taken: it is unpacked below the target folder, so that it gets in nobody's way, and apt knows of the other
//! processor there alone.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};

use crate::{deps, process, workspace};

/// A processor of devices, and what Debian calls it.
struct Target {
    name: &'static str,
    debian: &'static str,
    /// The package of its C compiler, whose program is called the same.
    compiler: &'static str,
    /// What of the compiler's package is needed besides.
    libc: &'static str,
}

const TARGETS: &[Target] = &[
    Target {
        name: "aarch64-unknown-linux-gnu",
        debian: "arm64",
        compiler: "gcc-aarch64-linux-gnu",
        libc: "libc6-dev-arm64-cross",
    },
    Target {
        name: "armv7-unknown-linux-gnueabihf",
        debian: "armhf",
        compiler: "gcc-arm-linux-gnueabihf",
        libc: "libc6-dev-armhf-cross",
    },
];

/// The largest program, in bytes.
const SIZE_MAX: u64 = 6 << 20;

/// `cargo xtask agent`.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let program = match arguments {
        [] => here()?,
        [flag, name] if flag == "--target" => {
            let known = TARGETS.iter().map(|target| target.name).collect::<Vec<_>>();
            let target = TARGETS.iter().find(|target| target.name == name);
            cross(target.with_context(|| format!("--target: one of {}", known.join(", ")))?)?
        }
        _ => bail!("cargo xtask agent [--target T]"),
    };
    let size = fs::metadata(&program)?.len();
    println!("{}: {size} bytes, {SIZE_MAX} at most", program.display());
    Ok(ExitCode::from(u8::from(size > SIZE_MAX)))
}

const BUILD: [&str; 5] = ["build", "--package", "ironroot-agent", "--profile", "agent"];

fn here() -> Result<PathBuf> {
    build(workspace::cargo(BUILD))?;
    Ok(workspace::target_dir()?.join("agent/ironroot-agent"))
}

fn cross(target: &Target) -> Result<PathBuf> {
    deps::install_packages(&[target.compiler, target.libc, "cmake"])?;
    // Apart, so that two compilers do not take turns in one folder.
    let folder = workspace::target_dir()?.join("cross");
    let mut command = if has_library(target)? || rustup_adds(target)? {
        workspace::cargo(BUILD)
    } else {
        let rust = debian_rust(target, &folder.join("debian-rust"))?;
        let mut command = Command::new(rust.join("bin/cargo"));
        command.current_dir(workspace::root()).args(BUILD);
        if !rust.join("usr/lib/rustlib").join(target.name).exists() {
            // No standard library is packaged for it: it is built from its source.
            command
                .env("RUSTC_BOOTSTRAP", "1")
                .arg("-Zbuild-std=std,panic_abort");
        }
        command
    };
    let gcc = target.compiler.replacen("gcc-", "", 1) + "-gcc";
    let underscored = target.name.replace('-', "_");
    command
        .args(["--target", target.name])
        .env("CARGO_TARGET_DIR", &folder)
        .env(format!("CC_{underscored}"), &gcc)
        .env(
            format!("CARGO_TARGET_{}_LINKER", underscored.to_uppercase()),
            &gcc,
        );
    build(command)?;
    Ok(folder.join(target.name).join("agent/ironroot-agent"))
}

fn build(mut command: Command) -> Result<()> {
    ensure!(command.status()?.success(), "{command:?} failed");
    Ok(())
}

/// Whether the compiler that cargo uses has a standard library for the target.
fn has_library(target: &Target) -> Result<bool> {
    let asked = ["--print", "target-libdir", "--target", target.name];
    let output = Command::new("rustc").args(asked).output()?;
    let folder = String::from_utf8(output.stdout)?;
    Ok(output.status.success() && Path::new(folder.trim()).exists())
}

/// Has rustup, if that is here and reaches its server, get the library; whether it did.
fn rustup_adds(target: &Target) -> Result<bool> {
    if !process::exists("rustup") {
        return Ok(false);
    }
    let words = ["target", "add", target.name];
    let added = Command::new("rustup").args(words).status()?.success();
    Ok(added && has_library(target)?)
}

/// Debian's compiler for this machine with, where there is one, its library for the target.
fn debian_rust(target: &Target, folder: &Path) -> Result<PathBuf> {
    let done = folder.join(format!("{}.done", target.debian));
    if done.exists() {
        return Ok(folder.to_owned());
    }
    let apt = Apt::private(target, folder)?;
    let own = [
        "rustc-web",
        "cargo-web",
        "rust-web-src",
        "libstd-rust-web-dev",
    ];
    for package in own {
        apt.unpack(package)?;
    }
    // The name of what the compiler is linked with has its version in it.
    apt.unpack(&apt.depends("libstd-rust-web-dev", "libstd-rust-web-")?)?;
    // Of another version, it would be of no use.
    let version = apt.version("rustc-web")?;
    let for_target = format!("libstd-rust-web-dev:{}={version}", target.debian);
    if let Err(cause) = apt.unpack(&for_target) {
        println!("{for_target} cannot be had, so it is built from source: {cause:#}");
    }
    deps::install_packages(&["libllvm22", "libgit2-1.5", "libssh2-1"])?;
    for program in ["cargo", "rustc", "rustdoc"] {
        wrap(folder, program)?;
    }
    fs::write(done, "")?;
    Ok(folder.to_owned())
}

/// A script that starts one of the unpacked programs with the libraries that lie beside it.
fn wrap(folder: &Path, program: &str) -> Result<()> {
    let (bin, root) = (folder.join("bin"), folder.join("usr"));
    let (bin_is, root_is) = (bin.display(), root.display());
    let script = format!(
        "#!/bin/sh\nexport RUSTC={bin_is}/rustc RUSTDOC={bin_is}/rustdoc\n\
         LD_LIBRARY_PATH={root_is}/lib/x86_64-linux-gnu exec {root_is}/bin/{program} \"$@\"\n"
    );
    fs::create_dir_all(&bin)?;
    let path = bin.join(program);
    fs::write(&path, script)?;
    Ok(fs::set_permissions(
        path,
        fs::Permissions::from_mode(0o755),
    )?)
}

/// apt with lists of its own, in which the target's packages stand as well.
struct Apt {
    folder: PathBuf,
    config: PathBuf,
}

impl Apt {
    fn private(target: &Target, folder: &Path) -> Result<Self> {
        let lists = folder.join("apt").join(target.debian);
        fs::create_dir_all(lists.join("partial"))?;
        let config = folder.join("apt.conf");
        let text = format!(
            "#clear APT::Architectures;\nAPT::Architectures {{ \"amd64\"; \"{}\"; }};\n\
             Dir::State::lists \"{}\";\nAPT::Sandbox::User \"root\";\n",
            target.debian,
            lists.display()
        );
        fs::write(&config, text)?;
        let apt = Self {
            folder: folder.to_owned(),
            config,
        };
        // One list of several that fails is seen where its package is asked for.
        apt.run("apt-get", &["update", "-q"])?;
        Ok(apt)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<std::process::Output> {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("APT_CONFIG", &self.config);
        command
            .output()
            .with_context(|| format!("{program} does not start"))
    }

    /// The package with this beginning that another depends on.
    fn depends(&self, on: &str, beginning: &str) -> Result<String> {
        let output = self.run("apt-cache", &["depends", on])?;
        let text = String::from_utf8(output.stdout)?;
        let found = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Depends: "))
            .find(|name| name.starts_with(beginning));
        Ok(found
            .with_context(|| format!("apt has no {on}"))?
            .to_owned())
    }

    /// The version that would be downloaded.
    fn version(&self, package: &str) -> Result<String> {
        let output = self.run("apt-cache", &["policy", package])?;
        let text = String::from_utf8(output.stdout)?;
        let found = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("Candidate: "));
        Ok(found
            .with_context(|| format!("apt has no {package}"))?
            .to_owned())
    }

    fn unpack(&self, package: &str) -> Result<()> {
        let got = self.run("apt-get", &["download", "-q", package])?;
        ensure!(
            got.status.success(),
            "apt-get download {package}: {}",
            String::from_utf8_lossy(&got.stderr).trim()
        );
        let name = package.split([':', '=']).next().unwrap_or(package);
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let is_package = path.extension().is_some_and(|extension| extension == "deb");
            let is_it = is_package
                && path
                    .file_name()
                    .and_then(|file| file.to_str())
                    .is_some_and(|file| file.starts_with(&format!("{name}_")));
            if is_it {
                let unpacked = Command::new("dpkg-deb")
                    .arg("-x")
                    .arg(&path)
                    .arg(&self.folder)
                    .status()?;
                ensure!(unpacked.success(), "{} cannot be unpacked", path.display());
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}
