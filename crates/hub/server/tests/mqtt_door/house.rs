//! A CA, a broker and the MQTT door on a free port, and the principals that come to it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use ironroot_broker::{Broker, BrokerSettings};
use ironroot_identity::{CertificateSerial, Principal};
use ironroot_machine::SystemClock;
use ironroot_pki::CertificateDer;
use ironroot_pki::authority::{Authority, CertificateProfile, Issuance, PkiUrls};
use ironroot_pki::key::SoftwareKey;
use ironroot_pki::peer::PeerCertificate;
use ironroot_pki::seal::SealKey;
use ironroot_pki::tls::{
    AnchorSet, CertificateStatus, DoorTls, RevocationStatus, ServerCertificate,
    ServerCertificateOrder, Tls12, TlsParts, TrustAnchors, UnshownCertificate,
};
use ironroot_profile::DeviceProfile;
use ironroot_registry::Subject;
use ironroot_server::collect::doors::mqtt::{MqttDoor, MqttSettings, SessionThreads, Subjects};
use ironroot_server::drain::{Drain, Drainer};
use ironroot_standing::{Grant, Lifecycle, Standing, Tier, grant_device, grant_service};
use ironroot_time::{Clock, UnixTime};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::client::Client;

const PROFILE: &str = r#"
    name = "camera"
    evidence = "none"
    [topics]
    publish = ["d/{device}/up/#"]
    subscribe = ["d/{device}/down/#"]
    [limits]
    messages_per_s = 0
    bytes_per_s = 0
    packet_size_max = 4194304
"#;

/// Whoever was introduced.
#[derive(Debug, Default)]
struct Known(Mutex<HashMap<Principal, Arc<Subject>>>);

impl Subjects for Known {
    fn subject(&self, certificate: &PeerCertificate) -> Option<Arc<Subject>> {
        self.0
            .lock()
            .unwrap()
            .get(certificate.principal()?)
            .cloned()
    }
}

/// No certificate was ever revoked.
#[derive(Debug)]
struct AllGood;

impl RevocationStatus for AllGood {
    fn status(&self, _peer: &PeerCertificate) -> CertificateStatus {
        CertificateStatus::Good
    }
}

/// How many tasks of a runtime have panicked in this program. The runtime catches them; a test must not.
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn watch_for_panics() {
    static WATCHING: Once = Once::new();
    WATCHING.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let thread = std::thread::current();
            let of_the_hub = |name: &str| name.starts_with("tokio") || name.starts_with("mqtt");
            if thread.name().is_some_and(of_the_hub) {
                PANICS.fetch_add(1, Ordering::SeqCst);
            }
            print(panic);
        }));
    });
}

impl Drop for House {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(PANICS.load(Ordering::SeqCst), 0, "the hub panicked");
        }
    }
}

pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) authority: Authority,
    pub(crate) broker: Arc<Broker>,
    pub(crate) certificates_refused: Arc<AtomicU64>,
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<SystemClock>,
    known: Arc<Known>,
    parts: TlsParts,
    drainer: Drainer,
    drain: Drain,
    serving: Option<JoinHandle<()>>,
}

/// A principal, its certificate and its key.
pub(crate) struct Resident {
    pub(crate) subject: Arc<Subject>,
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: SoftwareKey,
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::with(MqttSettings::default(), BrokerSettings::default()).await
    }

    pub(crate) async fn with(settings: MqttSettings, broker: BrokerSettings) -> Self {
        watch_for_panics();
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(SystemClock);
        let seal = SealKey::generate(&folder.path().join("seal.key")).unwrap();
        let authority = Authority::create(folder.path(), &seal, clock.now()).unwrap();
        let urls = PkiUrls::default();
        let order = ServerCertificateOrder {
            names: vec![
                "localhost".try_into().unwrap(),
                "127.0.0.1".try_into().unwrap(),
            ],
            serial: CertificateSerial::from_random([1; 16]),
            now: clock.now(),
            not_after: clock.now().plus(DAY),
            urls: &urls,
        };
        let certificate = UnshownCertificate::make(&authority, order).unwrap();
        let parts = TlsParts {
            anchors: Arc::new(AnchorSet::new(TrustAnchors::new(&authority, &[]).unwrap())),
            revocation: Arc::new(AllGood),
            certificate: Arc::new(ServerCertificate::new(certificate)),
            clock: clock.clone(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (drainer, drain) = Drainer::new();
        let mut house = Self {
            address: listener.local_addr().unwrap(),
            broker: Broker::new(broker),
            certificates_refused: Arc::default(),
            known: Arc::default(),
            serving: None,
            folder,
            authority,
            clock,
            parts,
            drainer,
            drain,
        };
        house.serve(listener, settings);
        house
    }

    fn serve(&mut self, listener: TcpListener, settings: MqttSettings) {
        let door = MqttDoor {
            listener,
            tls: Arc::new(DoorTls::mqtt(&self.parts, Tls12::Accepted).unwrap()),
            subjects: self.known.clone(),
            threads: SessionThreads::start(2).unwrap(),
            broker: self.broker.clone(),
            clock: self.clock.clone(),
            settings,
            certificates_refused: self.certificates_refused.clone(),
        };
        self.serving = Some(tokio::spawn(door.serve(self.drain.clone())));
    }

    /// Begins the shutdown.
    pub(crate) fn begin_drain(&self) {
        self.drainer.begin();
    }

    /// Waits until the door has closed.
    pub(crate) async fn closed(&mut self) {
        self.serving.take().unwrap().await.unwrap();
    }

    pub(crate) fn device(&self, id: &str) -> Resident {
        let profile = CertificateProfile::Device(id.parse().unwrap());
        let grant = in_good_standing(&DeviceProfile::parse(PROFILE).unwrap());
        self.move_in(&profile, grant, self.clock.now().plus(DAY))
    }

    /// Puts other limits into the device's profile.
    pub(crate) fn limits(&self, resident: &Resident, limits: &str) {
        let (rest, _) = PROFILE.split_once("[limits]").unwrap();
        let profile = DeviceProfile::parse(&format!("{rest}[limits]\n{limits}")).unwrap();
        resident
            .subject
            .set_grant(Arc::new(in_good_standing(&profile)));
        self.broker.grant_changed(&resident.subject);
    }

    /// A device whose certificate ends then.
    pub(crate) fn device_until(&self, id: &str, not_after: UnixTime) -> Resident {
        let profile = CertificateProfile::Device(id.parse().unwrap());
        let grant = Arc::unwrap_or_clone(Arc::clone(&self.device(id).subject.grant()));
        self.move_in(&profile, grant, not_after)
    }

    /// A service that may do everything.
    pub(crate) fn service(&self, name: &str) -> Resident {
        let profile = CertificateProfile::Service(name.parse().unwrap());
        let everything = || {
            let template = ironroot_mqtt::TopicTemplate::parse("#".into()).unwrap();
            ironroot_profile::Topics::new(vec![template])
        };
        self.move_in(
            &profile,
            grant_service(everything(), everything()),
            self.clock.now().plus(DAY),
        )
    }

    fn move_in(&self, profile: &CertificateProfile, grant: Grant, not_after: UnixTime) -> Resident {
        let key = SoftwareKey::generate().unwrap();
        let certificate = self.certificate(profile, &key, not_after);
        let principal = match profile {
            CertificateProfile::Device(id) | CertificateProfile::RegistrationAuthority(id) => {
                Principal::Device(id.clone())
            }
            CertificateProfile::Service(name) => Principal::Service(name.clone()),
            other @ (CertificateProfile::Server(_) | CertificateProfile::OcspResponder) => {
                panic!("no principal: {other:?}")
            }
        };
        let subject = Arc::new(Subject::new(principal.clone(), Arc::new(grant)));
        self.known
            .0
            .lock()
            .unwrap()
            .insert(principal, subject.clone());
        Resident {
            subject,
            certificate,
            key,
        }
    }

    fn certificate(
        &self,
        profile: &CertificateProfile,
        key: &SoftwareKey,
        not_after: UnixTime,
    ) -> CertificateDer<'static> {
        let issuance = Issuance {
            profile,
            public_key: &key.public_key(),
            serial: CertificateSerial::from_random([7; 16]),
            now: self.clock.now(),
            not_after,
            urls: &PkiUrls::default(),
        };
        self.authority.issue(&issuance).unwrap().der
    }

    /// Forgets who that is; the certificate stays valid.
    pub(crate) fn forget(&self, resident: &Resident) {
        self.known
            .0
            .lock()
            .unwrap()
            .remove(resident.subject.principal());
    }

    /// Takes every right away, as the registry does.
    pub(crate) fn cut(&self, resident: &Resident) {
        resident.subject.set_grant(Arc::new(Grant::nothing()));
        self.broker.grant_changed(&resident.subject);
    }

    /// A client of MQTT 5 that is in, with the principal's own id.
    pub(crate) async fn joins(&self, resident: &Resident) -> Client {
        let mut client = Client::connect(self, Some(resident)).await.unwrap();
        client.joins(resident.subject.principal().id()).await;
        client
    }

    /// Waits until `reached` holds; a wait that never ends fails the test.
    pub(crate) async fn until(&self, what: &str, reached: impl Fn(&Broker) -> bool + Send + Sync) {
        let waiting = async {
            while !reached(&self.broker) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONGEST_WAIT, waiting)
            .await
            .unwrap_or_else(|_| panic!("never: {what}"));
    }
}

fn in_good_standing(profile: &DeviceProfile) -> Grant {
    let standing = Standing {
        lifecycle: Lifecycle::Active,
        tier: Tier::None,
    };
    grant_device(standing, profile)
}

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// So that a test that would hang fails.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(60);
