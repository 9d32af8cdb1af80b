//! Chunks of an SCTP packet (RFC 9260 3.2), counted.

use super::limits::MAX_CHUNKS;

/// Whole chunks in what follows the common header, and whether all of it was chunks.
#[must_use]
pub fn chunks(mut payload: &[u8]) -> (u64, bool) {
    let mut count = 0;
    while let &[_, _, l0, l1, ..] = payload {
        if count >= MAX_CHUNKS.get() as u64 {
            MAX_CHUNKS.note();
            break;
        }
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        if length < 4 || length > payload.len() {
            return (count, false);
        }
        count += 1;
        payload = payload.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    (count, payload.len() < 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_counted_and_lies_are_told() {
        let init_ack = [&[2, 0, 0, 6, 1, 2, 0, 0][..], &[11, 0, 0, 4]].concat();
        assert_eq!(chunks(&init_ack), (2, true));
        assert_eq!((chunks(&[]), chunks(&[0, 3, 0, 16, 1])), ((0, true), (0, false)));
        assert_eq!(chunks(&[0, 3, 0, 0, 1, 2, 3, 4]), (0, false));
        assert_eq!(chunks(&[11, 0, 0, 4].repeat(100)), (MAX_CHUNKS.value as u64, false));
    }
}
