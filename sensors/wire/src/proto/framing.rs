//! Messages that tell their own length, put together from one direction of a stream however it is cut.

/// What the bytes at hand say of the message that begins with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Too few to tell.
    More,
    /// A message of so many bytes, at least one.
    Message(usize),
    /// So many bytes, at least one, belong to no message.
    Stray(usize),
    /// No message begins here.
    Nothing,
}

/// The stream has come to something that is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unframed {
    /// After whole messages.
    Broken,
    /// After a gap, behind which no beginning was found.
    Lost,
}

/// One direction of a stream. It keeps at most one message, as far as it has come.
#[derive(Debug, Default)]
pub(crate) struct Framing {
    part: Vec<u8>,
    /// Bytes of the message at hand that are passed over, since others of it were lost.
    skip: usize,
    /// A gap went past the message at hand.
    lost: bool,
    /// Nothing can be found any more.
    dead: bool,
}

impl Framing {
    /// Gives every whole message to `take`.
    pub(crate) fn feed(
        &mut self,
        mut data: &[u8],
        extent: impl Fn(&[u8]) -> Extent,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), Unframed> {
        while !data.is_empty() && !self.dead {
            data = if self.skip > 0 {
                self.pass_over(data)
            } else if self.part.is_empty() {
                self.straight(data, &extent, &mut take)?
            } else {
                self.complete(data, &extent, &mut take)?
            };
        }
        Ok(())
    }

    fn pass_over<'d>(&mut self, data: &'d [u8]) -> &'d [u8] {
        let passed = self.skip.min(data.len());
        self.skip -= passed;
        data.get(passed..).unwrap_or_default()
    }

    /// A message that lies whole in the segment is not copied.
    fn straight<'d>(
        &mut self,
        data: &'d [u8],
        extent: &impl Fn(&[u8]) -> Extent,
        take: &mut impl FnMut(&[u8]),
    ) -> Result<&'d [u8], Unframed> {
        match extent(data) {
            Extent::Stray(len) => return Ok(data.get(len.max(1)..).unwrap_or_default()),
            Extent::Nothing => return Err(self.end()),
            Extent::Message(len) => {
                if let Some((message, rest)) = data.split_at_checked(len.max(1)) {
                    self.lost = false;
                    take(message);
                    return Ok(rest);
                }
            }
            Extent::More => {}
        }
        self.part.extend_from_slice(data);
        Ok(&[])
    }

    /// Adds to the message that has begun; a length that is not known yet comes byte by byte.
    fn complete<'d>(
        &mut self,
        data: &'d [u8],
        extent: &impl Fn(&[u8]) -> Extent,
        take: &mut impl FnMut(&[u8]),
    ) -> Result<&'d [u8], Unframed> {
        let wanted = match extent(&self.part) {
            Extent::Message(len) => len.saturating_sub(self.part.len()),
            _ => 1,
        };
        let (more, rest) = data.split_at(wanted.min(data.len()));
        self.part.extend_from_slice(more);
        match extent(&self.part) {
            Extent::Message(len) if len <= self.part.len() => {
                self.lost = false;
                take(&std::mem::take(&mut self.part));
            }
            Extent::Stray(len) => drop(self.part.drain(..len.clamp(1, self.part.len()))),
            Extent::Nothing => return Err(self.end()),
            Extent::Message(_) | Extent::More => {}
        }
        Ok(rest)
    }

    fn end(&mut self) -> Unframed {
        let why = if self.lost { Unframed::Lost } else { Unframed::Broken };
        self.die();
        why
    }

    /// `len` bytes were lost. What they leave of the message at hand is passed over.
    pub(crate) fn gap(&mut self, len: u64, extent: impl Fn(&[u8]) -> Extent) {
        let left = match extent(&self.part) {
            _ if self.skip > 0 => self.skip,
            Extent::Message(whole) if !self.part.is_empty() => whole.saturating_sub(self.part.len()),
            _ => 0,
        };
        self.part = Vec::new();
        match usize::try_from(len) {
            Ok(len) if len <= left => self.skip = left - len,
            _ => (self.skip, self.lost) = (0, true),
        }
    }

    /// Looks at nothing more.
    pub(crate) fn die(&mut self) {
        *self = Self { dead: true, ..Self::default() };
    }

    pub(crate) const fn is_dead(&self) -> bool {
        self.dead
    }

    /// Bytes of heap.
    pub(crate) fn held(&self) -> usize {
        self.part.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A length, then so many bytes; 0 is stray, 255 is none.
    fn extent(bytes: &[u8]) -> Extent {
        match bytes.first() {
            None => Extent::More,
            Some(0) => Extent::Stray(1),
            Some(255) => Extent::Nothing,
            Some(len) => Extent::Message(usize::from(*len) + 1),
        }
    }

    fn read(parts: &[&[u8]]) -> (Vec<Vec<u8>>, Result<(), Unframed>) {
        let (mut framing, mut seen, mut end) = (Framing::default(), Vec::new(), Ok(()));
        for part in parts {
            end = end.and(framing.feed(part, extent, |message| seen.push(message.to_vec())));
        }
        (seen, end)
    }

    #[test]
    fn each_split_gives_the_same_messages() {
        let stream = [2, 7, 8, 0, 0, 1, 9, 3, 1, 2, 3];
        let whole = read(&[&stream]);
        assert_eq!(whole.0, [vec![2, 7, 8], vec![1, 9], vec![3, 1, 2, 3]]);
        for at in 0..stream.len() {
            assert_eq!(read(&[&stream[..at], &stream[at..]]), whole, "{at}");
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(read(&bytes), whole);
    }

    #[test]
    fn a_gap_within_a_message_costs_that_message_alone() {
        let (mut framing, mut seen) = (Framing::default(), Vec::new());
        assert_eq!(framing.feed(&[4, 1], extent, |_| panic!("not whole")), Ok(()));
        framing.gap(2, extent);
        assert_eq!(framing.feed(&[4, 1, 9], extent, |message| seen.push(message.to_vec())), Ok(()));
        assert_eq!(seen, [[1, 9]]);
    }

    #[test]
    fn what_is_no_message_ends_it_and_a_gap_excuses_it() {
        assert_eq!(read(&[&[1, 9, 255]]).1, Err(Unframed::Broken));
        let mut framing = Framing::default();
        framing.gap(100, extent);
        assert_eq!(framing.feed(&[255], extent, |_| {}), Err(Unframed::Lost));
        assert!(framing.is_dead());
        assert_eq!(framing.feed(&[1, 9], extent, |_| panic!("dead")), Ok(()));
    }
}
