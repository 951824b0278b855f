//! Keys on a real token in software (`SoftHSM2`), reached directly and through a server that can be killed.
//!
//! A module is configured by the environment of its process, so each test runs itself again in a process
//! with a token of its own.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use ironroot_pkcs11::uri::KeyUri;
use ironroot_pkcs11::{TokenKey, TokenRefused};

const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";
const PIN: &str = "123456";

/// Runs `test` in a process of its own, in whose environment `SoftHSM2` has a folder with one token.
fn with_a_token(name: &str, test: impl Fn(&Path)) {
    if let Some(folder) = std::env::var_os("IRONROOT_TEST_TOKEN") {
        return test(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens");
    fs::create_dir(&tokens).unwrap();
    let conf = folder.path().join("softhsm2.conf");
    fs::write(
        &conf,
        format!(
            "directories.tokendir = {}\nlog.level = ERROR\n",
            tokens.display()
        ),
    )
    .unwrap();
    pin_file(folder.path(), PIN);
    let made = Command::new("softhsm2-util")
        .args([
            "--init-token",
            "--free",
            "--label",
            "ca",
            "--pin",
            PIN,
            "--so-pin",
            "12345678",
        ])
        .env("SOFTHSM2_CONF", &conf)
        .output()
        .unwrap_or_else(|cause| {
            panic!("softhsm2-util does not start, `make test` installs it: {cause}")
        });
    assert!(made.status.success(), "{made:?}");
    let outcome = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env("SOFTHSM2_CONF", &conf)
        .env("IRONROOT_TEST_TOKEN", folder.path())
        .env("PKCS11SPY", SOFTHSM)
        .env("PKCS11SPY_OUTPUT", folder.path().join("calls"))
        .env(
            "P11_KIT_SERVER_ADDRESS",
            format!("unix:path={}", folder.path().join("socket").display()),
        )
        .output()
        .unwrap();
    assert!(
        outcome.status.success(),
        "{}{}",
        String::from_utf8_lossy(&outcome.stdout),
        String::from_utf8_lossy(&outcome.stderr)
    );
}

fn pin_file(folder: &Path, pin: &str) {
    let path = folder.join("pin");
    fs::write(&path, format!("{pin}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn uri_through(module: &str, folder: &Path) -> KeyUri {
    let pin = folder.join("pin");
    format!(
        "pkcs11:token=ca;object=issuing-1?module-path={module}&pin-source={}",
        pin.display()
    )
    .parse()
    .unwrap()
}

fn uri(folder: &Path) -> KeyUri {
    uri_through(SOFTHSM, folder)
}

/// Asks until the token signs again.
fn signs_again(key: &TokenKey) {
    let began = Instant::now();
    while let Err(refused) = key.sign(b"message") {
        assert!(began.elapsed() < Duration::from_secs(20), "{refused}");
        std::thread::yield_now();
    }
    assert_eq!(key.away(), None);
}

#[test]
fn a_key_is_made_once_and_signs_for_whoever_knows_its_public_half() {
    with_a_token(
        "a_key_is_made_once_and_signs_for_whoever_knows_its_public_half",
        |folder| {
            let made = TokenKey::generate(uri(folder)).unwrap();
            assert!(matches!(
                TokenKey::generate(uri(folder)),
                Err(TokenRefused::Exists { .. })
            ));
            let again = TokenKey::open(uri(folder), made.point().to_vec());
            assert_eq!(again.sign(b"message").unwrap()[0], 0x30);
            let other = TokenKey::generate(uri(folder).with_object("issuing-2")).unwrap();
            let mixed_up = TokenKey::open(other.uri().clone(), made.point().to_vec());
            assert_eq!(mixed_up.sign(b"message"), Err(TokenRefused::Signature));
        },
    );
}

#[test]
fn the_key_cannot_be_taken_out_by_pkcs11_tool_nor_by_our_own_session() {
    with_a_token(
        "the_key_cannot_be_taken_out_by_pkcs11_tool_nor_by_our_own_session",
        |folder| {
            TokenKey::generate(uri(folder)).unwrap();
            let out = folder.join("stolen");
            let tool = |words: &[&str]| {
                let mut tool = Command::new("pkcs11-tool");
                tool.args(["--module", SOFTHSM, "--login", "--pin", PIN]);
                let said = tool.args(["--token-label", "ca"]).args(words).output();
                let said = said.unwrap();
                format!("{said:?}")
            };
            let read = ["--read-object", "--type", "privkey", "--label", "issuing-1"];
            let said = tool(&[&read[..], &["--output-file", out.to_str().unwrap()]].concat());
            assert!(fs::read(&out).unwrap_or_default().is_empty(), "{said}");
            let listed = tool(&["--list-objects", "--type", "privkey"]);
            assert!(
                listed.contains("sensitive, always sensitive, never extractable"),
                "{listed}"
            );

            // With a module of our own: the library stands once in a process, and is initialized already.
            let module = Pkcs11::new(SOFTHSM).unwrap();
            let _initialized =
                module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
            let slot = module.get_slots_with_initialized_token().unwrap()[0];
            let session = module.open_rw_session(slot).unwrap();
            let _logged_in = session.login(UserType::User, Some(&AuthPin::new(PIN.into())));
            let label = Attribute::Label(b"issuing-1".to_vec());
            let template = [Attribute::Private(true), label];
            let key = session.find_objects(&template).unwrap()[0];
            let value = session
                .get_attributes(key, &[AttributeType::Value])
                .unwrap();
            assert!(value.is_empty(), "the token gave the private key out");
            let extractable = [Attribute::Extractable(true), Attribute::Sensitive(false)];
            for attribute in extractable {
                assert!(session.update_attributes(key, &[attribute]).is_err());
            }
            let wrapping = [
                Attribute::Wrap(true),
                Attribute::ValueLen(32.into()),
                Attribute::Token(false),
            ];
            let wrapping = session
                .generate_key(&Mechanism::AesKeyGen, &wrapping)
                .unwrap();
            assert!(
                session
                    .wrap_key(&Mechanism::AesKeyWrapPad, wrapping, key)
                    .is_err()
            );
        },
    );
}

#[test]
fn a_token_whose_folder_went_away_is_found_again_by_itself() {
    with_a_token(
        "a_token_whose_folder_went_away_is_found_again_by_itself",
        |folder| {
            let key = TokenKey::generate(uri(folder)).unwrap();
            let (tokens, away) = (folder.join("tokens"), folder.join("away"));
            fs::rename(&tokens, &away).unwrap();
            fs::create_dir(&tokens).unwrap();
            let refused = key.sign(b"message").unwrap_err();
            assert_eq!(key.away(), Some(refused));
            fs::remove_dir(&tokens).unwrap();
            fs::rename(&away, &tokens).unwrap();
            signs_again(&key);
        },
    );
}

#[test]
fn a_wrong_pin_is_shown_to_the_token_once() {
    with_a_token("a_wrong_pin_is_shown_to_the_token_once", |folder| {
        const SPY: &str = "/usr/lib/x86_64-linux-gnu/pkcs11/pkcs11-spy.so";
        pin_file(folder, "654321");
        let uri = uri_through(SPY, folder);
        for _ in 0..20 {
            let refused = TokenKey::generate(uri.clone());
            assert!(
                matches!(refused, Err(TokenRefused::WrongPin { .. })),
                "{refused:?}"
            );
        }
        let calls = fs::read_to_string(folder.join("calls")).unwrap();
        assert_eq!(calls.matches("C_Login").count(), 1);
        pin_file(folder, PIN);
        TokenKey::generate(uri).unwrap();
    });
}

#[test]
fn a_pin_that_others_may_read_is_not_used() {
    with_a_token("a_pin_that_others_may_read_is_not_used", |folder| {
        let path = folder.join("pin");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let refused = TokenKey::generate(uri(folder)).unwrap_err();
        assert!(refused.to_string().contains("mode 0644"), "{refused}");
        assert!(!refused.to_string().contains(PIN));
    });
}

#[test]
fn a_token_that_is_not_there_and_a_module_that_is_none_are_named() {
    with_a_token(
        "a_token_that_is_not_there_and_a_module_that_is_none_are_named",
        |folder| {
            let text = uri(folder).to_string();
            let other: KeyUri = text.replace("token=ca", "token=nowhere").parse().unwrap();
            let refused = TokenKey::generate(other).unwrap_err();
            assert!(refused.to_string().contains("\"nowhere\""), "{refused}");
            let none = uri_through("/etc/hostname", folder);
            let refused = TokenKey::generate(none).unwrap_err();
            assert!(matches!(refused, TokenRefused::Module { .. }), "{refused}");
        },
    );
}

/// The token behind a server process, as a network HSM is.
struct Server(Child);

impl Server {
    fn start(folder: &Path) -> Self {
        let socket = folder.join("socket");
        let _stale = fs::remove_file(&socket);
        let child = Command::new("p11-kit")
            .args(["server", "--foreground", "--provider", SOFTHSM, "--name"])
            .arg(&socket)
            .arg("pkcs11:")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|cause| {
                panic!("p11-kit does not start, `make test` installs it: {cause}")
            });
        let began = Instant::now();
        // The socket's file is there a moment before somebody listens.
        while UnixStream::connect(&socket).is_err() {
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "p11-kit does not listen"
            );
            std::thread::yield_now();
        }
        Self(child)
    }

    /// Its process and those that serve its clients.
    fn signal(&self, signal: &str) {
        let server = self.0.id().to_string();
        let children = Command::new("pgrep")
            .args(["-P", &server])
            .output()
            .unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        let kill = |id: &str| Command::new("kill").args([signal, id]).output().unwrap();
        for id in children.split_whitespace() {
            // Whose client left has ended by itself since.
            let _gone = kill(id);
        }
        let sent = kill(&server);
        assert!(sent.status.success(), "{sent:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal("-KILL");
        self.0.wait().unwrap();
    }
}

fn client_module() -> String {
    let path = PathBuf::from("/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so");
    path.display().to_string()
}

#[test]
fn a_server_of_the_token_that_was_killed_and_started_again_is_used_again() {
    with_a_token(
        "a_server_of_the_token_that_was_killed_and_started_again_is_used_again",
        |folder| {
            let server = Server::start(folder);
            let key = TokenKey::generate(uri_through(&client_module(), folder)).unwrap();
            drop(server);
            let refused = key.sign(b"message").unwrap_err();
            assert_eq!(key.away(), Some(refused));
            let _server = Server::start(folder);
            signs_again(&key);
        },
    );
}

#[test]
fn a_token_that_hangs_holds_nobody_up_for_ever() {
    with_a_token("a_token_that_hangs_holds_nobody_up_for_ever", |folder| {
        let server = Server::start(folder);
        let key = TokenKey::generate(uri_through(&client_module(), folder)).unwrap();
        server.signal("-STOP");
        assert_eq!(key.sign(b"message"), Err(TokenRefused::TimedOut));
        server.signal("-CONT");
        signs_again(&key);
    });
}

#[test]
fn many_threads_sign_at_once() {
    with_a_token("many_threads_sign_at_once", |folder| {
        let key = TokenKey::generate(uri(folder)).unwrap();
        let began = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..50).for_each(|_| drop(key.sign(b"message").unwrap())));
            }
        });
        println!("{:.0} signatures/s", 400.0 / began.elapsed().as_secs_f64());
    });
}
