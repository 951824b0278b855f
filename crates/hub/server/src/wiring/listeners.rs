//! The sockets of the doors, bound before anything else is begun.

use tokio::net::TcpListener;

use super::NotStarted;
use crate::settings::{Listen, Settings};

/// Sockets that listen, before anything answers on them.
pub(super) struct Listeners {
    pub(super) console: TcpListener,
    pub(super) mqtt: TcpListener,
    pub(super) device: TcpListener,
    pub(super) pki: TcpListener,
}

impl Listeners {
    pub(super) async fn bind(listen: Listen) -> Result<Self, NotStarted> {
        let bind = async |door, address| {
            TcpListener::bind(address)
                .await
                .map_err(|cause| NotStarted::Listen {
                    door,
                    address,
                    cause,
                })
        };
        Ok(Self {
            console: bind("console", listen.console).await?,
            mqtt: bind("mqtt", listen.mqtt).await?,
            device: bind("device", listen.device).await?,
            pki: bind("pki", listen.pki).await?,
        })
    }

    pub(super) fn addresses(&self, settings: &Settings) -> Result<Listen, NotStarted> {
        let address = |door, listener: &TcpListener, asked| {
            listener.local_addr().map_err(|cause| NotStarted::Listen {
                door,
                address: asked,
                cause,
            })
        };
        let asked = settings.listen;
        Ok(Listen {
            console: address("console", &self.console, asked.console)?,
            mqtt: address("mqtt", &self.mqtt, asked.mqtt)?,
            device: address("device", &self.device, asked.device)?,
            pki: address("pki", &self.pki, asked.pki)?,
        })
    }
}
