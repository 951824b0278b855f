//! TLS to the database: the server is who the CA says, or nothing is told to it.
#![cfg(test)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ironroot_store_postgres::{OpenError, PostgresStore, Settings};
use ironroot_suites::Parts;
use ironroot_testkit::Postgres;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// A CA of its own in `folder`, and a certificate of it for `localhost`.
fn certificates(folder: &Path) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    fs::write(
        folder.join("ca.pem"),
        ca.self_signed(&ca_key).unwrap().pem(),
    )
    .unwrap();
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let server = server.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
    fs::write(folder.join("server.pem"), server.pem()).unwrap();
    fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
    fs::set_permissions(folder.join("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
}

fn open(url: &str) -> Result<PostgresStore, OpenError> {
    let parts = Parts::default();
    let settings = Settings::new(url.parse().unwrap());
    PostgresStore::open(&settings, parts.clock, parts.projection, parts.follower)
}

/// What stood in the way, with all its causes.
fn refused(url: &str) -> String {
    let error = open(url).unwrap_err();
    let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

#[test]
fn the_database_is_checked_by_its_ca_and_by_its_name_and_asks_for_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    certificates(&path);
    let rules = "local all all trust\nhostssl all all all scram-sha-256\n";
    fs::write(path.join("hba.conf"), rules).unwrap();
    fs::set_permissions(path.join("hba.conf"), fs::Permissions::from_mode(0o644)).unwrap();
    let named = |option: &str, file: &str| format!("{option}={}", path.join(file).display());
    let options = [
        "ssl=on".to_owned(),
        named("ssl_cert_file", "server.pem"),
        named("ssl_key_file", "server.key"),
        named("hba_file", "hba.conf"),
    ];
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let server = Postgres::with(folder, &options);
    let place = server.new_store();
    server.sql(&place, "ALTER ROLE ironroot PASSWORD 'correct horse'");
    let passwords = path.join("pgpass");
    fs::write(&passwords, "localhost:*:*:*:correct horse\n").unwrap();
    fs::set_permissions(&passwords, fs::Permissions::from_mode(0o600)).unwrap();

    let at = |host: &str| Postgres::over_tcp(&place, host, server.port());
    let passfile = format!("passfile={}", passwords.display());
    let root = |ca: &Path| format!("sslmode=verify-full&sslrootcert={}", ca.display());
    let ours = root(&path.join("ca.pem"));
    let good = format!("{}&{ours}&{passfile}", at("localhost"));
    let store = open(&good).unwrap();
    let tls = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE application_name = 'ironroot'";
    assert_eq!(server.sql(&place, tls), "t");
    drop(store);

    let elsewhere = tempfile::tempdir().unwrap();
    certificates(elsewhere.path());
    let theirs = root(&elsewhere.path().join("ca.pem"));
    let other_ca = refused(&format!("{}&{theirs}&{passfile}", at("localhost")));
    assert!(other_ca.contains("invalid peer certificate"), "{other_ca}");
    fs::write(&passwords, "*:*:*:*:correct horse\n").unwrap();
    let other_name = refused(&format!("{}&{ours}&{passfile}", at("127.0.0.1")));
    assert!(other_name.contains("not valid for name"), "{other_name}");
    fs::write(&passwords, "*:*:*:*:wrong\n").unwrap();
    assert!(refused(&good).contains("password authentication failed"));
}
