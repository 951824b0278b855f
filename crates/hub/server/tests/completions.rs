//! What `ironroot completions` and `ironroot man` print, taken by the programs that it is for.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

const IRONROOT: &str = env!("CARGO_BIN_EXE_ironroot");

/// What `ironroot` prints.
fn prints(words: &[&str]) -> String {
    let output = Command::new(IRONROOT).args(words).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a program makes of `input`.
fn given(program: &mut Command, input: &str) -> Output {
    let streams = program.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = streams.stderr(Stdio::piped()).spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

/// What groff makes of a page, all its warnings on; there must be none.
fn reads(page: &str) -> String {
    let flags = ["-man", "-Tutf8", "-ww", "-rF0", "-P-c", "-P-b", "-P-u"];
    let output = given(Command::new("groff").args(flags), page);
    let warnings = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && warnings.is_empty(), "{warnings}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn bash_takes_the_completions_and_completes_with_them() {
    let mut script = prints(&["completions", "bash"]);
    script += "
complete -p ironroot
COMP_WORDS=(ironroot device qua) COMP_CWORD=2
_ironroot ironroot qua device
echo \"${COMPREPLY[@]}\"
";
    let output = given(Command::new("bash").args(["--norc", "-eu"]), &script);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{said}"
    );
    assert!(said.contains("_ironroot"), "{said}");
    assert!(said.ends_with("\nquarantine\n"), "{said}");
}

#[test]
fn other_shells_get_theirs_and_a_stranger_is_refused() {
    assert!(prints(&["completions", "zsh"]).starts_with("#compdef ironroot\n"));
    assert!(prints(&["completions", "fish"]).contains("complete -c ironroot"));
    let refused = Command::new(IRONROOT).args(["completions", "cmd"]).output();
    assert_eq!(refused.unwrap().status.code(), Some(2));
}

#[test]
fn a_page_of_the_manual_is_read_without_a_warning() {
    let text = reads(&prints(&["man"]));
    for part in [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "SUBCOMMANDS",
        "ironroot-device",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let text = reads(&prints(&["man", "device", "quarantine"]));
    for part in ["ironroot-device-quarantine", "--why", "Data directory"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn every_page_of_the_manual_is_read_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    prints(&["man", "--out", folder.path().to_str().unwrap()]);
    let mut pages = 0;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        reads(&std::fs::read_to_string(file.unwrap().path()).unwrap());
        pages += 1;
    }
    assert!(pages > 40, "{pages} pages");
}

#[test]
fn refuses_a_page_about_no_command_and_names_those_there_are() {
    let refused = Command::new(IRONROOT)
        .args(["man", "device", "bless"])
        .output();
    let refused = refused.unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains("no command bless: list, show, quarantine"),
        "{said}"
    );
}
