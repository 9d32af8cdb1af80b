//! Named limits of the protocol readers: one table a protocol, from which the documentation lists them and a drill
//! lowers each.
//!
//! A limit counts its own hits, and each hit is one of `parser_limit` too. Values and hits are the process's, since a
//! limit is a matter of all its workers; only a drill ever changes a value.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use crate::proto;

thread_local! {
    /// Hits of readers that have no context at hand, until the next event takes them along.
    static LOOSE: Cell<u64> = const { Cell::new(0) };
}

/// The most of something that is kept, read or told.
#[derive(Debug)]
pub struct Limit {
    /// The protocol.
    pub part: &'static str,
    constant: &'static str,
    /// What is limited, and what becomes of the rest.
    pub doc: &'static str,
    /// What is counted.
    pub unit: &'static str,
    /// The value where no drill lowers it.
    pub value: usize,
    drill: usize,
    now: AtomicUsize,
    hits: AtomicU64,
}

impl Limit {
    /// As [`limits!`] writes it.
    pub(crate) const fn new(names: [&'static str; 4], value: usize, drill: usize) -> Self {
        let [part, constant, doc, unit] = names;
        let (now, hits) = (AtomicUsize::new(value), AtomicU64::new(0));
        Self { part, constant, doc, unit, value, drill, now, hits }
    }

    /// Its name: the protocol, a dot, and what is limited.
    #[must_use]
    pub fn name(&self) -> String {
        let what = self.constant.strip_prefix("MAX_").unwrap_or(self.constant);
        format!("{}.{}", self.part, what.to_ascii_lowercase())
    }

    /// What a drill lowers it to.
    #[must_use]
    pub const fn low(&self) -> usize {
        self.drill
    }

    /// Times that it was hit since the newest worker of the process was made.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.hits.load(Relaxed)
    }

    /// The value that holds.
    #[inline]
    pub(crate) fn get(&self) -> usize {
        self.now.load(Relaxed)
    }

    /// Counts a hit of its own; the caller counts it among `parser_limit`.
    #[cold]
    pub(crate) fn note(&self) {
        self.hits.fetch_add(1, Relaxed);
    }

    /// Counts a hit where no context is at hand.
    #[cold]
    pub(crate) fn hit(&self) {
        self.note();
        LOOSE.set(LOOSE.get() + 1);
    }

    /// True where no more fits beside so many; that is a hit.
    #[inline]
    pub(crate) fn is_reached(&self, count: usize) -> bool {
        let is_reached = count >= self.get();
        if is_reached {
            self.hit();
        }
        is_reached
    }

    /// So many, or as many as there may be.
    #[inline]
    pub(crate) fn at_most(&self, count: usize) -> usize {
        let most = self.get();
        if count > most {
            self.hit();
        }
        count.min(most)
    }

    /// The first bytes of a text.
    #[inline]
    pub(crate) fn clip<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text.get(..self.at_most(text.len())).unwrap_or(text)
    }

    /// As much of a text as fits beside so many bytes.
    #[inline]
    pub(crate) fn beside<'a>(&self, held: usize, text: &'a [u8]) -> &'a [u8] {
        let room = self.get().saturating_sub(held);
        if text.len() > room {
            self.hit();
        }
        text.get(..room).unwrap_or(text)
    }

    /// Cuts a text.
    pub(crate) fn truncate(&self, text: &mut Vec<u8>) {
        text.truncate(self.at_most(text.len()));
    }

    /// As many as there may be.
    pub(crate) fn take<I: Iterator>(&'static self, all: I) -> Take<I> {
        Take { all, left: self.get(), limit: Some(self) }
    }
}

/// Each limit is one.
impl PartialEq for Limit {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Limit {}

/// The first of many.
#[derive(Clone, Debug)]
pub(crate) struct Take<I> {
    all: I,
    left: usize,
    limit: Option<&'static Limit>,
}

impl<I: Iterator> Iterator for Take<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let limit = self.limit?;
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            return self.all.next();
        }
        self.limit = None;
        if self.all.next().is_some() {
            limit.hit();
        }
        None
    }
}

/// Hits since the last call that no context has counted, on this thread.
#[inline]
pub(crate) fn take_loose() -> u64 {
    LOOSE.replace(0)
}

/// Every limit of every protocol.
pub fn all() -> impl Iterator<Item = &'static Limit> {
    proto::LIMITS.iter().flat_map(|limits| limits.iter().copied())
}

/// The limit of a name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Limit> {
    all().find(|limit| limit.name() == name)
}

/// Lowers these limits and no others, and begins to count hits anew.
pub(crate) fn drill(low: &[&'static Limit]) {
    for limit in all() {
        let is_low = low.contains(&limit);
        limit.now.store(if is_low { limit.drill } else { limit.value }, Relaxed);
        limit.hits.store(0, Relaxed);
    }
}

/// Limits of one protocol: what each means, its value and unit, and what a drill lowers it to.
macro_rules! limits {
    ($part:literal: $($(#[doc = $doc:literal])+ $name:ident = $value:expr, $unit:literal, drill $drill:expr;)*) => {
        $(
            $(#[doc = $doc])+
            pub static $name: $crate::limits::Limit = $crate::limits::Limit::new(
                [$part, stringify!($name), concat!($($doc),+), $unit],
                $value,
                $drill,
            );
        )*
        /// All of them.
        pub const ALL: &[&$crate::limits::Limit] = &[$(&$name),*];
    };
}
pub(crate) use limits;
