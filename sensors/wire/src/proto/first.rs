//! Sets of first bytes: what lets most foreign traffic pass the probes at the cost of one look.

/// Values that the first byte of a stream's direction, or of a datagram, can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstBytes([u64; 4]);

impl FirstBytes {
    /// Every byte.
    pub const ANY: Self = Self([u64::MAX; 4]);
    /// No byte.
    pub const NONE: Self = Self([0; 4]);
    /// The printable bytes of ASCII without the space.
    pub const GRAPHIC: Self = Self::range(b'!', b'~');

    /// These bytes.
    #[must_use]
    pub const fn of(bytes: &[u8]) -> Self {
        let (mut set, mut at) = (Self::NONE, 0);
        while at < bytes.len() {
            set = set.with(bytes[at]);
            at += 1;
        }
        set
    }

    /// The bytes from one to another, both included.
    #[must_use]
    pub const fn range(from: u8, to: u8) -> Self {
        let (mut set, mut byte) = (Self::NONE, from);
        while byte < to {
            set = set.with(byte);
            byte += 1;
        }
        set.with(to)
    }

    /// The bytes of either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        let (Self([a, b, c, d]), Self([e, f, g, h])) = (self, other);
        Self([a | e, b | f, c | g, d | h])
    }

    /// True where the byte is one of them.
    #[must_use]
    pub const fn has(self, byte: u8) -> bool {
        self.0[byte as usize >> 6] >> (byte & 63) & 1 == 1
    }

    const fn with(mut self, byte: u8) -> Self {
        self.0[byte as usize >> 6] |= 1 << (byte & 63);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_its_bytes_and_no_others() {
        let set = FirstBytes::of(b"GP").or(FirstBytes::range(0x80, 0xff));
        let all: Vec<u8> = (0..=255).filter(|byte| set.has(*byte)).collect();
        assert_eq!(all.len(), 130);
        assert!(set.has(b'G') && set.has(0xff) && !set.has(b'H') && !set.has(0x7f));
        assert!((0..=255).all(|byte| FirstBytes::ANY.has(byte) && !FirstBytes::NONE.has(byte)));
    }
}
