//! One P-256 key on a token: made there, and used there within a bounded time.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki::session::Session;
use parking_lot::Mutex;

use crate::module::{Module, call_failed, private_keys};
use crate::signature::{P256, point, to_der, verifies};
use crate::uri::KeyUri;

/// A private key that stays on its token.
///
/// Cheap to clone: clones share the threads that call the token.
#[derive(Clone)]
pub struct TokenKey {
    key: Arc<Key>,
    jobs: SyncSender<Job>,
}

struct Key {
    uri: KeyUri,
    module: Arc<Module>,
    /// The public key: an uncompressed point.
    point: Vec<u8>,
    /// Why the last call failed, if it did, and when.
    away: Mutex<Option<(TokenRefused, Instant)>>,
}

/// A message to be signed, and where the signature goes.
struct Job {
    message: Vec<u8>,
    answer: SyncSender<Result<Vec<u8>, TokenRefused>>,
}

/// Why a token does not do what it is asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenRefused {
    /// The library cannot be loaded or started.
    #[error("the PKCS#11 module {} cannot be started: {cause}", path.display())]
    Module {
        /// The library.
        path: PathBuf,
        /// What it says.
        cause: String,
    },
    /// The library was not started yet.
    #[error("the PKCS#11 module is not started")]
    NotStarted,
    /// No such token is plugged in, or several are.
    #[error(
        "{found} tokens are called {token:?}, and one is needed: is it plugged in and switched on? A serial number in the URI tells two apart"
    )]
    Tokens {
        /// Its label.
        token: String,
        /// How many there are.
        found: usize,
    },
    /// No such key is on the token, or several are.
    #[error("{found} private keys on the token {token:?} are called {object:?}, and one is needed")]
    Keys {
        /// The key's label.
        object: String,
        /// The token's label.
        token: String,
        /// How many there are.
        found: usize,
    },
    /// A key of this name is there already.
    #[error(
        "the token {token:?} has a key called {object:?} already: name another object, a key is made once"
    )]
    Exists {
        /// The key's label.
        object: String,
        /// The token's label.
        token: String,
    },
    /// The file of the PIN.
    #[error("the PIN: {0}")]
    PinFile(String),
    /// The token does not take the PIN.
    #[error("the token {token:?} refuses the PIN in {}; it is not tried again before the file changes, since tokens lock themselves", pin_source.display())]
    WrongPin {
        /// The token's label.
        token: String,
        /// The PIN's file.
        pin_source: PathBuf,
    },
    /// A call failed.
    #[error("the token fails: {0}")]
    Call(String),
    /// No answer came in time.
    #[error("the token gives no answer within {} s", TIME_MAX.as_secs())]
    TimedOut,
    /// Too many wait for it already.
    #[error("more signatures are asked for than the token gives")]
    Busy,
    /// What it gave is no signature of its key.
    #[error(
        "the token's signature is not one of the CA's key: another key may have taken its name"
    )]
    Signature,
    /// The key that it made is no P-256 key, or could be taken out.
    #[error("the token made no P-256 key that cannot be taken out of it")]
    BadKey,
}

impl TokenRefused {
    /// Whether it may be over when the library is started again.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::NotStarted
            | Self::Module { .. }
            | Self::Tokens { .. }
            | Self::Keys { .. }
            | Self::Call(_) => true,
            Self::Exists { .. }
            | Self::PinFile(_)
            | Self::WrongPin { .. }
            | Self::TimedOut
            | Self::Busy
            | Self::Signature
            | Self::BadKey => false,
        }
    }
}

impl TokenKey {
    /// Has the token make a new key that it never gives out.
    ///
    /// # Errors
    /// [`TokenRefused`], above all when a key of this name is there already.
    pub fn generate(uri: KeyUri) -> Result<Self, TokenRefused> {
        let module = Module::at(uri.module_path());
        let (done, made) = sync_channel(1);
        let asked = uri.clone();
        thread::spawn(move || {
            let made = module.with_writing_session(&asked, |session| generate(session, &asked));
            let _nobody_waits = done.send(made);
        });
        let point = made
            .recv_timeout(TIME_MAX)
            .map_err(|_late| TokenRefused::TimedOut)??;
        let key = Self::open(uri, point);
        // A key whose signatures nobody can check is found out before a certificate says it is the CA's.
        key.probe()?;
        Ok(key)
    }

    /// A key that was made before, by its public key; whether the token is there shows when it is used.
    pub fn open(uri: KeyUri, point: Vec<u8>) -> Self {
        let key = Arc::new(Key {
            module: Module::at(uri.module_path()),
            uri,
            point,
            away: Mutex::new(None),
        });
        let (jobs, waiting) = sync_channel::<Job>(WAITING_MAX);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..THREADS {
            let (key, waiting) = (Arc::clone(&key), Arc::clone(&waiting));
            thread::spawn(move || key.serve(&waiting));
        }
        Self { key, jobs }
    }

    /// Signs `message` with ECDSA and SHA-256; gives the signature in DER.
    ///
    /// # Errors
    /// [`TokenRefused`] when the token is away, fails, or gives no answer in time.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, TokenRefused> {
        // A moment after a failure nobody waits for the next one.
        if let Some((refused, at)) = &*self.key.away.lock()
            && at.elapsed() < PAUSE
        {
            return Err(refused.clone());
        }
        let signed = self.ask(message);
        let refused = signed.as_ref().err().cloned();
        *self.key.away.lock() = refused.map(|refused| (refused, Instant::now()));
        signed
    }

    /// Asks for a signature that nothing uses, so that a token that went away or came back is noticed.
    ///
    /// # Errors
    /// As for [`TokenKey::sign`].
    pub fn probe(&self) -> Result<(), TokenRefused> {
        self.sign(PROBE).map(drop)
    }

    /// Which key it is.
    pub fn uri(&self) -> &KeyUri {
        &self.key.uri
    }

    /// The public key: an uncompressed point of P-256.
    pub fn point(&self) -> &[u8] {
        &self.key.point
    }

    /// Why the last signature failed, if it did.
    pub fn away(&self) -> Option<TokenRefused> {
        let away = self.key.away.lock();
        away.as_ref().map(|(refused, _)| refused.clone())
    }

    fn ask(&self, message: &[u8]) -> Result<Vec<u8>, TokenRefused> {
        let (answer, signed) = sync_channel(1);
        let job = Job {
            message: message.to_vec(),
            answer,
        };
        self.jobs.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => TokenRefused::Busy,
            TrySendError::Disconnected(_) => TokenRefused::NotStarted,
        })?;
        signed
            .recv_timeout(TIME_MAX)
            .map_err(|_late| TokenRefused::TimedOut)?
    }
}

impl Key {
    /// Signs what is asked for, one after the other, until nobody can ask any more.
    fn serve(&self, waiting: &Mutex<Receiver<Job>>) {
        loop {
            // One thread waits at the queue, the others at the lock.
            let job = waiting.lock().recv();
            let Ok(Job { message, answer }) = job else {
                return;
            };
            // Who asked may have given up since.
            let _nobody_waits = answer.send(self.sign(&message));
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, TokenRefused> {
        let hash = digest(&SHA256, message);
        let raw = self.module.with_key(&self.uri, |session, key| {
            session.sign(&Mechanism::Ecdsa, key, hash.as_ref())
        })?;
        let signature = to_der(&raw).ok_or(TokenRefused::Signature)?;
        if !verifies(&self.point, message, &signature) {
            return Err(TokenRefused::Signature);
        }
        Ok(signature)
    }
}

/// Makes the pair (PKCS#11 3.0 section 2.3.5); gives the public point.
fn generate(session: &Session, uri: &KeyUri) -> Result<Vec<u8>, TokenRefused> {
    if !private_keys(session, uri)?.is_empty() {
        return Err(TokenRefused::Exists {
            object: uri.object().to_owned(),
            token: uri.token().to_owned(),
        });
    }
    let label = || Attribute::Label(uri.object().as_bytes().to_vec());
    let public = [
        Attribute::Token(true),
        Attribute::EcParams(P256.to_vec()),
        Attribute::Verify(true),
        label(),
    ];
    let private = [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
        label(),
    ];
    let pair = session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private);
    let (public, private) = pair.map_err(|cause| call_failed(&cause))?;
    let kept = attributes(
        session,
        private,
        &[
            AttributeType::NeverExtractable,
            AttributeType::AlwaysSensitive,
        ],
    )?;
    let stays = kept.contains(&Attribute::NeverExtractable(true))
        && kept.contains(&Attribute::AlwaysSensitive(true));
    let made = attributes(session, public, &[AttributeType::EcPoint])?;
    match made.as_slice() {
        [Attribute::EcPoint(bytes)] if stays => point(bytes).ok_or(TokenRefused::BadKey),
        _ => Err(TokenRefused::BadKey),
    }
}

fn attributes(
    session: &Session,
    object: ObjectHandle,
    wanted: &[AttributeType],
) -> Result<Vec<Attribute>, TokenRefused> {
    let found = session.get_attributes(object, wanted);
    found.map_err(|cause| call_failed(&cause))
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKey({})", self.key.uri)
    }
}

/// How long a signature may take; a slow smart card needs less than one second.
const TIME_MAX: Duration = Duration::from_secs(10);
/// How long a failure stands for the calls after it.
const PAUSE: Duration = Duration::from_secs(1);
/// No certificate, CRL or OCSP response begins like this.
const PROBE: &[u8] = b"ironroot: is the token there?";
/// How many calls of one key run at once.
const THREADS: usize = 4;
/// How many signatures may be asked for beyond those.
const WAITING_MAX: usize = 256;
