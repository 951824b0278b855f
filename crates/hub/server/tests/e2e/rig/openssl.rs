//! openssl: keys, requests and certificates by somebody else's hand.

use std::path::{Path, PathBuf};

use super::{Identity, Said, program};

/// `openssl …`; it must succeed. Gives what it printed.
pub(crate) fn openssl(words: &[&str]) -> String {
    Said::of(program("openssl").args(words)).ok()
}

/// A path as a word of a command line.
pub(crate) fn word(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A CA that is not the hub's: a device maker's, or a stranger's.
pub(crate) struct MakersCa {
    folder: PathBuf,
    name: String,
}

impl MakersCa {
    pub(crate) fn new(folder: &Path, name: &str) -> Self {
        let ca = Self {
            folder: folder.to_owned(),
            name: name.to_owned(),
        };
        let subject = format!("/O={name}/CN={name} CA");
        let new_key = [
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ];
        let files =
            ["-keyout", word(&ca.key()), "-out", word(&ca.certificate())].map(str::to_owned);
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let what = ["req", "-x509", "-days", "30", "-subj", &subject];
        openssl(&[what.as_slice(), &new_key, &files].concat());
        ca
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.join(format!("{}-ca.pem", self.name))
    }

    fn key(&self) -> PathBuf {
        self.folder.join(format!("{}-ca.key", self.name))
    }

    /// An IDevID: the device's serial number in the subject (IEEE 802.1AR section 8.6).
    pub(crate) fn issue(&self, to: &Identity, serial_number: &str) {
        self.certify(to, serial_number, "");
    }

    /// A certificate that looks like one that the hub issues to the device.
    pub(crate) fn forge(&self, to: &Identity, device: &str) {
        let names = format!("subjectAltName=URI:urn:ironroot:device:{device}\n");
        self.certify(to, device, &names);
    }

    fn certify(&self, to: &Identity, serial_number: &str, names: &str) {
        let extensions = self.folder.join(format!("{}.ext", self.name));
        let usage = "keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n";
        std::fs::write(&extensions, format!("{usage}{names}")).unwrap();
        let csr = to.csr(&format!("/serialNumber={serial_number}"));
        let (ca, key, certificate) = (self.certificate(), self.key(), to.certificate());
        let authority = ["-CA", word(&ca), "-CAkey", word(&key), "-CAcreateserial"];
        let request = [
            "-in",
            word(&csr),
            "-inform",
            "DER",
            "-extfile",
            word(&extensions),
        ];
        let to = ["-days", "30", "-out", word(&certificate)];
        openssl(&[["x509", "-req"].as_slice(), &authority, &request, &to].concat());
    }
}
