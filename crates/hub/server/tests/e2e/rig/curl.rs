//! curl: EST and plain HTTP by somebody else's hand.

use std::path::Path;
use std::process::Command;

use super::openssl::word;
use super::{Identity, Place, Said, program};

/// A call of curl, put together word by word.
pub(crate) struct Curl<'a> {
    place: &'a Place,
    command: Command,
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// 0 when there was no answer at all.
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl<'a> Curl<'a> {
    pub(super) fn new(place: &'a Place) -> Self {
        let mut command = program("curl");
        command.args(["--silent", "--include", "--max-time", "20", "--cacert"]);
        command.arg(place.ca());
        Self { place, command }
    }

    pub(crate) fn words(mut self, words: &[&str]) -> Self {
        self.command.args(words);
        self
    }

    /// Asks for something of EST.
    pub(crate) fn est_get(self, what: &str) -> Self {
        let url = format!("{}/.well-known/est/{what}", self.place.url("device"));
        self.words(&[&url])
    }

    /// Posts a request in DER to EST, in base64 as RFC 8951 wants it.
    pub(crate) fn est(self, what: &str, csr: &Path) -> Self {
        let encoded = csr.with_extension("b64");
        super::openssl(&["base64", "-in", word(csr), "-out", word(&encoded)]);
        self.est_body(what, &encoded)
    }

    /// Posts a file to EST as it is.
    pub(crate) fn est_body(self, what: &str, body: &Path) -> Self {
        let body = format!("@{}", word(body));
        self.words(&[
            "-H",
            "Content-Type: application/pkcs10",
            "--data-binary",
            &body,
        ])
        .est_get(what)
    }

    /// Shows a certificate.
    pub(crate) fn as_(self, who: &Identity) -> Self {
        let (certificate, key) = (who.certificate(), who.key());
        self.words(&["--cert", word(&certificate), "--key", word(&key)])
    }

    pub(crate) fn call(mut self) -> Answer {
        Answer::parse(&Said::of(&mut self.command).out)
    }
}

impl Answer {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        let status = head
            .split(' ')
            .nth(1)
            .map_or(0, |code| code.parse().unwrap());
        match status {
            // 100 Continue comes before the answer.
            100..=199 => Self::parse(body),
            _ => Self {
                status,
                head: head.to_owned(),
                body: body.to_owned(),
            },
        }
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// A field of the head; empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut named = fields.filter(|(field, _)| field.eq_ignore_ascii_case(name));
        named.next().map_or("", |(_, value)| value)
    }

    /// The number under which the hub's log tells why it refused.
    pub(crate) fn reference(&self) -> String {
        let number = self
            .body
            .split("Reference ")
            .nth(1)
            .unwrap_or_else(|| panic!("{self:?}"));
        number.trim_end_matches(['.', '\n']).to_owned()
    }
}
