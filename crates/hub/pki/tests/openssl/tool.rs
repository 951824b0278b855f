//! Runs the `openssl` program in a folder of its own.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use ironroot_pki::CertificateDer;
use ironroot_pki::pem::certificate_pem;
use tempfile::TempDir;

/// A folder in which `openssl` runs.
pub(crate) struct OpenSsl(TempDir);

/// What it said.
pub(crate) struct Said {
    pub(crate) success: bool,
    /// Standard output and standard error.
    pub(crate) text: String,
}

impl OpenSsl {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn write_pem(&self, name: &str, certificates: &[&CertificateDer<'_>]) {
        self.write(
            name,
            certificates
                .iter()
                .map(|der| certificate_pem(der))
                .collect::<String>(),
        );
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Runs it with the words of `arguments`, none of which may hold a space, and with the settings
    /// in `openssl.cnf` if that was written.
    pub(crate) fn run(&self, arguments: &str) -> Said {
        let mut command = Command::new("openssl");
        command
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        if self.path("openssl.cnf").exists() {
            command.env("OPENSSL_CONF", self.path("openssl.cnf"));
        }
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        Said {
            success: output.status.success(),
            text: String::from_utf8_lossy(&text).into_owned(),
        }
    }

    /// Runs it and wants it to succeed.
    pub(crate) fn ok(&self, arguments: &str) -> String {
        let said = self.run(arguments);
        assert!(said.success, "openssl {arguments}: {}", said.text);
        said.text
    }
}
