//! CRYPTO frames put together (RFC 9000 19.6), however they come.

use super::limits::MAX_CRYPTO;
use crate::proto::pieces::{Full, Pieces};

/// One direction's handshake bytes.
#[derive(Debug, Default)]
pub(super) struct CryptoStream {
    pieces: Pieces,
    /// Bytes whose messages were taken.
    taken: usize,
}

impl CryptoStream {
    pub(super) fn insert(&mut self, offset: u64, data: &[u8]) -> Result<(), Full> {
        self.pieces.insert(offset, data, MAX_CRYPTO.get())
    }

    /// Type and body of the next handshake message, once it is whole (RFC 8446 4).
    pub(super) fn next_message(&mut self) -> Option<(u8, &[u8])> {
        let rest = self.pieces.ready().get(self.taken..)?;
        let (&[kind, a, b, c], rest) = rest.split_first_chunk()?;
        let len = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        let body = rest.get(..len)?;
        self.taken += 4 + len;
        Some((kind, body))
    }

    /// Bytes of heap.
    pub(super) fn held(&self) -> usize {
        self.pieces.held()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_one_by_one_when_they_are_whole() {
        let mut stream = CryptoStream::default();
        stream.insert(7, &[9, 2, 0, 0]).unwrap();
        assert_eq!(stream.next_message(), None);
        stream.insert(0, &[1, 0, 0, 4, 6, 7, 8]).unwrap();
        assert_eq!(stream.next_message(), Some((1, &[6, 7, 8, 9][..])));
        assert_eq!(stream.next_message(), None);
        stream.insert(11, &[0]).unwrap();
        assert_eq!(stream.next_message(), Some((2, &[][..])));
    }
}
