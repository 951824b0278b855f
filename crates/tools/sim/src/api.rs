//! The hub's API, as far as a simulated fleet needs it: claims, orders, services, and what became of them.

use anyhow::{Context, Result, ensure};
use hyper::Method;
use hyper::header::HeaderValue;
use ironroot_api::{
    BASE, CLAIM_TTL_S_DEFAULT, CertificateRevoked, Claim, DeviceDetail, DeviceItem, JournalEntry,
    NewClaim, NewOrder, NewOrders, NewRevocation, NewService, Order, OrderDone, OrdersDone,
    PAGE_LIMIT_MAX, Page, RevocationReason, Secret, ServiceIssued, Status,
};
use ironroot_link::{Call, Http};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::hub::{self, Hub};
use crate::tls::{self, Identity};

/// A connection to the API, with the administrator's rights.
#[derive(Debug)]
pub struct Api {
    http: Http,
    bearer: HeaderValue,
}

impl Api {
    /// Connects to the API of `hub`.
    ///
    /// # Errors
    /// When nothing listens there, or the token can stand in no header.
    pub async fn connect(hub: &Hub) -> Result<Self> {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", hub.token.reveal()))
            .context("admin.token holds no token")?;
        bearer.set_sensitive(true);
        let http = Http::on(tls::connect_tcp(hub.console, 0).await?, hub::NAME).await?;
        Ok(Self { http, bearer })
    }

    /// Claims a serial; the token lets its device enrol.
    ///
    /// # Errors
    /// When the hub refuses.
    pub async fn claim(&mut self, serial: &str, profile: &str) -> Result<Secret> {
        let claim = NewClaim {
            serial: serial.to_owned(),
            profile: profile.to_owned(),
            ttl_s: CLAIM_TTL_S_DEFAULT,
        };
        let claimed: Claim = self.post("/claims", &claim).await?;
        Ok(claimed.token)
    }

    /// Gives an order about a device.
    ///
    /// # Errors
    /// When the hub refuses.
    pub async fn order(&mut self, device: &str, order: Order, why: &str) -> Result<OrderDone> {
        let path = format!("/devices/{device}/orders");
        let order = NewOrder {
            order,
            why: why.to_owned(),
            seen: None,
        };
        self.post(&path, &order).await
    }

    /// Gives the same order about several devices.
    ///
    /// # Errors
    /// When the hub refuses it, or refuses it about one of them.
    pub async fn orders(&mut self, devices: &[String], order: Order, why: &str) -> Result<()> {
        let orders = NewOrders {
            order,
            why: why.to_owned(),
            seen: None,
            devices: devices.to_vec(),
        };
        let told: OrdersDone = self.post("/orders", &orders).await?;
        let refused = told.refused.first();
        ensure!(refused.is_none(), "one of many was refused: {refused:?}");
        Ok(())
    }

    /// Revokes one certificate, whose key somebody else has.
    ///
    /// # Errors
    /// When the hub refuses.
    pub async fn revoke_certificate(
        &mut self,
        serial: &str,
        why: &str,
    ) -> Result<CertificateRevoked> {
        let path = format!("/certificates/{serial}/revoke");
        let revocation = NewRevocation {
            reason: RevocationReason::KeyCompromise,
            why: why.to_owned(),
        };
        self.post(&path, &revocation).await
    }

    /// One device, with everything that is known about it.
    ///
    /// # Errors
    /// When the hub knows no such device.
    pub async fn device(&mut self, device: &str) -> Result<DeviceDetail> {
        self.get(&format!("/devices/{device}")).await
    }

    /// Every device, up to the most that one page holds.
    ///
    /// # Errors
    /// When the hub does not answer.
    pub async fn devices(&mut self) -> Result<Vec<DeviceItem>> {
        let page: Page<DeviceItem> = self
            .get(&format!("/devices?limit={PAGE_LIMIT_MAX}"))
            .await?;
        Ok(page.items)
    }

    /// The journal's entries from index `from` on, up to the most that one page holds.
    ///
    /// # Errors
    /// When the hub does not answer.
    pub async fn journal(&mut self, from: u64) -> Result<Vec<JournalEntry>> {
        let path = format!("/journal?from={from}&limit={PAGE_LIMIT_MAX}");
        let page: Page<JournalEntry> = self.get(&path).await?;
        Ok(page.items)
    }

    /// How the hub is.
    ///
    /// # Errors
    /// When the hub does not answer.
    pub async fn status(&mut self) -> Result<Status> {
        self.get("/status").await
    }

    /// Makes a service that may subscribe to `filter`.
    ///
    /// # Errors
    /// When the hub refuses, or hands out no key.
    pub async fn subscriber(&mut self, name: &str, filter: &str) -> Result<Identity> {
        let service = NewService {
            name: name.to_owned(),
            publish: Vec::new(),
            subscribe: vec![filter.to_owned()],
            csr: None,
        };
        let issued: ServiceIssued = self.post("/services", &service).await?;
        let key = issued.key.context("the hub handed out no key")?;
        Ok(Identity::from_pem(&issued.certificate, key.reveal())?)
    }

    async fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T> {
        self.ask(Method::GET, &format!("{BASE}{path}"), None).await
    }

    async fn post<T: DeserializeOwned>(
        &mut self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T> {
        let body = ("application/json", serde_json::to_vec(body)?);
        self.ask(Method::POST, &format!("{BASE}{path}"), Some(body))
            .await
    }

    async fn ask<T: DeserializeOwned>(
        &mut self,
        method: Method,
        path: &str,
        body: Option<(&'static str, Vec<u8>)>,
    ) -> Result<T> {
        let call = Call {
            method,
            path,
            body,
            authorization: Some(&self.bearer),
        };
        let answer = self.http.call(call).await?.success(path)?;
        serde_json::from_slice(&answer).with_context(|| format!("{path}: the answer is odd"))
    }
}
