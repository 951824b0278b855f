//! Claims that wait for their device: what will end first stands first.

use std::ops::ControlFlow;

use ironroot_api::{ClaimItem, Page, PageQuery, limit};
use ironroot_registry::{Device, Fact};
use ironroot_standing::Lifecycle;

use crate::best::Best;
use crate::page::Place;
use crate::walk::each_device;
use crate::{NotShown, Views, words};

impl Views {
    /// One page of the claims that wait, by their end.
    ///
    /// # Errors
    /// [`NotShown::BadCursor`], or the store could not be read.
    pub async fn claims(&self, query: &PageQuery) -> Result<Page<ClaimItem>, NotShown> {
        let from = query.cursor.as_deref().map(Place::read).transpose()?;
        let now = self.clock.now().as_ms();
        let mut best = Best::of(limit(query.limit), from);
        each_device(&self.registry, None, |device| {
            let ends = device.inspect(|row, lifecycle| {
                (lifecycle == Lifecycle::Claimed && row.claim_expires > now)
                    .then_some(row.claim_expires)
            });
            if let Some(ends) = ends {
                best.offer(ends, device);
            }
            ControlFlow::Continue(())
        })
        .await;
        let page = best.into_page(|device| self.claim_item(device));
        let mut items = page.items;
        for item in &mut items {
            item.who = self.claimed_by(item.entry).await?;
        }
        Ok(Page {
            items,
            next: page.next,
        })
    }

    fn claim_item(&self, device: &Device) -> ClaimItem {
        let row = device.row();
        let now = self.clock.now().as_ms();
        ClaimItem {
            serial: row.id.to_string(),
            profile: row.profile.to_string(),
            claimed: words::moment(row.changed),
            who: None,
            expires: words::moment(row.claim_expires),
            remaining_s: row.claim_expires.saturating_sub(now) / 1_000,
            entry: row.claim,
        }
    }

    /// Who made a claim; not looked for in the archive, since a list does not wait for that.
    async fn claimed_by(&self, entry: u64) -> Result<Option<String>, NotShown> {
        if self.log.is_archived(entry) {
            return Ok(None);
        }
        let found = self.entries(entry, 1).await?;
        let fact = found
            .first()
            .and_then(|found| Fact::read(&found.entry).ok());
        Ok(match fact {
            Some(Fact::DeviceClaimed(claimed)) => words::person(&claimed.by),
            _ => None,
        })
    }
}
