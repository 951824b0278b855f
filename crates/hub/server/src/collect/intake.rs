//! What a peer or a person asks for, checked against who they are and what the hub knows.

pub mod claim;
pub mod clock;
pub mod enrolment;
pub mod erasure;
pub mod issuing_ca;
pub mod manufacturer;
pub mod order;
pub mod password;
pub mod profiles;
pub mod revocation;
pub mod secrets;
pub mod service;
pub mod tokens;
pub mod view;
