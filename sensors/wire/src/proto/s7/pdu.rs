//! Messages of S7comm and what jobs, their answers and userdata say.

use super::limits::{MAX_ITEMS, MAX_NAME};

/// First byte of an S7comm message.
pub(super) const S7: u8 = 0x32;
/// First byte of an S7comm-plus message.
pub(super) const S7_PLUS: u8 = 0x72;

const JOB: u8 = 1;
const ACK: u8 = 2;
const ACK_DATA: u8 = 3;
const USERDATA: u8 = 7;

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pdu<'a> {
    pub(super) rosctr: u8,
    pub(super) reference: u16,
    /// Class and code, of answers alone.
    pub(super) error: Option<(u8, u8)>,
    pub(super) parameters: &'a [u8],
    pub(super) data: &'a [u8],
}

impl<'a> Pdu<'a> {
    /// Of a whole message; `None` where it is none.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (&[S7, rosctr, _, _, r0, r1, p0, p1, d0, d1], rest) = bytes.split_first_chunk::<10>()? else {
            return None;
        };
        let (error, rest) = match rosctr {
            ACK | ACK_DATA => {
                rest.split_first_chunk::<2>().map(|([class, code], rest)| (Some((*class, *code)), rest))?
            }
            _ => (None, rest),
        };
        let (parameters, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([p0, p1])))?;
        let data = rest.get(..usize::from(u16::from_be_bytes([d0, d1])))?;
        Some(Self { rosctr, reference: u16::from_be_bytes([r0, r1]), error, parameters, data })
    }

    pub(super) const fn is_answer(&self) -> bool {
        matches!(self.rosctr, ACK | ACK_DATA)
    }

    pub(super) const fn is_job(&self) -> bool {
        self.rosctr == JOB
    }

    pub(super) const fn is_userdata(&self) -> bool {
        self.rosctr == USERDATA
    }
}

/// One item that is read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) area: u8,
    pub(super) db: u16,
    /// In bits from the area's begin; of counters and timers their number.
    pub(super) address: u32,
    pub(super) element: u8,
    pub(super) length: u16,
}

/// What a job asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) function: u8,
    pub(super) items: Vec<Item>,
    /// Items that could not be read, or are beyond the limit, follow.
    pub(super) is_part: bool,
    /// It ends before what its function needs.
    pub(super) is_short: bool,
    /// Program invocation service, as P_PROGRAM.
    pub(super) service: Vec<u8>,
    /// File name of a block, as `_0A00001P`.
    pub(super) block: Vec<u8>,
}

impl Job {
    /// `None` where there is not even a function.
    pub(super) fn read(parameters: &[u8]) -> Option<Self> {
        let (&function, rest) = parameters.split_first()?;
        let mut job = Self { function, ..Self::default() };
        job.is_short = job.detail(rest).is_none();
        job.is_part |= job.is_short;
        MAX_NAME.truncate(&mut job.service);
        MAX_NAME.truncate(&mut job.block);
        Some(job)
    }

    fn detail(&mut self, rest: &[u8]) -> Option<()> {
        match self.function {
            0x04 | 0x05 => self.variables(rest)?,
            0x1a..=0x1d => self.block = named(rest.get(7..)?)?.to_vec(),
            0x28 => self.control(rest)?,
            0x29 => self.service = named(rest.get(5..)?)?.to_vec(),
            _ => {}
        }
        Some(())
    }

    /// Reserved bytes, a block of parameters with its length, then the service with its own.
    fn control(&mut self, rest: &[u8]) -> Option<()> {
        let length = usize::from(u16::from_be_bytes(*rest.get(7..)?.first_chunk()?));
        let (argument, after) = rest.get(9..)?.split_at_checked(length)?;
        self.service = named(after)?.to_vec();
        // Inserting and deleting name their blocks: how many, a zero, then each in eight bytes.
        if matches!(self.service.as_slice(), b"_INSE" | b"_DELE") {
            self.block = argument.get(2..10).unwrap_or_default().to_vec();
        }
        Some(())
    }

    fn variables(&mut self, rest: &[u8]) -> Option<()> {
        let (count, mut rest) = rest.split_first()?;
        for _ in 0..*count {
            if self.items.len() >= MAX_ITEMS.get() {
                MAX_ITEMS.hit();
                self.is_part = true;
                return Some(());
            }
            let &[0x12, length, ..] = rest else {
                self.is_part = true;
                return Some(());
            };
            let whole = usize::from(length) + 2;
            match rest.get(..whole).and_then(any_pointer) {
                Some(item) => self.items.push(item),
                // Symbolic addresses and others have forms of their own.
                None => self.is_part = true,
            }
            // Items begin at even places.
            rest = rest.get(whole..).unwrap_or_default();
        }
        Some(())
    }
}

/// An item in the form of an ANY pointer: syntax 0x10.
fn any_pointer(item: &[u8]) -> Option<Item> {
    let &[_, _, 0x10, element, l0, l1, d0, d1, area, a0, a1, a2] = item.first_chunk::<12>()? else {
        return None;
    };
    Some(Item {
        area,
        db: u16::from_be_bytes([d0, d1]),
        address: u32::from_be_bytes([0, a0, a1, a2]),
        element,
        length: u16::from_be_bytes([l0, l1]),
    })
}

/// Bytes after their count.
fn named(bytes: &[u8]) -> Option<&[u8]> {
    let (count, rest) = bytes.split_first()?;
    Some(rest.get(..usize::from(*count)).unwrap_or(rest))
}

/// What was answered to each item of a read or a write.
pub(super) fn results(function: u8, pdu: &Pdu<'_>) -> Vec<u8> {
    let count = usize::from(pdu.parameters.get(1).copied().unwrap_or(0)).min(MAX_ITEMS.get());
    match function {
        0x05 => pdu.data.iter().copied().take(count).collect(),
        0x04 => read_results(pdu.data, count),
        _ => Vec::new(),
    }
}

/// Return code, kind of length, length, data, and a byte where that is odd.
fn read_results(mut data: &[u8], count: usize) -> Vec<u8> {
    let mut codes = Vec::new();
    while let ([code, kind, l0, l1, rest @ ..], true) = (data, codes.len() < count) {
        codes.push(*code);
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        // Of these kinds the length counts bits.
        let bytes = if matches!(kind, 3..=5) { length.div_ceil(8) } else { length };
        let padded = bytes + (bytes & 1);
        data = if *code == 0xff { rest.get(padded..).unwrap_or_default() } else { rest };
    }
    codes
}

/// What userdata asks for or answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Userdata {
    pub(super) is_request: bool,
    pub(super) is_push: bool,
    pub(super) group: u8,
    pub(super) sub_function: u8,
    pub(super) sequence: u8,
    pub(super) error: Option<u16>,
    /// System status list and its index, where one is asked for.
    pub(super) szl: Option<(u16, u16)>,
}

impl Userdata {
    pub(super) fn read(pdu: &Pdu<'_>) -> Option<Self> {
        let (&[_, _, _, _, method, kind, sub_function, sequence], rest) =
            pdu.parameters.split_first_chunk::<8>()?;
        let _ = method;
        let error = rest.get(2..).and_then(<[u8]>::first_chunk).map(|pair| u16::from_be_bytes(*pair));
        let is_szl = (kind & 0x0f, sub_function) == (4, 1) && pdu.data.len() >= 8;
        let word = |at: usize| {
            pdu.data.get(at..).and_then(<[u8]>::first_chunk).map(|pair| u16::from_be_bytes(*pair))
        };
        let szl = if is_szl { word(4).zip(word(6)) } else { None };
        let way = kind >> 4;
        Some(Self {
            is_request: way == 4,
            is_push: way == 0,
            group: kind & 0x0f,
            sub_function,
            sequence,
            error,
            szl,
        })
    }
}
