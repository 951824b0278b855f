//! A database that dies, hangs, fills up or is cut off: what was acknowledged is there, once, and the
//! store goes on by itself.
#![cfg(test)]

mod cutter;
mod place;

mod cut;
mod full;
mod lost;
mod two;
