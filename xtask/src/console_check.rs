//! `cargo xtask console-check`: looks at the console's pages in a browser, and takes pictures of them.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail, ensure};

use crate::{deps, workspace};

/// `cargo xtask console-check [page ...] [--images]`.
///
/// Pictures of the pages named, or of all, go to `target/console`; with `--images` those of the README, of the
/// demonstration's scenes and of the terminal are taken anew in `docs/images`. What is looked at stands in
/// `crates/hub/console/check/pages.mjs`.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    deps::install()?;
    let (options, pages): (Vec<_>, Vec<_>) = arguments
        .iter()
        .partition(|argument| argument.starts_with("--"));
    let test = ["test", "--package", "ironroot-server", "--test", "e2e"];
    let images = workspace::root().join("docs/images");
    let wants_images = options.iter().any(|option| *option == "--images");
    if wants_images {
        deps::install_packages(&["fonts-inter", "pngquant"])?;
    }
    let mut command = workspace::cargo(test);
    command.args(["--", "--nocapture", "console_look", "terminal_look"]);
    command.env("CONSOLE_ALL", "yes");
    command.env("CONSOLE_SHOTS", workspace::target_dir()?.join("console"));
    for option in options {
        match option.as_str() {
            "--images" => command.env("CONSOLE_IMAGES", &images),
            other => bail!("{other} is no option: there is --images alone"),
        };
    }
    if !pages.is_empty() {
        let pages: Vec<_> = pages.into_iter().map(String::as_str).collect();
        command.env("CONSOLE_ONLY", pages.join(","));
    }
    let seen = command.status()?.success();
    if seen && wants_images {
        shrink(&images)?;
    }
    println!(
        "pictures are in {}",
        workspace::target_dir()?.join("console").display()
    );
    Ok(if seen {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Takes from the pictures the colours that nobody sees: a third of their size stays.
fn shrink(folder: &Path) -> Result<()> {
    let mut command = Command::new("pngquant");
    command.args(["--quality", "80-98", "--strip", "--skip-if-larger"]);
    command.args(["--ext", ".png", "--force"]);
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        if path.extension().is_some_and(|end| end == "png") {
            command.arg(path);
        }
    }
    // 98 and 99: a picture that would not get smaller, or not look the same, stays as it is.
    let code = command.status()?.code();
    ensure!(matches!(code, Some(0 | 98 | 99)), "pngquant failed");
    Ok(())
}
