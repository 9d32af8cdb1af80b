//! Messages that stand one behind the other in a stream and tell their own length, put together however they are cut.

use std::marker::PhantomData;

/// What the bytes at hand say of the message that begins with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Too few to tell.
    More,
    /// A message of so many bytes with its head, at least one.
    Message(usize),
    /// So many bytes, at least one, belong to no message.
    Stray(usize),
    /// No message begins here.
    Nothing,
}

/// How a protocol cuts its stream.
pub(crate) trait Cut {
    /// Longest message that is put together, in bytes; by itself what two bytes of length can say.
    fn most() -> usize {
        2 + u16::MAX as usize
    }

    /// Reads the length of the message that begins here.
    fn extent(bytes: &[u8]) -> Extent;

    /// True where a message seems to begin: asked after a gap.
    fn begins(bytes: &[u8]) -> bool {
        Self::extent(bytes) != Extent::Nothing
    }
}

/// What a stream holds next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item<'a> {
    /// A whole message with its head.
    Message(&'a [u8]),
    /// The first [`SHOWN`] bytes of a message beyond the limit; the others are passed over.
    Long(&'a [u8]),
    /// No message, though what came before was: these bytes begin something else, and the direction is not read on.
    Broken(&'a [u8]),
}

/// Bytes of a message beyond the limit that are shown.
pub(crate) const SHOWN: usize = 64;
/// Format: no protocol needs more bytes to tell a length.
const MAX_HEAD: usize = 16;

/// One direction of such a stream. It holds at most [`Cut::most`] bytes.
#[derive(Debug, Default)]
pub(crate) struct Framing<C> {
    part: Vec<u8>,
    /// Bytes of the message at hand that are passed over.
    skip: u64,
    /// A gap went past the message at hand, and none was whole since.
    lost: bool,
    /// Nothing can be found any more.
    dead: bool,
    cut: PhantomData<C>,
}

impl<C: Cut> Framing<C> {
    /// Reads all messages that are whole with `data`; `each` answers whether to go on. Gives back what was not read.
    pub(crate) fn read<'d>(
        &mut self,
        mut data: &'d [u8],
        mut each: impl FnMut(Item<'_>) -> bool,
    ) -> &'d [u8] {
        while !data.is_empty() && !self.dead {
            if self.skip > 0 {
                data = self.pass_over(data);
            } else if self.lost && self.part.is_empty() && !C::begins(data) {
                self.die();
            } else if !self.step(&mut data, &mut each) {
                break;
            }
        }
        data
    }

    /// `len` bytes were lost. What they leave of the message at hand is passed over.
    pub(crate) fn gap(&mut self, len: u64) {
        let left = match C::extent(&self.part) {
            _ if self.skip > 0 => self.skip,
            Extent::Message(whole) => whole.saturating_sub(self.part.len()) as u64,
            _ => 0,
        };
        self.part = Vec::new();
        self.skip = left.saturating_sub(len);
        self.lost |= len > left;
    }

    /// Looks at nothing more.
    pub(crate) fn die(&mut self) {
        *self = Self { part: Vec::new(), skip: 0, lost: false, dead: true, cut: PhantomData };
    }

    /// True once this direction is not read any more.
    pub(crate) const fn is_dead(&self) -> bool {
        self.dead
    }

    /// True where a message has begun and is not whole yet.
    pub(crate) const fn is_within(&self) -> bool {
        !self.part.is_empty()
    }

    /// Bytes of heap.
    pub(crate) fn held(&self) -> usize {
        self.part.capacity()
    }

    fn pass_over<'d>(&mut self, data: &'d [u8]) -> &'d [u8] {
        let passed = usize::try_from(self.skip).unwrap_or(usize::MAX).min(data.len());
        self.skip -= passed as u64;
        data.get(passed..).unwrap_or_default()
    }

    /// One message, or what there is of it.
    #[inline]
    fn step(&mut self, data: &mut &[u8], each: &mut impl FnMut(Item<'_>) -> bool) -> bool {
        if self.part.is_empty() { self.direct(data, each) } else { self.complete(data, each) }
    }

    /// A message straight from the segment, where it is whole.
    fn direct(&mut self, data: &mut &[u8], each: &mut impl FnMut(Item<'_>) -> bool) -> bool {
        match C::extent(data) {
            Extent::Nothing => return self.broken(data, each),
            Extent::Stray(len) => *data = data.get(len..).unwrap_or_default(),
            Extent::Message(whole) if whole <= C::most() => {
                let Some((message, rest)) = data.split_at_checked(whole) else {
                    return self.collect(data, data.len());
                };
                *data = rest;
                self.lost = false;
                return each(Item::Message(message));
            }
            Extent::More | Extent::Message(_) => return self.collect(data, SHOWN),
        }
        true
    }

    /// Adds to the message that has begun; a length that is not known yet comes byte by byte.
    fn complete(&mut self, data: &mut &[u8], each: &mut impl FnMut(Item<'_>) -> bool) -> bool {
        if C::extent(&self.part) == Extent::More {
            self.collect(data, 1);
        }
        match C::extent(&self.part) {
            Extent::More if self.part.len() < MAX_HEAD => true,
            Extent::More | Extent::Nothing => {
                let part = std::mem::take(&mut self.part);
                self.broken(&part, each)
            }
            Extent::Stray(len) => {
                self.part.drain(..len.min(self.part.len()));
                true
            }
            Extent::Message(whole) => self.joined(data, whole, each),
        }
    }

    fn joined(&mut self, data: &mut &[u8], whole: usize, each: &mut impl FnMut(Item<'_>) -> bool) -> bool {
        let long = whole > C::most();
        let wanted = if long { SHOWN } else { whole };
        self.collect(data, wanted.saturating_sub(self.part.len()));
        if self.part.len() < wanted {
            return true;
        }
        let part = std::mem::take(&mut self.part);
        self.skip = whole.saturating_sub(part.len()) as u64;
        self.lost = false;
        each(if long { Item::Long(&part) } else { Item::Message(&part) })
    }

    /// After a gap it is no wonder.
    fn broken(&mut self, bytes: &[u8], each: &mut impl FnMut(Item<'_>) -> bool) -> bool {
        let lost = self.lost;
        self.die();
        !lost && each(Item::Broken(bytes))
    }

    /// Keeps so many bytes of what came.
    fn collect(&mut self, data: &mut &[u8], most: usize) -> bool {
        let (taken, rest) = data.split_at(most.min(data.len()));
        self.part.extend_from_slice(taken);
        *data = rest;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A length, then so many bytes; 0 is stray, 255 is none, 254 needs another byte to tell.
    #[derive(Debug, Default)]
    struct ByByte;

    impl Cut for ByByte {
        fn most() -> usize {
            100
        }

        fn extent(bytes: &[u8]) -> Extent {
            match *bytes {
                [] | [254] => Extent::More,
                [0, ..] => Extent::Stray(1),
                [255, ..] | [254, 255, ..] => Extent::Nothing,
                [254, ..] => Extent::Message(2),
                [len, ..] => Extent::Message(usize::from(len) + 1),
            }
        }
    }

    fn show(item: Item<'_>) -> (char, Vec<u8>) {
        match item {
            Item::Message(bytes) => ('m', bytes.to_vec()),
            Item::Long(bytes) => ('l', bytes.to_vec()),
            Item::Broken(bytes) => ('b', bytes.to_vec()),
        }
    }

    fn read(framing: &mut Framing<ByByte>, data: &[u8]) -> Vec<(char, Vec<u8>)> {
        let mut seen = Vec::new();
        framing.read(data, |item| {
            seen.push(show(item));
            true
        });
        seen
    }

    fn stream() -> Vec<u8> {
        [&[3, 1, 2, 3, 0, 0, 1, 9, 254, 8, 200][..], &[7; 200], &[2, 5, 6]].concat()
    }

    #[test]
    fn every_cut_gives_the_same_messages() {
        let stream = stream();
        let long = [&[200][..], &[7; 63]].concat();
        let [one, two, three, last] = [vec![3, 1, 2, 3], vec![1, 9], vec![254, 8], vec![2, 5, 6]];
        let whole = vec![('m', one), ('m', two), ('m', three), ('l', long), ('m', last)];
        for cut in 0..=stream.len() {
            let mut framing = Framing::default();
            let mut seen = read(&mut framing, &stream[..cut]);
            seen.extend(read(&mut framing, &stream[cut..]));
            assert_eq!(seen, whole, "{cut}");
            assert!(framing.held() <= 100);
        }
        let mut framing = Framing::default();
        let bytes: Vec<_> = stream.chunks(1).flat_map(|byte| read(&mut framing, byte)).collect();
        assert_eq!(bytes, whole);
    }

    #[test]
    fn a_gap_within_a_message_costs_that_message_alone() {
        let mut framing = Framing::default();
        assert_eq!(read(&mut framing, &[5, 1]), []);
        framing.gap(2);
        assert_eq!(read(&mut framing, &[4, 5, 1, 8]), [('m', vec![1, 8])]);
    }

    #[test]
    fn after_a_longer_gap_a_message_must_begin() {
        let mut framing = Framing::default();
        framing.gap(1000);
        assert_eq!(read(&mut framing, &[1, 8]), [('m', vec![1, 8])]);
        framing.gap(1);
        assert_eq!(read(&mut framing, &[255, 8]), []);
        assert!(framing.is_dead());
    }

    #[test]
    fn what_only_seemed_to_begin_after_a_gap_is_not_told() {
        let mut framing = Framing::default();
        framing.gap(1000);
        assert_eq!(read(&mut framing, &[254]), []);
        assert_eq!(read(&mut framing, &[255]), []);
        assert!(framing.is_dead());
    }

    #[test]
    fn what_is_no_message_is_told_once() {
        let mut framing = Framing::default();
        assert_eq!(read(&mut framing, &[1, 8, 255, 1, 1]), [('m', vec![1, 8]), ('b', vec![255, 1, 1])]);
        assert_eq!(read(&mut framing, &[1, 8]), []);
        assert_eq!(framing.held(), 0);
    }

    #[test]
    fn the_reader_can_stop() {
        let mut framing = Framing::<ByByte>::default();
        assert_eq!(framing.read(&[1, 8, 1, 9], |_| false), [1, 9]);
    }
}
