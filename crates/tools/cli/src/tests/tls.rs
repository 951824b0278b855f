//! A hub elsewhere is asked over TLS, and only if the named CA vouches for it.

use std::sync::Arc;

use rcgen::CertifiedKey;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, Stream};

use super::*;

const STATUS: &str = r#"{"version":"0.1.0","started_at":"2026-11-22T05:00:00Z","devices":0,
    "sessions":0,"store":{"ok":true},"journal":{"entries":1,"checkpoint":null},"degraded":[]}"#;

/// A certificate for `localhost`, in PEM, and a server's settings with it.
fn certificate() -> (String, Arc<ServerConfig>) {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let settings = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    (cert.pem(), Arc::new(settings))
}

/// Asks the status of a hub with `settings`; gives how it went, and what the hub got to see.
fn ask(settings: Arc<ServerConfig>, ca: &str) -> (Ran, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let hub = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut session = ServerConnection::new(settings).unwrap();
        let mut stream = Stream::new(&mut session, &mut socket);
        let (mut seen, mut byte) = (String::new(), [0]);
        while !seen.ends_with("\r\n\r\n") {
            match stream.read(&mut byte) {
                Ok(1) => seen.push(char::from(byte[0])),
                Ok(_) | Err(_) => return seen,
            }
        }
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
        write!(
            stream,
            "{head}\r\nContent-Length: {}\r\n\r\n{STATUS}",
            STATUS.len()
        )
        .unwrap();
        seen
    });
    let session = Session::new();
    session.write("token", "s3cret");
    session.write("ca.pem", ca);
    let address = format!("https://localhost:{port}");
    let (token, ca) = (session.path("token"), session.path("ca.pem"));
    let arguments = [
        "status",
        "--hub",
        &address,
        "--token-file",
        &token,
        "--ca",
        &ca,
    ];
    (session.exact(&arguments), hub.join().unwrap())
}

#[test]
fn asks_a_hub_that_the_named_ca_vouches_for() {
    let (ca, settings) = certificate();
    let (ran, seen) = ask(settings, &ca);
    assert_eq!((ran.code, ran.aside.as_str()), (ExitCode::SUCCESS, ""));
    assert!(
        ran.output
            .contains("journal   1 entries, no checkpoint yet"),
        "{}",
        ran.output
    );
    assert!(seen.contains("Bearer s3cret"));
}

#[test]
fn shows_no_token_to_a_hub_that_another_ca_vouches_for() {
    let ((ca, _), (_, settings)) = (certificate(), certificate());
    let (ran, seen) = ask(settings, &ca);
    assert_eq!((ran.code, seen.as_str()), (ExitCode::from(1), ""));
    assert!(
        ran.aside.contains("not vouched for by the CA named"),
        "{}",
        ran.aside
    );
}

#[test]
fn refuses_a_ca_file_without_a_certificate() {
    let session = Session::new();
    session.write("token", "s3cret");
    session.write("ca.pem", "nothing");
    let (token, ca) = (session.path("token"), session.path("ca.pem"));
    let hub = [
        "status",
        "--hub",
        "https://localhost:1",
        "--token-file",
        &token,
        "--ca",
        &ca,
    ];
    assert_eq!(
        session.exact(&hub).aside,
        "error: the CA file holds no certificate\n"
    );
}
