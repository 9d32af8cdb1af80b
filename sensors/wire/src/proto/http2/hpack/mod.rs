//! Header compression of HTTP/2 (RFC 7541): one decoder a direction.

mod fixed;
mod huffman;
mod table;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::limits::MAX_TABLE;
use table::Table;

/// A block that cannot be read: what follows in this direction cannot be either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// It ends early, or has an index or a string that there cannot be.
    Malformed,
    /// A table larger than is kept for a peer.
    TableTooLarge,
}

/// Name and value.
type Pair<'b> = (Cow<'b, [u8]>, Cow<'b, [u8]>);

/// The decoder's state.
#[derive(Debug)]
pub(super) struct Decoder {
    table: Table,
    /// Most that the peer's settings allow the table to be.
    most: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { table: Table::default(), most: 4096 }
    }
}

impl Decoder {
    /// The receiver of the blocks allowed a table of so many bytes (SETTINGS_HEADER_TABLE_SIZE).
    pub(super) fn allow(&mut self, most: usize) {
        self.most = self.most.max(most);
    }

    /// Gives each field of a block, in order.
    pub(super) fn decode(&mut self, block: &[u8], mut give: impl FnMut(&[u8], &[u8])) -> Result<(), Broken> {
        let mut rest = Reader(block);
        while let Some(&first) = rest.0.first() {
            match first {
                0x80.. => {
                    let index = rest.integer(7)?;
                    let (name, value) = self.table.get(index).ok_or(Broken::Malformed)?;
                    give(name, value);
                }
                0x40.. => {
                    let (name, value) = self.literal(&mut rest, 6)?;
                    give(&name, &value);
                    self.table.insert(&name, &value);
                }
                0x20.. => self.resize(rest.integer(5)?)?,
                _ => {
                    let (name, value) = self.literal(&mut rest, 4)?;
                    give(&name, &value);
                }
            }
        }
        Ok(())
    }

    /// A field whose value stands in the block, and its name too where the index is 0.
    fn literal<'b>(&self, rest: &mut Reader<'b>, prefix: u32) -> Result<Pair<'b>, Broken> {
        let name = match rest.integer(prefix)? {
            0 => rest.string()?,
            index => Cow::Owned(self.table.get(index).ok_or(Broken::Malformed)?.0.to_vec()),
        };
        Ok((name, rest.string()?))
    }

    fn resize(&mut self, size: usize) -> Result<(), Broken> {
        if size > self.most {
            return Err(Broken::Malformed);
        }
        if size > MAX_TABLE.get() {
            return Err(Broken::TableTooLarge);
        }
        self.table.resize(size);
        Ok(())
    }

    pub(super) fn held(&self) -> usize {
        self.table.held()
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, Broken> {
        let (first, rest) = self.0.split_first().ok_or(Broken::Malformed)?;
        self.0 = rest;
        Ok(*first)
    }

    /// An integer whose first bits stand in the low bits of the byte at hand (RFC 7541 5.1).
    fn integer(&mut self, prefix: u32) -> Result<usize, Broken> {
        let most = (1_usize << prefix) - 1;
        let mut value = usize::from(self.byte()?) & most;
        if value < most {
            return Ok(value);
        }
        for shift in [0, 7, 14, 21] {
            let byte = self.byte()?;
            value += usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Broken::Malformed)
    }

    fn string(&mut self) -> Result<Cow<'a, [u8]>, Broken> {
        let packed = self.0.first().ok_or(Broken::Malformed)? & 0x80 != 0;
        let len = self.integer(7)?;
        let (text, rest) = self.0.split_at_checked(len).ok_or(Broken::Malformed)?;
        self.0 = rest;
        if packed {
            return huffman::decode(text).map(Cow::Owned).ok_or(Broken::Malformed);
        }
        Ok(Cow::Borrowed(text))
    }
}
