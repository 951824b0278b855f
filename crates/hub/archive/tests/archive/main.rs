//! Snapshots and archived segments of a real store, and what is wrong with them named.
#![cfg(test)]

mod bucket;
mod house;
mod segments;
mod snapshots;
