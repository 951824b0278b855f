//! Services: each with its row, and a live Grant that follows from it.

use std::sync::Arc;

use ironroot_identity::Principal;
use ironroot_mqtt::TopicTemplate;
use ironroot_profile::Topics;
use ironroot_standing::{Grant, grant_service};
use parking_lot::RwLock;

use super::Registry;
use crate::row::ServiceRow;
use crate::subject::Subject;

/// A service: its row and its live Grant.
#[derive(Debug)]
pub struct Service {
    subject: Arc<Subject>,
    row: RwLock<ServiceRow>,
}

impl Service {
    /// Its identity and Grant.
    pub fn subject(&self) -> &Arc<Subject> {
        &self.subject
    }

    /// Its row.
    pub fn row(&self) -> ServiceRow {
        self.row.read().clone()
    }
}

impl Registry {
    /// The service of this name.
    pub fn service(&self, name: &str) -> Option<Arc<Service>> {
        self.services.read().get(name).cloned()
    }

    /// All services, in the order of names.
    pub fn services(&self) -> Vec<Arc<Service>> {
        self.services.read().values().cloned().collect()
    }

    pub(super) fn put_service(&self, row: ServiceRow) {
        let grant = match row.certificate {
            Some(_) => grant_service(topics(&row.publish), topics(&row.subscribe)),
            None => Grant::nothing(),
        };
        let known = self.service(row.name.as_str());
        let service = known.unwrap_or_else(|| {
            let subject = Subject::new(
                Principal::Service(row.name.clone()),
                Arc::new(Grant::nothing()),
            );
            let service = Arc::new(Service {
                subject: Arc::new(subject),
                row: RwLock::new(row.clone()),
            });
            self.services
                .write()
                .insert(row.name.clone(), Arc::clone(&service));
            service
        });
        *service.row.write() = row;
        self.set_grant(&service.subject, Arc::new(grant));
    }
}

/// Filters that were checked when the service was made; one that does not pass opens nothing.
fn topics(texts: &[String]) -> Topics {
    Topics::new(
        texts
            .iter()
            .filter_map(|text| TopicTemplate::parse(text.as_str().into()).ok())
            .collect(),
    )
}
