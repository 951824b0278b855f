//! Where the hub's secrets lie: sealed in files, under a sealing key whose source is the operator's choice.
//!
//! Stage: none of the three; it keeps what the others sign with.
//! Never: knows what a sealed secret is for, uses async, reads a clock, or puts a secret into an
//! argument, an error or a log line.
//! To add one more: a source of the sealing key is a variant of [`Source`](source::Source) and the
//! module that has it.

pub mod files;
pub mod seal;
