//! A slab in chunks: slots keep their place, growing moves nothing.

use std::ops::{Index, IndexMut};

/// Values by slot number. A freed slot's value stays until the slot is taken again.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    chunks: Vec<Vec<T>>,
    free: Vec<u32>,
}

const SHIFT: u32 = 10;
const CHUNK: usize = 1 << SHIFT;

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self { chunks: Vec::new(), free: Vec::new() }
    }

    /// Puts a value into a free slot.
    pub(crate) fn insert(&mut self, value: T) -> u32 {
        if let Some(slot) = self.free.pop() {
            self[slot] = value;
            return slot;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let chunk = self.chunks.len() - 1;
        let last = &mut self.chunks[chunk];
        last.push(value);
        (chunk * CHUNK + last.len() - 1) as u32
    }

    pub(crate) fn free(&mut self, slot: u32) {
        self.free.push(slot);
    }

    /// Bytes it holds, without what the values point to.
    pub(crate) fn size(&self) -> usize {
        self.chunks.len() * (CHUNK * size_of::<T>() + size_of::<Vec<T>>())
            + self.free.capacity() * size_of::<u32>()
    }
}

// Slots come only from `insert`, so each is in range.
impl<T> Index<u32> for Slab<T> {
    type Output = T;

    #[inline]
    fn index(&self, slot: u32) -> &T {
        &self.chunks[(slot >> SHIFT) as usize][slot as usize & (CHUNK - 1)]
    }
}

impl<T> IndexMut<u32> for Slab<T> {
    #[inline]
    fn index_mut(&mut self, slot: u32) -> &mut T {
        &mut self.chunks[(slot >> SHIFT) as usize][slot as usize & (CHUNK - 1)]
    }
}
