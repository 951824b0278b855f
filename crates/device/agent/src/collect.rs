//! What comes in from this device: readings of its applications, and facts about itself.

pub(crate) mod inventory;
pub(crate) mod line;
pub(crate) mod socket;
