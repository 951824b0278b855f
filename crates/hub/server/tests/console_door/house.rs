//! Everything behind the console's address, in one folder, with a clock that a test moves.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use ironroot_backup::Pace;
use ironroot_broker::{Broker, BrokerSettings};
use ironroot_console::{Console, Hub, LiveFigures};
use ironroot_journal::note::{SigningKey, VerifierKey};
use ironroot_pki::authority::{Authority, PkiUrls};
use ironroot_pki::seal::SealKey;
use ironroot_pki::tls::{AnchorSet, TrustAnchors};
use ironroot_registry::{
    Actor, Credential, DeviceActivated, DeviceEnrolled, Fact, Fold, IssuedCertificate, KeyMaker,
    ProfileSet, Registry,
};
use ironroot_server::backup::Maker;
use ironroot_server::clock::{ClockSettings, HubClock};
use ironroot_server::collect::doors::api::{About, Api, ApiParts, Backups, Metrics};
use ironroot_server::collect::doors::console::sign_ins::SignIns;
use ironroot_server::collect::doors::console::{ConsoleParts, router};
use ironroot_server::collect::intake::issuing_ca::CaRotation;
use ironroot_server::collect::intake::order::Orders;
use ironroot_server::collect::intake::password::Password;
use ironroot_server::collect::intake::profiles::Profiles;
use ironroot_server::collect::intake::secrets::token_digest;
use ironroot_server::collect::intake::tokens::{ADMIN, Tokens};
use ironroot_server::enforce::archive::Archivist;
use ironroot_server::enforce::certificates::Issuer;
use ironroot_server::enforce::ocsp::OcspDesk;
use ironroot_server::enforce::snapshots::{SnapshotSettings, Snapshotter};
use ironroot_server::files::Addresses;
use ironroot_server::ledger::Ledger;
use ironroot_server::ops::Gauges;
use ironroot_server::storage::StoreUrl;
use ironroot_server::upkeep::Upkeep;
use ironroot_store::{JournalReader, Store};
use ironroot_store_sqlite::{Settings, SqliteStore};
use ironroot_testkit::{ManualClock, SeededRng};
use ironroot_time::{Clock, UnixTime};
use ironroot_tree::{LogPlace, LogReader, TreeWriter};
use ironroot_views::{HubFacts, TileLog, Views};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::Mutex;
use tower::ServiceExt;

pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// 2026-11-22 05:06:01 UTC.
pub(crate) const BEGIN: UnixTime = UnixTime::from_s(1_795_323_961);

pub(crate) struct House {
    pub(crate) router: Router,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ledger: Ledger,
    pub(crate) registry: Arc<Registry>,
    pub(crate) orders: Arc<Orders>,
    pub(crate) sign_ins: Arc<SignIns>,
    pub(crate) anchors: Arc<AnchorSet>,
    pub(crate) views: Arc<Views>,
    pub(crate) live: LiveFigures,
    pub(crate) gauges: Arc<Gauges>,
    log: Arc<TileLog>,
    writer: TreeWriter,
    folder: TempDir,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: header::HeaderName) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The class of a refusal, after making sure that it is one and looks as RFC 9457 wants it.
    pub(crate) fn refusal(&self) -> (u16, String) {
        assert_eq!(
            self.header(header::CONTENT_TYPE),
            "application/problem+json"
        );
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        let class = problem["type"].as_str().unwrap();
        let class = class.strip_prefix("urn:ironroot:problem:").unwrap();
        (self.status.as_u16(), class.to_owned())
    }
}

fn facts() -> HubFacts {
    HubFacts {
        version: "1.2.3",
        started_at: BEGIN,
        demonstration: false,
        key: "SHA256:7c1f 09e4 b2a6 5d13".to_owned(),
        device_door: "https://localhost:8444".to_owned(),
        mqtt_door: "mqtts://localhost:8883".to_owned(),
    }
}

fn ocsp(
    authority: &Arc<Authority>,
    registry: &Arc<Registry>,
    ledger: &Ledger,
    clock: &Arc<ManualClock>,
) -> Arc<OcspDesk> {
    Arc::new(OcspDesk::new(
        authority.clone(),
        registry.clone(),
        ledger.clone(),
        clock.clone(),
        Arc::new(SeededRng::new(2)),
    ))
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::of_size(None).await
    }

    /// The same, with a store that takes no more than `size_max` bytes.
    #[expect(clippy::too_many_lines, reason = "it lists what a hub is made of")]
    pub(crate) async fn of_size(size_max: Option<u64>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(BEGIN));
        let rng = Arc::new(SeededRng::new(1));
        let registry = Arc::new(Registry::default());
        let settings = Settings {
            path: folder.path().join("store.sqlite"),
            size_max,
        };
        let store = SqliteStore::open(&settings, clock.clone(), Arc::new(Fold), registry.clone());
        let ledger = Ledger::new(Arc::new(store.unwrap()), rng.clone());
        let seal = SealKey::generate(&folder.path().join("seal.key")).unwrap();
        let authority = Arc::new(Authority::create(folder.path(), &seal, clock.now()).unwrap());
        let anchors = Arc::new(AnchorSet::new(TrustAnchors::new(&authority, &[]).unwrap()));
        let rotation = CaRotation {
            authority: authority.clone(),
            folder: folder.path().to_owned(),
            seal,
            token: None,
            ca_file: folder.path().join("ca.pem"),
            ledger: ledger.clone(),
            registry: registry.clone(),
            anchors: anchors.clone(),
            ocsp: ocsp(&authority, &registry, &ledger, &clock),
            clock: clock.clone(),
            turn: Mutex::default(),
        };
        let hub_clock = Arc::new(HubClock::new(clock.clone(), ClockSettings::default()));
        let issuer = Issuer::new(
            authority,
            PkiUrls::default(),
            hub_clock.clone(),
            rng.clone(),
        );
        let orders = Arc::new(Orders::new(ledger.clone(), registry.clone()));
        let upkeep = Arc::new(Upkeep::default());
        let running = Arc::new(Gauges {
            broker: Broker::new(BrokerSettings::default()),
            orders: orders.clone(),
            registry: registry.clone(),
            store: ledger.store().clone(),
            upkeep: upkeep.clone(),
            clock: hub_clock.clone(),
            certificates_refused: Arc::default(),
            history: Arc::default(),
        });
        let key = SigningKey::from_seed("test.example/ironroot", &[7; 32]).unwrap();
        let tiles = folder.path().join("log");
        std::fs::create_dir(&tiles).unwrap();
        let log = Arc::new(TileLog::new(
            LogPlace::new(&tiles),
            key.verifier_key().clone(),
        ));
        let shared = (ledger.clone(), upkeep, clock.clone());
        let (archivist, snapshotter) = keepers(shared, &log, folder.path(), key.verifier_key());
        let state = (registry.clone(), ledger.store().clone(), log.clone());
        let views = Views::new(state, running.clone(), clock.clone(), facts());
        let views = Arc::new(views);
        let password = Arc::new(Password::open(ADMIN, &ledger).await.unwrap());
        let sign_ins = Arc::new(SignIns::new(
            "http://localhost:8080",
            (clock.clone(), rng.clone()),
            password.clone(),
        ));
        let profiles = folder.path().join("profiles");
        std::fs::create_dir(&profiles).unwrap();
        let api = Api::new(ApiParts {
            views: views.clone(),
            ledger: ledger.clone(),
            registry: registry.clone(),
            orders: orders.clone(),
            issuer,
            rotation: Arc::new(rotation),
            anchors: anchors.clone(),
            password,
            tokens: Arc::new(Tokens::new(
                token_digest(TOKEN),
                folder.path().join("admin.token"),
            )),
            archivist,
            snapshotter,
            backups: backups(folder.path()),
            about: about(folder.path()),
            profiles: Profiles::new(ledger.clone(), registry.clone(), profiles),
            sign_ins: sign_ins.clone(),
            metrics: Metrics(Arc::new(|| "ironroot_devices 0\n".to_owned())),
            clock: hub_clock,
            rng,
        });
        let console = Console::new(views.clone(), Hub::new(api.for_pages()));
        let live = console.live.clone();
        let house = Self {
            router: router(ConsoleParts {
                api,
                console,
                sign_ins: sign_ins.clone(),
            }),
            clock,
            ledger,
            registry,
            orders,
            sign_ins,
            anchors,
            views,
            live,
            gauges: running,
            log,
            writer: TreeWriter::open(&tiles, key).unwrap(),
            folder,
        };
        for (name, text) in ironroot_profile::BUILT_IN {
            let (name, text) = (name.parse().unwrap(), (*text).to_owned());
            house
                .ledger
                .record(&Fact::from(ProfileSet {
                    name,
                    text,
                    by: None,
                }))
                .await
                .unwrap();
        }
        house
    }

    /// Sends a request as it is.
    pub(crate) async fn sends(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 22).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.to_vec(),
        }
    }

    /// A request that carries the token.
    pub(crate) async fn asks(&self, method: Method, path: &str, body: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(header::HOST, "localhost:8080")
            .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
            .header(header::CONTENT_TYPE, "application/json");
        self.sends(request.body(body.to_owned().into()).unwrap())
            .await
    }

    pub(crate) async fn gets(&self, path: &str) -> Answer {
        self.asks(Method::GET, path, "").await
    }

    pub(crate) async fn posts(&self, path: &str, body: &str) -> Answer {
        self.asks(Method::POST, path, body).await
    }

    /// A browser's request, with its cookie if it has one.
    pub(crate) async fn browses(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path)
            .header(header::HOST, "localhost:8080")
            .header(header::COOKIE, cookie);
        self.sends(request.body(Body::empty()).unwrap()).await
    }

    /// A browser's form.
    pub(crate) async fn submits(&self, path: &str, cookie: &str, form: &str) -> Answer {
        let request = Request::post(path)
            .header(header::HOST, "localhost:8080")
            .header(header::COOKIE, cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.sends(request.body(form.to_owned().into()).unwrap())
            .await
    }

    /// A form of a session, with its token, sent from that session.
    pub(crate) async fn sends_form(&self, path: &str, cookie: &str, form: &str) -> Answer {
        let csrf = self.csrf(cookie).await;
        self.submits(path, cookie, &format!("csrf={csrf}&{form}"))
            .await
    }

    /// What the forms of a session carry.
    pub(crate) async fn csrf(&self, cookie: &str) -> String {
        let page = self.browses("/journal", cookie).await;
        let (_, rest) = page.text().split_once(r#"name="csrf" value=""#).unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    /// Signs in by a link; returns the cookie.
    pub(crate) async fn signs_in(&self) -> String {
        let key = self.key().await;
        let answer = self.submits("/sign-in", "", &format!("key={key}")).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        let cookie = answer.header(header::SET_COOKIE);
        cookie.split(';').next().unwrap().to_owned()
    }

    /// The key of a fresh link.
    pub(crate) async fn key(&self) -> String {
        let by = Actor::Token(ADMIN.to_owned());
        let link = self.sign_ins.link(ADMIN, by, &self.ledger).await.unwrap();
        let (_, key) = link.url.reveal().split_once("?key=").unwrap();
        key.to_owned()
    }

    /// Claims, enrols and activates a device.
    pub(crate) async fn brings_in(&self, device: &str) {
        let body = format!(r#"{{"serial":"{device}","profile":"{}"}}"#, profile());
        assert_eq!(
            self.posts("/claims", &body).await.status,
            StatusCode::CREATED
        );
        let claim = self.registry.device(device).unwrap().row().claim;
        let mut serial = [0; 16];
        for (place, byte) in serial.iter_mut().zip(device.bytes()) {
            *place = byte;
        }
        let device: ironroot_identity::DeviceId = device.parse().unwrap();
        let enrolled = Fact::from(DeviceEnrolled {
            device: device.clone(),
            claim,
            credential: Credential::Token,
            spki: None,
            certificate: IssuedCertificate {
                serial: ironroot_identity::CertificateSerial::from_random(serial),
                ca: ironroot_identity::CaNumber::FIRST,
                fingerprint: "ab".repeat(32),
                not_before: BEGIN.as_s(),
                not_after: BEGIN.plus(Duration::from_secs(86_400)).as_s(),
                key: KeyMaker::Holder,
            },
        });
        self.ledger.record(&enrolled).await.unwrap();
        let door = "mqtt".to_owned();
        self.ledger
            .record(&Fact::from(DeviceActivated { device, door }))
            .await
            .unwrap();
    }

    /// Signs all that was recorded.
    pub(crate) fn signs(&mut self) {
        let written = self.writer.write(self.ledger.store().as_ref()).unwrap();
        self.log.wrote(&written, self.clock.now());
    }

    pub(crate) fn clock_ms(&self) -> u64 {
        self.clock.now().as_ms()
    }

    /// The data folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How many entries the journal has.
    pub(crate) fn entries(&self) -> u64 {
        let store: &Arc<dyn Store> = self.ledger.store();
        store.head().size
    }
}

pub(crate) fn profile() -> &'static str {
    ironroot_profile::BUILT_IN[0].0
}

/// Those who take snapshots and move segments, of a hub without an archive.
fn keepers(
    (ledger, upkeep, clock): (Ledger, Arc<Upkeep>, Arc<ManualClock>),
    log: &Arc<TileLog>,
    folder: &Path,
    key: &VerifierKey,
) -> (Arc<Archivist>, Arc<Snapshotter>) {
    let archived = LogReader::new(&LogPlace::new(folder.join("log")), key.clone());
    let archived: Arc<dyn JournalReader> = Arc::new(archived);
    let snapshotter = Snapshotter::new(
        (ledger.clone(), archived),
        folder,
        SnapshotSettings::default(),
        upkeep.clone(),
        clock.clone(),
    );
    let archivist = Archivist::new((ledger, log.clone()), None, 0, upkeep, clock);
    (Arc::new(archivist), Arc::new(snapshotter))
}

fn backups(data: &Path) -> Backups {
    let maker = Maker {
        data: data.to_owned(),
        log: LogPlace::new(data.join("journal")),
        seal_key: None,
        credentials: None,
    };
    Backups::new(maker, Pace { bytes_per_s: None })
}

fn about(data: &Path) -> About {
    About {
        store: StoreUrl::default_in(data),
        data: data.to_owned(),
        key: facts().key,
        sealing: "file:seal.key".to_owned(),
        ca_key: "in a sealed file".to_owned(),
        log: "test.example/ironroot".to_owned(),
        archive: None,
        addresses: Addresses {
            console: "http://localhost:8080".to_owned(),
            mqtt: facts().mqtt_door,
            device: facts().device_door,
            pki: "http://localhost:8446".to_owned(),
        },
    }
}
