//! Collect: what comes in, from whom, and whether they may ask for it.

pub mod doors;
pub mod intake;
