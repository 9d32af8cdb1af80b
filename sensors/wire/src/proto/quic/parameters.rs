//! Transport parameters of a client (RFC 9000 18), as far as an event tells of them.

use super::limits::MAX_PARAMETERS;
use super::packet::{Bytes, versions};
use super::version::Version;

/// Format: its number.
const MAX_IDLE_TIMEOUT: u64 = 0x01;
/// RFC 9368 3.
const VERSION_INFORMATION: u64 = 0x11;
/// Google's clients tell their name: `Chrome/140.0.0.0 Linux x86_64`.
const GOOGLE_USER_AGENT: u64 = 0x3129;

/// The parameters, borrowed from the hello.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters<'a> {
    all: &'a [u8],
    /// Milliseconds.
    pub(super) max_idle_timeout: Option<u64>,
    pub(super) user_agent: Option<&'a [u8]>,
    /// Chosen version and available versions, four bytes each.
    version_information: &'a [u8],
}

impl<'a> Parameters<'a> {
    /// Reads the body of the extension quic_transport_parameters (RFC 9001 8.2).
    pub(super) fn parse(all: &'a [u8]) -> Self {
        let mut read = Self { all, ..Self::default() };
        for (number, value) in each(all) {
            match number {
                MAX_IDLE_TIMEOUT => read.max_idle_timeout = Bytes(value).varint(),
                VERSION_INFORMATION => read.version_information = value,
                GOOGLE_USER_AGENT => read.user_agent = Some(value),
                _ => {}
            }
        }
        read
    }

    /// Their numbers without those that are reserved to keep servers tolerant (RFC 9000 18.1).
    pub(super) fn numbers(self) -> impl Iterator<Item = u64> {
        each(self.all).map(|(number, _)| number).filter(|number| number % 31 != 27)
    }

    /// Versions that the client says it speaks.
    pub(super) fn versions(self) -> impl Iterator<Item = Version> {
        versions(self.version_information.get(4..).unwrap_or_default())
    }
}

/// Number and value of each; stops at the first that does not fit.
fn each(all: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut rest = Bytes(all);
    MAX_PARAMETERS.take(std::iter::from_fn(move || Some((rest.varint()?, rest.vector()?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_and_reserved_ones_left_out() {
        let mut bytes = vec![0x01, 4, 0x80, 0, 0x75, 0x30];
        bytes.extend([0x40, 0x5a, 2, 9, 9, 0x0f, 0, 0x71, 0x29, 2, b'm', b'e']);
        bytes.extend([0x11, 12, 0, 0, 0, 1, 0x6b, 0x33, 0x43, 0xcf, 0, 0, 0, 1]);
        // 90 is not reserved; 58 (31 * 1 + 27) is.
        bytes.extend([0x3a, 0]);
        let read = Parameters::parse(&bytes);
        assert_eq!(read.max_idle_timeout, Some(30_000));
        assert_eq!(read.user_agent, Some(&b"me"[..]));
        assert_eq!(read.numbers().collect::<Vec<_>>(), [1, 90, 15, 0x3129, 0x11]);
        assert_eq!(read.versions().collect::<Vec<_>>(), [Version::V2, Version::V1]);
        assert_eq!(Parameters::parse(&[1, 9, 0]).numbers().count(), 0);
    }
}
