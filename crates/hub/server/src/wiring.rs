//! Builds the hub: store, keys, doors and workers. The only place that knows them all.

mod doors;
mod keeping;
mod listeners;
mod pki;
mod refused;
mod rows;

use std::sync::Arc;
use std::time::Duration;

use ironroot_api::SignInLink;
use ironroot_broker::Broker;
use ironroot_broker::shelf::Shelf;
use ironroot_custody::folder::{KeysFolder, Sources};
use ironroot_identity::Principal;
use ironroot_journal::note::VerifierKey;
use ironroot_journal::succession::Succession;
use ironroot_pki::authority::{Authority, PkiUrls, fingerprint};
use ironroot_pki::seal::SealKey;
use ironroot_registry::{Fact, Fold, HubCreated, Registry};
use ironroot_shelf::SqliteShelf;
use ironroot_time::{Clock, Rng, UnixTime};
use ironroot_tree::TreeWriter;
use parking_lot::Mutex;
use tokio::task::{JoinHandle, JoinSet};

use self::doors::Doors;
use self::keeping::KeepingParts;
use self::listeners::Listeners;
use self::pki::PkiParts;
pub use self::refused::NotStarted;
pub use self::rows::StateUnreadable;
use crate::backup::PLACING_FOLDER;
use crate::clock::{self, HubClock};
use crate::collect::doors::api::About;
use crate::collect::intake::order::Orders;
use crate::collect::intake::password::Password;
use crate::collect::intake::profiles;
use crate::collect::intake::tokens::{ADMIN, Tokens};
use crate::demonstration::Purpose;
use crate::drain::Drainer;
use crate::enforce::activation::{self, Arrivals};
use crate::enforce::certificates::Issuer;
use crate::enforce::{ca_token, log_key, tree, two_places};
use crate::files::{self, Addresses, Mode, NotWritten};
use crate::journal::{LOG_FOLDER, VERIFIER_KEY_FILE};
use crate::keys::{self, Absent, Called, KEYS_FOLDER, Keys, Named, NoKeys};
use crate::ledger::{Ledger, NotRecorded};
use crate::sampling;
use crate::settings::Settings;
use crate::storage::Parts;
use crate::upkeep::Upkeep;

/// What the hub takes from the machine; tests bring their own.
#[derive(Clone, Debug)]
pub struct Outside {
    /// The present moment.
    pub clock: Arc<dyn Clock>,
    /// Randomness for keys and tokens.
    pub rng: Arc<dyn Rng>,
}

/// A hub that is up.
#[derive(Debug)]
pub struct Hub {
    /// Where its doors are.
    pub addresses: Addresses,
    /// What it is for.
    pub purpose: Purpose,
    /// The key that people tell it by, as the sign-in page shows it.
    pub key: String,
    /// A link that signs one person in to the console, once.
    pub sign_in: SignInLink,
    drainer: Drainer,
    doors: JoinSet<()>,
    workers: JoinSet<()>,
    /// Ends when it is stopped and the last entries are under a checkpoint.
    tree: JoinHandle<()>,
    tree_stop: Drainer,
    /// Held as long as the hub is up.
    _keys: KeysFolder,
}

impl Hub {
    /// Starts a hub. When this returns, every door is open and the addresses are written.
    ///
    /// # Errors
    /// [`NotStarted`] says what is in the way, and what to do about it.
    pub async fn start(settings: Settings, outside: Outside) -> Result<Self, NotStarted> {
        files::make_folder(&settings.data)?;
        if settings.data.join(PLACING_FOLDER).exists() {
            return Err(NotStarted::Restoring(settings.data));
        }
        let listeners = Listeners::bind(settings.listen).await?;
        let (mut base, change) = Base::gather(settings, outside).await?;
        base.record_creation().await?;
        if let Some(change) = &change {
            log_key::hand_over(change, &base.ledger, &mut base.tree).await?;
        }
        keys::journal::settle(base.keys.path(), &base.seal, base.clock.now())?;
        profiles::take_in(
            &base.ledger,
            &base.registry,
            &base.settings.data.join(profiles::PROFILES_FOLDER),
        )
        .await?;
        Box::pin(base.open(listeners)).await
    }

    /// Ends every session and request, finishes what was begun, and closes the store.
    pub async fn stop(mut self) {
        self.drainer.begin();
        while self.doors.join_next().await.is_some() {}
        self.workers.shutdown().await;
        // Last, when nothing is recorded any more: what was recorded is signed before the hub is gone.
        self.tree_stop.begin();
        if let Err(cause) = self.tree.await {
            tracing::error!(error = %cause, "The journal's tree was not finished.");
        }
    }
}

/// What everything else is built on.
struct Base {
    settings: Settings,
    clock: Arc<HubClock>,
    outside: Outside,
    ledger: Ledger,
    registry: Arc<Registry>,
    authority: Authority,
    seal: SealKey,
    keys: KeysFolder,
    tree: TreeWriter,
    log_key: VerifierKey,
}

impl Base {
    /// Opens store, keys and log, and holds them against each other; with the change of the journal's key that was
    /// begun, if one was.
    async fn gather(
        settings: Settings,
        outside: Outside,
    ) -> Result<(Self, Option<Succession>), NotStarted> {
        let clock = Arc::new(HubClock::new(outside.clock, settings.file.clock));
        let outside = Outside {
            clock: clock.clone(),
            ..outside
        };
        let (ledger, registry) = open_state(&settings, &outside).await?;
        settings.purpose.check(ledger.store().as_ref()).await?;
        let head = ledger.store().head();
        let absent = if head.size > 0 {
            clock.go_on_after(head.at);
            Absent::Refuse
        } else {
            Absent::Make
        };
        let keys = open_keys(&settings, absent, &outside)?;
        let change = keys.journal.change();
        let log_keys = keys.journal.into_log_keys();
        let log_key = log_keys.signing.verifier_key().clone();
        let tree = TreeWriter::open(&settings.data.join(LOG_FOLDER), log_keys)?;
        // Before anything is recorded: an index that was signed is never given again.
        tree.check(ledger.store().as_ref())
            .map_err(NotStarted::OtherJournal)?;
        let base = Self {
            settings,
            clock,
            outside,
            ledger,
            registry,
            authority: keys.authority,
            seal: keys.seal,
            keys: keys.folder,
            tree,
            log_key,
        };
        Ok((base, change))
    }

    /// The first entry of a journal says whose it is.
    async fn record_creation(&self) -> Result<(), NotRecorded> {
        if self.ledger.store().head().size > 0 {
            return Ok(());
        }
        let fact = Fact::from(HubCreated {
            root: fingerprint(self.authority.current().root()).to_string(),
            issuing: fingerprint(self.authority.current().certificate()).to_string(),
            log: self.log_key.to_string(),
            demonstration: self.settings.purpose == Purpose::Demonstration,
        });
        self.ledger.record(&fact).await.map(drop)
    }

    /// Builds what the doors share, starts every worker and opens every door.
    #[expect(clippy::too_many_lines, reason = "it lists what a hub is made of")]
    async fn open(self, listeners: Listeners) -> Result<Hub, NotStarted> {
        let token_file = self.settings.data.join("admin.token");
        let tokens = Tokens::open(token_file, &self.ledger, self.outside.rng.as_ref());
        let tokens = Arc::new(tokens.await?);
        let password = Arc::new(Password::open(ADMIN, &self.ledger).await?);
        let Self {
            settings,
            clock,
            outside,
            ledger,
            registry,
            authority,
            seal,
            keys,
            tree,
            log_key,
        } = self;
        let purpose = settings.purpose;
        let listen = listeners.addresses(&settings)?;
        let addresses = Addresses::new(listen);
        let (drainer, drain) = Drainer::new();
        let mut workers = JoinSet::new();

        let authority = Arc::new(authority);
        let urls = format!("http://{}:{}", settings.first_name(), listen.pki.port());
        let urls = PkiUrls::new(&urls)?;
        let parts = PkiParts {
            settings: &settings,
            outside: &outside,
            ledger: &ledger,
            registry: &registry,
            authority: &authority,
            urls: urls.clone(),
            keys: keys.path(),
        };
        let (pki, tls, rotation) = parts.start(seal, &mut workers, &drain).await?;

        let watching = clock::watch(clock.clone(), ledger.clone(), drain.clone());
        workers.spawn(watching);
        let orders = Arc::new(Orders::new(ledger.clone(), registry.clone()));
        workers.spawn(retry_held(orders.clone()));
        let (arrivals, arrived) = Arrivals::new(registry.clone());
        workers.spawn(activation::record(ledger.clone(), "mqtt", arrived));
        let broker = open_broker(&settings, &registry, outside.clock.now())?;
        registry.watch(broker.clone());
        workers.spawn(two_places::record(ledger.clone(), broker.clone()));
        let upkeep = Arc::new(Upkeep::default());
        let parts = KeepingParts {
            settings: &settings,
            outside: &outside,
            ledger: &ledger,
            upkeep: &upkeep,
            log_key: &log_key,
        };
        let keeping = parts.start(&mut workers, &drain)?;
        let (log, store) = (keeping.log, ledger.store().clone());
        let place = keeping.place;
        let (tree_stop, stop) = Drainer::new();
        let growing = tree::grow(tree, store, log.clone(), outside.clock.clone(), stop);
        let growing = tokio::spawn(growing);
        let now = outside.clock.clone();
        workers.spawn(ca_token::watch(authority.clone(), upkeep.clone(), now));
        write_files(&settings, &authority, &log_key, &addresses)?;
        let issuer = Issuer::new(authority, urls, clock.clone(), outside.rng.clone());
        let key = keys::compared(issuer.authority().current().root());
        let about = About::new(
            &settings,
            keys.path(),
            (key.clone(), log_key.to_string()),
            addresses.clone(),
        );
        let history = sampling::restore(&settings.data, outside.clock.now());
        let doors = Doors {
            about,
            history: Arc::new(Mutex::new(history)),
            settings,
            clock,
            outside,
            addresses: addresses.clone(),
            ledger,
            registry,
            issuer,
            rotation,
            pki,
            tls,
            orders,
            arrivals,
            broker,
            log,
            place,
            archivist: keeping.archivist,
            snapshotter: keeping.snapshotter,
            upkeep,
            tokens,
            password,
        };
        let (doors, sign_in) = doors.open(listeners, &drain).await?;
        Ok(Hub {
            addresses,
            purpose,
            key,
            sign_in,
            drainer,
            doors,
            workers,
            tree: growing,
            tree_stop,
            _keys: keys,
        })
    }
}

/// Writes the files that others find the hub by.
fn write_files(
    settings: &Settings,
    authority: &Authority,
    log_key: &VerifierKey,
    addresses: &Addresses,
) -> Result<(), NotWritten> {
    let write = |name, content: String| {
        files::write(&settings.data.join(name), content.as_bytes(), Mode::Public)
    };
    write(CA_FILE, authority.ca_pem())?;
    write(VERIFIER_KEY_FILE, format!("{log_key}\n"))?;
    write("addresses.json", addresses.to_json())
}

async fn retry_held(orders: Arc<Orders>) {
    loop {
        tokio::time::sleep(HELD_RETRY).await;
        orders.record_held().await;
    }
}

/// The broker, with the sessions that outlived the hub's last life.
fn open_broker(
    settings: &Settings,
    registry: &Registry,
    now: UnixTime,
) -> Result<Arc<Broker>, NotStarted> {
    let path = settings.data.join("mqtt.sqlite");
    let (shelf, found) =
        SqliteShelf::open(&path).map_err(|cause| NotStarted::Sessions { path, cause })?;
    let shelf: Arc<dyn Shelf> = Arc::new(shelf);
    let subject_of = |principal: &Principal| registry.subject(principal);
    let settings = settings.file.broker.clone();
    Ok(Broker::restore(settings, &shelf, found, &subject_of, now))
}

fn open_keys(settings: &Settings, absent: Absent, outside: &Outside) -> Result<Keys, NoKeys> {
    let name = settings.purpose.log_name(settings.first_name());
    let called = Called {
        journal: &name,
        ca: settings.purpose.ca_name(),
    };
    let named = Named {
        sources: Sources {
            named: settings.seal_key.as_ref(),
            credentials: settings.credentials.as_deref(),
        },
        ca_key: settings.ca_key.as_ref(),
    };
    let (now, rng) = (outside.clock.now(), outside.rng.as_ref());
    let folder = settings.data.join(KEYS_FOLDER);
    keys::open(&folder, named, absent, called, now, rng)
}

async fn open_state(
    settings: &Settings,
    outside: &Outside,
) -> Result<(Ledger, Arc<Registry>), NotStarted> {
    let registry = Arc::new(Registry::default());
    let store = settings.store.open(Parts {
        clock: outside.clock.clone(),
        projection: Arc::new(Fold),
        follower: registry.clone(),
        size_max: settings.file.store.size_max_bytes,
    })?;
    rows::renew(&*store, settings)
        .await
        .map_err(NotStarted::State)?;
    rows::take_in(&*store, &registry)
        .await
        .map_err(NotStarted::State)?;
    Ok((Ledger::new(store, outside.rng.clone()), registry))
}

/// The trust anchors of this hub, for its clients.
const CA_FILE: &str = "ca.pem";

/// How often held orders are tried again.
const HELD_RETRY: Duration = Duration::from_secs(1);
