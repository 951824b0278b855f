//! A new issuing CA: the request for its certificate, and its way into service.

use std::path::Path;
use std::sync::Arc;

use ironroot_identity::CaNumber;
use ironroot_time::UnixTime;
use rcgen::{CertificateParams, PublicKeyData};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::root::common_name;
use super::{
    Authority, AuthorityError, CaKey, ISSUING_FILE, InService, IssuingCa, KeyPlace, KeyUri,
    fingerprint, keep,
};
use crate::csr;
use crate::custody::{CustodyError, is_there, read_sealed, refuse_existing, remove, write_sealed};
use crate::facts::CertificateFacts;
use crate::pem;
use crate::seal::SealKey;

/// Why a certificate does not make a new issuing CA.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotInstalled {
    /// Nothing was asked for.
    #[error("no certificate was asked for: run `ironroot ca request` first")]
    NotRequested,
    /// The file holds something else.
    #[error(
        "the file must hold two certificates in PEM, the new issuing CA's and then its root's; it holds {count}"
    )]
    Count {
        /// How many it holds.
        count: usize,
    },
    /// It is not what was asked for, or no CA's.
    #[error("the certificate does not serve")]
    Authority(#[from] AuthorityError),
    /// A certificate cannot be read.
    #[error("a certificate cannot be read")]
    Unreadable(#[from] der::Error),
    /// The signature is somebody else's.
    #[error("the issuing CA's certificate is not signed by the root beside it, or that is no root")]
    NotSignedByRoot,
    /// Devices know another root.
    #[error(
        "the certificate is of another root than the hub's: devices that hold the old ca.pem would not know this hub any more"
    )]
    OtherRoot,
    /// It has not begun, or has ended.
    #[error("the certificate is valid from {not_before} to {not_after}, and it is {now}")]
    NotValid {
        /// When it begins.
        not_before: UnixTime,
        /// When it ends.
        not_after: UnixTime,
        /// The present moment.
        now: UnixTime,
    },
}

impl From<CustodyError> for NotInstalled {
    fn from(cause: CustodyError) -> Self {
        Self::Authority(cause.into())
    }
}

impl Authority {
    /// A request for the certificate of the next issuing CA, in PEM. Its key is made where `named` says, else on
    /// `token` unless that names a key in service, else beside the current CA's, and kept in `folder`. Asked for
    /// again, the request is about the same key until that is in service or another place is named.
    ///
    /// # Errors
    /// [`AuthorityError`] when the key cannot be made or kept.
    pub fn request(
        &self,
        folder: &Path,
        seal: &SealKey,
        named: Option<KeyPlace>,
        token: Option<&KeyUri>,
    ) -> Result<String, AuthorityError> {
        let cas = self.issuing_cas();
        let in_service = |key: &CaKey| cas.iter().any(|ca| ca.key().der_bytes() == key.der_bytes());
        let requested = requested_key(folder, seal)?.filter(|key| !in_service(key));
        let place = named.or_else(|| {
            let place = KeyPlace::Token(token?.clone());
            let free = requested.is_none() && cas.iter().all(|ca| ca.key().place() != place);
            free.then_some(place)
        });
        request_at(folder, seal, requested, place, || self.place_beside())
    }

    /// Where the next CA's key is made when no place is named: as the current one's, on its token under a new name.
    fn place_beside(&self) -> KeyPlace {
        let current = self.current();
        match current.key().place() {
            KeyPlace::Sealed => KeyPlace::Sealed,
            KeyPlace::Token(uri) => {
                let next = next_object(uri.object(), current.number().next());
                KeyPlace::Token(uri.with_object(&next))
            }
        }
    }

    /// Checks what the root's keeper sent, and keeps it in `folder` with the key that was requested for. It
    /// issues nothing before [`Authority::put_in_service`].
    ///
    /// # Errors
    /// [`NotInstalled`] says what is wrong with it.
    pub fn keep_next(
        &self,
        folder: &Path,
        seal: &SealKey,
        pem: &str,
        now: UnixTime,
    ) -> Result<IssuingCa, NotInstalled> {
        let current = self.current();
        let next = read_installation(folder, seal, current.number().next(), pem, now)?;
        if next.root() != current.root() {
            return Err(NotInstalled::OtherRoot);
        }
        keep(folder, seal, &next)?;
        Ok(next)
    }

    /// From now on `next` issues, and the one before it does no more.
    pub fn put_in_service(&self, next: IssuingCa) {
        let next = Arc::new(next);
        self.0.rcu(|before| {
            let mut former = vec![before.current.clone()];
            former.extend(before.former.iter().cloned());
            InService {
                current: next.clone(),
                former,
            }
        });
    }

    /// Makes the first CA of a hub from a certificate of a root that lies elsewhere.
    ///
    /// # Errors
    /// [`NotInstalled`] says what is wrong with it.
    pub fn install_first(
        folder: &Path,
        seal: &SealKey,
        pem: &str,
        now: UnixTime,
    ) -> Result<Self, NotInstalled> {
        refuse_existing(&folder.join(ISSUING_FILE))?;
        let first = read_installation(folder, seal, CaNumber::FIRST, pem, now)?;
        keep(folder, seal, &first)?;
        forget_request(folder)?;
        Ok(Self::new(first, Vec::new()))
    }
}

/// The same for a hub that has no CA yet.
///
/// # Errors
/// [`AuthorityError`] when the key cannot be made or kept.
pub fn request_first(
    folder: &Path,
    seal: &SealKey,
    named: Option<KeyPlace>,
) -> Result<String, AuthorityError> {
    refuse_existing(&folder.join(ISSUING_FILE))?;
    let requested = requested_key(folder, seal)?;
    request_at(folder, seal, requested, named, || KeyPlace::Sealed)
}

/// Whether a certificate was asked for that has not come yet.
pub fn is_requested(folder: &Path) -> bool {
    is_there(&folder.join(REQUESTED_FILE))
}

/// Forgets the request, once its key is in service.
///
/// # Errors
/// [`CustodyError`] when the file cannot be removed.
pub fn forget_request(folder: &Path) -> Result<(), CustodyError> {
    remove(&folder.join(REQUESTED_FILE))
}

fn requested_key(folder: &Path, seal: &SealKey) -> Result<Option<CaKey>, AuthorityError> {
    if !is_requested(folder) {
        return Ok(None);
    }
    let kept = read_sealed(&folder.join(REQUESTED_FILE), seal, REQUESTED_CONTEXT)?;
    Ok(Some(CaKey::from_kept(kept.expose())?))
}

/// A request about the key that was requested for, when that lies where it is wanted, and else about a new one.
fn request_at(
    folder: &Path,
    seal: &SealKey,
    requested: Option<CaKey>,
    wanted: Option<KeyPlace>,
    otherwise: impl FnOnce() -> KeyPlace,
) -> Result<String, AuthorityError> {
    if let Some(key) = requested
        && wanted.as_ref().is_none_or(|place| *place == key.place())
    {
        return csr_of(&key);
    }
    let key = wanted.unwrap_or_else(otherwise).make()?;
    let file = folder.join(REQUESTED_FILE);
    write_sealed(&file, seal, REQUESTED_CONTEXT, &key.to_kept()?)?;
    csr_of(&key)
}

/// `issuing-2` after `issuing-1`: the name without its number, and the new CA's.
fn next_object(object: &str, next: CaNumber) -> String {
    let numbered = object.rsplit_once('-').filter(|(_, number)| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    let stem = numbered.map_or(object, |(stem, _)| stem);
    format!("{stem}-{next}")
}

/// PKCS#10 in PEM. Its name follows from the key, so that it stays the same and is nobody else's.
fn csr_of(key: &CaKey) -> Result<String, AuthorityError> {
    let tag = fingerprint(key.der_bytes()).to_string();
    let tag: String = tag.chars().take(8).collect();
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(&format!("Ironroot Issuing CA {tag}"));
    let request = params
        .serialize_request(key)
        .map_err(AuthorityError::Certificate)?;
    Ok(pem::encode("CERTIFICATE REQUEST", request.der()))
}

fn read_installation(
    folder: &Path,
    seal: &SealKey,
    number: CaNumber,
    pem: &str,
    now: UnixTime,
) -> Result<IssuingCa, NotInstalled> {
    let key = requested_key(folder, seal)?.ok_or(NotInstalled::NotRequested)?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .filter_map(Result::ok)
        .collect();
    let [issuing, root] = certificates.as_slice() else {
        let count = certificates.len();
        return Err(NotInstalled::Count { count });
    };
    let signed = csr::is_signed_by(issuing, root)? && csr::is_signed_by(root, root)?;
    if !signed || !CertificateFacts::read(root)?.is_ca {
        return Err(NotInstalled::NotSignedByRoot);
    }
    let ca = IssuingCa::new(number, key, issuing.clone(), root.clone())?;
    let (not_before, not_after) = (ca.not_before(), ca.not_after());
    if now < not_before || now >= not_after {
        return Err(NotInstalled::NotValid {
            not_before,
            not_after,
            now,
        });
    }
    Ok(ca)
}

/// The key of a CA whose certificate was asked for.
const REQUESTED_FILE: &str = "requested-ca.sealed";
const REQUESTED_CONTEXT: &str = "requested-ca";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_key_on_a_token_has_the_name_of_the_one_before_with_a_new_number() {
        let second = CaNumber::FIRST.next();
        for (before, next) in [
            ("issuing-1", "issuing-2"),
            ("issuing", "issuing-2"),
            ("issuing-", "issuing--2"),
            ("hub-7-2025", "hub-7-2"),
            ("plant-a", "plant-a-2"),
        ] {
            assert_eq!(next_object(before, second), next);
        }
    }
}
