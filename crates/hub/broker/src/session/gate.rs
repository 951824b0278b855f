//! The packets that must not leave before what they rest on is durable.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use crate::shelf::{Shelf, Step, Ticket};

/// How many bytes may wait before the session pauses.
const HELD_MAX: usize = 256 * 1024;

/// Packets behind the steps that they rest on, in the order in which they are to be sent.
#[derive(Debug)]
pub(super) struct Gate {
    shelf: Option<Arc<dyn Shelf>>,
    held: Vec<u8>,
    /// How many bytes wait for each ticket.
    marks: VecDeque<(Ticket, usize)>,
    /// What the packet that is being handled rests on.
    owed: Option<Ticket>,
    waker: Option<Waker>,
}

impl Gate {
    pub(super) fn new(shelf: Option<Arc<dyn Shelf>>) -> Self {
        Self {
            shelf,
            held: Vec::new(),
            marks: VecDeque::new(),
            owed: None,
            waker: None,
        }
    }

    /// Notes a step that the next packets rest on.
    pub(super) fn note(&mut self, step: Step) {
        let ticket = self.shelf.as_ref().map(|shelf| shelf.note(step));
        self.rest_on(ticket);
    }

    /// Notes a step that nothing rests on.
    pub(super) fn note_aside(&self, step: Step) {
        if let Some(shelf) = &self.shelf {
            shelf.note(step);
        }
    }

    /// The next packets rest on this step.
    pub(super) fn rest_on(&mut self, ticket: Option<Ticket>) {
        self.owed = self.owed.max(ticket);
    }

    /// Takes back what was written to `out` from `from` on, if that must wait.
    pub(super) fn hold(&mut self, from: usize, out: &mut Vec<u8>) {
        let last = self.marks.back().map(|(ticket, _)| *ticket);
        let written = out.len().saturating_sub(from);
        if written == 0 {
            return;
        }
        let Some(ticket) = self.owed.take().max(last) else {
            return;
        };
        self.held
            .extend_from_slice(out.get(from..).unwrap_or_default());
        out.truncate(from);
        self.marks.push_back((ticket, written));
        self.wake_at(ticket);
    }

    /// Writes what need not wait any more to the end of `out`.
    pub(super) fn release(&mut self, out: &mut Vec<u8>) {
        if self.marks.is_empty() {
            return;
        }
        let durable = self.shelf.as_ref().map(|shelf| shelf.durable());
        let free = self
            .marks
            .iter()
            .take_while(|(ticket, _)| Some(*ticket) <= durable);
        let (count, bytes) = free.fold((0, 0), |(count, sum), (_, bytes)| (count + 1, sum + bytes));
        self.marks.drain(..count);
        out.extend(self.held.drain(..bytes));
        if self.held.is_empty() {
            (self.held, self.marks) = (Vec::new(), VecDeque::new());
        }
    }

    /// Says whom to wake when something need not wait any more.
    pub(super) fn wake(&mut self, waker: &Waker) {
        if self.shelf.is_none() {
            return;
        }
        if !self
            .waker
            .as_ref()
            .is_some_and(|known| known.will_wake(waker))
        {
            self.waker = Some(waker.clone());
        }
        if let Some((ticket, _)) = self.marks.front() {
            self.wake_at(*ticket);
        }
    }

    /// Whether so much waits that the session must pause.
    pub(super) fn is_full(&self) -> bool {
        self.held.len() >= HELD_MAX
    }

    fn wake_at(&self, ticket: Ticket) {
        if let (Some(shelf), Some(waker)) = (&self.shelf, &self.waker) {
            shelf.wake_at(ticket, waker);
        }
    }
}
