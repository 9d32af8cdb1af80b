//! CRYPTO frames put together (RFC 9000 19.6), however they come.

/// Bytes of one direction's handshake that are put together; no hello needs more.
pub const MAX_CRYPTO: usize = 64 * 1024;
/// Pieces that may wait for one before them. Clients that scramble their hello make some twenty.
pub const MAX_PIECES: usize = 64;

/// Too much, or in too many pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// One direction's handshake bytes. Where pieces overlap, what came in order first stays.
#[derive(Debug, Default)]
pub(super) struct CryptoStream {
    /// In order from the stream's beginning.
    ready: Vec<u8>,
    /// Bytes of `ready` whose messages were taken.
    taken: usize,
    /// What came early, by offset.
    early: Vec<(usize, Vec<u8>)>,
    early_bytes: usize,
}

impl CryptoStream {
    pub(super) fn insert(&mut self, offset: u64, data: &[u8]) -> Result<(), Full> {
        let offset = usize::try_from(offset).map_err(|_| Full)?;
        let end = offset.checked_add(data.len()).ok_or(Full)?;
        if end > MAX_CRYPTO {
            return Err(Full);
        }
        if end <= self.ready.len() {
            return Ok(());
        }
        if offset > self.ready.len() {
            return self.keep(offset, data);
        }
        self.append(offset, data);
        self.use_early();
        Ok(())
    }

    fn keep(&mut self, offset: usize, data: &[u8]) -> Result<(), Full> {
        let place = self.early.partition_point(|piece| piece.0 < offset);
        if self.early.get(place).is_some_and(|piece| piece.0 == offset && piece.1.len() >= data.len()) {
            return Ok(());
        }
        if self.early.len() >= MAX_PIECES || self.early_bytes + data.len() > MAX_CRYPTO {
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

    /// Type and body of the next handshake message, once it is whole (RFC 8446 4).
    pub(super) fn next_message(&mut self) -> Option<(u8, &[u8])> {
        let rest = self.ready.get(self.taken..)?;
        let (&[kind, a, b, c], rest) = rest.split_first_chunk()?;
        let len = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        let body = rest.get(..len)?;
        self.taken += 4 + len;
        Some((kind, body))
    }

    /// Bytes of heap.
    pub(super) fn held(&self) -> usize {
        self.ready.capacity() + self.early_bytes + self.early.capacity() * size_of::<(usize, Vec<u8>)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(len: usize) -> Vec<u8> {
        let mut bytes = vec![1, 0, (len >> 8) as u8, len as u8];
        bytes.extend((0..len).map(|place| place as u8));
        bytes
    }

    #[test]
    fn an_offset_beyond_the_limit_keeps_nothing() {
        let mut stream = CryptoStream::default();
        assert_eq!(stream.insert(u64::MAX, b"x"), Err(Full));
        assert_eq!(stream.insert(MAX_CRYPTO as u64, b"x"), Err(Full));
        assert_eq!(stream.held(), 0);
        for piece in 0..MAX_PIECES as u64 {
            assert_eq!(stream.insert(2 * piece + 1, b"x"), Ok(()));
        }
        assert_eq!(stream.insert(2 * MAX_PIECES as u64 + 1, b"x"), Err(Full));
    }

    proptest! {
        #[test]
        fn every_order_gives_the_message(len in 0usize..600, seed in prop::collection::vec((0usize..604, 1usize..200), 0..40)) {
            let bytes = message(len);
            let mut stream = CryptoStream::default();
            for (at, size) in seed {
                let at = at.min(bytes.len());
                let end = (at + size).min(bytes.len());
                prop_assert_eq!(stream.insert(at as u64, &bytes[at..end]), Ok(()));
            }
            for (number, part) in bytes.chunks(100).enumerate().collect::<Vec<_>>().into_iter().rev() {
                prop_assert_eq!(stream.insert(number as u64 * 100, part), Ok(()));
            }
            prop_assert_eq!(stream.next_message(), Some((1, &bytes[4..])));
            prop_assert_eq!(stream.next_message(), None);
            prop_assert!(stream.early.is_empty() && stream.early_bytes == 0);
        }
    }
}
