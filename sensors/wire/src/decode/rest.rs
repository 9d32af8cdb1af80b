use super::Drop;

/// What is left of a frame: the bytes at hand, and how many more the wire had.
#[derive(Clone, Copy)]
pub(super) struct Rest<'a> {
    pub(super) data: &'a [u8],
    pub(super) missing: u32,
}

impl<'a> Rest<'a> {
    pub(super) const fn new(data: &'a [u8], missing: u32) -> Self {
        Self { data, missing }
    }

    /// Length on the wire.
    #[inline]
    pub(super) fn wire(self) -> usize {
        self.data.len().saturating_add(self.missing as usize)
    }

    /// The first `N` bytes, and the rest.
    #[inline]
    pub(super) fn chunk<const N: usize>(self) -> Result<(&'a [u8; N], Self), Drop> {
        match self.data.split_first_chunk::<N>() {
            Some((head, data)) => Ok((head, Self { data, ..self })),
            None => Err(self.too_short(N)),
        }
    }

    /// The rest after `len` bytes.
    #[inline]
    pub(super) fn skip(self, len: usize) -> Result<Self, Drop> {
        match self.data.get(len..) {
            Some(data) => Ok(Self { data, ..self }),
            None => Err(self.too_short(len)),
        }
    }

    /// The rest after `len` bytes, of which the capture may have cut some: then nothing is at hand.
    #[inline]
    pub(super) fn skip_cut(self, len: usize) -> Result<Self, Drop> {
        match self.data.get(len..) {
            Some(data) => Ok(Self { data, ..self }),
            None if len <= self.wire() => Ok(Self { data: &[], missing: (self.wire() - len) as u32 }),
            None => Err(Drop::Malformed),
        }
    }

    /// Only the first `len` bytes: what follows is padding.
    #[inline]
    pub(super) fn limit(self, len: usize) -> Result<Self, Drop> {
        if let Some(data) = self.data.get(..len) {
            return Ok(Self { data, missing: 0 });
        }
        let missing = len - self.data.len();
        if missing > self.missing as usize {
            return Err(Drop::Malformed);
        }
        Ok(Self { missing: missing as u32, ..self })
    }

    #[cold]
    fn too_short(self, need: usize) -> Drop {
        if self.wire() >= need { Drop::Truncated } else { Drop::Malformed }
    }
}
