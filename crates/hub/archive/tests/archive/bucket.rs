//! A bucket of a foreign S3 server that checks every signature (`s3s-fs`, which `cargo xtask deps` installs).

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use ironroot_archive::{ArchiveError, BucketSettings, NoBucket, Objects, Place};
use tempfile::TempDir;

use crate::segments::scene;

const URL: &str = "s3://journal/hub-1/log";

struct Server {
    child: Child,
    folder: TempDir,
    endpoint: String,
    /// Held, so that the server can go on telling.
    _told: Lines<BufReader<ChildStdout>>,
}

impl Server {
    /// A server with one bucket.
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("data/journal")).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut child = Command::new(program())
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .args([
                "--access-key",
                "AKIRONROOT",
                "--secret-key",
                "s3cret-of-the-test",
            ])
            .arg(folder.path().join("data"))
            .env("RUST_LOG", "info")
            .env("NO_COLOR", "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|cause| {
                panic!("{}: {cause}: run `cargo xtask deps`", program().display())
            });
        let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(
            told.by_ref()
                .any(|line| line.unwrap().contains("server is running"))
        );
        Self {
            child,
            folder,
            endpoint: format!("http://127.0.0.1:{port}"),
            _told: told,
        }
    }

    fn settings(&self, secret: &str) -> BucketSettings {
        let file = self.folder.path().join("credentials.toml");
        let text = format!("access_key_id = \"AKIRONROOT\"\nsecret_access_key = \"{secret}\"\n");
        write_private(&file, &text);
        BucketSettings {
            endpoint: self.endpoint.clone(),
            credentials_file: Some(file),
            ..BucketSettings::default()
        }
    }

    fn objects(&self) -> Arc<dyn Objects> {
        let place: Place = URL.parse().unwrap();
        place.open(&self.settings("s3cret-of-the-test")).unwrap()
    }

    fn object(&self, name: &str) -> PathBuf {
        let bucket = self.folder.path().join("data/journal");
        bucket.join("hub-1/log").join(name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Beside the folder that the tests are built in.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).unwrap();
    target.join("peers/bin/s3s-fs")
}

fn write_private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn a_log_is_copied_to_a_bucket_and_read_back() {
    let server = Server::start();
    let scene = scene(700).await;
    let archive = scene.archive_in(server.objects());
    assert_eq!(archive.size().unwrap(), 0);
    assert_eq!(archive.mirror().unwrap(), 700);
    assert_eq!(archive.size().unwrap(), 700);
    let bundle = fs::read(server.object("tile/entries/001")).unwrap();
    assert_eq!(
        bundle,
        fs::read(scene.log.join("tile/entries/001")).unwrap()
    );

    let objects = server.objects();
    let place = objects.place("tile/0/000");
    assert_eq!(place, Path::new("s3://journal/hub-1/log/tile/0/000"));
    let absent = objects.read("tile/0/999", 99).unwrap_err();
    assert_eq!(absent.kind(), std::io::ErrorKind::NotFound);
    let large = objects.read("tile/entries/001", 99).unwrap_err();
    assert_eq!(large.kind(), std::io::ErrorKind::FileTooLarge);
    // Nothing changed, so nothing is sent; what lies there is never replaced.
    assert_eq!(archive.mirror().unwrap(), 700);
}

#[tokio::test]
async fn attack_a_changed_object_is_named() {
    let server = Server::start();
    let mut scene = scene(300).await;
    let archive = scene.archive_in(server.objects());
    archive.mirror().unwrap();
    scene.grow_to(600).await;
    fs::create_dir_all(server.object("tile/entries")).unwrap();
    fs::write(server.object("tile/entries/001"), b"something else").unwrap();
    let refused = archive.mirror().unwrap_err().to_string();
    assert!(
        refused.contains("s3://journal/hub-1/log/tile/entries/001"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_server_that_knows_another_secret_refuses_and_its_words_are_told() {
    let server = Server::start();
    let scene = scene(300).await;
    let place: Place = URL.parse().unwrap();
    let objects = place.open(&server.settings("another")).unwrap();
    match scene.archive_in(objects).mirror() {
        Err(ArchiveError::File { cause, .. }) => {
            assert!(
                cause.to_string().contains("SignatureDoesNotMatch"),
                "{cause}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_that_is_gone_is_an_error_that_may_pass() {
    let mut server = Server::start();
    let scene = scene(300).await;
    let archive = scene.archive_in(server.objects());
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let refused = archive.mirror();
    assert!(
        matches!(refused, Err(ArchiveError::File { .. })),
        "{refused:?}"
    );
    server.child = Command::new("true").spawn().unwrap();
}

#[test]
fn refuses_credentials_that_others_may_read_or_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials.toml");
    let place: Place = URL.parse().unwrap();
    let open = || {
        place.open(&BucketSettings {
            endpoint: "http://127.0.0.1:9".to_owned(),
            credentials_file: Some(file.clone()),
            ..BucketSettings::default()
        })
    };
    assert!(matches!(open(), Err(NoBucket::File { .. })));
    write_private(&file, "secret_access_key = \"only\"\n");
    let refused = open().unwrap_err();
    assert!(matches!(refused, NoBucket::Credentials(_)));
    assert!(!format!("{refused:?}").contains("only"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(open(), Err(NoBucket::NotPrivate(_))));
}

#[test]
fn refuses_an_endpoint_that_is_none_and_a_ca_file_without_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let (file, empty) = (
        folder.path().join("credentials.toml"),
        folder.path().join("ca.pem"),
    );
    write_private(&file, "access_key_id = \"a\"\nsecret_access_key = \"b\"\n");
    fs::write(&empty, "").unwrap();
    let place: Place = URL.parse().unwrap();
    let open = |endpoint: &str| {
        place.open(&BucketSettings {
            endpoint: endpoint.to_owned(),
            credentials_file: Some(file.clone()),
            ca_file: Some(empty.clone()),
            ..BucketSettings::default()
        })
    };
    assert!(matches!(open("minio"), Err(NoBucket::Endpoint(_))));
    assert!(matches!(
        open("https://127.0.0.1:9"),
        Err(NoBucket::NoCertificate(_))
    ));
}
