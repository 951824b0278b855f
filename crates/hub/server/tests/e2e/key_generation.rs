//! Keys made by the hub (RFC 7030 section 4.4), with curl and openssl: handed out once, encrypted when that was
//! asked for, and kept nowhere.

use std::fs;
use std::path::PathBuf;

use der::asn1::{Any, SetOfVec};
use der::{Decode, Encode, Tag};
use x509_cert::attr::Attribute;
use x509_cert::request::CertReq;

use crate::rig::{Answer, Hub, Identity, openssl};

const METER: &str = "name = \"meter\"\nevidence = \"none\"\nserver_keys = [\"p256\", \"p384\"]\n\
     [topics]\npublish = [\"d/{device}/up/#\"]";

fn hub() -> Hub {
    let mut hub = Hub::start();
    hub.stop();
    hub.profile("meter", METER);
    hub.starts();
    hub
}

/// The content of the two parts, and the media type of the first.
fn parts(answer: &Answer) -> (String, String, String) {
    assert_eq!(answer.status, 200, "{answer:?}");
    let media_type = answer.header("content-type");
    let boundary = media_type.split_once("multipart/mixed; boundary=");
    let boundary = format!("--{}", boundary.unwrap().1);
    let parts: Vec<_> = answer.body.split(&boundary).collect();
    let [_, key, certificate, end] = parts.as_slice() else {
        panic!("{answer:?}");
    };
    assert_eq!(end.trim(), "--");
    let content = |part: &str| {
        let (head, content) = part.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("Content-Transfer-Encoding: base64"), "{head}");
        (head.to_owned(), format!("{}\n", content.trim_end()))
    };
    let (certificate_type, certificate) = content(certificate);
    assert!(certificate_type.contains("smime-type=certs-only"));
    let (key_type, key) = content(key);
    (key_type, key, certificate)
}

/// The request of a device that has a key which says nothing.
fn asks(hub: &Hub, dummy: &Identity, words: &[&str]) -> Answer {
    let csr = dummy.csr(&format!("/serialNumber={0}/CN={0}", dummy.id));
    hub.curl().est("serverkeygen", &csr).words(words).call()
}

/// Keeps key and certificate of an answer as the device's.
fn takes(device: &Identity, key: &str, certificate: &str) {
    let encoded = device.key().with_extension("b64");
    fs::write(&encoded, key).unwrap();
    let der = device.key().with_extension("der");
    let (from, to) = (encoded.to_str().unwrap(), der.to_str().unwrap());
    openssl(&["base64", "-d", "-in", from, "-out", to]);
    let key = device.key();
    openssl(&[
        "pkey",
        "-inform",
        "DER",
        "-in",
        to,
        "-out",
        key.to_str().unwrap(),
    ]);
    device.take_certificate(certificate);
}

#[test]
fn a_device_that_cannot_make_a_key_gets_one_and_talks_and_renews_with_it() {
    let hub = hub();
    let token = hub.claim_as("meter-1", "meter");
    let dummy = Identity::with_new_key(hub.folder.path(), "dummy").saying("meter-1");
    let answer = asks(&hub, &dummy, &["-u", &format!("meter-1:{token}")]);
    let (media_type, key, certificate) = parts(&answer);
    assert!(media_type.contains("application/pkcs8"), "{media_type}");
    let device = Identity::in_folder(hub.folder.path(), "meter-1");
    takes(&device, &key, &certificate);
    assert_ne!(
        fs::read(dummy.key()).unwrap(),
        fs::read(device.key()).unwrap()
    );
    hub.mosquitto(&device)
        .publishes("d/meter-1/up/t", "21")
        .ok();
    let timeline = hub.ironroot(&["device", "show", "meter-1"]).ok();
    assert!(
        timeline.contains("with a key that the hub made"),
        "{timeline}"
    );

    let (cert, key) = (device.certificate(), device.key());
    let shown = [
        "--cert",
        cert.to_str().unwrap(),
        "--key",
        key.to_str().unwrap(),
    ];
    let answer = asks(&hub, &dummy, &shown);
    let (_, key, certificate) = parts(&answer);
    takes(&device, &key, &certificate);
    hub.mosquitto(&device)
        .publishes("d/meter-1/up/t", "22")
        .ok();
}

#[test]
fn refuses_where_the_profile_does_not_allow_it() {
    let hub = hub();
    let token = hub.claim("cam-1");
    let dummy = Identity::with_new_key(hub.folder.path(), "dummy").saying("cam-1");
    let credentials = format!("cam-1:{token}");
    let cause = "the hub makes no P-256 keys for devices of profile camera";
    hub.refuses((403, cause), || asks(&hub, &dummy, &["-u", &credentials]));
}

#[test]
fn refuses_a_kind_of_key_that_the_profile_does_not_name() {
    let hub = hub();
    let token = hub.claim_as("meter-1", "meter");
    let rsa = Identity::in_folder(hub.folder.path(), "dummy").saying("meter-1");
    openssl(&["genrsa", "-out", rsa.key().to_str().unwrap(), "2048"]);
    let credentials = format!("meter-1:{token}");
    hub.refuses((403, "no RSA keys for devices of profile meter"), || {
        asks(&hub, &rsa, &["-u", &credentials])
    });
}

#[test]
fn refuses_strangers_wrong_tokens_and_other_devices_names() {
    let hub = hub();
    let token = hub.claim_as("meter-1", "meter");
    let dummy = Identity::with_new_key(hub.folder.path(), "dummy").saying("meter-1");
    hub.refuses((401, "without credentials"), || asks(&hub, &dummy, &[]));
    hub.refuses((401, "the token is not the one"), || {
        asks(&hub, &dummy, &["-u", "meter-1:wrong"])
    });
    let other = dummy.saying("meter-2");
    hub.refuses((400, "the applicant is meter-1"), || {
        asks(&hub, &other, &["-u", &format!("meter-1:{token}")])
    });
}

#[test]
fn refuses_a_second_key_on_the_same_token() {
    let hub = hub();
    let token = hub.claim_as("meter-1", "meter");
    let dummy = Identity::with_new_key(hub.folder.path(), "dummy").saying("meter-1");
    let credentials = format!("meter-1:{token}");
    let once = asks(&hub, &dummy, &["-u", &credentials]);
    assert_eq!(once.status, 200, "{once:?}");
    hub.refuses((401, "its claim token was used"), || {
        asks(&hub, &dummy, &["-u", &credentials])
    });
}

/// The device's renewal by a key that the hub makes and encrypts to the key of this identifier.
fn asks_encrypted(hub: &Hub, device: &Identity, identifier: &[u8]) -> Answer {
    let csr: PathBuf = device.renewal();
    let mut request = CertReq::from_der(&fs::read(&csr).unwrap()).unwrap();
    let value = Any::new(Tag::OctetString, identifier).unwrap();
    let attribute = Attribute {
        // AsymmetricDecryptKeyIdentifier (RFC 7030 section 4.4.1.2).
        oid: "1.2.840.113549.1.9.16.2.54".parse().unwrap(),
        values: SetOfVec::try_from(vec![value]).unwrap(),
    };
    request.info.attributes.insert(attribute).unwrap();
    fs::write(&csr, request.to_der().unwrap()).unwrap();
    hub.curl().as_(device).est("serverkeygen", &csr).call()
}

/// The identifier of the key that a device holds, as openssl makes it.
fn identifier(device: &Identity) -> Vec<u8> {
    let (key, public) = (device.key(), device.key().with_extension("spki"));
    let to = [
        "-pubout",
        "-outform",
        "DER",
        "-out",
        public.to_str().unwrap(),
    ];
    openssl(&[&["pkey", "-in", key.to_str().unwrap()], to.as_slice()].concat());
    // The last 65 bytes are the point on the curve.
    let spki = fs::read(&public).unwrap();
    fs::write(&public, &spki[spki.len() - 65..]).unwrap();
    let digest = device.key().with_extension("id");
    let words = ["dgst", "-sha1", "-binary", "-out", digest.to_str().unwrap()];
    openssl(&[words.as_slice(), &[public.to_str().unwrap()]].concat());
    fs::read(digest).unwrap()
}

#[test]
fn a_key_is_encrypted_to_the_key_that_the_device_holds() {
    let hub = hub();
    let device = hub.device_as("meter-1", "meter");
    let answer = asks_encrypted(&hub, &device, &identifier(&device));
    let (media_type, cms, _certificate) = parts(&answer);
    let server_generated = "application/pkcs7-mime; smime-type=server-generated-key";
    assert!(media_type.contains(server_generated), "{media_type}");
    let (file, signed) = (hub.file("key.cms"), hub.file("key.signed"));
    fs::write(
        &file,
        format!("-----BEGIN CMS-----\n{}\n-----END CMS-----\n", cms.trim()),
    )
    .unwrap();
    let key = device.key();
    let with = [
        "-inkey",
        key.to_str().unwrap(),
        "-binary",
        "-out",
        signed.to_str().unwrap(),
    ];
    let from = [
        "cms",
        "-decrypt",
        "-inform",
        "PEM",
        "-in",
        file.to_str().unwrap(),
    ];
    openssl(&[from.as_slice(), &with].concat());
    let inside = openssl(&[
        "asn1parse",
        "-inform",
        "DER",
        "-in",
        signed.to_str().unwrap(),
    ]);
    assert!(inside.contains("2.16.840.1.101.2.1.2.78.5"), "{inside}");
}

#[test]
fn attack_a_key_that_was_to_be_encrypted_never_travels_without() {
    let hub = hub();
    let device = hub.device_as("meter-1", "meter");
    hub.refuses(
        (400, "whose identifier is not that of the certificate"),
        || asks_encrypted(&hub, &device, b"some other key"),
    );
}
