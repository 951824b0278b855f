//! Keys made by the hub (RFC 7030 section 4.4), as OpenSSL asks for them, opens them and checks them.

use cms::content_info::ContentInfo;
use der::asn1::{Any, ObjectIdentifier, SetOfVec};
use der::oid::db::rfc5911::ID_SIGNED_DATA;
use der::{Decode, Encode, Tag};
use ironroot_pki::authority::CertificateProfile;
use ironroot_pki::est::{
    BadKeyRequest, ContentCipher, KeyRequest, NotEnveloped, Protection, Recipient, envelope_key,
};
use ironroot_pki::key::{KeyAlgorithm, NewKey, SoftwareKey};
use rustls::crypto::aws_lc_rs::sign::any_ecdsa_type;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use x509_cert::attr::Attribute;
use x509_cert::request::CertReq;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use crate::fixture::Hub;
use crate::tool::OpenSsl;

/// A request by OpenSSL, with further attributes; its signature does not cover them.
fn request(openssl: &OpenSsl, new_key: &str, attributes: &[(&str, Any)]) -> Vec<u8> {
    openssl.ok(&format!(
        "req -new -nodes -newkey {new_key} -keyout dummy.pem -outform DER -out csr.der -subj /serialNumber=cam-1/CN=cam-1"
    ));
    let mut request = CertReq::from_der(&openssl.read("csr.der")).unwrap();
    for (oid, value) in attributes {
        let attribute = Attribute {
            oid: oid.parse().unwrap(),
            values: SetOfVec::try_from(vec![value.clone()]).unwrap(),
        };
        request.info.attributes.insert(attribute).unwrap();
    }
    request.to_der().unwrap()
}

fn octets(bytes: &[u8]) -> Any {
    Any::new(Tag::OctetString, bytes).unwrap()
}

/// `SMIMECapabilities` that name these ciphers.
fn ciphers(oids: &[&str]) -> Any {
    let named: Vec<_> = oids
        .iter()
        .map(|oid| [oid.parse::<ObjectIdentifier>().unwrap()])
        .collect();
    Any::encode_from(&named).unwrap()
}

const P256: &str = "ec -pkeyopt ec_paramgen_curve:P-256";

#[test]
fn the_kind_of_key_is_the_requests_and_its_key_and_signature_say_nothing() {
    let openssl = OpenSsl::new();
    for (words, kind) in [
        (P256, KeyAlgorithm::P256),
        ("ec -pkeyopt ec_paramgen_curve:P-384", KeyAlgorithm::P384),
        ("ed25519", KeyAlgorithm::Ed25519),
        ("rsa:2048", KeyAlgorithm::Rsa),
    ] {
        let mut der = request(&openssl, words, &[]);
        *der.last_mut().unwrap() ^= 1;
        let request = KeyRequest::parse(&der).unwrap();
        assert_eq!(request.algorithm(), kind, "{words}");
        assert_eq!(request.protection(), &Protection::Tls);
        assert_eq!(request.names().subject().serial_number(), Some("cam-1"));
    }
}

#[test]
fn openssl_reads_every_kind_of_key_that_is_made() {
    let openssl = OpenSsl::new();
    for (kind, said) in [
        (KeyAlgorithm::P256, "prime256v1"),
        (KeyAlgorithm::P384, "secp384r1"),
        (KeyAlgorithm::Ed25519, "ED25519"),
    ] {
        let key = NewKey::generate(kind).unwrap();
        openssl.write("key.der", key.pkcs8().expose());
        let text = openssl.ok("pkey -inform DER -in key.der -noout -text");
        assert!(text.contains(said), "{text}");
        openssl.ok("pkey -inform DER -in key.der -pubout -outform DER -out public.der");
        assert_eq!(openssl.read("public.der"), key.public_key().spki_der());
    }
    assert!(NewKey::generate(KeyAlgorithm::Rsa).is_err());
}

const DECRYPT_KEY_ID: &str = "1.2.840.113549.1.9.16.2.37";
const ASYMMETRIC_DECRYPT_KEY_ID: &str = "1.2.840.113549.1.9.16.2.54";
const SMIME_CAPABILITIES: &str = "1.2.840.113549.1.9.15";
const AES_256_CBC: &str = "2.16.840.1.101.3.4.1.42";
const AES_128_CBC: &str = "2.16.840.1.101.3.4.1.2";
const TRIPLE_DES: &str = "1.2.840.113549.3.7";

#[test]
fn a_client_names_its_key_and_its_ciphers_in_its_own_order() {
    let openssl = OpenSsl::new();
    let recipient = (ASYMMETRIC_DECRYPT_KEY_ID, octets(b"my key"));
    for (named, cipher) in [
        (None, ContentCipher::Aes256),
        (Some(vec![AES_256_CBC, AES_128_CBC]), ContentCipher::Aes256),
        (Some(vec![TRIPLE_DES, AES_128_CBC]), ContentCipher::Aes128),
    ] {
        let mut attributes = vec![recipient.clone()];
        attributes.extend(named.map(|oids| (SMIME_CAPABILITIES, ciphers(&oids))));
        let request = KeyRequest::parse(&request(&openssl, P256, &attributes)).unwrap();
        let recipient = b"my key".to_vec();
        let wanted = Protection::Enveloped { recipient, cipher };
        assert_eq!(request.protection(), &wanted);
    }
}

#[test]
fn attack_encryption_that_was_asked_for_is_never_left_out() {
    let openssl = OpenSsl::new();
    let recipient = (ASYMMETRIC_DECRYPT_KEY_ID, octets(b"my key"));
    let capabilities = |oids: &[&str]| (SMIME_CAPABILITIES, ciphers(oids));
    let malformed = |name| BadKeyRequest::Attribute { name };
    for (attributes, refused) in [
        (
            vec![(DECRYPT_KEY_ID, octets(b"ours"))],
            BadKeyRequest::SharedKey,
        ),
        (
            vec![recipient.clone(), (DECRYPT_KEY_ID, octets(b"ours"))],
            BadKeyRequest::SharedKey,
        ),
        (
            vec![capabilities(&[AES_256_CBC])],
            BadKeyRequest::NoRecipient,
        ),
        (
            vec![recipient.clone(), capabilities(&[TRIPLE_DES])],
            BadKeyRequest::NoCipher,
        ),
        (
            vec![recipient.clone(), (SMIME_CAPABILITIES, octets(b"none"))],
            malformed("SMIMECapabilities"),
        ),
        (
            vec![(ASYMMETRIC_DECRYPT_KEY_ID, Any::null())],
            malformed("AsymmetricDecryptKeyIdentifier"),
        ),
        (
            vec![recipient, (ASYMMETRIC_DECRYPT_KEY_ID, octets(b"another"))],
            malformed("AsymmetricDecryptKeyIdentifier"),
        ),
    ] {
        let der = request(&openssl, P256, &attributes);
        assert_eq!(KeyRequest::parse(&der).unwrap_err(), refused);
    }
}

/// The hub's key at its doors, which signs key packages.
fn signer(hub: &Hub) -> CertifiedKey {
    let server = CertificateProfile::Server(vec!["localhost".try_into().unwrap()]);
    let key = SoftwareKey::generate().unwrap();
    let certificate = hub.issue(&server, &key.public_key()).der;
    let pkcs8 = key.to_pkcs8().unwrap().expose().to_vec();
    let key = any_ecdsa_type(&PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8))).unwrap();
    CertifiedKey::new(
        vec![certificate, hub.authority.current().certificate().clone()],
        key,
    )
}

/// SHA-1 of a public key, as openssl makes the identifier of a key (RFC 5280 section 4.2.1.2).
fn identifier(openssl: &OpenSsl) -> Vec<u8> {
    openssl.ok("pkey -in held.pem -pubout -outform DER -out held.der");
    let spki = SubjectPublicKeyInfoOwned::from_der(&openssl.read("held.der")).unwrap();
    openssl.write("held.bits", spki.subject_public_key.raw_bytes());
    openssl.ok("dgst -sha1 -binary -out held.id held.bits");
    openssl.read("held.id")
}

#[test]
fn openssl_decrypts_a_key_with_the_key_it_holds_and_checks_that_the_hub_made_it() {
    let (hub, openssl) = (Hub::new(), OpenSsl::new());
    openssl.write("roots.pem", hub.authority.ca_pem());
    let made = NewKey::generate(KeyAlgorithm::P256).unwrap();
    for (held, cipher) in [
        ("genrsa -out held.pem 2048", ContentCipher::Aes256),
        (
            "ecparam -name prime256v1 -genkey -noout -out held.pem",
            ContentCipher::Aes256,
        ),
        (
            "ecparam -name secp384r1 -genkey -noout -out held.pem",
            ContentCipher::Aes128,
        ),
    ] {
        openssl.ok(held);
        let id = identifier(&openssl);
        let recipient = Recipient::named(&openssl.read("held.der"), &id).unwrap();
        let body = envelope_key(made.pkcs8(), &signer(&hub), &recipient, cipher).unwrap();
        openssl.write("body.b64", &body);
        openssl.ok("base64 -d -in body.b64 -out body.der");
        openssl.ok("cms -decrypt -inform DER -in body.der -inkey held.pem -binary -out signed.der");

        // What was encrypted is a SignedData; openssl wants it in a ContentInfo.
        let signed = ContentInfo {
            content_type: ID_SIGNED_DATA,
            content: Any::from_der(&openssl.read("signed.der")).unwrap(),
        };
        openssl.write("signed.der", signed.to_der().unwrap());
        openssl.ok("cms -verify -inform DER -in signed.der -CAfile roots.pem -purpose sslserver -no_check_time -binary -out package.der");
        let package = Vec::<Any>::from_der(&openssl.read("package.der")).unwrap();
        let [key] = package.as_slice() else {
            panic!("one key: {package:?}");
        };
        assert_eq!(key.to_der().unwrap(), made.pkcs8().expose(), "{held}");
    }
}

#[test]
fn refuses_to_encrypt_to_a_key_that_is_not_the_clients_or_that_nothing_is_encrypted_to() {
    let (hub, openssl) = (Hub::new(), OpenSsl::new());
    let made = NewKey::generate(KeyAlgorithm::P256).unwrap();
    openssl.ok("genpkey -algorithm ed25519 -out held.pem");
    let id = identifier(&openssl);
    let spki = openssl.read("held.der");
    let another = Recipient::named(&spki, b"another's").unwrap_err();
    assert!(matches!(another, NotEnveloped::UnknownRecipient));
    let recipient = Recipient::named(&spki, &id).unwrap();
    let refused = envelope_key(
        made.pkcs8(),
        &signer(&hub),
        &recipient,
        ContentCipher::Aes256,
    );
    assert!(matches!(refused, Err(NotEnveloped::RecipientAlgorithm)));
}
