//! Header and body of a message (MODBUS Messaging on TCP/IP Implementation Guide V1.0b, 3.1.3).

use super::limits::{MAX_LENGTH, MAX_OBJECTS, MAX_VALUES};
use crate::proto::framing::{Cut, Extent};

/// One message: a header of seven bytes, then function code and data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Adu<'a> {
    pub(super) transaction: u16,
    pub(super) unit: u8,
    pub(super) function: u8,
    pub(super) data: &'a [u8],
}

/// Bytes before the length's count begins.
const PREFIX: usize = 6;

/// How a stream is cut into messages.
#[derive(Debug, Default)]
pub(super) struct Messages;

impl Cut for Messages {
    fn extent(bytes: &[u8]) -> Extent {
        match *bytes {
            [_, _, p0, p1, l0, l1, ..] => {
                let length = usize::from(u16::from_be_bytes([l0, l1]));
                let fits = (p0, p1) == (0, 0) && (2..=MAX_LENGTH).contains(&length);
                if fits { Extent::Message(PREFIX + length) } else { Extent::Nothing }
            }
            [_, _, p0, ..] if p0 != 0 => Extent::Nothing,
            _ => Extent::More,
        }
    }
}

impl<'a> Adu<'a> {
    /// Of the whole bytes of one message.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let ([t0, t1, _, _, _, _, unit, function], data) = bytes.split_first_chunk::<8>()?;
        Some(Self { transaction: u16::from_be_bytes([*t0, *t1]), unit: *unit, function: *function, data })
    }

    /// True where a client could have said it.
    pub(super) fn fits_request(&self) -> bool {
        let data = self.data;
        match self.function {
            1..=4 => data.len() == 4,
            5 | 6 => data.len() == 4,
            7 | 11 | 12 | 17 => data.is_empty(),
            15 | 16 => counts(data, 4),
            20 | 21 => counts(data, 0),
            22 => data.len() == 6,
            23 => counts(data, 8),
            24 => data.len() == 2,
            8 | 43 => data.len() >= 2,
            code => code & 0x80 == 0,
        }
    }

    /// True where a server could have said it.
    pub(super) fn fits_response(&self) -> bool {
        let data = self.data;
        match self.function {
            1..=4 | 12 | 17 | 20 | 21 | 23 => counts(data, 0),
            5 | 6 | 11 | 15 | 16 => data.len() == 4,
            7 => data.len() == 1,
            22 => data.len() == 6,
            24 => word(data, 0).is_some_and(|count| usize::from(count) + 2 == data.len()),
            8 | 43 => data.len() >= 2,
            // Some servers add a byte to their exceptions.
            code if code & 0x80 != 0 => matches!(data.len(), 1 | 2),
            _ => true,
        }
    }
}

/// True where the byte at `at` counts all that follow it.
fn counts(data: &[u8], at: usize) -> bool {
    data.get(at).is_some_and(|count| usize::from(*count) + at + 1 == data.len())
}

pub(super) fn word(data: &[u8], at: usize) -> Option<u16> {
    data.get(at..).and_then(<[u8]>::first_chunk).map(|pair| u16::from_be_bytes(*pair))
}

/// What a request asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) address: Option<u16>,
    pub(super) quantity: Option<u16>,
    /// Where function 23 writes, and how much.
    pub(super) write: Option<(u16, u16)>,
    pub(super) file: Option<u16>,
    /// Sub-function of diagnostics, or type of the encapsulated interface.
    pub(super) sub_function: Option<u16>,
    pub(super) values: Vec<u16>,
    /// More values were written than are kept.
    pub(super) is_cut: bool,
}

impl Request {
    /// `None` where the data is too short for the function.
    pub(super) fn read(function: u8, data: &[u8]) -> Option<Self> {
        let mut request = Self::default();
        match function {
            1..=4 => (request.address, request.quantity) = (Some(word(data, 0)?), Some(word(data, 2)?)),
            5 | 6 => request.single(function, word(data, 0)?, word(data, 2)?),
            15 => request.coils(word(data, 0)?, word(data, 2)?, data.get(5..)?),
            16 => request.registers(word(data, 0)?, word(data, 2)?, data.get(5..)?),
            20 | 21 => request.file(function, data)?,
            22 => request.mask(data)?,
            23 => {
                request.registers(word(data, 0)?, word(data, 2)?, data.get(9..)?);
                request.write = Some((word(data, 4)?, word(data, 6)?));
            }
            24 => request.address = Some(word(data, 0)?),
            8 => request.sub_function = Some(word(data, 0)?),
            43 => request.sub_function = Some(u16::from(*data.first()?)),
            _ => {}
        }
        Some(request)
    }

    /// Of the answer alone, where that repeats what was asked.
    pub(super) fn echoed(function: u8, data: &[u8]) -> Option<Self> {
        match function {
            5 | 6 | 8 | 22 | 43 => Self::read(function, data),
            15 | 16 => Some(Self { address: word(data, 0), quantity: word(data, 2), ..Self::default() }),
            _ => None,
        }
    }

    fn single(&mut self, function: u8, address: u16, value: u16) {
        (self.address, self.quantity) = (Some(address), Some(1));
        // A coil is 0xff00 or 0; other values are told as they are.
        self.values.push(if (function, value) == (5, 0xff00) { 1 } else { value });
    }

    fn coils(&mut self, address: u16, quantity: u16, bits: &[u8]) {
        (self.address, self.quantity) = (Some(address), Some(quantity));
        (self.values, self.is_cut) = unpack(bits, usize::from(quantity));
    }

    fn registers(&mut self, address: u16, quantity: u16, bytes: &[u8]) {
        (self.address, self.quantity) = (Some(address), Some(quantity));
        (self.values, self.is_cut) = words(bytes);
    }

    fn mask(&mut self, data: &[u8]) -> Option<()> {
        (self.address, self.quantity) = (Some(word(data, 0)?), Some(1));
        self.values = vec![word(data, 2)?, word(data, 4)?];
        Some(())
    }

    /// The first of the records.
    fn file(&mut self, function: u8, data: &[u8]) -> Option<()> {
        self.file = Some(word(data, 2)?);
        (self.address, self.quantity) = (Some(word(data, 4)?), Some(word(data, 6)?));
        if function == 21 {
            let bytes = usize::from(word(data, 6)?) * 2;
            let record = data.get(8..).unwrap_or_default();
            (self.values, self.is_cut) = words(record.get(..bytes).unwrap_or(record));
        }
        Some(())
    }
}

/// What a server answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Response<'a> {
    pub(super) exception: Option<u8>,
    pub(super) values: Vec<u16>,
    pub(super) is_cut: bool,
    /// Texts of a device's identification.
    pub(super) device: Vec<&'a [u8]>,
}

impl<'a> Response<'a> {
    /// `quantity`: how many coils were asked for, where that is known.
    pub(super) fn read(adu: &Adu<'a>, quantity: Option<u16>) -> Option<Self> {
        let data = adu.data;
        let mut response = Self::default();
        match adu.function {
            code if code & 0x80 != 0 => response.exception = Some(*data.first()?),
            1 | 2 => {
                let bits = counted(data)?;
                let most = quantity.map_or(bits.len() * 8, usize::from);
                (response.values, response.is_cut) = unpack(bits, most);
            }
            3 | 4 | 23 => (response.values, response.is_cut) = words(counted(data)?),
            7 => response.values.push(u16::from(*data.first()?)),
            24 => (response.values, response.is_cut) = words(data.get(4..)?),
            17 => response.device.push(counted(data)?),
            43 => response.device = identification(data),
            _ => {}
        }
        Some(response)
    }
}

/// What the first byte counts, as far as it has come.
fn counted(data: &[u8]) -> Option<&[u8]> {
    let (count, rest) = data.split_first()?;
    Some(rest.get(..usize::from(*count)).unwrap_or(rest))
}

fn unpack(bits: &[u8], most: usize) -> (Vec<u16>, bool) {
    let all = bits.iter().flat_map(|byte| (0..8).map(move |bit| u16::from(byte >> bit & 1)));
    let whole = most.min(bits.len() * 8);
    (all.take(whole.min(MAX_VALUES.get())).collect(), whole > MAX_VALUES.get())
}

fn words(bytes: &[u8]) -> (Vec<u16>, bool) {
    let all = bytes.chunks_exact(2).filter_map(|pair| word(pair, 0));
    (all.take(MAX_VALUES.get()).collect(), bytes.len() / 2 > MAX_VALUES.get())
}

/// Objects of "read device identification" (6.21): type, code, conformity, more, next, count, then the objects.
fn identification(data: &[u8]) -> Vec<&[u8]> {
    let (mut texts, mut rest) = (Vec::new(), data.get(6..).unwrap_or_default());
    if data.first() != Some(&14) {
        return texts;
    }
    while let [_, len, after @ ..] = rest {
        if MAX_OBJECTS.is_reached(texts.len()) {
            break;
        }
        let Some((text, next)) = after.split_at_checked(usize::from(*len)) else { break };
        texts.push(text);
        rest = next;
    }
    texts
}
