//! Keeps the doors' trust anchors equal to what the journal says: the hub's CA and the accepted manufacturers.

use ironroot_pki::authority::Authority;
use ironroot_pki::tls::{AnchorSet, TrustAnchors};
use ironroot_registry::Registry;

use crate::collect::intake::manufacturer::{ManufacturerRefused, anchors};

/// The trust anchors of this moment.
///
/// # Errors
/// [`ManufacturerRefused`] when a manufacturer's row is damaged.
pub fn current(
    authority: &Authority,
    registry: &Registry,
) -> Result<TrustAnchors, ManufacturerRefused> {
    Ok(TrustAnchors::new(
        authority,
        &anchors(&registry.manufacturers())?,
    )?)
}

/// Puts the trust anchors of this moment in force, for every handshake from now on.
///
/// # Errors
/// [`ManufacturerRefused`] when a manufacturer's row is damaged; the anchors before it stay in force.
pub fn refresh(
    set: &AnchorSet,
    authority: &Authority,
    registry: &Registry,
) -> Result<(), ManufacturerRefused> {
    set.replace(current(authority, registry)?);
    Ok(())
}
