//! A sealing key that only this machine's TPM 2.0 gives out, by the programs of tpm2-tools.
//!
//! The key is a sealed object below the storage primary (TPM 2.0 Library part 1 section 24), bound to PCRs
//! when some are named. It goes through pipes, and between the programs and the TPM under session
//! encryption (part 1 section 21). Which TPM, the usual `TPM2TOOLS_TCTI` says.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::program::{ProgramFailed, run};
use crate::seal::KEY_LENGTH;
use crate::source::PcrSelection;

/// The sealed object as the TPM wrote it: useless without that TPM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealedObject {
    /// `TPM2B_PUBLIC`, in hexadecimal digits.
    #[serde(with = "hex::serde")]
    public: Vec<u8>,
    /// `TPM2B_PRIVATE`, which the TPM encrypted, in hexadecimal digits.
    #[serde(with = "hex::serde")]
    private: Vec<u8>,
}

/// Why the TPM gives no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TpmRefused {
    /// The PCRs are not what they were.
    #[error(
        "the TPM does not give the sealing key out: {pcrs} are not what they were when it was sealed. If the change was meant (new firmware, for example), undo it, or put a copy of the folder back that another source opens; before the next such change seal it to a key file, and after it to tpm:{pcrs} again"
    )]
    PcrsChanged {
        /// The registers.
        pcrs: PcrSelection,
    },
    /// Another TPM sealed it, or this one was cleared.
    #[error(
        "this TPM did not seal the sealing key, or was cleared since: restore the keys folder with a sealing key that you kept elsewhere"
    )]
    OtherTpm,
    /// A program of tpm2-tools is missing, fails or hangs.
    #[error(
        "the TPM cannot be used: is there one, may this user open it, and is tpm2-tools installed?"
    )]
    Unusable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It gave something else than a key.
    #[error("the TPM gave {found} bytes and not a sealing key")]
    NotAKey {
        /// How many bytes.
        found: usize,
    },
}

impl SealedObject {
    /// Has the TPM seal `key`.
    pub(crate) fn seal(
        key: &[u8; KEY_LENGTH],
        pcrs: Option<&PcrSelection>,
    ) -> Result<Self, TpmRefused> {
        let tpm = Exchange::begin(pcrs, TIME_MAX)?;
        let mut create = vec![
            "-C", PRIMARY, "-g", "sha256", "-i", "-", "-u", PUBLIC, "-r", PRIVATE, "-S", SESSION,
        ];
        if let Some(pcrs) = pcrs {
            // In a trial session of our own: `tpm2_createpolicy` leaves its behind, and the TPM has three.
            let policy = ["-S", SESSION, "-l", &pcrs.to_string(), "-L", POLICY];
            tpm.run("tpm2_startauthsession", &["-S", SESSION], b"")?;
            tpm.run("tpm2_policypcr", &policy, b"")?;
            tpm.run("tpm2_flushcontext", &[SESSION], b"")?;
            create.extend(["-L", POLICY, "-a", "fixedtpm|fixedparent|noda"]);
        } else {
            create.extend(["-a", "fixedtpm|fixedparent|noda|userwithauth"]);
        }
        tpm.session(&["--hmac-session"])?;
        tpm.run("tpm2_create", &create, key)?;
        tpm.run("tpm2_flushcontext", &[SESSION], b"")?;
        Ok(Self {
            public: tpm.read(PUBLIC)?,
            private: tpm.read(PRIVATE)?,
        })
    }

    /// Has the TPM open it.
    pub(crate) fn unseal(
        &self,
        pcrs: Option<&PcrSelection>,
    ) -> Result<Zeroizing<[u8; KEY_LENGTH]>, TpmRefused> {
        let tpm = Exchange::begin(pcrs, TIME_MAX)?;
        tpm.write(PUBLIC, &self.public)?;
        tpm.write(PRIVATE, &self.private)?;
        let load = ["-C", PRIMARY, "-u", PUBLIC, "-r", PRIVATE, "-c", OBJECT];
        tpm.run("tpm2_load", &load, b"")?;
        match pcrs {
            None => tpm.session(&["--hmac-session"])?,
            Some(pcrs) => {
                tpm.session(&["--policy-session"])?;
                let policy = ["-S", SESSION, "-l", &pcrs.to_string()];
                tpm.run("tpm2_policypcr", &policy, b"")?;
            }
        }
        let session = format!("session:{SESSION}");
        let unsealed = tpm.run("tpm2_unseal", &["-c", OBJECT, "-p", &session], b"");
        let ended = tpm.run("tpm2_flushcontext", &[SESSION], b"");
        let bytes = unsealed?;
        ended?;
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        if bytes.len() != KEY_LENGTH {
            return Err(TpmRefused::NotAKey { found: bytes.len() });
        }
        key.copy_from_slice(&bytes);
        Ok(key)
    }
}

/// One exchange with the TPM: a folder for contexts, none of them secret, and a moment when it must be over.
struct Exchange<'a> {
    scratch: TempDir,
    pcrs: Option<&'a PcrSelection>,
    deadline: Instant,
}

impl<'a> Exchange<'a> {
    fn begin(pcrs: Option<&'a PcrSelection>, time_max: Duration) -> Result<Self, TpmRefused> {
        let exchange = Self {
            scratch: tempfile::tempdir().map_err(unusable)?,
            pcrs,
            deadline: Instant::now() + time_max,
        };
        let primary = ["-C", "o", "-g", "sha256", "-G", "ecc", "-c", PRIMARY];
        exchange.run("tpm2_createprimary", &primary, b"")?;
        Ok(exchange)
    }

    /// Starts a session whose key only the TPM can know, and which encrypts what goes over the bus.
    fn session(&self, kind: &[&str]) -> Result<(), TpmRefused> {
        let start = [kind, &["-c", PRIMARY, "-S", SESSION]].concat();
        self.run("tpm2_startauthsession", &start, b"")?;
        let encrypt = ["--enable-encrypt", "--enable-decrypt", SESSION];
        self.run("tpm2_sessionconfig", &encrypt, b"").map(drop)
    }

    /// Runs one of the programs and frees its slot: without a resource manager the TPM has three.
    fn run(
        &self,
        program: &'static str,
        args: &[&str],
        input: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, TpmRefused> {
        let quiet: &[&str] = if QUIET.contains(&program) {
            &["-Q"]
        } else {
            &[]
        };
        let call = |command, input| run(command, self.scratch.path(), input, self.deadline);
        let args = [quiet, args].concat();
        let answer = call((program, &args), input);
        call(("tpm2_flushcontext", &["-t"]), b"").map_err(unusable)?;
        answer.map_err(|failed| self.refusal(failed))
    }

    /// TPM 2.0 Library part 2 section 6.6: `TPM_RC_POLICY_FAIL`, and `TPM_RC_INTEGRITY` of another TPM's object.
    fn refusal(&self, failed: ProgramFailed) -> TpmRefused {
        match (&failed, self.pcrs) {
            (ProgramFailed::Failed { said, .. }, Some(pcrs))
                if said.contains("a policy check failed") =>
            {
                TpmRefused::PcrsChanged { pcrs: pcrs.clone() }
            }
            (ProgramFailed::Failed { said, .. }, _) if said.contains("integrity check failed") => {
                TpmRefused::OtherTpm
            }
            _ => unusable(failed),
        }
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, TpmRefused> {
        fs::read(self.path(name)).map_err(unusable)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), TpmRefused> {
        fs::write(self.path(name), bytes).map_err(unusable)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        Path::new(self.scratch.path()).join(name)
    }
}

fn unusable(cause: impl std::error::Error + Send + Sync + 'static) -> TpmRefused {
    TpmRefused::Unusable(Box::new(cause))
}

/// How long one exchange may take; a slow discrete TPM needs about five seconds.
const TIME_MAX: Duration = Duration::from_secs(30);

const PRIMARY: &str = "primary";
const PUBLIC: &str = "public";
const PRIVATE: &str = "private";
const OBJECT: &str = "object";
const SESSION: &str = "session";
const POLICY: &str = "policy";
const QUIET: [&str; 4] = [
    "tpm2_createprimary",
    "tpm2_create",
    "tpm2_load",
    "tpm2_policypcr",
];
