//! Builds the four doors from what they share.

use std::sync::Arc;

use ironroot_api::SignInLink;
use ironroot_broker::Broker;
use ironroot_console::Console;
use ironroot_history::History;
use ironroot_pki::tls::{DoorTls, Tls12, TlsParts};
use ironroot_registry::{Actor, Registry};
use ironroot_tree::LogPlace;
use ironroot_views::{HubFacts, TileLog, Views};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{Listeners, NotStarted, Outside};
use crate::backup::Maker;
use crate::clock::HubClock;
use crate::collect::doors::api::{About, Api, ApiParts, Backups, Metrics};
use crate::collect::doors::console::sign_ins::SignIns;
use crate::collect::doors::console::{self, ConsoleParts};
use crate::collect::doors::est::EstDoor;
use crate::collect::doors::http::HttpDoor;
use crate::collect::doors::mqtt::{MqttDoor, SessionThreads};
use crate::collect::doors::pki::PkiDoor;
use crate::collect::intake::enrolment::Enrolment;
use crate::collect::intake::issuing_ca::CaRotation;
use crate::collect::intake::order::Orders;
use crate::collect::intake::password::Password;
use crate::collect::intake::profiles::{PROFILES_FOLDER, Profiles};
use crate::collect::intake::tokens::{ADMIN, Tokens};
use crate::demonstration::Purpose;
use crate::drain::Drain;
use crate::enforce::activation::Arrivals;
use crate::enforce::archive::Archivist;
use crate::enforce::certificates::Issuer;
use crate::enforce::snapshots::Snapshotter;
use crate::files::Addresses;
use crate::ledger::Ledger;
use crate::ops::{Gauges, MetricsPage};
use crate::sampling::Sampler;
use crate::settings::Settings;
use crate::upkeep::Upkeep;

/// What the doors are made of.
pub(super) struct Doors {
    pub(super) about: About,
    pub(super) settings: Settings,
    pub(super) clock: Arc<HubClock>,
    pub(super) outside: Outside,
    pub(super) addresses: Addresses,
    pub(super) ledger: Ledger,
    pub(super) registry: Arc<Registry>,
    pub(super) issuer: Issuer,
    pub(super) rotation: Arc<CaRotation>,
    pub(super) pki: PkiDoor,
    pub(super) tls: TlsParts,
    pub(super) orders: Arc<Orders>,
    pub(super) arrivals: Arrivals,
    pub(super) broker: Arc<Broker>,
    pub(super) history: Arc<Mutex<History>>,
    pub(super) log: Arc<TileLog>,
    pub(super) place: LogPlace,
    pub(super) archivist: Arc<Archivist>,
    pub(super) snapshotter: Arc<Snapshotter>,
    pub(super) upkeep: Arc<Upkeep>,
    pub(super) tokens: Arc<Tokens>,
    pub(super) password: Arc<Password>,
}

impl Doors {
    /// Opens them all; returns their tasks, and a link that signs one person in.
    pub(super) async fn open(
        self,
        listeners: Listeners,
        drain: &Drain,
    ) -> Result<(JoinSet<()>, SignInLink), NotStarted> {
        let sign_ins = self.sign_ins();
        let link = sign_ins.link(ADMIN, Actor::Hub, &self.ledger).await?;
        let settings = self.settings.file.console;
        let mut open = JoinSet::new();
        open.spawn(self.pki(listeners.pki).serve(drain.clone()));
        open.spawn(self.device(listeners.device)?.serve(drain.clone()));
        let gauges = self.gauges();
        let mqtt = self.mqtt(listeners.mqtt, &gauges)?;
        open.spawn(mqtt.serve(drain.clone()));
        let data = self.settings.data.clone();
        let console = self.console(sign_ins, gauges.clone());
        let (live, views, mut draining) = (
            console.console.live.clone(),
            console.console.views.clone(),
            drain.clone(),
        );
        let sampler = Sampler::begin(gauges, views.clone(), &data).await;
        open.spawn(sampler.run(drain.clone()));
        open.spawn(async move { live.run(&views, draining.begun()).await });
        let console = HttpDoor {
            name: "console",
            listener: listeners.console,
            tls: None,
            router: console::router(console),
            settings,
        };
        open.spawn(console.serve(drain.clone()));
        Ok((open, link))
    }

    fn sign_ins(&self) -> Arc<SignIns> {
        let Outside { clock, rng } = &self.outside;
        Arc::new(SignIns::new(
            &self.addresses.console,
            (clock.clone(), rng.clone()),
            self.password.clone(),
        ))
    }

    fn pki(&self, listener: TcpListener) -> HttpDoor {
        HttpDoor {
            name: "pki",
            listener,
            tls: None,
            router: self.pki.clone().router(),
            settings: self.settings.file.pki,
        }
    }

    fn device(&self, listener: TcpListener) -> Result<HttpDoor, NotStarted> {
        let Outside { clock, rng } = self.outside.clone();
        let enrolment = Enrolment::new(
            self.ledger.clone(),
            self.registry.clone(),
            self.issuer.clone(),
            clock,
            self.tls.certificate.clone(),
        );
        let est = EstDoor::new(enrolment, self.issuer.authority().clone(), rng);
        Ok(HttpDoor {
            name: "device",
            listener,
            tls: Some(Arc::new(DoorTls::device(&self.tls)?)),
            router: est.router(),
            settings: self.settings.file.device,
        })
    }

    fn gauges(&self) -> Gauges {
        Gauges {
            broker: self.broker.clone(),
            orders: self.orders.clone(),
            registry: self.registry.clone(),
            store: self.ledger.store().clone(),
            upkeep: self.upkeep.clone(),
            clock: self.clock.clone(),
            certificates_refused: Arc::default(),
            history: self.history.clone(),
        }
    }

    fn mqtt(&self, listener: TcpListener, gauges: &Gauges) -> Result<MqttDoor, NotStarted> {
        let settings = self.settings.file.mqtt;
        let tls12 = if settings.tls12 {
            Tls12::Accepted
        } else {
            Tls12::Refused
        };
        Ok(MqttDoor {
            listener,
            tls: Arc::new(DoorTls::mqtt(&self.tls, tls12)?),
            subjects: Arc::new(self.arrivals.clone()),
            threads: SessionThreads::start(settings.session_threads)
                .map_err(NotStarted::SessionThreads)?,
            broker: self.broker.clone(),
            clock: self.outside.clock.clone(),
            settings,
            certificates_refused: gauges.certificates_refused.clone(),
        })
    }

    fn console(self, sign_ins: Arc<SignIns>, gauges: Gauges) -> ConsoleParts {
        let facts = HubFacts {
            version: env!("CARGO_PKG_VERSION"),
            started_at: self.outside.clock.now(),
            demonstration: self.settings.purpose == Purpose::Demonstration,
            key: self.about.key.clone(),
            device_door: self.addresses.device.clone(),
            mqtt_door: self.addresses.mqtt.clone(),
        };
        let parts = (self.registry.clone(), self.ledger.store().clone(), self.log);
        let views = Views::new(
            parts,
            Arc::new(gauges.clone()),
            self.outside.clock.clone(),
            facts,
        );
        let views = Arc::new(views);
        let metrics = MetricsPage::new(gauges);
        let backups = Backups::new(
            Maker {
                data: self.settings.data,
                log: self.place,
                seal_key: self.settings.seal_key,
                credentials: self.settings.credentials,
            },
            self.settings.file.backup.pace(),
        );
        let folder = self.about.data.join(PROFILES_FOLDER);
        let profiles = Profiles::new(self.ledger.clone(), self.registry.clone(), folder);
        let api = Api::new(ApiParts {
            views: views.clone(),
            profiles,
            ledger: self.ledger,
            registry: self.registry,
            orders: self.orders,
            issuer: self.issuer,
            rotation: self.rotation,
            anchors: self.tls.anchors,
            tokens: self.tokens,
            password: self.password,
            archivist: self.archivist,
            snapshotter: self.snapshotter,
            backups,
            about: self.about,
            sign_ins: sign_ins.clone(),
            metrics: Metrics(Arc::new(move || metrics.render())),
            clock: self.clock,
            rng: self.outside.rng,
        });
        ConsoleParts {
            console: Console::new(views, ironroot_console::Hub::new(api.for_pages())),
            api,
            sign_ins,
        }
    }
}
