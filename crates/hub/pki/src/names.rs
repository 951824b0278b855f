//! The names in a certificate or CSR: the subject, and the alternative names.

use std::fmt;
use std::net::IpAddr;

use der::asn1::{Ia5StringRef, ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use der::{Any, Encode, Tag, Tagged};
use x509_cert::TbsCertificate;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;

/// A certificate's or CSR's subject.
#[derive(Clone, Debug)]
pub struct Subject(Name);

/// One subject alternative name (RFC 5280 section 4.2.1.6).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlternativeName {
    /// A URI; ours start with `urn:ironroot:`.
    Uri(String),
    /// A host name.
    Dns(String),
    /// An address.
    Ip(IpAddr),
    /// A mailbox.
    Email(String),
    /// Any other form, as its DER bytes.
    Other(Vec<u8>),
}

impl Subject {
    pub(crate) fn new(name: Name) -> Self {
        Self(name)
    }

    /// The subject in DER.
    ///
    /// # Errors
    /// [`der::Error`] when it is too large to be written, which a parsed subject never is.
    pub fn to_der(&self) -> Result<Vec<u8>, der::Error> {
        self.0.to_der()
    }

    /// The commonName, if there is exactly one and it is text.
    pub fn common_name(&self) -> Option<&str> {
        self.only(COMMON_NAME)
    }

    /// The serialNumber attribute (not the certificate's number), if there is exactly one and it is text.
    pub fn serial_number(&self) -> Option<&str> {
        self.only(SERIAL_NUMBER)
    }

    /// Whether both are the same sequence of attributes with the same values.
    ///
    /// A value may be written as another string type (RFC 5280 section 7.1): a client that copies a
    /// subject often changes `PrintableString` to `UTF8String`. Case and spaces count, unlike there,
    /// because device ids tell them apart.
    pub fn same_as(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.0.0, &other.0.0);
        ours.len() == theirs.len()
            && ours.iter().zip(theirs).all(|(ours, theirs)| {
                ours.0.len() == theirs.0.len()
                    && ours
                        .0
                        .iter()
                        .all(|one| theirs.0.iter().any(|another| same_value(one, another)))
            })
    }

    fn only(&self, oid: ObjectIdentifier) -> Option<&str> {
        let mut found = self
            .0
            .0
            .iter()
            .flat_map(|names| names.0.iter())
            .filter(|attribute| attribute.oid == oid);
        match (found.next(), found.next()) {
            (Some(only), None) => text(&only.value),
            (Some(_) | None, _) => None,
        }
    }
}

/// Printed as in RFC 4514: `CN=cam-1,SERIALNUMBER=cam-1`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl AlternativeName {
    /// The alternative names of a certificate, sorted; none if it has no such extension.
    ///
    /// # Errors
    /// [`der::Error`] when the extension is malformed or stands there twice.
    pub(crate) fn of_certificate(tbs: &TbsCertificate) -> Result<Vec<Self>, der::Error> {
        match tbs.get()? {
            None => Ok(Vec::new()),
            Some((_critical, extension)) => Self::all(&extension),
        }
    }

    /// The names in a `SubjectAltName` extension, sorted.
    ///
    /// # Errors
    /// [`der::Error`] when an address has neither 4 nor 16 bytes.
    pub(crate) fn all(extension: &SubjectAltName) -> Result<Vec<Self>, der::Error> {
        let mut names = extension
            .0
            .iter()
            .map(Self::read)
            .collect::<Result<Vec<_>, _>>()?;
        names.sort();
        Ok(names)
    }

    fn read(name: &GeneralName) -> Result<Self, der::Error> {
        Ok(match name {
            GeneralName::UniformResourceIdentifier(uri) => Self::Uri(uri.as_str().to_owned()),
            GeneralName::DnsName(host) => Self::Dns(host.as_str().to_owned()),
            GeneralName::Rfc822Name(mailbox) => Self::Email(mailbox.as_str().to_owned()),
            GeneralName::IpAddress(octets) => Self::Ip(address(octets.as_bytes())?),
            GeneralName::OtherName(_)
            | GeneralName::DirectoryName(_)
            | GeneralName::EdiPartyName(_)
            | GeneralName::RegisteredId(_) => Self::Other(name.to_der()?),
        })
    }
}

/// Printed as OpenSSL does: `URI:urn:ironroot:device:cam-1`, `DNS:localhost`.
impl fmt::Display for AlternativeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uri(uri) => write!(f, "URI:{uri}"),
            Self::Dns(host) => write!(f, "DNS:{host}"),
            Self::Ip(address) => write!(f, "IP:{address}"),
            Self::Email(mailbox) => write!(f, "email:{mailbox}"),
            Self::Other(der) => write!(f, "other:{}", hex::encode(der)),
        }
    }
}

fn same_value(one: &AttributeTypeAndValue, another: &AttributeTypeAndValue) -> bool {
    one.oid == another.oid
        && match (text(&one.value), text(&another.value)) {
            (Some(one), Some(another)) => one == another,
            (Some(_) | None, _) => one.value == another.value,
        }
}

/// An attribute's value, if it is one of the string types in use.
pub(crate) fn text(value: &Any) -> Option<&str> {
    match value.tag() {
        Tag::Utf8String => Utf8StringRef::try_from(value).ok().map(|t| t.as_str()),
        Tag::PrintableString => PrintableStringRef::try_from(value).ok().map(|t| t.as_str()),
        Tag::Ia5String => Ia5StringRef::try_from(value).ok().map(|t| t.as_str()),
        _ => None,
    }
}

fn address(octets: &[u8]) -> Result<IpAddr, der::Error> {
    match (<[u8; 4]>::try_from(octets), <[u8; 16]>::try_from(octets)) {
        (Ok(four), _) => Ok(four.into()),
        (_, Ok(sixteen)) => Ok(sixteen.into()),
        (Err(_), Err(_)) => Err(Tag::OctetString.length_error()),
    }
}

/// id-at-commonName (RFC 5280 appendix A.1).
pub(crate) const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
/// id-at-serialNumber (RFC 5280 appendix A.1).
pub(crate) const SERIAL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.5");
