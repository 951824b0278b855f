//! Services: backend applications, their topics and certificates.

use ironroot_api::{Page, PageQuery, ServiceDetail, ServiceItem, limit};
use ironroot_registry::Service;

use crate::page::page_by_name;
use crate::{NotShown, Views};

impl Views {
    /// One page of services, by name.
    ///
    /// # Errors
    /// [`NotShown`] when the store cannot be read.
    pub async fn services(&self, query: &PageQuery) -> Result<Page<ServiceItem>, NotShown> {
        let (services, next) = page_by_name(
            self.registry.services(),
            |service| service.subject().principal().id(),
            query.cursor.as_deref(),
            limit(query.limit),
        );
        let mut items = Vec::with_capacity(services.len());
        for service in services {
            items.push(self.service_item(&service).await?);
        }
        Ok(Page { items, next })
    }

    /// One service, with what the doors know of it.
    ///
    /// # Errors
    /// [`NotShown::Unknown`], or the store could not be read.
    pub async fn service(&self, name: &str) -> Result<ServiceDetail, NotShown> {
        let service = self.registry.service(name);
        let service = service.ok_or_else(|| NotShown::Unknown {
            what: "service",
            name: name.to_owned(),
        })?;
        let activity = self.live.activity(service.subject().principal());
        Ok(ServiceDetail {
            item: self.service_item(&service).await?,
            last_seen: activity.last_seen.map(|at| at.to_string()),
            traffic: activity.traffic,
        })
    }

    async fn service_item(&self, service: &Service) -> Result<ServiceItem, NotShown> {
        let row = service.row();
        let activity = self.live.activity(service.subject().principal());
        Ok(ServiceItem {
            name: row.name.to_string(),
            publish: row.publish,
            subscribe: row.subscribe,
            sessions: activity.sessions,
            certificates: self
                .certificates(row.certificate.into_iter().collect())
                .await?,
            revoked: row.certificate.is_none(),
        })
    }
}
