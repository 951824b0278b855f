//! The log on disk: written, damaged and checked, exported and checked by others.
#![cfg(test)]

mod exporting;
mod log;
mod verifying;
mod writing;
