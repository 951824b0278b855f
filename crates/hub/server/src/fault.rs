//! Whose fault a refusal is: the one thing a door must know to answer in its own protocol.

use std::fmt;

use ironroot_time::Rng;

/// Whose fault it is that something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The sender did not prove who it is.
    Unproven,
    /// The sender asked for something that it must not have, or that does not fit the present state.
    Sender(Blame),
    /// The hub cannot do it at present; the same request may succeed later.
    Later,
    /// The hub failed.
    Ours,
}

/// What is wrong with a request whose sender is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// Its form or content is faulty.
    Content,
    /// It is about something that is not there.
    Unknown,
    /// It does not fit the present state.
    State,
    /// The sender has no right to it.
    Right,
}

/// The number by which a refusal is found again in the log; the peer gets it in place of the cause.
#[derive(Clone, Copy, Debug)]
pub struct Reference([u8; 4]);

impl Reference {
    /// A fresh number.
    pub fn new(rng: &dyn Rng) -> Self {
        let mut bytes = [0; 4];
        rng.fill(&mut bytes);
        Self(bytes)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// An error with all its causes, as one line for the log or for an operator.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        line.push_str(": ");
        line.push_str(&next.to_string());
        cause = next.source();
    }
    line
}
