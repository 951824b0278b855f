//! A key, and perhaps a certificate, as files: what a device or a service holds.

use std::fs;
use std::path::{Path, PathBuf};

use super::openssl::{openssl, word};

/// Whose key and certificate lie at `<name>.key` and `<name>.pem` of a folder.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// Who it says it is: the serial at enrolment, the client id at the MQTT door.
    pub(crate) id: String,
    folder: PathBuf,
    name: String,
}

impl Identity {
    /// One whose files are there, or come later.
    pub(crate) fn in_folder(folder: &Path, id: &str) -> Self {
        Self {
            id: id.to_owned(),
            folder: folder.to_owned(),
            name: id.to_owned(),
        }
    }

    /// The same files, by one who says that it is somebody else.
    pub(crate) fn saying(&self, id: &str) -> Self {
        Self {
            id: id.to_owned(),
            ..self.clone()
        }
    }

    /// A device that has just made its key, P-256.
    pub(crate) fn with_new_key(folder: &Path, id: &str) -> Self {
        let device = Self::in_folder(folder, id);
        let key = [
            "ecparam",
            "-name",
            "prime256v1",
            "-genkey",
            "-noout",
            "-out",
        ];
        openssl(&[key.as_slice(), &[word(&device.key())]].concat());
        device
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.file("key")
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.file("pem")
    }

    fn file(&self, extension: &str) -> PathBuf {
        self.folder.join(format!("{}.{extension}", self.name))
    }

    /// The subject of a simple request.
    pub(crate) fn common_name(&self) -> String {
        format!("/CN={}", self.id)
    }

    /// A certification request in DER for its key.
    pub(crate) fn csr(&self, subject: &str) -> PathBuf {
        self.csr_with(subject, &[])
    }

    /// The request that a renewal takes: with the names of the certificate it replaces (RFC 7030 section
    /// 4.2.2).
    pub(crate) fn renewal(&self) -> PathBuf {
        self.renewal_as(&self.id)
    }

    /// The same, with the names of the device `id`.
    pub(crate) fn renewal_as(&self, id: &str) -> PathBuf {
        let names = format!("subjectAltName=URI:urn:ironroot:device:{id}");
        self.csr_with(&format!("/serialNumber={id}/CN={id}"), &["-addext", &names])
    }

    fn csr_with(&self, subject: &str, more: &[&str]) -> PathBuf {
        let (key, csr) = (self.key(), self.file("csr"));
        let request = ["req", "-new", "-key", word(&key), "-subj", subject];
        let to = ["-outform", "DER", "-out", word(&csr)];
        openssl(&[request.as_slice(), more, &to].concat());
        csr
    }

    /// Keeps the certificate in the body of an EST answer: PKCS#7 in base64.
    pub(crate) fn take_certificate(&self, body: &str) {
        let (pkcs7, certificate) = (self.file("p7"), self.certificate());
        let text = format!("-----BEGIN PKCS7-----\n{body}-----END PKCS7-----\n");
        fs::write(&pkcs7, text).unwrap();
        let from = ["pkcs7", "-print_certs", "-in", word(&pkcs7)];
        openssl(&[from.as_slice(), &["-out", word(&certificate)]].concat());
    }

    /// A copy of its files, so that the next certificate does not overwrite this one.
    pub(crate) fn copied(&self) -> Self {
        let copy = Self {
            name: format!("{}-copy", self.name),
            ..self.clone()
        };
        fs::copy(self.key(), copy.key()).unwrap();
        fs::copy(self.certificate(), copy.certificate()).unwrap();
        copy
    }
}
