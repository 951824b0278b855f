//! The user's PIN, from its file and to the token only.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use cryptoki::types::RawAuthPin;
use ironroot_custody::files::read_secret;
use parking_lot::Mutex;

use crate::key::TokenRefused;
use crate::uri::KeyUri;

/// PINs that a token refused. None is shown to it twice: after a few wrong ones it locks itself.
#[derive(Debug, Default)]
pub(crate) struct RefusedPins(Mutex<HashMap<String, Vec<u8>>>);

impl RefusedPins {
    /// The PIN for the token of `uri`, unless it is the one that was refused.
    pub(crate) fn read(&self, uri: &KeyUri) -> Result<RawAuthPin, TokenRefused> {
        let file = read_secret(uri.pin_source(), PIN_LENGTH_MAX)
            .map_err(|cause| TokenRefused::PinFile(cause.to_string()))?;
        let pin = file.expose().trim_ascii_end();
        if self.0.lock().get(uri.token()).map(Vec::as_slice) == Some(digest(&SHA256, pin).as_ref())
        {
            return Err(TokenRefused::WrongPin {
                token: uri.token().to_owned(),
                pin_source: uri.pin_source().to_owned(),
            });
        }
        Ok(RawAuthPin::new(Box::new(pin.to_vec())))
    }

    /// The token refused what its file holds now.
    pub(crate) fn refuse(&self, uri: &KeyUri) {
        if let Ok(file) = read_secret(uri.pin_source(), PIN_LENGTH_MAX) {
            let digest = digest(&SHA256, file.expose().trim_ascii_end());
            let refused = digest.as_ref().to_vec();
            self.0.lock().insert(uri.token().to_owned(), refused);
        }
    }
}

const PIN_LENGTH_MAX: usize = 256;
