//! `ironroot service`: identities of backend applications.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result as Outcome, ensure};
use clap::{Args, Subcommand};
use ironroot_api::{
    BODY_SIZE_MAX, NewService, PageQuery, ServiceDetail, ServiceIssued, ServiceItem, ServiceRevoked,
};
use ironroot_identity::ServiceName;

use super::{Columns, Part, listed, print_list};
use crate::failure::Failure;
use crate::hub::Hub;
use crate::query::query;
use crate::table::{minute, moment};
use crate::terminal::Terminal;
use crate::{Remote, With, run};

/// Identities of backend applications.
#[derive(Debug, Subcommand)]
pub enum ServiceCommand {
    /// Issue a certificate to a backend application.
    New(With<New>),
    /// List backend applications.
    List(With<List>),
    /// Show one backend application: what it may reach, and what it does.
    Show(With<Show>),
    /// Revoke a backend application's certificates and cut its sessions.
    Revoke(With<Revoke>),
}

impl ServiceCommand {
    pub(crate) fn run_on(self, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        match self {
            Self::New(command) => run(command, terminal),
            Self::List(command) => run(command, terminal),
            Self::Show(command) => run(command, terminal),
            Self::Revoke(command) => run(command, terminal),
        }
    }
}

/// Arguments of `service new`.
#[derive(Debug, Args)]
pub struct New {
    /// The application's name
    name: ServiceName,
    /// Topic filter it may publish to; several are allowed
    #[arg(long, value_name = "FILTER")]
    publish: Vec<String>,
    /// Topic filter it may subscribe to; several are allowed
    #[arg(long, value_name = "FILTER")]
    subscribe: Vec<String>,
    /// PKCS#10 request in PEM; without it the hub makes a key, hands it over once and keeps no copy
    #[arg(long, value_name = "FILE")]
    csr: Option<PathBuf>,
    /// Folder for NAME.pem and NAME.key
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

impl Remote for New {
    fn check(&self) -> Result<(), Failure> {
        if self.publish.is_empty() && self.subscribe.is_empty() {
            let name = &self.name;
            return Err(Failure::Usage(format!(
                "a service that may neither publish nor subscribe is of no use:\n  \
                 ironroot service new {name} --subscribe 'd/+/up/#' --publish 'd/+/down/#'"
            )));
        }
        Ok(())
    }

    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let new = NewService {
            name: self.name.to_string(),
            publish: self.publish,
            subscribe: self.subscribe,
            csr: self.csr.as_deref().map(read_pem).transpose()?,
        };
        if terminal.wants_json() {
            let answer = hub.post::<ServiceIssued>("/services", &new)?;
            return terminal.raw(answer.json.reveal());
        }
        // The files come first: a key that is handed over once must have a place to go.
        let wanted = match new.csr {
            Some(_) => vec![NewFile::create(&self.out, &new.name, "pem", 0o644)?],
            None => vec![
                NewFile::create(&self.out, &new.name, "pem", 0o644)?,
                NewFile::create(&self.out, &new.name, "key", 0o600)?,
            ],
        };
        let issued = hub.post::<ServiceIssued>("/services", &new)?.body;
        let contents = [issued.certificate.as_str()]
            .into_iter()
            .chain(issued.key.as_ref().map(ironroot_api::Secret::reveal));
        for (file, content) in wanted.into_iter().zip(contents) {
            terminal.line(&format!("wrote {}", file.keep(content)?.display()))?;
        }
        let (expires, entry) = (moment(&issued.expires), issued.entry);
        terminal.line(&format!(
            "valid until {expires} UTC (journal entry {entry})"
        ))
    }
}

/// A file that did not exist before, and is gone again unless it is kept.
pub(super) struct NewFile {
    path: PathBuf,
    file: File,
    kept: bool,
}

impl NewFile {
    pub(super) fn create(folder: &Path, name: &str, extension: &str, mode: u32) -> Outcome<Self> {
        let path = folder.join(format!("{name}.{extension}"));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&path);
        let file = file.with_context(|| {
            format!(
                "{} cannot be made: move it away, or name another folder with --out",
                path.display()
            )
        })?;
        let kept = false;
        Ok(Self { path, file, kept })
    }

    pub(super) fn keep(mut self, content: &str) -> Outcome<PathBuf> {
        self.file.write_all(content.as_bytes())?;
        self.file.sync_all()?;
        self.kept = true;
        Ok(self.path.clone())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed is empty.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Reads a PEM file that is to be sent.
pub(crate) fn read_pem(path: &Path) -> Outcome<String> {
    let name = || path.display().to_string();
    let bound = u64::try_from(BODY_SIZE_MAX).unwrap_or(u64::MAX);
    let mut text = String::new();
    let file = File::open(path).with_context(name)?;
    file.take(bound)
        .read_to_string(&mut text)
        .with_context(name)?;
    ensure!(
        text.contains("-----BEGIN "),
        "{} is no PEM file",
        path.display()
    );
    Ok(text)
}

/// Arguments of `service list`.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    part: Part,
}

impl Remote for List {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let part = PageQuery::from(self.part);
        let answer = hub.get(&format!("/services{}", query(&part)))?;
        let columns = Columns {
            headings: [
                "NAME",
                "PUBLISHES",
                "RECEIVES",
                "SESSIONS",
                "STATUS",
                "UNTIL (UTC)",
            ],
            // The sessions.
            unhurried: &[3],
            none: "there is no service; `ironroot service new` makes one",
        };
        print_list(terminal, answer, &columns, |service: ServiceItem| {
            let newest = service.certificates.first();
            let status = newest.map_or("-", |certificate| certificate.status.as_str());
            [
                service.name,
                each(&service.publish),
                each(&service.subscribe),
                service.sessions.to_string(),
                if service.revoked { "revoked" } else { status }.to_owned(),
                newest.map_or_else(String::new, |certificate| minute(&certificate.not_after)),
            ]
        })
    }
}

/// Filters below each other: one that is cut in two is read as another.
fn each(filters: &[String]) -> String {
    match filters {
        [] => "-".to_owned(),
        some => some.join("\n"),
    }
}

/// Arguments of `service show`.
#[derive(Debug, Args)]
pub struct Show {
    /// The application's name
    name: ServiceName,
}

impl Remote for Show {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.get(&format!("/services/{}", self.name))?;
        terminal.answer(answer, |terminal, service: ServiceDetail| {
            print_service(terminal, &service)
        })
    }
}

fn print_service(terminal: &mut Terminal<'_>, service: &ServiceDetail) -> Result<(), Failure> {
    let ServiceDetail {
        item,
        last_seen,
        traffic,
    } = service;
    let seen = last_seen
        .as_deref()
        .map_or_else(|| "not since the hub started".to_owned(), moment);
    for line in [
        item.name.clone(),
        format!("publishes  {}", listed(&item.publish)),
        format!("receives   {}", listed(&item.subscribe)),
        format!("sessions   {}, seen {seen}", item.sessions),
        format!(
            "traffic    {} messages in, {} out, {} refused",
            traffic.messages_in, traffic.messages_out, traffic.refused
        ),
    ] {
        terminal.line(&line)?;
    }
    if item.revoked {
        terminal.line("It is revoked: it connects no more, and its name stays taken.")?;
    }
    for certificate in &item.certificates {
        terminal.line(&format!(
            "certificate {} {}, until {} UTC",
            certificate.serial,
            certificate.status,
            moment(&certificate.not_after)
        ))?;
    }
    Ok(())
}

/// Arguments of `service revoke`.
#[derive(Debug, Args)]
pub struct Revoke {
    /// The application's name
    name: ServiceName,
}

impl Remote for Revoke {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.delete(&format!("/services/{}", self.name))?;
        terminal.answer(answer, |terminal, revoked: ServiceRevoked| {
            terminal.line(&format!(
                "{} is revoked; {} of its sessions were cut (journal entry {})",
                revoked.name, revoked.sessions_cut, revoked.entry
            ))
        })
    }
}
