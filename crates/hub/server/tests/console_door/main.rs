//! The console's address as a browser or a program meets it: API, sign-in and pages, asked through the router.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod api;
mod document;
mod figures;
mod forms;
mod house;
mod journal;
mod large_fleet;
mod onboard;
mod orders;
mod pages;
mod password;
mod profiles;
mod services;
mod sign_in;
mod strangers;
