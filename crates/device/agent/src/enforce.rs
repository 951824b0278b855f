//! What the agent brings about: a certificate, a session, an order carried out.

pub(crate) mod enrolment;
pub(crate) mod handler;
pub(crate) mod orders;
pub(crate) mod uplink;
