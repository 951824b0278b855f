//! Snapshots and archived segments of a real store, and what is wrong with them named.
#![cfg(test)]

mod house;
mod segments;
mod snapshots;
