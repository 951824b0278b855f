//! Tokens of the API, by their names: the rows say who has one, and nothing says what it is.

use ironroot_api::{Page, PageQuery, TokenItem, limit};
use ironroot_registry::{Row, TokenRow};
use ironroot_store::KeyRange;

use crate::{NotShown, Views, words};

impl Views {
    /// One page of tokens.
    ///
    /// # Errors
    /// [`NotShown`] when the store cannot be read.
    pub async fn tokens(&self, query: &PageQuery) -> Result<Page<TokenItem>, NotShown> {
        let limit = limit(query.limit);
        let range = match &query.cursor {
            Some(cursor) => KeyRange::all().after(cursor),
            None => KeyRange::all(),
        };
        let rows = self.store.rows(TokenRow::TABLE, range, limit).await?;
        let next = rows.last().filter(|_| rows.len() == limit);
        let next = next.map(|last| last.key.to_string());
        let items = rows.iter().map(|row| {
            let row: TokenRow = serde_json::from_slice(&row.value)?;
            Ok(TokenItem {
                name: row.name,
                made: words::moment(row.at),
                entry: row.entry,
            })
        });
        Ok(Page {
            items: items.collect::<Result<_, NotShown>>()?,
            next,
        })
    }
}
