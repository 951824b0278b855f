//! A TPM 2.0 in software, at a socket of its own.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{Running, Said, program, until};

pub(crate) struct SwTpm {
    folder: TempDir,
    _running: Running,
}

impl SwTpm {
    /// A TPM that nobody used before.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let running = Self::run_in(folder.path());
        Self {
            folder,
            _running: running,
        }
    }

    fn run_in(folder: &Path) -> Running {
        let at = |name: &str| folder.join(name).display().to_string();
        let mut command = program("swtpm");
        command
            .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
            .args(["--tpmstate", &format!("dir={}", folder.display())])
            .args(["--server", &format!("type=unixio,path={}", at("tpm"))])
            .args(["--ctrl", &format!("type=unixio,path={}", at("tpm.ctrl"))]);
        let running = Running::start(&mut command);
        until("swtpm listens", || {
            (folder.join("tpm").exists() && folder.join("tpm.ctrl").exists()).then_some(())
        });
        running
    }

    /// Lets `command` reach this TPM.
    pub(crate) fn at<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let socket = self.folder.path().join("tpm");
        command.env("TPM2TOOLS_TCTI", format!("swtpm:path={}", socket.display()))
    }

    /// Extends a PCR, as a change of what was started would.
    pub(crate) fn extend(&self, pcr: u8) {
        let extension = format!("{pcr}:sha256={}", "5a".repeat(32));
        let mut command = program("tpm2_pcrextend");
        Said::of(self.at(command.arg(extension))).ok();
    }
}
