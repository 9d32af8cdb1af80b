//! The control packets of one direction in the order of their numbers, each once.

use super::limits::{MAX_EARLY, MAX_EARLY_BYTES};
use crate::limits::Limit;

/// Number 0 is a reset and bears nothing.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// Packets of TLS that were given out.
    given: u32,
    early: Vec<(u32, Vec<u8>)>,
}

impl Order {
    /// Takes a packet, gives out what is next. Fails where more came early than is kept.
    pub(super) fn take(
        &mut self,
        number: u32,
        payload: &[u8],
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), &'static Limit> {
        if number <= self.given {
            return Ok(());
        }
        if number != self.given + 1 {
            return self.keep(number, payload);
        }
        self.given = number;
        each(payload);
        while let Some(at) = self.early.iter().position(|(number, _)| *number == self.given.wrapping_add(1)) {
            let (number, payload) = self.early.swap_remove(at);
            self.given = number;
            each(&payload);
        }
        Ok(())
    }

    fn keep(&mut self, number: u32, payload: &[u8]) -> Result<(), &'static Limit> {
        if self.early.iter().any(|(known, _)| *known == number) {
            return Ok(());
        }
        let bytes: usize = self.early.iter().map(|(_, payload)| payload.len()).sum();
        if self.early.len() >= MAX_EARLY.get() {
            return Err(&MAX_EARLY);
        }
        if bytes + payload.len() > MAX_EARLY_BYTES.get() {
            return Err(&MAX_EARLY_BYTES);
        }
        self.early.push((number, payload.to_vec()));
        Ok(())
    }

    /// Bytes of heap.
    pub(super) fn held(&self) -> usize {
        let bytes: usize = self.early.iter().map(|(_, payload)| payload.capacity()).sum();
        bytes + self.early.capacity() * size_of::<(u32, Vec<u8>)>()
    }
}
