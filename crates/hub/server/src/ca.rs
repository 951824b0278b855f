//! `ironroot ca root`, and the CA of a hub that is not up: what is done with files, without a hub.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use ironroot_cli::commands::issuing_ca::CaOnFiles;
use ironroot_custody::files::remove;
use ironroot_custody::folder::{KeysFolder, Sources};
use ironroot_custody::seal::SealKey;
use ironroot_custody::source::Source;
use ironroot_pki::CertificateDer;
use ironroot_pki::authority::{
    Authority, Permit, ROOT_FILE, RootCa, fingerprint, forget_request, request_first,
};
use ironroot_pki::csr::Csr;
use ironroot_pki::est::decode_request;
use ironroot_pki::pem::certificate_pem;
use ironroot_time::{Clock, UnixTime};
use rustls::pki_types::pem::PemObject;

use crate::files::{self, Mode, make_folder};
use crate::keys::KEYS_FOLDER;
use ironroot_machine::{SystemClock, credentials_directory};

/// Commands about CAs that need no hub.
#[derive(Debug, Subcommand)]
pub enum LocalCaCommand {
    /// The root CA, on a machine of its own that needs no network
    #[command(subcommand)]
    Root(RootCommand),
}

/// Commands about the root CA.
#[derive(Debug, Subcommand)]
pub enum RootCommand {
    /// Make a root CA in a folder of its own
    New(New),
    /// Sign a hub's request, and so make its next issuing CA
    Sign(Sign),
    /// Copy the root that a hub made for itself into a folder that can be taken away
    Export(Export),
    /// Remove the root's key from a hub, once it was exported
    Remove(Remove),
}

/// Where a root CA lies, and what opens it.
#[derive(Debug, Args)]
struct RootPlace {
    /// The root's folder: root.pem is public, everything else in it is the root
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// File with the passphrase that the root's key is sealed under
    #[arg(long, value_name = "FILE")]
    passphrase_file: PathBuf,
}

/// Arguments of `ca root new`.
#[derive(Debug, Args)]
pub struct New {
    #[command(flatten)]
    place: RootPlace,
    /// The root's name in every certificate chain
    #[arg(long, value_name = "TEXT", default_value = "Ironroot Root CA")]
    name: String,
}

/// Arguments of `ca root sign`.
#[derive(Debug, Args)]
pub struct Sign {
    /// The request, as `ca request` prints it
    request: PathBuf,
    #[command(flatten)]
    place: RootPlace,
    /// Hold the CA to servers below this name or in this network; several are allowed
    #[arg(long, value_name = "dns:HOST|ip:NETWORK")]
    permit: Vec<Permit>,
    /// File for the certificate and the root's
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Arguments of `ca root export`.
#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    place: RootPlace,
    #[command(flatten)]
    hub: HubPlace,
}

/// Arguments of `ca root remove`.
#[derive(Debug, Args)]
pub struct Remove {
    #[command(flatten)]
    hub: HubPlace,
    /// The root that was exported: its root.pem, to be compared
    #[arg(long, value_name = "FILE")]
    exported: PathBuf,
}

/// A hub that is not up.
#[derive(Debug, Args)]
struct HubPlace {
    /// Data directory of the hub, which must not be up
    #[arg(long, value_name = "DIR", default_value = "./ironroot-data")]
    data: PathBuf,
}

impl LocalCaCommand {
    /// Carries the command out.
    ///
    /// # Errors
    /// What stood in the way of carrying it out.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Self::Root(command) = self;
        match command {
            RootCommand::New(args) => args.run()?,
            RootCommand::Sign(args) => args.run()?,
            RootCommand::Export(args) => args.run()?,
            RootCommand::Remove(args) => args.run()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Carries out what is asked of a hub that is not up.
///
/// # Errors
/// What stood in the way of carrying it out.
#[expect(clippy::print_stdout, reason = "the answer")]
pub fn run_on_files(command: &CaOnFiles<'_>) -> anyhow::Result<ExitCode> {
    let now = SystemClock.now();
    let (CaOnFiles::Request { data, .. } | CaOnFiles::Install { data, .. }) = *command;
    make_folder(data)?;
    let folder = KeysFolder::hold(&data.join(KEYS_FOLDER))?;
    let credentials = credentials_directory();
    let sources = Sources {
        named: None,
        credentials: credentials.as_deref(),
    };
    let seal = folder.make_key(sources, now)?;
    let path = folder.path();
    let authority = Authority::exists(path).then(|| Authority::load(path, &seal));
    let authority = authority.transpose()?;
    match *command {
        CaOnFiles::Request { ca_key, .. } => {
            let place = ca_key.map(str::parse).transpose().context("--ca-key")?;
            let request = match &authority {
                Some(authority) => authority.request(path, &seal, place, None)?,
                None => request_first(path, &seal, place)?,
            };
            print!("{request}");
        }
        CaOnFiles::Install { file, .. } => {
            let pem = text(file)?;
            let Some(authority) = authority else {
                Authority::install_first(path, &seal, &pem, now)?;
                println!(
                    "The hub's CA is installed, and its root is not here. Start the hub: ironroot up"
                );
                return Ok(ExitCode::SUCCESS);
            };
            let next = authority.keep_next(path, &seal, &pem, now)?;
            forget_request(path)?;
            let number = next.number();
            println!(
                "Issuing CA {number} issues from the next start on. Start the hub: ironroot up"
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl New {
    #[expect(clippy::print_stdout, reason = "the answer")]
    fn run(self) -> anyhow::Result<()> {
        let now = SystemClock.now();
        let (folder, seal) = self.place.make(now)?;
        let root = RootCa::new(&self.name, now)?;
        root.keep(folder.path(), &seal)?;
        self.place.write_certificate(root.certificate())?;
        println!("{}", self.place.root_pem().display());
        println!("SHA-256 {}", fingerprint(root.certificate()));
        Ok(())
    }
}

impl Sign {
    #[expect(clippy::print_stdout, reason = "the answer")]
    fn run(self) -> anyhow::Result<()> {
        let csr = decode_request(text(&self.request)?.as_bytes())
            .with_context(|| self.request.display().to_string())?;
        let csr = Csr::parse(&csr).with_context(|| self.request.display().to_string())?;
        let Some(name) = csr.names().subject().common_name() else {
            bail!("{}: the request names nobody", self.request.display());
        };
        ensure!(
            !self.out.exists(),
            "{} is there already: name another file with --out",
            self.out.display()
        );
        let (folder, seal) = self.place.open()?;
        let certificate = self.place.certificate()?;
        let root = RootCa::load(folder.path(), &seal, certificate)?;
        let now = SystemClock.now();
        let issuing = root.certify(name, csr.public_key(), &self.permit, now)?;
        let chain = certificate_pem(&issuing) + &certificate_pem(root.certificate());
        files::write(&self.out, chain.as_bytes(), Mode::Public)?;
        println!("{name}, SHA-256 {}", fingerprint(&issuing));
        println!(
            "Take {} to the hub: ironroot ca install {}",
            self.out.display(),
            self.out.display()
        );
        Ok(())
    }
}

impl Export {
    #[expect(clippy::print_stdout, reason = "the answer")]
    fn run(self) -> anyhow::Result<()> {
        let root = self.hub.root()?;
        let (folder, seal) = self.place.make(SystemClock.now())?;
        root.keep(folder.path(), &seal)?;
        self.place.write_certificate(root.certificate())?;
        let (to, data) = (self.place.folder.display(), self.hub.data.display());
        println!(
            "The root is in {to}. Take the folder away, keep the passphrase elsewhere, and then:"
        );
        println!("  ironroot ca root remove --data {data} --exported {to}/{ROOT_PEM}");
        Ok(())
    }
}

impl Remove {
    #[expect(clippy::print_stdout, reason = "the answer")]
    fn run(self) -> anyhow::Result<()> {
        let root = self.hub.root()?;
        let exported = CertificateDer::from_pem_slice(text(&self.exported)?.as_bytes())?;
        ensure!(
            exported == *root.certificate(),
            "{} is another root: export this one first",
            self.exported.display()
        );
        remove(&self.hub.folder().join(ROOT_FILE))?;
        println!("The root's key is gone from this hub. It issues as before.");
        Ok(())
    }
}

impl RootPlace {
    /// The folder, made if need be, and its sealing key from the passphrase.
    fn make(&self, now: UnixTime) -> anyhow::Result<(KeysFolder, SealKey)> {
        let folder = KeysFolder::hold(&self.folder)?;
        ensure!(
            !self.folder.join(ROOT_FILE).exists(),
            "{} holds a root already",
            self.folder.display()
        );
        let source = Source::Passphrase(self.passphrase_file.clone());
        let seal = folder.make_key(named(&source), now)?;
        Ok((folder, seal))
    }

    fn open(&self) -> anyhow::Result<(KeysFolder, SealKey)> {
        ensure!(
            self.folder.join(ROOT_FILE).exists(),
            "{} holds no root: `ironroot ca root new` makes one",
            self.folder.display()
        );
        let folder = KeysFolder::hold(&self.folder)?;
        let source = Source::Passphrase(self.passphrase_file.clone());
        let seal = folder.open_key(named(&source))?;
        Ok((folder, seal))
    }

    fn root_pem(&self) -> PathBuf {
        self.folder.join(ROOT_PEM)
    }

    fn certificate(&self) -> anyhow::Result<CertificateDer<'static>> {
        let path = self.root_pem();
        CertificateDer::from_pem_slice(text(&path)?.as_bytes())
            .with_context(|| path.display().to_string())
    }

    fn write_certificate(&self, certificate: &CertificateDer<'_>) -> anyhow::Result<()> {
        let pem = certificate_pem(certificate);
        Ok(files::write(
            &self.root_pem(),
            pem.as_bytes(),
            Mode::Public,
        )?)
    }
}

impl HubPlace {
    fn folder(&self) -> PathBuf {
        self.data.join(KEYS_FOLDER)
    }

    /// The root that this hub made for itself.
    fn root(&self) -> anyhow::Result<RootCa> {
        let path = self.folder();
        ensure!(
            path.join(ROOT_FILE).exists(),
            "{} holds no root's key: it was taken away already, or never was there",
            path.display()
        );
        let folder = KeysFolder::hold(&path)?;
        let credentials = credentials_directory();
        let seal = folder.open_key(Sources {
            named: None,
            credentials: credentials.as_deref(),
        })?;
        let authority = Authority::load(&path, &seal)?;
        let certificate = authority.current().root().clone();
        Ok(RootCa::load(&path, &seal, certificate)?)
    }
}

fn named(source: &Source) -> Sources<'_> {
    Sources {
        named: Some(source),
        credentials: None,
    }
}

fn text(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// The root's certificate in its folder.
const ROOT_PEM: &str = "root.pem";
