//! From a key's hash to its slot: open addressing, eight entries to a cache line, no tombstones.

/// Maps 32-bit tags to slots; several slots may share a tag, the caller compares keys.
#[derive(Debug)]
pub(crate) struct Index {
    /// 0 is empty, else tag in the upper half and slot + 1 in the lower.
    entries: Vec<u64>,
    len: usize,
}

const SMALLEST: usize = 1024;

impl Index {
    pub(crate) fn new() -> Self {
        Self { entries: vec![0; SMALLEST], len: 0 }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Bytes it holds.
    pub(crate) fn size(&self) -> usize {
        self.entries.capacity() * size_of::<u64>()
    }

    /// The first slot of that tag for which `is_it` holds.
    pub(crate) fn find(&self, tag: u32, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut at = self.home(tag);
        loop {
            let entry = self.entries[at];
            if entry == 0 {
                return None;
            }
            if (entry >> 32) as u32 == tag && is_it(slot(entry)) {
                return Some(slot(entry));
            }
            at = self.after(at);
        }
    }

    /// Adds a slot that is not there yet. `new_slot` is below `u32::MAX`.
    pub(crate) fn insert(&mut self, tag: u32, new_slot: u32) {
        if (self.len + 1) * 4 > self.entries.len() * 3 {
            self.grow();
        }
        self.place((u64::from(tag) << 32) | (u64::from(new_slot) + 1));
        self.len += 1;
    }

    /// Takes a slot out; closes the hole by moving later entries of the run back.
    pub(crate) fn remove(&mut self, tag: u32, old_slot: u32) {
        let entry = (u64::from(tag) << 32) | (u64::from(old_slot) + 1);
        let mut hole = self.home(tag);
        while self.entries[hole] != entry {
            if self.entries[hole] == 0 {
                return;
            }
            hole = self.after(hole);
        }
        self.len -= 1;
        let mut at = hole;
        loop {
            at = self.after(at);
            let entry = self.entries[at];
            if entry == 0 {
                break;
            }
            let from_home = at.wrapping_sub(self.home((entry >> 32) as u32)) & self.mask();
            let from_hole = at.wrapping_sub(hole) & self.mask();
            if from_home >= from_hole {
                self.entries[hole] = entry;
                hole = at;
            }
        }
        self.entries[hole] = 0;
    }

    fn grow(&mut self) {
        let doubled = vec![0; self.entries.len() * 2];
        let old = std::mem::replace(&mut self.entries, doubled);
        for entry in old.into_iter().filter(|entry| *entry != 0) {
            self.place(entry);
        }
    }

    fn place(&mut self, entry: u64) {
        let mut at = self.home((entry >> 32) as u32);
        while self.entries[at] != 0 {
            at = self.after(at);
        }
        self.entries[at] = entry;
    }

    // The length is a power of two and never full, so each index is in range and each run ends.
    fn mask(&self) -> usize {
        self.entries.len() - 1
    }

    fn home(&self, tag: u32) -> usize {
        tag as usize & self.mask()
    }

    fn after(&self, at: usize) -> usize {
        (at + 1) & self.mask()
    }
}

const fn slot(entry: u64) -> u32 {
    (entry as u32).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn behaves_as_a_map(steps in prop::collection::vec((any::<bool>(), 0u32..40, 0u32..3), 0..400)) {
            let mut index = Index::new();
            let mut model: HashMap<u32, u32> = HashMap::new();
            for (add, slot, spread) in steps {
                // Few tags near the end of the table, so that runs collide and wrap round.
                let tag = (SMALLEST as u32 - 2).wrapping_add(spread);
                if add && !model.contains_key(&slot) {
                    index.insert(tag, slot);
                    model.insert(slot, tag);
                } else if let Some(tag) = model.remove(&slot) {
                    index.remove(tag, slot);
                }
                prop_assert_eq!(index.len(), model.len());
                for slot in 0..40 {
                    let found = (0..3).any(|n| {
                        index.find((SMALLEST as u32 - 2).wrapping_add(n), |s| s == slot).is_some()
                    });
                    prop_assert_eq!(found, model.contains_key(&slot));
                }
            }
        }
    }

    #[test]
    fn grows_and_keeps_all() {
        let mut index = Index::new();
        for slot in 0..10_000u32 {
            index.insert(slot.wrapping_mul(2_654_435_761), slot);
        }
        for slot in 0..10_000u32 {
            assert_eq!(index.find(slot.wrapping_mul(2_654_435_761), |s| s == slot), Some(slot));
        }
        assert!(index.size() <= 16384 * 8);
    }
}
