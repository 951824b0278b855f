//! Certificates made to pass for somebody else's. Each gets no further than the handshake.

use std::slice;

use ironroot_identity::Principal;
use ironroot_pki::CertificateDer;
use ironroot_pki::peer::{PeerCertificate, PeerRefused};
use ironroot_pki::tls::{DoorTls, ManufacturerCa, Manufacturers, TrustAnchors};
use rcgen::{CertifiedIssuer, ExtendedKeyUsagePurpose, Issuer, KeyPair, SerialNumber};

use crate::doors::Doors;
use crate::fixture::{
    ForeignCa, Hub, NOW, ca_params, foreign_ca, foreign_peer, idevid, params, server, service, uri,
};
use crate::tool::OpenSsl;

const CAM: &str = "urn:ironroot:device:cam-1";

/// What `hub`, which knows the manufacturer `acme`, makes of a chain at the device port.
fn identify(
    hub: &Hub,
    acme: &ForeignCa,
    chain: &[CertificateDer<'static>],
) -> Result<PeerCertificate, PeerRefused> {
    let acme = ManufacturerCa {
        label: "Acme".to_owned(),
        certificate: acme.der().clone(),
    };
    let anchors = TrustAnchors::new(&hub.authority, &[acme]).unwrap();
    anchors.identify(&chain[0], &chain[1..], Manufacturers::Accepted, NOW)
}

/// Parameters of a certificate that looks like one of the hub's to the last byte but the signature.
fn forged() -> rcgen::CertificateParams {
    let mut params = idevid("cam-1");
    params.subject_alt_names = vec![uri(CAM)];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.serial_number = Some(SerialNumber::from_slice(&[0x47; 16]));
    params
}

/// The commonName of the hub's issuing CA.
fn issuing_name(hub: &Hub) -> String {
    let facts =
        ironroot_pki::facts::CertificateFacts::read(hub.authority.current().certificate()).unwrap();
    facts.subject.strip_prefix("CN=").unwrap().to_owned()
}

#[test]
fn attack_a_service_with_a_devices_name_does_not_pass_for_the_device() {
    let (hub, acme) = (Hub::new(), foreign_ca("Acme"));
    let service = hub.peer(&service("cam-1")).certificate;
    let peer = identify(&hub, &acme, &[service]).unwrap();
    let device = Principal::Device("cam-1".parse().unwrap());
    assert_ne!(peer.principal(), Some(&device));
    assert_eq!(
        peer.principal().unwrap().urn(),
        "urn:ironroot:service:cam-1"
    );
}

#[test]
fn attack_a_manufacturers_certificate_with_our_urn_does_not_become_a_principal() {
    let acme = foreign_ca("Acme");
    let doors = Doors::new(&[("Acme", &acme)]);
    let forged = foreign_peer(&acme, &forged());
    let door = DoorTls::device(&doors.parts).unwrap();
    doors.meet(&door, Some(&forged), "").refused_with(48);
    assert!(matches!(
        identify(&doors.hub, &acme, &[forged.certificate]),
        Err(PeerRefused::Path(webpki::Error::UnknownIssuer))
    ));
}

#[test]
fn attack_our_urn_in_capitals_is_no_way_around() {
    let (hub, acme) = (Hub::new(), foreign_ca("Acme"));
    let mut shouting = forged();
    shouting.subject_alt_names = vec![uri("URN:IRONROOT:DEVICE:cam-1")];
    let shouting = foreign_peer(&acme, &shouting).certificate;
    assert!(matches!(
        identify(&hub, &acme, &[shouting]),
        Err(PeerRefused::Path(webpki::Error::UnknownIssuer))
    ));
}

#[test]
fn attack_a_manufacturers_intermediate_named_like_our_issuing_ca() {
    let acme = foreign_ca("Acme");
    let doors = Doors::new(&[("Acme", &acme)]);
    let false_issuer = CertifiedIssuer::signed_by(
        ca_params(&issuing_name(&doors.hub)),
        KeyPair::generate().unwrap(),
        &acme,
    )
    .unwrap();
    let forged = foreign_peer(&false_issuer, &forged());
    let chain = [forged.certificate.clone(), false_issuer.der().clone()];
    assert!(matches!(
        identify(&doors.hub, &acme, &chain),
        Err(PeerRefused::Path(_))
    ));

    let openssl = OpenSsl::new();
    openssl.write_pem("leaf.pem", &[&forged.certificate]);
    openssl.write_pem("chain.pem", &[false_issuer.der()]);
    openssl.write("key.pem", &forged.key_pem);
    let door = DoorTls::device(&doors.parts).unwrap();
    let words = "-cert leaf.pem -key key.pem -cert_chain chain.pem";
    let met = doors.meet_from(&openssl, &door, words);
    assert!(met.outcome.is_err() && !met.client.text.contains("welcome"));
}

#[test]
fn attack_a_manufacturer_named_like_our_issuing_ca() {
    let hub = Hub::new();
    let acme = foreign_ca(&issuing_name(&hub));
    let forged = foreign_peer(&acme, &forged()).certificate;
    assert!(matches!(
        identify(&hub, &acme, &[forged]),
        Err(PeerRefused::Path(_))
    ));
}

#[test]
fn attack_a_device_that_issues_certificates() {
    let (hub, acme) = (Hub::new(), foreign_ca("Acme"));
    let cam = hub.device("cam-1");
    let key = KeyPair::from_pem(&cam.key_pem).unwrap();
    // The device's certificate names its subject by serialNumber and commonName.
    let issuer = Issuer::new(idevid_of_hub("cam-1"), key);
    let mut victim = forged();
    victim.subject_alt_names = vec![uri("urn:ironroot:device:cam-2")];
    let victim = victim
        .signed_by(&KeyPair::generate().unwrap(), &issuer)
        .unwrap();
    let chain = [
        victim.into(),
        cam.certificate,
        hub.authority.current().certificate().clone(),
    ];
    let refused = identify(&hub, &acme, &chain).unwrap_err();
    assert!(
        matches!(refused, PeerRefused::Path(webpki::Error::EndEntityUsedAsCa)),
        "{refused:?}"
    );
}

/// The subject that the hub gives a device.
fn idevid_of_hub(id: &str) -> rcgen::CertificateParams {
    let mut params = params(id);
    let mut subject = rcgen::DistinguishedName::new();
    let printable = rcgen::string::PrintableString::try_from(id).unwrap();
    subject.push(
        rcgen::DnType::CustomDnType(vec![2, 5, 4, 5]),
        rcgen::DnValue::PrintableString(printable),
    );
    subject.push(rcgen::DnType::CommonName, id);
    params.distinguished_name = subject;
    params
}

#[test]
fn attack_the_hubs_own_server_certificate_as_a_client() {
    let (hub, acme) = (Hub::new(), foreign_ca("Acme"));
    let server = hub.peer(&server(&["localhost"])).certificate;
    let refused = identify(&hub, &acme, &[server]).unwrap_err();
    assert!(matches!(
        refused,
        PeerRefused::Path(webpki::Error::RequiredEkuNotFoundContext(_))
    ));
}

#[test]
fn attack_the_issuing_ca_itself_as_a_client() {
    let (hub, acme) = (Hub::new(), foreign_ca("Acme"));
    for ca in [
        hub.authority.current().certificate(),
        hub.authority.current().root(),
        acme.der(),
    ] {
        assert!(identify(&hub, &acme, slice::from_ref(ca)).is_err());
    }
}

#[test]
fn attack_one_byte_of_the_name_changed() {
    let (hub, acme) = (Hub::new(), foreign_ca("Acme"));
    let mut der = hub.device("cam-1").certificate.to_vec();
    let at = der
        .windows(CAM.len())
        .position(|window| window == CAM.as_bytes())
        .unwrap();
    der[at + CAM.len() - 1] = b'2';
    assert!(matches!(
        identify(&hub, &acme, &[der.into()]),
        Err(PeerRefused::Path(
            webpki::Error::InvalidSignatureForPublicKey
        ))
    ));
}

#[test]
fn refuses_a_trust_anchor_that_is_no_ca() {
    let hub = Hub::new();
    let leaf = hub.device("cam-1").certificate;
    for certificate in [leaf, CertificateDer::from(b"no certificate".to_vec())] {
        let ca = ManufacturerCa {
            label: "Acme".to_owned(),
            certificate,
        };
        let refused = TrustAnchors::new(&hub.authority, &[ca]).unwrap_err();
        assert!(refused.to_string().contains("Acme"));
    }
}
