//! Where the sealing key may come from, as an operator names it: `--seal-key SOURCE`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Where the sealing key comes from. Printed and parsed as on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `FILE` or `file:FILE`: a key file, made when it is not there.
    KeyFile(PathBuf),
    /// `passphrase:FILE`: stretched from the passphrase in a file.
    Passphrase(PathBuf),
    /// `credential:NAME`: a key file that systemd hands over in `$CREDENTIALS_DIRECTORY`.
    Credential(CredentialName),
    /// `tpm` or `tpm:sha256:7,11`: sealed by this machine's TPM 2.0, bound to the PCRs when some are named.
    Tpm(Option<PcrSelection>),
}

/// A systemd credential's name: 1 to 255 characters, no path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialName(String);

/// Platform configuration registers of one bank, in ascending order: `sha256:7,11`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PcrSelection {
    bank: &'static str,
    /// Registers 0 to 23, one bit each.
    registers: u32,
}

/// Why a text names no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadSource {
    /// An unknown word before the colon, or nothing behind it.
    #[error(
        "{0:?} is no source of the sealing key: write FILE, passphrase:FILE, credential:NAME, tpm or tpm:sha256:7"
    )]
    Kind(String),
    /// A credential's name with a path in it, or too long.
    #[error("{0:?} is no name of a credential")]
    Credential(String),
    /// Not a bank and registers from 0 to 23.
    #[error("{0:?} names no PCRs: write a bank and registers from 0 to 23, like sha256:7,11")]
    Pcrs(String),
}

impl FromStr for Source {
    type Err = BadSource;

    fn from_str(text: &str) -> Result<Self, BadSource> {
        let unknown = || BadSource::Kind(text.to_owned());
        let (kind, rest) = match text.split_once(':') {
            // A colon behind a slash belongs to a file's name.
            Some((kind, rest)) if !kind.contains('/') => (kind, rest),
            Some(_) | None if text == "tpm" => return Ok(Self::Tpm(None)),
            Some(_) | None => ("file", text),
        };
        if rest.is_empty() {
            return Err(unknown());
        }
        match kind {
            "file" => Ok(Self::KeyFile(rest.into())),
            "passphrase" => Ok(Self::Passphrase(rest.into())),
            "credential" => rest.parse().map(Self::Credential),
            "tpm" => rest.parse().map(|pcrs| Self::Tpm(Some(pcrs))),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyFile(path) => write!(f, "file:{}", path.display()),
            Self::Passphrase(path) => write!(f, "passphrase:{}", path.display()),
            Self::Credential(name) => write!(f, "credential:{}", name.0),
            Self::Tpm(None) => f.write_str("tpm"),
            Self::Tpm(Some(pcrs)) => write!(f, "tpm:{pcrs}"),
        }
    }
}

impl CredentialName {
    /// Where systemd put it.
    pub(crate) fn path(&self, directory: &Path) -> PathBuf {
        directory.join(&self.0)
    }
}

impl FromStr for CredentialName {
    type Err = BadSource;

    fn from_str(text: &str) -> Result<Self, BadSource> {
        let named = (1..=255).contains(&text.len())
            && !matches!(text, "." | "..")
            && !text.contains(|c: char| c == '/' || c == ':' || c.is_control());
        named
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| BadSource::Credential(text.to_owned()))
    }
}

impl FromStr for PcrSelection {
    type Err = BadSource;

    fn from_str(text: &str) -> Result<Self, BadSource> {
        let wrong = || BadSource::Pcrs(text.to_owned());
        let (bank, list) = text.split_once(':').ok_or_else(wrong)?;
        let bank = *BANKS
            .iter()
            .find(|known| **known == bank)
            .ok_or_else(wrong)?;
        let mut registers = 0;
        for number in list.split(',') {
            // `parse` would take a sign, too.
            let digits = number.bytes().all(|byte| byte.is_ascii_digit());
            match number.parse::<u8>() {
                Ok(number @ 0..REGISTERS) if digits => registers |= 1 << number,
                Ok(_) | Err(_) => return Err(wrong()),
            }
        }
        Ok(Self { bank, registers })
    }
}

impl fmt::Display for PcrSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.bank)?;
        let chosen = (0..REGISTERS).filter(|number| self.registers >> number & 1 == 1);
        let mut before = ':';
        for number in chosen {
            write!(f, "{before}{number}")?;
            before = ',';
        }
        Ok(())
    }
}

/// SHA-1 is not offered: who can choose what is measured could make two histories alike.
const BANKS: [&str; 3] = ["sha256", "sha384", "sha512"];
/// TCG PC Client Platform TPM Profile section 4.6: PCR 0 to 23.
const REGISTERS: u8 = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_printed_as_it_is_read() {
        for text in [
            "file:/etc/ironroot/seal.key",
            "passphrase:/etc/ironroot/passphrase",
            "credential:ironroot.seal",
            "tpm",
            "tpm:sha256:7",
            "tpm:sha384:0,7,23",
        ] {
            assert_eq!(text.parse::<Source>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_plain_path_is_a_key_file_even_with_a_colon_in_its_name() {
        for path in ["seal.key", "/keys/a:b", "./tpm"] {
            assert_eq!(path.parse(), Ok(Source::KeyFile(path.into())));
        }
    }

    #[test]
    fn refuses_what_names_no_source() {
        for text in ["", "file:", "vault:x", "passphrase:", "tpm:"] {
            assert_eq!(
                text.parse::<Source>(),
                Err(BadSource::Kind(text.to_owned()))
            );
        }
    }

    #[test]
    fn refuses_a_credential_outside_its_directory() {
        for name in ["../seal.key", "a/b", "..", ".", "a\nb", &"x".repeat(256)] {
            let text = format!("credential:{name}");
            assert!(text.parse::<Source>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn refuses_registers_and_banks_that_a_tpm_does_not_have() {
        for pcrs in [
            "7",
            "sha1:7",
            "sha256:",
            "sha256:24",
            "sha256:+7",
            "sha256:7,",
            "sha256:7 ",
        ] {
            let text = format!("tpm:{pcrs}");
            assert_eq!(
                text.parse::<Source>(),
                Err(BadSource::Pcrs(pcrs.to_owned()))
            );
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic_and_what_it_reads_it_prints() {
        bolero::check!()
            .with_type::<(u8, String)>()
            .for_each(|(kind, rest)| {
                let kinds = [
                    "",
                    "file:",
                    "passphrase:",
                    "credential:",
                    "tpm:",
                    "tpm:sha256:",
                ];
                let kind = kinds[usize::from(*kind) % kinds.len()];
                if let Ok(source) = format!("{kind}{rest}").parse::<Source>() {
                    assert_eq!(source.to_string().parse(), Ok(source));
                }
            });
    }
}
