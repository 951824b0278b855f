//! A PKCS#11 token in software, in a folder of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Said, program};

pub(crate) const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const PIN: &str = "839215";

pub(crate) struct SoftHsm {
    folder: PathBuf,
}

impl SoftHsm {
    /// One token, called `ca`, below `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        let hsm = Self {
            folder: folder.join("hsm"),
        };
        fs::create_dir_all(hsm.tokens()).unwrap();
        let conf = format!("directories.tokendir = {}\n", hsm.tokens().display());
        fs::write(hsm.folder.join("softhsm2.conf"), conf).unwrap();
        fs::write(hsm.pin(), format!("{PIN}\n")).unwrap();
        fs::set_permissions(hsm.pin(), fs::Permissions::from_mode(0o600)).unwrap();
        let mut make = program("softhsm2-util");
        make.args(["--init-token", "--free", "--label", "ca"]);
        make.args(["--pin", PIN, "--so-pin", "12345678"]);
        Said::of(hsm.at(&mut make)).ok();
        hsm
    }

    /// Lets `command` reach the token.
    pub(crate) fn at<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("SOFTHSM2_CONF", self.folder.join("softhsm2.conf"))
    }

    pub(crate) fn uri(&self, object: &str) -> String {
        let pin = self.pin().display().to_string();
        format!("pkcs11:token=ca;object={object}?module-path={MODULE}&pin-source={pin}")
    }

    /// What `pkcs11-tool` says, logged in.
    pub(crate) fn tool(&self, words: &[&str]) -> Said {
        let mut tool = program("pkcs11-tool");
        tool.args([
            "--module",
            MODULE,
            "--login",
            "--pin",
            PIN,
            "--token-label",
            "ca",
        ]);
        Said::of(self.at(tool.args(words)))
    }

    /// Takes the token away, as somebody does who unplugs it.
    pub(crate) fn unplug(&self) {
        fs::rename(self.tokens(), self.folder.join("unplugged")).unwrap();
        fs::create_dir(self.tokens()).unwrap();
    }

    pub(crate) fn plug_in(&self) {
        fs::remove_dir(self.tokens()).unwrap();
        fs::rename(self.folder.join("unplugged"), self.tokens()).unwrap();
    }

    fn tokens(&self) -> PathBuf {
        self.folder.join("tokens")
    }

    pub(crate) fn pin(&self) -> PathBuf {
        self.folder.join("pin")
    }
}
