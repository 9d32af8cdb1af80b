//! Bytes put together from pieces that come in any order, each with its offset.

/// Shared: pieces that may wait for one before them. QUIC clients that scramble their hello make some twenty.
pub(crate) const MAX_PIECES: usize = 64;

/// Too much, or in too many pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// What has come. Where pieces overlap, what came in order first stays.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    /// In order from the beginning.
    ready: Vec<u8>,
    /// What came early, by offset.
    early: Vec<(usize, Vec<u8>)>,
    early_bytes: usize,
}

impl Pieces {
    /// Takes a piece; nothing is kept of one that ends beyond `limit`.
    pub(crate) fn insert(&mut self, offset: u64, data: &[u8], limit: usize) -> Result<(), Full> {
        let offset = usize::try_from(offset).map_err(|_| Full)?;
        let end = offset.checked_add(data.len()).ok_or(Full)?;
        if end > limit {
            return Err(Full);
        }
        if end <= self.ready.len() {
            return Ok(());
        }
        if offset > self.ready.len() {
            return self.keep(offset, data, limit);
        }
        self.append(offset, data);
        self.use_early();
        Ok(())
    }

    fn keep(&mut self, offset: usize, data: &[u8], limit: usize) -> Result<(), Full> {
        let place = self.early.partition_point(|piece| piece.0 < offset);
        if self.early.get(place).is_some_and(|piece| piece.0 == offset && piece.1.len() >= data.len()) {
            return Ok(());
        }
        if self.early.len() >= MAX_PIECES || self.early_bytes + data.len() > limit {
            return Err(Full);
        }
        self.early_bytes += data.len();
        self.early.insert(place, (offset, data.to_vec()));
        Ok(())
    }

    fn append(&mut self, offset: usize, data: &[u8]) {
        let old = self.ready.len().saturating_sub(offset);
        self.ready.extend_from_slice(data.get(old..).unwrap_or_default());
    }

    /// Moves over what is early no more.
    fn use_early(&mut self) {
        let mut early = std::mem::take(&mut self.early);
        let mut used = 0;
        for (offset, data) in &early {
            if *offset > self.ready.len() {
                break;
            }
            self.append(*offset, data);
            self.early_bytes -= data.len();
            used += 1;
        }
        early.drain(..used);
        self.early = early;
    }

    /// All from the beginning to the first hole.
    pub(crate) fn ready(&self) -> &[u8] {
        &self.ready
    }

    /// The same, taken out.
    pub(crate) fn into_ready(self) -> Vec<u8> {
        self.ready
    }

    /// Bytes of heap.
    pub(crate) fn held(&self) -> usize {
        self.ready.capacity() + self.early_bytes + self.early.capacity() * size_of::<(usize, Vec<u8>)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_offset_beyond_the_limit_keeps_nothing() {
        let mut pieces = Pieces::default();
        assert_eq!(pieces.insert(u64::MAX, b"x", 1000), Err(Full));
        assert_eq!(pieces.insert(1000, b"x", 1000), Err(Full));
        assert_eq!(pieces.held(), 0);
        for piece in 0..MAX_PIECES as u64 {
            assert_eq!(pieces.insert(2 * piece + 1, b"x", 1000), Ok(()));
        }
        assert_eq!(pieces.insert(2 * MAX_PIECES as u64 + 1, b"x", 1000), Err(Full));
    }

    #[test]
    fn pieces_that_overlap_count_against_the_limit() {
        let mut pieces = Pieces::default();
        assert_eq!(pieces.insert(1, &[7; 60], 100), Ok(()));
        assert_eq!(pieces.insert(2, &[7; 60], 100), Err(Full));
    }

    proptest! {
        #[test]
        fn every_order_gives_the_same(len in 0usize..600, seed in prop::collection::vec((0usize..604, 1usize..200), 0..40)) {
            let bytes: Vec<u8> = (0..len).map(|place| place as u8).collect();
            let mut pieces = Pieces::default();
            for (at, size) in seed {
                let at = at.min(bytes.len());
                let end = (at + size).min(bytes.len());
                prop_assert_eq!(pieces.insert(at as u64, &bytes[at..end], 1 << 16), Ok(()));
            }
            for (number, part) in bytes.chunks(100).enumerate().collect::<Vec<_>>().into_iter().rev() {
                prop_assert_eq!(pieces.insert(number as u64 * 100, part, 1 << 16), Ok(()));
            }
            prop_assert_eq!(pieces.ready(), &bytes[..]);
            prop_assert!(pieces.early.is_empty() && pieces.early_bytes == 0);
        }
    }
}
