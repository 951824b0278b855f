//! Further certificates (RFC 7030 section 4.2.2): for the device that asks, or for one behind a registration
//! authority.

use std::sync::Arc;

use ironroot_identity::{CertificateSerial, DeviceId, Principal};
use ironroot_pki::est::{check_reenrolment, named_device};
use ironroot_pki::peer::{PeerCertificate, PeerIdentity};
use ironroot_registry::{Device, DeviceReenrolled, Fact};

use super::{EnrolRefused, Enrolled, Enrolment, Wanted};

impl Enrolment {
    /// Issues a further certificate to a device that shows a good one, or to another device of which it is
    /// the registration authority.
    ///
    /// # Errors
    /// [`EnrolRefused`]; no certificate left the hub.
    pub async fn reenrol(
        &self,
        peer: &PeerCertificate,
        wanted: Wanted<'_>,
    ) -> Result<Enrolled, EnrolRefused> {
        let (asking, with) = device_of(peer)?;
        let asks = self.granted_renewal(asking)?;
        let device = match check_reenrolment(wanted.names(), peer) {
            Ok(()) => asks,
            Err(_other) if peer.is_registration_authority() => {
                self.behind(asking, &asks, wanted)?
            }
            Err(cause) => return Err(EnrolRefused::OtherIdentity(cause)),
        };
        let row = device.row();
        let order = self.order(&row.profile, wanted)?;
        let issued = self.issue(&row.id, &row.profile, &order)?;
        let fact = Fact::from(DeviceReenrolled {
            via: (row.id != *asking).then(|| asking.clone()),
            device: row.id,
            with,
            certificate: issued.fact,
        });
        self.ledger.record(&fact).await?;
        Ok(Enrolled {
            certificate: issued.der,
            key: order.key,
        })
    }

    /// The device that a registration authority asks for (RFC 7030 section 3.7).
    ///
    /// Its certificate says that it is one; for whom, its profile of this moment says, so that the right
    /// ends with the profile and not with the certificate.
    fn behind(
        &self,
        authority: &DeviceId,
        asks: &Device,
        wanted: Wanted<'_>,
    ) -> Result<Arc<Device>, EnrolRefused> {
        let serial = named_device(wanted.names()).map_err(|cause| EnrolRefused::NotNamed {
            authority: authority.clone(),
            cause,
        })?;
        let own = self.profile(&asks.row().profile)?;
        let permitted = &own.profile.registration_authority;
        let device = self.registry.device(serial.as_str());
        if !device.is_some_and(|device| permitted.contains(&device.row().profile)) {
            return Err(EnrolRefused::NotItsDevice {
                authority: authority.clone(),
                serial,
                profile: own.profile.name.clone(),
            });
        }
        if let Wanted::Key(_) = wanted {
            return Err(EnrolRefused::KeyForAnother {
                authority: authority.clone(),
                serial,
            });
        }
        self.granted_renewal(&serial)
    }

    fn granted_renewal(&self, serial: &DeviceId) -> Result<Arc<Device>, EnrolRefused> {
        let device = self.known(serial)?;
        if device.subject().grant().may_renew() {
            return Ok(device);
        }
        Err(EnrolRefused::NotGranted {
            serial: serial.clone(),
            lifecycle: device.lifecycle(),
        })
    }
}

/// Which device shows a certificate of this hub, and the certificate's number.
fn device_of(peer: &PeerCertificate) -> Result<(&DeviceId, CertificateSerial), EnrolRefused> {
    match peer.identity() {
        PeerIdentity::Ours {
            principal: Principal::Device(id),
            serial,
        } => Ok((id, *serial)),
        PeerIdentity::Ours {
            principal: principal @ Principal::Service(_),
            ..
        } => Err(EnrolRefused::NotADevice {
            principal: principal.clone(),
        }),
        PeerIdentity::Manufacturer { .. } => Err(EnrolRefused::NoCertificate),
    }
}
