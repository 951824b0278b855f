//! When to do something: plain functions of what is known.

pub(crate) mod backoff;
pub(crate) mod renewal;
