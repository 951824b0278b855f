//! What each kind of certificate looks like, and how one is issued.

use std::time::Duration;

use aws_lc_rs::digest;
use ironroot_identity::{
    CaNumber, CertificateSerial, DeviceId, Fingerprint, Principal, ServiceName,
};
use ironroot_pkcs11::{TokenKey, TokenRefused};
use ironroot_time::UnixTime;
use rcgen::string::{Ia5String, PrintableString};
use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue,
    ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType, SerialNumber,
};
use rustls::pki_types::{CertificateDer, ServerName};

use super::{Authority, BACKDATING, IssuingCa, PkiUrls};
use crate::key::PublicKey;
use crate::pem::certificate_pem;

/// The kind of a certificate and the name in it. Each kind has usages and a namespace of its own, so
/// that one never passes for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateProfile {
    /// A device's operational identity (LDevID, IEEE 802.1AR section 6).
    Device(DeviceId),
    /// The same for a device that may renew the certificates of others (RFC 7030 section 3.7).
    RegistrationAuthority(DeviceId),
    /// A backend application.
    Service(ServiceName),
    /// A door of the hub, under at least one host name or address.
    Server(Vec<ServerName<'static>>),
    /// An OCSP responder that speaks for the CA (RFC 6960 section 4.2.2.2).
    OcspResponder,
}

/// One certificate to be issued.
#[derive(Clone, Debug)]
pub struct Issuance<'a> {
    /// Kind and name.
    pub profile: &'a CertificateProfile,
    /// The key that it certifies; from a CSR nothing else is taken.
    pub public_key: &'a PublicKey,
    /// The certificate's number; journalled before the certificate leaves.
    pub serial: CertificateSerial,
    /// The present moment; `notBefore` lies an hour before it.
    pub now: UnixTime,
    /// When it is to end; the issuing CA's own end comes first if it is nearer.
    pub not_after: UnixTime,
    /// Where to ask about it.
    pub urls: &'a PkiUrls,
}

/// A certificate that was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedCertificate {
    /// The certificate itself.
    pub der: CertificateDer<'static>,
    /// Its number.
    pub serial: CertificateSerial,
    /// The issuing CA that signed it.
    pub ca: CaNumber,
    /// SHA-256 of it.
    pub fingerprint: Fingerprint,
    /// When it begins, in whole seconds.
    pub not_before: UnixTime,
    /// When it ends, in whole seconds.
    pub not_after: UnixTime,
}

/// Why no certificate is issued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssueRefused {
    /// It would end before it begins to be useful.
    #[error("the certificate would have ended at {not_after}, and it is {now}")]
    Ended {
        /// When it would end.
        not_after: UnixTime,
        /// The present moment.
        now: UnixTime,
    },
    /// A server certificate without a name, or with one that is neither host name nor address.
    #[error("a server certificate needs at least one name, and each a host name or address")]
    Nameless,
    /// The token that keeps the issuing CA's key is away.
    #[error("the issuing CA's token does not sign")]
    KeyAway(#[source] TokenRefused),
    /// A name or the signature could not be written.
    #[error("the certificate could not be written")]
    Writing(#[from] rcgen::Error),
    /// An address could not be written.
    #[error("the certificate's addresses could not be written")]
    Addresses(#[from] der::Error),
}

impl Authority {
    /// Issues one certificate with the current issuing CA.
    ///
    /// # Errors
    /// [`IssueRefused`] when it would have ended already, or a server has no name.
    pub fn issue(&self, issuance: &Issuance<'_>) -> Result<IssuedCertificate, IssueRefused> {
        self.current().issue(issuance)
    }
}

impl IssuingCa {
    /// Issues one certificate. Takes `&self`, so that many threads may issue at once.
    ///
    /// # Errors
    /// [`IssueRefused`] when it would have ended already, or a server has no name.
    pub fn issue(&self, issuance: &Issuance<'_>) -> Result<IssuedCertificate, IssueRefused> {
        let Issuance { now, urls, .. } = *issuance;
        let not_before = whole_seconds(now.minus(BACKDATING));
        let not_after = whole_seconds(issuance.not_after.min(self.not_after()).min(END_OF_TIME));
        if not_after <= now {
            return Err(IssueRefused::Ended { not_after, now });
        }

        let mut params = profile_params(issuance.profile)?;
        params.serial_number = Some(SerialNumber::from_slice(issuance.serial.as_bytes()));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        urls.write(self.number(), &mut params)?;
        set_validity(&mut params, not_before, not_after);

        let signed = params.signed_by(issuance.public_key, &self.issuer);
        let der: CertificateDer<'static> = signed.map_err(|cause| self.refusal(cause))?.into();
        Ok(IssuedCertificate {
            serial: issuance.serial,
            ca: self.number(),
            fingerprint: fingerprint(&der),
            der,
            not_before,
            not_after,
        })
    }
}

impl IssuingCa {
    /// A key on a token knows more about its failure than the error that comes through the certificate.
    fn refusal(&self, cause: rcgen::Error) -> IssueRefused {
        match self.key().token().and_then(TokenKey::away) {
            Some(away) => IssueRefused::KeyAway(away),
            None => cause.into(),
        }
    }
}

impl IssuedCertificate {
    /// The certificate in PEM.
    pub fn pem(&self) -> String {
        certificate_pem(&self.der)
    }
}

/// Names and usages of a profile: what tells the kinds of certificate apart.
fn profile_params(profile: &CertificateProfile) -> Result<CertificateParams, IssueRefused> {
    let mut params = CertificateParams::default();
    let mut subject = DistinguishedName::new();
    match profile {
        CertificateProfile::Device(id) | CertificateProfile::RegistrationAuthority(id) => {
            subject.push(serial_number_type(), serial_number_value(id));
            subject.push(DnType::CommonName, id.as_str());
            params.subject_alt_names = vec![urn(&Principal::Device(id.clone()))?];
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            if matches!(profile, CertificateProfile::RegistrationAuthority(_)) {
                params.extended_key_usages.push(cmc_ra());
            }
        }
        CertificateProfile::Service(name) => {
            subject.push(DnType::CommonName, name.as_str());
            params.subject_alt_names = vec![urn(&Principal::Service(name.clone()))?];
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }
        CertificateProfile::Server(names) if names.is_empty() => {
            return Err(IssueRefused::Nameless);
        }
        CertificateProfile::Server(names) => {
            subject.push(DnType::CommonName, "Ironroot server");
            params.subject_alt_names = names.iter().map(server_name).collect::<Result<_, _>>()?;
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        }
        CertificateProfile::OcspResponder => {
            subject.push(DnType::CommonName, "Ironroot OCSP responder");
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
            let no_check = CustomExtension::from_oid_content(OCSP_NO_CHECK, vec![5, 0]);
            params.custom_extensions = vec![no_check];
        }
    }
    params.distinguished_name = subject;
    Ok(params)
}

fn urn(principal: &Principal) -> Result<SanType, rcgen::Error> {
    Ok(SanType::URI(Ia5String::try_from(principal.urn())?))
}

fn server_name(name: &ServerName<'static>) -> Result<SanType, IssueRefused> {
    match name {
        ServerName::DnsName(host) => Ok(SanType::DnsName(host.as_ref().try_into()?)),
        ServerName::IpAddress(address) => Ok(SanType::IpAddress((*address).into())),
        _ => Err(IssueRefused::Nameless),
    }
}

/// id-kp-cmcRA (RFC 6402 section 2.10).
fn cmc_ra() -> ExtendedKeyUsagePurpose {
    ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 5, 5, 7, 3, 28])
}

fn serial_number_type() -> DnType {
    DnType::CustomDnType(vec![2, 5, 4, 5])
}

/// A `PrintableString`, as RFC 5280 appendix A.1 asks for; an id with `_`, which that type lacks, in UTF-8.
fn serial_number_value(id: &DeviceId) -> DnValue {
    match PrintableString::try_from(id.as_str()) {
        Ok(printable) => DnValue::PrintableString(printable),
        Err(_) => DnValue::Utf8String(id.as_str().to_owned()),
    }
}

/// Writes the validity, which has whole seconds and ends with the year 9999 (RFC 5280 section 4.1.2.5).
pub(super) fn set_validity(
    params: &mut CertificateParams,
    not_before: UnixTime,
    not_after: UnixTime,
) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(not_before.min(END_OF_TIME).as_s());
    params.not_after = epoch + Duration::from_secs(not_after.min(END_OF_TIME).as_s());
}

fn whole_seconds(time: UnixTime) -> UnixTime {
    UnixTime::from_s(time.as_s())
}

/// SHA-256 of a certificate.
pub fn fingerprint(certificate: &[u8]) -> Fingerprint {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, certificate).as_ref());
    Fingerprint(bytes)
}

/// id-pkix-ocsp-nocheck with its NULL: nobody asks about a responder that lives for days (RFC 6960
/// section 4.2.2.2.1).
const OCSP_NO_CHECK: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 48, 1, 5];
/// 9999-12-31T23:59:59Z.
const END_OF_TIME: UnixTime = UnixTime::from_s(253_402_300_799);
