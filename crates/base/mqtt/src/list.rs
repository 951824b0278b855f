//! Lists inside packets, without an allocation: checked wire bytes, or a caller's slice.

use core::fmt;

/// What a [`List`] can hold.
pub trait ListEntry<'a>: Copy {
    /// Takes the next entry off the front of checked `bytes`; `None` at the end.
    fn take(bytes: &'a [u8]) -> Option<(Self, &'a [u8])>;
}

/// A list of `T`: read from a packet, or made `From` a slice to be written.
#[derive(Clone, Copy)]
pub struct List<'a, T>(Source<'a, T>);

#[derive(Clone, Copy)]
enum Source<'a, T> {
    Wire(&'a [u8]),
    Slice(&'a [T]),
}

impl<'a, T: ListEntry<'a>> List<'a, T> {
    /// A list in `bytes` that have been checked, so that [`ListEntry::take`] finds no fault in them,
    /// and that begin with an entry unless they are empty.
    pub(crate) const fn on_wire(bytes: &'a [u8]) -> Self {
        Self(Source::Wire(bytes))
    }

    /// The entries in order.
    pub fn iter(&self) -> Items<'a, T> {
        Items(match self.0 {
            Source::Wire(bytes) => Walk::Wire(bytes),
            Source::Slice(items) => Walk::Slice(items.iter()),
        })
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        match self.0 {
            Source::Wire(bytes) => bytes.is_empty(),
            Source::Slice(items) => items.is_empty(),
        }
    }
}

impl<'a, T> From<&'a [T]> for List<'a, T> {
    fn from(items: &'a [T]) -> Self {
        Self(Source::Slice(items))
    }
}

impl<'a, T, const N: usize> From<&'a [T; N]> for List<'a, T> {
    fn from(items: &'a [T; N]) -> Self {
        Self(Source::Slice(items))
    }
}

impl<T> Default for List<'_, T> {
    fn default() -> Self {
        Self(Source::Slice(&[]))
    }
}

/// Equal entries in equal order, wherever they are stored.
impl<'a, T: ListEntry<'a> + PartialEq> PartialEq for List<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a, T: ListEntry<'a> + Eq> Eq for List<'a, T> {}

impl<'a, T: ListEntry<'a> + fmt::Debug> fmt::Debug for List<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a, T: ListEntry<'a>> IntoIterator for List<'a, T> {
    type Item = T;
    type IntoIter = Items<'a, T>;
    fn into_iter(self) -> Items<'a, T> {
        self.iter()
    }
}

impl<'a, T: ListEntry<'a>> IntoIterator for &List<'a, T> {
    type Item = T;
    type IntoIter = Items<'a, T>;
    fn into_iter(self) -> Items<'a, T> {
        self.iter()
    }
}

/// The entries of a [`List`], in order.
#[derive(Clone)]
pub struct Items<'a, T>(Walk<'a, T>);

#[derive(Clone)]
enum Walk<'a, T> {
    Wire(&'a [u8]),
    Slice(core::slice::Iter<'a, T>),
}

impl<'a, T: ListEntry<'a>> Iterator for Items<'a, T> {
    type Item = T;
    fn next(&mut self) -> Option<T> {
        match &mut self.0 {
            Walk::Wire(bytes) => {
                let (item, rest) = T::take(bytes)?;
                *bytes = rest;
                Some(item)
            }
            Walk::Slice(items) => items.next().copied(),
        }
    }
}

impl<'a, T: ListEntry<'a> + fmt::Debug> fmt::Debug for Items<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
