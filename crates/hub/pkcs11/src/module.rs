//! The foreign library in this process: started once for all keys behind it, and again when a token was away.

use std::collections::HashMap;
use std::fmt::Display;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use parking_lot::{Mutex, RwLock};
use rustix::process::geteuid;

use crate::key::TokenRefused;
use crate::pin::RefusedPins;
use crate::uri::KeyUri;

/// One PKCS#11 library, with the sessions that are open through it.
#[derive(Debug)]
pub(crate) struct Module {
    path: PathBuf,
    /// Read while a call runs, written while the library is started again.
    state: RwLock<State>,
    /// Sessions that are logged in and idle, with the handle of their key.
    idle: Mutex<HashMap<KeyUri, Vec<(Session, ObjectHandle)>>>,
    pins: RefusedPins,
}

#[derive(Debug, Default)]
struct State {
    library: Option<Pkcs11>,
    /// How often it was started.
    starts: u64,
    started: Option<Instant>,
}

/// A call that failed, and in which life of the library.
struct Failed {
    starts: u64,
    refused: TokenRefused,
}

/// There is one library of a path in a process, and starting it is felt by all who use it.
static MODULES: Mutex<Vec<Arc<Module>>> = Mutex::new(Vec::new());

impl Module {
    /// The library at `path`; it is loaded at the first call.
    pub(crate) fn at(path: &Path) -> Arc<Self> {
        let mut modules = MODULES.lock();
        if let Some(known) = modules.iter().find(|module| module.path == path) {
            return Arc::clone(known);
        }
        let module = Arc::new(Self {
            path: path.to_owned(),
            state: RwLock::default(),
            idle: Mutex::default(),
            pins: RefusedPins::default(),
        });
        modules.push(Arc::clone(&module));
        module
    }

    /// Does something with the key of `uri`; when that fails, once more with the library started again,
    /// since only so some libraries see a token that was away.
    pub(crate) fn with_key<T>(
        &self,
        uri: &KeyUri,
        call: impl Fn(&Session, ObjectHandle) -> Result<T, Error>,
    ) -> Result<T, TokenRefused> {
        let with_key = |library: &Pkcs11| {
            let pooled = self.idle.lock().get_mut(uri).and_then(Vec::pop);
            let (session, key) = match pooled {
                Some(idle) => idle,
                None => self.open_with_key(library, uri)?,
            };
            let done = call(&session, key).map_err(|cause| call_failed(&cause))?;
            self.idle
                .lock()
                .entry(uri.clone())
                .or_default()
                .push((session, key));
            Ok(done)
        };
        self.twice(with_key)
    }

    /// Does something in a session that may make objects on the token.
    pub(crate) fn with_writing_session<T>(
        &self,
        uri: &KeyUri,
        call: impl Fn(&Session) -> Result<T, TokenRefused>,
    ) -> Result<T, TokenRefused> {
        self.twice(|library| {
            let session = library
                .open_rw_session(slot(library, uri)?)
                .map_err(|cause| call_failed(&cause))?;
            self.log_in(&session, uri)?;
            call(&session)
        })
    }

    fn twice<T>(
        &self,
        call: impl Fn(&Pkcs11) -> Result<T, TokenRefused>,
    ) -> Result<T, TokenRefused> {
        let once = || {
            let state = self.state.read();
            let failed = |refused| Failed {
                starts: state.starts,
                refused,
            };
            let library = state.library.as_ref();
            let library = library.ok_or_else(|| failed(TokenRefused::NotStarted))?;
            call(library).map_err(failed)
        };
        once().or_else(|failed| {
            if !failed.refused.may_pass() || !self.start_again(failed.starts)? {
                return Err(failed.refused);
            }
            once().map_err(|failed| failed.refused)
        })
    }

    /// Starts the library, unless somebody has since `starts`, or did a moment ago: then it says no.
    fn start_again(&self, starts: u64) -> Result<bool, TokenRefused> {
        let mut state = self.state.write();
        if state.starts != starts {
            return Ok(true);
        }
        if state.started.is_some_and(|at| at.elapsed() < PAUSE) {
            return Ok(false);
        }
        state.started = Some(Instant::now());
        // Sessions first: in the next life their numbers belong to others.
        self.idle.lock().clear();
        let not_loaded = |cause: &dyn Display| TokenRefused::Module {
            path: self.path.clone(),
            cause: cause.to_string(),
        };
        let library = match state.library.take() {
            // A library that was not started, or is broken, says so; it is started all the same.
            Some(library) => {
                let _finalized = library.clone().finalize();
                library
            }
            None => trusted(&self.path)
                .map_err(|cause| not_loaded(&cause))
                .and_then(|path| Pkcs11::new(path).map_err(|cause| not_loaded(&cause)))?,
        };
        let arguments = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
        let initialized = library.initialize(arguments);
        // Kept whatever comes of it: a library is loaded once.
        state.library = Some(library);
        state.starts += 1;
        match initialized {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(true),
            Err(cause) => Err(not_loaded(&cause)),
        }
    }

    fn open_with_key(
        &self,
        library: &Pkcs11,
        uri: &KeyUri,
    ) -> Result<(Session, ObjectHandle), TokenRefused> {
        let session = library
            .open_ro_session(slot(library, uri)?)
            .map_err(|cause| call_failed(&cause))?;
        self.log_in(&session, uri)?;
        match private_keys(&session, uri)?.as_slice() {
            [key] => Ok((session, *key)),
            keys => Err(TokenRefused::Keys {
                object: uri.object().to_owned(),
                token: uri.token().to_owned(),
                found: keys.len(),
            }),
        }
    }

    /// Logs in for the whole process; a session of it that is open keeps the login.
    fn log_in(&self, session: &Session, uri: &KeyUri) -> Result<(), TokenRefused> {
        let pin = self.pins.read(uri)?;
        match session.login_with_raw(UserType::User, &pin) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
            Err(Error::Pkcs11(
                RvError::PinIncorrect
                | RvError::PinLocked
                | RvError::PinInvalid
                | RvError::PinLenRange,
                _,
            )) => {
                self.pins.refuse(uri);
                Err(TokenRefused::WrongPin {
                    token: uri.token().to_owned(),
                    pin_source: uri.pin_source().to_owned(),
                })
            }
            Err(cause) => Err(call_failed(&cause)),
        }
    }
}

/// The private keys of the name that `uri` gives.
pub(crate) fn private_keys(
    session: &Session,
    uri: &KeyUri,
) -> Result<Vec<ObjectHandle>, TokenRefused> {
    let template = [
        Attribute::Class(ObjectClass::PRIVATE_KEY),
        Attribute::Token(true),
        Attribute::Label(uri.object().as_bytes().to_vec()),
    ];
    let found = session.find_objects(&template);
    found.map_err(|cause| call_failed(&cause))
}

/// Where the token is plugged in; there may be no two of one name.
fn slot(library: &Pkcs11, uri: &KeyUri) -> Result<Slot, TokenRefused> {
    let slots = library.get_slots_with_token();
    let mut found = Vec::new();
    for slot in slots.map_err(|cause| call_failed(&cause))? {
        // A slot whose token fails is not the one that is looked for.
        let Ok(info) = library.get_token_info(slot) else {
            continue;
        };
        let serial = uri
            .serial()
            .is_none_or(|serial| serial == info.serial_number().trim_end());
        if info.label().trim_end() == uri.token() && serial {
            found.push(slot);
        }
    }
    match found.as_slice() {
        [slot] => Ok(*slot),
        slots => Err(TokenRefused::Tokens {
            token: uri.token().to_owned(),
            found: slots.len(),
        }),
    }
}

/// The library without symbolic links, when nobody can have put code of theirs there: root or this user owns it and
/// every folder above it, and others may not write. Its code runs in this process, and its path may come from afar.
fn trusted(library: &Path) -> io::Result<PathBuf> {
    let path = fs::canonicalize(library)?;
    let own = geteuid().as_raw();
    for part in path.ancestors() {
        let found = fs::metadata(part)?;
        // Of a sticky folder others cannot take away what is ours.
        let closed =
            found.mode() & OTHERS_WRITE == 0 || (found.is_dir() && found.mode() & STICKY != 0);
        if !closed || ![0, own].contains(&found.uid()) {
            let said = format!("others may write {}", part.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, said));
        }
    }
    Ok(path)
}

pub(crate) fn call_failed(cause: &Error) -> TokenRefused {
    TokenRefused::Call(cause.to_string())
}

const OTHERS_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// How long a library is left alone after it was started.
const PAUSE: Duration = Duration::from_secs(1);
