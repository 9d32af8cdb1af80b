//! Keys with what is known of each: a seeded hash finds, the key itself decides.

use std::hash::{BuildHasher, Hasher, RandomState};

use foldhash::quality::FixedState;

/// Slots for each key, in thirds.
const SLOTS_IN_THIRDS: usize = 4;
/// Keys for each word of the filter: eight bits a key, two of them set.
const KEYS_IN_WORD: usize = 8;

/// What is known of one key; the same key may stand there several times, once for each list that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Seconds since the epoch from which on it no longer holds; 0 for never.
    pub(crate) expires: u32,
    /// Place of what its list says of it.
    pub(crate) meta: u32,
}

/// Half of a hash, and an entry's place plus one; 0 for none.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    tag: u32,
    entry: u32,
}

/// Filled with [`Table::add`], then sealed once, then only read.
#[derive(Debug)]
pub(crate) struct Table {
    /// Small enough to stay near the processor: nineteen of twenty keys that are not there end here.
    filter: Vec<u64>,
    slots: Vec<Slot>,
    keys: Vec<u8>,
    /// Where each key ends.
    ends: Vec<u32>,
    entries: Vec<Entry>,
    hasher: FixedState,
}

impl Default for Table {
    fn default() -> Self {
        // The standard library's seed is random for each process; nobody outside can aim at one slot.
        let seed = RandomState::new().build_hasher().finish();
        Self {
            filter: Vec::new(),
            slots: Vec::new(),
            keys: Vec::new(),
            ends: Vec::new(),
            entries: Vec::new(),
            hasher: FixedState::with_seed(seed),
        }
    }
}

impl Table {
    /// Takes a key; false where the keys have grown over what is possible.
    pub(crate) fn add(&mut self, key: &[u8], entry: Entry) -> bool {
        let Ok(end) = u32::try_from(self.keys.len() + key.len()) else { return false };
        self.keys.extend_from_slice(key);
        self.ends.push(end);
        self.entries.push(entry);
        true
    }

    /// Makes the keys findable.
    pub(crate) fn seal(&mut self) {
        self.keys.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.entries.shrink_to_fit();
        self.filter = vec![0; self.len().div_ceil(KEYS_IN_WORD)];
        self.slots = vec![Slot::default(); (self.len() * SLOTS_IN_THIRDS).div_ceil(3)];
        for place in 0..self.len() {
            let hash = self.hash(self.key(place));
            let word = share(hash, self.filter.len());
            self.filter.get_mut(word).into_iter().for_each(|word| *word |= marks(hash));
            let mut at = self.first(hash);
            while self.slots.get(at).is_some_and(|slot| slot.entry != 0) {
                at = self.after(at);
            }
            if let Some(slot) = self.slots.get_mut(at) {
                *slot = Slot { tag: hash as u32, entry: place as u32 + 1 };
            }
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Bytes that it holds.
    pub(crate) const fn bytes(&self) -> usize {
        self.keys.capacity()
            + self.ends.capacity() * size_of::<u32>()
            + self.entries.capacity() * size_of::<Entry>()
            + self.slots.capacity() * size_of::<Slot>()
            + self.filter.capacity() * size_of::<u64>()
    }

    /// What is known of a key, in no order.
    #[inline]
    pub(crate) fn find(&self, key: &[u8], mut each: impl FnMut(Entry)) {
        if self.filter.is_empty() {
            return;
        }
        let hash = self.hash(key);
        let may_be = self
            .filter
            .get(share(hash, self.filter.len()))
            .is_some_and(|word| word & marks(hash) == marks(hash));
        if !may_be {
            return;
        }
        let mut at = self.first(hash);
        while let Some(Slot { tag, entry }) = self.slots.get(at)
            && *entry != 0
        {
            let place = *entry as usize - 1;
            if *tag == hash as u32 && self.key(place) == key {
                self.entries.get(place).copied().into_iter().for_each(&mut each);
            }
            at = self.after(at);
        }
    }

    fn hash(&self, key: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(key);
        hasher.finish()
    }

    /// The upper half chooses the slot; the lower is its tag.
    fn first(&self, hash: u64) -> usize {
        share(hash, self.slots.len())
    }

    fn after(&self, at: usize) -> usize {
        if at + 1 < self.slots.len() { at + 1 } else { 0 }
    }

    fn key(&self, place: usize) -> &[u8] {
        let end = self.ends.get(place).map_or(0, |end| *end as usize);
        let start =
            place.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize);
        self.keys.get(start..end).unwrap_or_default()
    }
}

/// One of so many places, by a hash's upper half.
const fn share(hash: u64, places: usize) -> usize {
    (((hash >> 32) * places as u64) >> 32) as usize
}

/// The bits of a key in its word of the filter.
const fn marks(hash: u64) -> u64 {
    1 << (hash & 63) | 1 << (hash >> 6 & 63)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_what_was_added_and_nothing_else(keys in vec(vec(0u8..4, 0..5), 0..200), asked in vec(vec(0u8..4, 0..5), 0..50)) {
            let mut table = Table::default();
            for (n, key) in keys.iter().enumerate() {
                let is_added = table.add(key, Entry { expires: 0, meta: n as u32 });
                prop_assert!(is_added);
            }
            table.seal();
            for key in keys.iter().chain(&asked) {
                let mut found = Vec::new();
                table.find(key, |entry| found.push(entry.meta as usize));
                found.sort_unstable();
                let want: Vec<usize> = (0..keys.len()).filter(|n| keys[*n] == *key).collect();
                prop_assert_eq!(found, want);
            }
        }
    }
}
