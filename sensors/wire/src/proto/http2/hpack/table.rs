//! The dynamic table behind the static one (RFC 7541 2.3).

use std::collections::VecDeque;

use super::fixed::FIXED;

/// What an entry counts beside its bytes (RFC 7541 4.1).
const ENTRY: usize = 32;

#[derive(Debug)]
struct Entry {
    bytes: Box<[u8]>,
    name: usize,
}

/// Newest entries first.
#[derive(Debug)]
pub(super) struct Table {
    entries: VecDeque<Entry>,
    size: usize,
    most: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self { entries: VecDeque::new(), size: 0, most: 4096 }
    }
}

impl Table {
    /// Name and value by index, from 1; the static table goes first.
    pub(super) fn get(&self, index: usize) -> Option<(&[u8], &[u8])> {
        let index = index.checked_sub(1)?;
        if let Some(fixed) = FIXED.get(index) {
            return Some(*fixed);
        }
        let entry = self.entries.get(index - FIXED.len())?;
        entry.bytes.split_at_checked(entry.name)
    }

    /// An entry that is larger than the table empties it.
    pub(super) fn insert(&mut self, name: &[u8], value: &[u8]) {
        let size = name.len() + value.len() + ENTRY;
        self.shrink(self.most.saturating_sub(size));
        if size <= self.most {
            self.size += size;
            self.entries.push_front(Entry { bytes: [name, value].concat().into(), name: name.len() });
        }
    }

    pub(super) fn resize(&mut self, most: usize) {
        self.most = most;
        self.shrink(most);
    }

    fn shrink(&mut self, to: usize) {
        while self.size > to {
            let Some(oldest) = self.entries.pop_back() else { return };
            self.size -= oldest.bytes.len() + ENTRY;
        }
    }

    pub(super) fn held(&self) -> usize {
        self.size + self.entries.capacity() * size_of::<Entry>()
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.size
    }
}
