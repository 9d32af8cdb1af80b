//! Object headers of an application fragment (IEEE 1815-2012, 4.2.2.7), and what controls say.

use super::limits::{MAX_CONTROLS, MAX_OBJECTS};
use crate::limits::Limit;

/// One object header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) group: u8,
    pub(super) variation: u8,
    /// Objects that it announces; 0 for "all".
    pub(super) count: u32,
}

/// One control: a relay output block or an analog output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Control {
    pub(super) index: u32,
    /// Control code of a relay output block; `None` for an analog output.
    pub(super) code: Option<u8>,
    pub(super) status: u8,
}

/// What the objects of a fragment say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Objects {
    pub(super) list: Vec<Object>,
    pub(super) controls: Vec<Control>,
    /// Objects that could not be read, or are beyond a limit, follow.
    pub(super) is_part: bool,
    /// A limit was hit.
    pub(super) limited: Option<&'static Limit>,
}

/// Bytes of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    Bytes(usize),
    /// So many bits each, packed.
    Bits(usize),
    Unknown,
}

impl Objects {
    /// Reads on in a fragment's objects; `has_data`: they come with their values, not as names of what is asked for.
    pub(super) fn read(&mut self, mut rest: &[u8], has_data: bool) {
        while !rest.is_empty() && !self.is_part {
            match self.header(rest, has_data) {
                Some(after) => rest = after,
                None => self.is_part = true,
            }
        }
    }

    fn header<'a>(&mut self, bytes: &'a [u8], has_data: bool) -> Option<&'a [u8]> {
        if self.list.len() >= MAX_OBJECTS.get() {
            self.limited = Some(&MAX_OBJECTS);
            return None;
        }
        let (&[group, variation, qualifier], rest) = bytes.split_first_chunk::<3>()?;
        let (first, count, rest) = range(qualifier & 0x0f, rest)?;
        self.list.push(Object { group, variation, count });
        let size = if has_data { size(group, variation) } else { Size::Bytes(0) };
        let items = Items { group, variation, first, count };
        match qualifier >> 4 & 7 {
            0 => self.packed(items, size, rest),
            prefix @ 1..=3 => self.indexed(items, prefix, size, rest),
            prefix @ 4..=6 => self.sized(items, prefix, rest),
            _ => None,
        }
    }

    /// Objects one after the other; the first has the number that the range begins with.
    fn packed<'a>(&mut self, items: Items, size: Size, rest: &'a [u8]) -> Option<&'a [u8]> {
        let count = usize::try_from(items.count).ok()?;
        let len = match size {
            Size::Bytes(bytes) => bytes.checked_mul(count)?,
            Size::Bits(bits) => bits.checked_mul(count)?.div_ceil(8),
            Size::Unknown => return None,
        };
        let (data, rest) = rest.split_at_checked(len)?;
        if let Size::Bytes(bytes @ 1..) = size {
            for (index, object) in (items.first..).zip(data.chunks(bytes)) {
                self.control(items, index, object);
            }
        }
        Some(rest)
    }

    /// Each object after its number.
    fn indexed<'a>(&mut self, items: Items, prefix: u8, size: Size, mut rest: &'a [u8]) -> Option<&'a [u8]> {
        let Size::Bytes(bytes) = size else { return None };
        for _ in 0..items.count {
            let (index, after) = number(prefix, rest)?;
            let (object, after) = after.split_at_checked(bytes)?;
            self.control(items, index, object);
            rest = after;
        }
        Some(rest)
    }

    /// Each object after its length.
    fn sized<'a>(&mut self, items: Items, prefix: u8, mut rest: &'a [u8]) -> Option<&'a [u8]> {
        for _ in 0..items.count {
            let (len, after) = number(prefix - 3, rest)?;
            rest = after.get(usize::try_from(len).ok()?..)?;
        }
        Some(rest)
    }

    fn control(&mut self, items: Items, index: u32, object: &[u8]) {
        let code = match (items.group, items.variation) {
            (12, 1 | 2) => object.first().copied(),
            (41, 1..=4) => None,
            _ => return,
        };
        let Some(status) = object.last().copied() else { return };
        if self.controls.len() < MAX_CONTROLS.get() {
            self.controls.push(Control { index, code, status });
        } else {
            self.limited = Some(&MAX_CONTROLS);
        }
    }
}

/// What a header says of the objects that follow.
#[derive(Clone, Copy)]
struct Items {
    group: u8,
    variation: u8,
    first: u32,
    count: u32,
}

/// A number of 1, 2 or 4 bytes, by 1, 2 or 3.
fn number(width: u8, bytes: &[u8]) -> Option<(u32, &[u8])> {
    match width {
        1 => bytes.split_first().map(|(byte, rest)| (u32::from(*byte), rest)),
        2 => bytes.split_first_chunk().map(|(pair, rest)| (u32::from(u16::from_le_bytes(*pair)), rest)),
        _ => bytes.split_first_chunk().map(|(four, rest)| (u32::from_le_bytes(*four), rest)),
    }
}

/// First number, count, and what follows the range field (4.2.2.7.3.3).
fn range(specifier: u8, bytes: &[u8]) -> Option<(u32, u32, &[u8])> {
    match specifier {
        // Start and stop, as numbers or as addresses.
        0..=5 => {
            let width = specifier % 3 + 1;
            let (start, rest) = number(width, bytes)?;
            let (stop, rest) = number(width, rest)?;
            Some((start, stop.checked_sub(start)?.checked_add(1)?, rest))
        }
        6 => Some((0, 0, bytes)),
        7..=9 => number(specifier - 6, bytes).map(|(count, rest)| (0, count, rest)),
        11 => number(1, bytes).map(|(count, rest)| (0, count, rest)),
        _ => None,
    }
}

/// Size of an object (annex A).
const fn size(group: u8, variation: u8) -> Size {
    let bytes = match (group, variation) {
        (1 | 10 | 12 | 80, v) if packs(group, v) => return Size::Bits(1),
        (3, 1) => return Size::Bits(2),
        (1 | 3 | 10, 2) | (2 | 4 | 11 | 13, 1) => 1,
        (2 | 4 | 11 | 13, 2) => 7,
        (2 | 4, 3) => 3,
        (12, 1 | 2) => 11,
        (20, v) => counter(v),
        (21, v) => frozen_counter(v),
        (22 | 23, 1 | 3) => 5,
        (22 | 23, 2 | 4) => 3,
        (22 | 23, 5 | 7) => 11,
        (22 | 23, 6 | 8) => 9,
        (30 | 40, v) => analog(group, v),
        (31, v) => frozen_analog(v),
        (32 | 33 | 42 | 43, v) => analog_event(v),
        (34, 1) => 2,
        (34, 2 | 3) => 4,
        (41, 1 | 3) => 5,
        (41, 2) => 3,
        (41, 4) => 9,
        (50, 1 | 3) | (51, 1 | 2) => 6,
        (50, 2) => 10,
        (50, 4) => 11,
        (52, 1 | 2) => 2,
        (60, 0..=4) => 0,
        (102, 1) => 1,
        (110..=113, length) => length as usize,
        _ => return Size::Unknown,
    };
    if bytes == usize::MAX { Size::Unknown } else { Size::Bytes(bytes) }
}

const fn packs(group: u8, variation: u8) -> bool {
    matches!((group, variation), (1 | 10 | 80, 1) | (12, 3))
}

const fn counter(variation: u8) -> usize {
    match variation {
        1 | 3 => 5,
        2 | 4 => 3,
        5 | 7 => 4,
        6 | 8 => 2,
        _ => usize::MAX,
    }
}

const fn frozen_counter(variation: u8) -> usize {
    match variation {
        1 | 3 => 5,
        2 | 4 => 3,
        5 | 7 => 11,
        6 | 8 => 9,
        9 | 11 => 4,
        10 | 12 => 2,
        _ => usize::MAX,
    }
}

/// Inputs have variations without flags, output status has none.
const fn analog(group: u8, variation: u8) -> usize {
    match (group, variation) {
        (_, 1) | (30, 5) | (40, 3) => 5,
        (_, 2) => 3,
        (30, 3) => 4,
        (30, 4) => 2,
        (30, 6) | (40, 4) => 9,
        _ => usize::MAX,
    }
}

const fn frozen_analog(variation: u8) -> usize {
    match variation {
        1 | 7 => 5,
        2 => 3,
        3 => 11,
        4 | 8 => 9,
        5 => 4,
        6 => 2,
        _ => usize::MAX,
    }
}

const fn analog_event(variation: u8) -> usize {
    match variation {
        1 | 5 => 5,
        2 => 3,
        3 | 7 => 11,
        4 | 6 => 9,
        8 => 15,
        _ => usize::MAX,
    }
}
