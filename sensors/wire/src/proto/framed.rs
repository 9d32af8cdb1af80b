//! Messages that stand one behind the other in a stream, each telling its length at its beginning.

/// What the first bytes of a message say of its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// Too few bytes to tell.
    More,
    /// Length of the whole message with its head, in bytes; at least 1.
    Len(u64),
    /// No message begins like this.
    Broken,
}

/// How a protocol cuts its stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// Reads the length.
    pub(crate) head: fn(&[u8]) -> Head,
    /// True where a message seems to begin: asked after a gap.
    pub(crate) begins: fn(&[u8]) -> bool,
    /// Longest message that is put together, in bytes.
    pub(crate) most: usize,
}

/// What a stream holds next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item<'a> {
    /// A whole message with its head.
    Message(&'a [u8]),
    /// The first [`SHOWN`] bytes of a message beyond the limit; the others are passed over.
    Long(&'a [u8]),
    /// No message: these bytes begin something else, and the direction is not read on.
    Broken(&'a [u8]),
}

/// Bytes of a message beyond the limit that are shown.
pub(crate) const SHOWN: usize = 64;
/// No protocol needs more bytes to tell a length.
const MAX_HEAD: usize = 16;

/// One direction of such a stream. It holds at most [`Rule::most`] bytes.
#[derive(Debug, Default)]
pub(crate) struct Framed {
    part: Vec<u8>,
    /// Bytes of the message at hand that are passed over.
    skip: u64,
    /// A gap went past the message at hand.
    lost: bool,
    dead: bool,
}

impl Framed {
    /// Reads all messages that are whole with `data`; `each` answers whether to go on. Gives back what was not read.
    pub(crate) fn read<'d>(
        &mut self,
        mut data: &'d [u8],
        rule: &Rule,
        mut each: impl FnMut(Item<'_>) -> bool,
    ) -> &'d [u8] {
        while !data.is_empty() && !self.dead {
            if self.skip > 0 {
                data = self.pass_over(data);
            } else if self.lost {
                self.lost = false;
                self.dead = !(rule.begins)(data);
            } else if !self.step(&mut data, rule, &mut each) {
                break;
            }
        }
        data
    }

    /// `len` bytes were lost.
    pub(crate) fn gap(&mut self, len: u64, rule: &Rule) {
        let left = match (self.skip, (rule.head)(&self.part)) {
            (0, Head::Len(whole)) => whole.saturating_sub(self.part.len() as u64),
            (skip, _) => skip,
        };
        self.part = Vec::new();
        self.skip = left.saturating_sub(len);
        self.lost |= len > left;
    }

    /// True once this direction is not read any more.
    pub(crate) fn is_dead(&self) -> bool {
        self.dead
    }

    /// Bytes held.
    pub(crate) fn held(&self) -> usize {
        self.part.capacity()
    }

    fn pass_over<'d>(&mut self, data: &'d [u8]) -> &'d [u8] {
        let passed = self.skip.min(data.len() as u64);
        self.skip -= passed;
        usize::try_from(passed).ok().and_then(|passed| data.get(passed..)).unwrap_or_default()
    }

    /// One message, or what there is of it.
    fn step(&mut self, data: &mut &[u8], rule: &Rule, each: &mut impl FnMut(Item<'_>) -> bool) -> bool {
        if self.part.is_empty() {
            return self.direct(data, rule, each);
        }
        match (rule.head)(&self.part) {
            Head::More if self.part.len() < MAX_HEAD => {
                self.collect(data, 1);
                true
            }
            Head::More | Head::Broken => self.broken(each),
            Head::Len(whole) => self.joined(data, whole, rule.most, each),
        }
    }

    /// A message straight from the segment, where it is whole.
    fn direct(&mut self, data: &mut &[u8], rule: &Rule, each: &mut impl FnMut(Item<'_>) -> bool) -> bool {
        match (rule.head)(data) {
            Head::Broken => {
                self.dead = true;
                each(Item::Broken(data))
            }
            Head::Len(whole) if whole <= rule.most as u64 => {
                let split = usize::try_from(whole).ok().and_then(|whole| data.split_at_checked(whole));
                let Some((message, rest)) = split else { return self.collect(data, data.len()) };
                *data = rest;
                each(Item::Message(message))
            }
            Head::More | Head::Len(_) => self.collect(data, data.len().min(SHOWN)),
        }
    }

    fn joined(
        &mut self,
        data: &mut &[u8],
        whole: u64,
        most: usize,
        each: &mut impl FnMut(Item<'_>) -> bool,
    ) -> bool {
        let long = whole > most as u64;
        let wanted = if long { SHOWN } else { usize::try_from(whole).unwrap_or(SHOWN) };
        self.collect(data, wanted.saturating_sub(self.part.len()));
        if self.part.len() < wanted {
            return true;
        }
        let part = std::mem::take(&mut self.part);
        self.skip = whole.saturating_sub(part.len() as u64);
        each(if long { Item::Long(&part) } else { Item::Message(&part) })
    }

    fn broken(&mut self, each: &mut impl FnMut(Item<'_>) -> bool) -> bool {
        self.dead = true;
        let part = std::mem::take(&mut self.part);
        each(Item::Broken(&part))
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

    /// Messages of one length byte and so many more.
    const RULE: Rule = Rule { head: by_byte, begins: |data| data[0] != 0, most: 100 };

    fn by_byte(data: &[u8]) -> Head {
        match data.first() {
            None => Head::More,
            Some(0) => Head::Broken,
            Some(&len) => Head::Len(1 + u64::from(len)),
        }
    }

    fn show(item: Item<'_>) -> (char, Vec<u8>) {
        match item {
            Item::Message(bytes) => ('m', bytes.to_vec()),
            Item::Long(bytes) => ('l', bytes.to_vec()),
            Item::Broken(bytes) => ('b', bytes.to_vec()),
        }
    }

    fn read(framed: &mut Framed, data: &[u8]) -> Vec<(char, Vec<u8>)> {
        let mut seen = Vec::new();
        framed.read(data, &RULE, |item| {
            seen.push(show(item));
            true
        });
        seen
    }

    fn stream() -> Vec<u8> {
        let mut stream = vec![3, 1, 2, 3, 1, 9, 200];
        stream.extend([7; 200]);
        stream.extend([2, 5, 6]);
        stream
    }

    #[test]
    fn every_cut_gives_the_same_messages() {
        let stream = stream();
        let long = [&[200][..], &[7; 63]].concat();
        let whole = vec![('m', vec![3, 1, 2, 3]), ('m', vec![1, 9]), ('l', long), ('m', vec![2, 5, 6])];
        for cut in 0..=stream.len() {
            let mut framed = Framed::default();
            let mut seen = read(&mut framed, &stream[..cut]);
            seen.extend(read(&mut framed, &stream[cut..]));
            assert_eq!(seen, whole, "{cut}");
            assert!(framed.held() <= 100);
        }
    }

    #[test]
    fn a_gap_within_a_message_costs_that_message() {
        let mut framed = Framed::default();
        assert_eq!(read(&mut framed, &[5, 1]).len(), 0);
        framed.gap(2, &RULE);
        assert_eq!(read(&mut framed, &[4, 5, 1, 8]), [('m', vec![1, 8])]);
    }

    #[test]
    fn after_a_longer_gap_a_message_must_begin() {
        let mut framed = Framed::default();
        framed.gap(1000, &RULE);
        assert_eq!(read(&mut framed, &[1, 8]), [('m', vec![1, 8])]);
        framed.gap(1, &RULE);
        assert_eq!(read(&mut framed, &[0, 8]), []);
        assert!(framed.is_dead());
    }

    #[test]
    fn the_reader_can_stop() {
        let mut framed = Framed::default();
        assert_eq!(framed.read(&[1, 8, 1, 9], &RULE, |_| false), [1, 9]);
    }

    #[test]
    fn what_is_no_message_is_told_once() {
        let mut framed = Framed::default();
        assert_eq!(read(&mut framed, &[1, 8, 0, 1, 1]), [('m', vec![1, 8]), ('b', vec![0, 1, 1])]);
        assert_eq!(read(&mut framed, &[1, 8]), []);
    }
}
