//! Application fragments (IEEE 1815-2012, 4.2).

use super::objects::Objects;

/// One application fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fragment {
    control: u8,
    pub(super) function: u8,
    /// Internal indications of a response, the first byte on the wire high.
    pub(super) iin: Option<u16>,
    pub(super) objects: Objects,
}

impl Fragment {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (&[control, function], rest) = bytes.split_first_chunk::<2>()?;
        let (iin, rest) = if is_response(function) {
            rest.split_first_chunk::<2>().map(|(iin, rest)| (Some(u16::from_be_bytes(*iin)), rest))?
        } else {
            (None, rest)
        };
        let mut objects = Objects::default();
        objects.read(rest, has_data(function));
        Some(Self { control, function, iin, objects })
    }

    pub(super) const fn is_response(&self) -> bool {
        is_response(self.function)
    }

    pub(super) const fn is_first(&self) -> bool {
        self.control & 0x80 != 0
    }

    pub(super) const fn is_final(&self) -> bool {
        self.control & 0x40 != 0
    }

    pub(super) const fn is_unsolicited(&self) -> bool {
        self.control & 0x10 != 0
    }

    pub(super) const fn sequence(&self) -> u8 {
        self.control & 0x0f
    }
}

const fn is_response(function: u8) -> bool {
    function >= 0x80
}

/// True where objects come with their values.
const fn has_data(function: u8) -> bool {
    matches!(function, 2..=6 | 11 | 12 | 25..=33) || is_response(function)
}
