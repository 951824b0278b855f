//! Why a hub does not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use ironroot_pki::NotSigned;
use ironroot_pki::authority::BadUrl;
use ironroot_tree::TreeError;

use super::StateUnreadable;
use crate::collect::intake::manufacturer::ManufacturerRefused;
use crate::collect::intake::profiles::ProfilesRefused;
use crate::collect::intake::tokens::NoToken;
use crate::demonstration::OtherPurpose;
use crate::enforce::archive::BadArchive;
use crate::enforce::log_key::NotHandedOver;
use crate::enforce::ocsp::Unanswered;
use crate::enforce::server_certificate::NoIdentity;
use crate::files::NotWritten;
use crate::keys::NoKeys;
use crate::ledger::NotRecorded;
use crate::storage::NotOpened;

/// Why the hub did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotStarted {
    /// A file of the data folder.
    #[error("a file of the data folder cannot be written")]
    File(#[from] NotWritten),
    /// A restore was cut short at its end.
    #[error(
        "{} is being restored: give the same `ironroot backup restore` again, which finishes it", .0.display()
    )]
    Restoring(PathBuf),
    /// The keys.
    #[error("the hub's keys cannot be opened")]
    Keys(#[from] NoKeys),
    /// The store.
    #[error(transparent)]
    Store(#[from] NotOpened),
    /// The store belongs to a hub of the other purpose.
    #[error(transparent)]
    Purpose(#[from] OtherPurpose),
    /// The MQTT sessions that outlived the hub's last life.
    #[error("the MQTT sessions in {} cannot be opened", path.display())]
    Sessions {
        /// Their file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: ironroot_shelf::OpenError,
    },
    /// The threads that sessions live on.
    #[error("the system gives no threads for MQTT sessions")]
    SessionThreads(#[source] io::Error),
    /// The state in the store.
    #[error("the store's state cannot be read: `ironroot journal rebuild` makes it again")]
    State(#[source] StateUnreadable),
    /// The journal.
    #[error("the hub's own entries cannot be recorded")]
    NotRecorded(#[from] NotRecorded),
    /// The API's token.
    #[error("there is no token for the API")]
    NoToken(#[from] NoToken),
    /// The journal's key could not be changed.
    #[error("the journal cannot be handed over to its new key")]
    NotHandedOver(#[from] NotHandedOver),
    /// The journal's tree.
    #[error("the journal's tree cannot be grown")]
    Tree(#[from] TreeError),
    /// The store is not the one whose entries were signed.
    #[error(
        "the store does not go on where the signed journal ends: put back the newest store and the journal folder that belongs to it; `ironroot journal verify` says what differs"
    )]
    OtherJournal(#[source] TreeError),
    /// The archive.
    #[error("the archive of the settings cannot be used")]
    Archive(#[from] BadArchive),
    /// The profiles.
    #[error("the profiles cannot be taken in")]
    Profiles(#[from] ProfilesRefused),
    /// A door's address.
    #[error(
        "the {door} door cannot listen at {address}: is another program, or another hub, there already?"
    )]
    Listen {
        /// Which door.
        door: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// The name that stands in certificates.
    #[error("hub.names: the first name cannot stand in certificates")]
    Url(#[from] BadUrl),
    /// The hub's own certificate.
    #[error("the doors have no certificate")]
    Identity(#[from] NoIdentity),
    /// The CRLs.
    #[error("the revocation lists cannot be signed")]
    RevocationLists(#[source] NotSigned),
    /// The OCSP responders.
    #[error("nobody answers for the CA's certificates")]
    Ocsp(#[from] Unanswered),
    /// The manufacturers' CAs.
    #[error("a manufacturer's CA cannot be used")]
    Manufacturer(#[from] ManufacturerRefused),
    /// TLS.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// A CA certificate.
    #[error("the CA's certificates cannot be written as PKCS#7")]
    Est(#[source] Box<dyn std::error::Error + Send + Sync>),
}
