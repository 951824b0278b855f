//! Manufacturers' CAs, with what their certificates say.

use ironroot_api::{ManufacturerCa, Page, PageQuery, limit};
use ironroot_pki::CertificateDer;
use ironroot_pki::facts::CertificateFacts;
use ironroot_registry::ManufacturerRow;
use rustls::pki_types::pem::PemObject;

use crate::page::page_by_name;
use crate::{NotShown, Views};

impl Views {
    /// One page of manufacturers' CAs, by name.
    pub fn manufacturers(&self, query: &PageQuery) -> Page<ManufacturerCa> {
        let (rows, next) = page_by_name(
            self.registry.manufacturers(),
            |row| row.name.as_str(),
            query.cursor.as_deref(),
            limit(query.limit),
        );
        // A row whose certificate cannot be read has got past the check when it was accepted: nobody
        // enrols by it, and it is not shown.
        let items = rows.iter().filter_map(manufacturer);
        Page {
            items: items.collect(),
            next,
        }
    }

    /// One manufacturer's CA.
    ///
    /// # Errors
    /// [`NotShown::Unknown`].
    pub fn manufacturer(&self, name: &str) -> Result<ManufacturerCa, NotShown> {
        let rows = self.registry.manufacturers();
        let row = rows.iter().find(|row| row.name.as_str() == name);
        row.and_then(manufacturer).ok_or_else(|| NotShown::Unknown {
            what: "manufacturer CA",
            name: name.to_owned(),
        })
    }
}

fn manufacturer(row: &ManufacturerRow) -> Option<ManufacturerCa> {
    let der = CertificateDer::from_pem_slice(row.pem.as_bytes()).ok()?;
    let facts = CertificateFacts::read(&der).ok()?;
    Some(ManufacturerCa {
        name: row.name.to_string(),
        subject: facts.subject,
        fingerprint: facts.fingerprint.to_string(),
        not_after: facts.not_after.to_string(),
        serial_prefix: (!row.prefix.is_empty()).then(|| row.prefix.clone()),
        entry: row.entry,
    })
}
