//! Services: backend applications, their topics and certificates.

use ironroot_api::{Page, PageQuery, ServiceItem, limit};
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
