//! Saved views of the devices.

use ironroot_api::SavedView;

use crate::Views;

impl Views {
    /// All saved views, by name; there are few.
    pub fn saved(&self) -> Vec<SavedView> {
        let rows = self.registry.views().into_iter();
        rows.map(|row| SavedView {
            name: row.name.to_string(),
            query: row.query,
            entry: row.entry,
        })
        .collect()
    }
}
