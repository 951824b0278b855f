//! `ironroot certificate`: every certificate that the hub issued, and the revocation of one.

use clap::{Args, Subcommand, ValueEnum};
use ironroot_api::{
    CertificateItem, CertificateRevoked, NewRevocation, PageQuery, RevocationReason,
};
use ironroot_identity::CertificateSerial;

use super::{Columns, Part, print_list};
use crate::failure::Failure;
use crate::hub::Hub;
use crate::query::query;
use crate::table::minute;
use crate::terminal::Terminal;
use crate::{Remote, With, run};

/// Certificates that the hub issued, and the revocation of one.
#[derive(Debug, Subcommand)]
pub enum CertificateCommand {
    /// List certificates, by serial number.
    List(With<List>),
    /// Revoke one certificate for good, and cut the sessions that live by it.
    Revoke(With<Revoke>),
}

impl CertificateCommand {
    pub(crate) fn run_on(self, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        match self {
            Self::List(command) => run(command, terminal),
            Self::Revoke(command) => run(command, terminal),
        }
    }
}

/// Arguments of `certificate list`.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    part: Part,
}

impl Remote for List {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let part = PageQuery::from(self.part);
        let answer = hub.get(&format!("/certificates{}", query(&part)))?;
        let columns = Columns {
            headings: ["SERIAL", "HOLDER", "CA", "STATUS", "UNTIL (UTC)", "REASON"],
            // The CA and the reason.
            unhurried: &[2, 5],
            none: "the hub has issued no certificate",
        };
        print_list(terminal, answer, &columns, |item: CertificateItem| {
            let holder = format!("{} {}", item.holder_kind, item.holder);
            [
                item.certificate.serial,
                holder.trim_end().to_owned(),
                item.ca,
                item.certificate.status.to_string(),
                minute(&item.certificate.not_after),
                item.reason
                    .map_or_else(String::new, |reason| reason.to_string()),
            ]
        })
    }
}

/// Arguments of `certificate revoke`.
#[derive(Debug, Args)]
pub struct Revoke {
    /// The certificate's serial number, as `certificate list` or openssl prints it
    #[arg(value_parser = serial)]
    serial: CertificateSerial,
    /// Why, as CRLs and OCSP responses tell it
    #[arg(long, value_enum)]
    reason: Reason,
    /// Why in your words, for whoever reads the journal
    #[arg(long, value_name = "TEXT")]
    why: String,
}

/// RFC 5280 section 5.3.1.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Reason {
    /// Somebody else has its key, or may have it
    KeyCompromise,
    /// Its holder belongs to somebody else now
    AffiliationChanged,
    /// Its holder has a newer one
    Superseded,
    /// Its holder's life here has ended
    CessationOfOperation,
    /// Its holder may no longer do what it stands for
    PrivilegeWithdrawn,
}

impl From<Reason> for RevocationReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::KeyCompromise => Self::KeyCompromise,
            Reason::AffiliationChanged => Self::AffiliationChanged,
            Reason::Superseded => Self::Superseded,
            Reason::CessationOfOperation => Self::CessationOfOperation,
            Reason::PrivilegeWithdrawn => Self::PrivilegeWithdrawn,
        }
    }
}

/// Takes `4A:07…` and `4A07…` as well: so openssl prints it.
fn serial(text: &str) -> Result<CertificateSerial, ironroot_identity::BadSerial> {
    text.replace(':', "").to_ascii_lowercase().parse()
}

impl Remote for Revoke {
    fn check(&self) -> Result<(), Failure> {
        if self.why.trim().is_empty() {
            return Err(Failure::Usage(
                "a revocation needs a reason in words, which stands in the journal: --why \"…\""
                    .to_owned(),
            ));
        }
        Ok(())
    }

    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let path = format!("/certificates/{}/revoke", self.serial);
        let new = NewRevocation {
            reason: self.reason.into(),
            why: self.why,
        };
        let answer = hub.post(&path, &new)?;
        terminal.answer(answer, |terminal, revoked: CertificateRevoked| {
            terminal.line(&format!(
                "certificate {} is revoked for good (journal entry {})",
                revoked.serial, revoked.entry
            ))
        })
    }
}
