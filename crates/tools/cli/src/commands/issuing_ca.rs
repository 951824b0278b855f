//! `ironroot ca request` and `ca install`: the next issuing CA of a running hub.

use std::path::{Path, PathBuf};

use clap::Args;
use ironroot_api::{CaRequest, IssuingCaInstalled, NewCaRequest, NewIssuingCa};

use super::manufacturer::CaCommand;
use super::service::read_pem;
use crate::Remote;
use crate::failure::Failure;
use crate::hub::Hub;
use crate::table::moment;
use crate::terminal::Terminal;

/// Arguments of `ca request`.
#[derive(Debug, Args)]
pub struct Request {
    /// Where its key is made: sealed (a file under the hub's sealing key), or a token as a PKCS#11 URI,
    /// pkcs11:token=T;object=K?module-path=FILE&pin-source=FILE; when absent as the current one's, and on the same
    /// token under a new name
    #[arg(long, value_name = "sealed|URI")]
    ca_key: Option<String>,
    /// The hub is stopped: work on the files in --data
    #[arg(long, conflicts_with = "hub")]
    stopped: bool,
}

impl Remote for Request {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let new = NewCaRequest {
            ca_key: self.ca_key,
        };
        let answer = hub.post("/ca/requests", &new)?;
        terminal.answer(answer, |terminal, request: CaRequest| {
            terminal.line(request.csr.trim_end())
        })
    }
}

/// Arguments of `ca install`.
#[derive(Debug, Args)]
pub struct Install {
    /// The new CA's certificate and then its root's, PEM, as `ca root sign` writes them
    file: PathBuf,
    /// The hub is stopped: work on the files in --data
    #[arg(long, conflicts_with = "hub")]
    stopped: bool,
}

impl Remote for Install {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let new = NewIssuingCa {
            pem: read_pem(&self.file)?,
        };
        let answer = hub.post("/ca", &new)?;
        terminal.answer(answer, |terminal, installed: IssuingCaInstalled| {
            terminal.line(&format!(
                "issuing CA {} issues from now on, until {} UTC (journal entry {}); give devices the new ca.pem \
                 at leisure: the root in their old one vouches for this hub",
                installed.number,
                moment(&installed.not_after),
                installed.entry
            ))
        })
    }
}

/// What is asked of a hub that is not up, and so is done on its files.
#[derive(Debug)]
pub enum CaOnFiles<'a> {
    /// A request for the certificate of its first CA, or its next.
    Request {
        /// Its data directory.
        data: &'a Path,
        /// Where its key is made, when that is said.
        ca_key: Option<&'a str>,
    },
    /// The certificate.
    Install {
        /// Its data directory.
        data: &'a Path,
        /// The certificate's file.
        file: &'a Path,
    },
}

impl CaCommand {
    /// Whether this is about a hub that is not up.
    pub fn on_files(&self) -> Option<CaOnFiles<'_>> {
        match self {
            Self::Request(request) => {
                let data = request.hub.files(request.what.stopped)?;
                let ca_key = request.what.ca_key.as_deref();
                Some(CaOnFiles::Request { data, ca_key })
            }
            Self::Install(install) => Some(CaOnFiles::Install {
                data: install.hub.files(install.what.stopped)?,
                file: &install.what.file,
            }),
            Self::Manufacturer(_) => None,
        }
    }
}
