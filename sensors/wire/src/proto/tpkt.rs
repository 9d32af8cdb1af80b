//! TPKT (RFC 1006, 6) and COTP, class 0 (RFC 905, 13): packets of ISO transport over TCP, as S7comm, RDP and MMS use them.

use super::framing::{Cut, Extent};

/// Bytes of a TPKT header.
const HEADER: usize = 4;
/// The shortest packet has a header and a COTP header of three bytes.
const SHORTEST: usize = HEADER + 3;

/// How a stream is cut into packets.
#[derive(Debug, Default)]
pub(crate) struct Packets;

impl Cut for Packets {
    fn extent(bytes: &[u8]) -> Extent {
        match *bytes {
            [version, ..] if version != 3 => Extent::Nothing,
            [_, reserved, ..] if reserved != 0 => Extent::Nothing,
            [_, _, l0, l1, ..] => match usize::from(u16::from_be_bytes([l0, l1])) {
                length @ SHORTEST.. => Extent::Message(length),
                _ => Extent::Nothing,
            },
            _ => Extent::More,
        }
    }
}

/// A COTP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cotp<'a> {
    /// Connection request, with its variable part.
    Request(&'a [u8]),
    /// Connection confirm, the same.
    Confirm(&'a [u8]),
    /// Data; true where it ends a message.
    Data(bool, &'a [u8]),
    /// Disconnect, error, acknowledgement and others.
    Other,
}

impl<'a> Cotp<'a> {
    /// Of a whole packet with its TPKT header; `None` where it is shorter than it says.
    pub(crate) fn read(packet: &'a [u8]) -> Option<Self> {
        let (length, rest) = packet.get(HEADER..)?.split_first()?;
        let (head, body) = rest.split_at_checked(usize::from(*length))?;
        Some(match head {
            [0xe0..=0xef, _, _, _, _, _, parameters @ ..] => Self::Request(parameters),
            [0xd0..=0xdf, _, _, _, _, _, parameters @ ..] => Self::Confirm(parameters),
            [0xd0..=0xef, ..] => return None,
            [0xf0, number, ..] => Self::Data(number & 0x80 != 0, body),
            _ => Self::Other,
        })
    }
}

/// Code of the called side's.
pub(crate) const CALLED: u8 = 0xc2;

/// The value of a parameter in the variable part of a connection message.
pub(crate) fn parameter(mut parameters: &[u8], wanted: u8) -> Option<&[u8]> {
    while let [code, length, rest @ ..] = parameters {
        let (value, after) = rest.split_at_checked(usize::from(*length))?;
        if *code == wanted {
            return Some(value);
        }
        parameters = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONNECT: &[u8] = &[3, 0, 0, 22, 17, 0xe0, 0, 0, 0, 1, 0, 0xc0, 1, 10, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2];

    #[test]
    fn a_connection_request_names_its_selectors() {
        assert_eq!(Packets::extent(CONNECT), Extent::Message(22));
        let Some(Cotp::Request(parameters)) = Cotp::read(CONNECT) else { panic!("no request") };
        assert_eq!(parameter(parameters, CALLED), Some(&[1, 2][..]));
        assert_eq!((parameter(parameters, 0xc1), parameter(parameters, 9)), (Some(&[1, 0][..]), None));
    }

    #[test]
    fn data_says_whether_it_ends_a_message() {
        assert_eq!(Cotp::read(&[3, 0, 0, 8, 2, 0xf0, 0x80, 0x32]), Some(Cotp::Data(true, &[0x32])));
        assert_eq!(Cotp::read(&[3, 0, 0, 8, 2, 0xf0, 0, 0x32]), Some(Cotp::Data(false, &[0x32])));
        assert_eq!(Cotp::read(&[3, 0, 0, 7, 9, 0xf0, 0]), None);
        assert_eq!(Cotp::read(&[3, 0, 0, 8, 3, 0xe0, 0, 0]), None);
        assert_eq!(
            (Packets::extent(&[3, 0, 0, 6]), Packets::extent(&[3, 1]), Packets::extent(&[3])),
            (Extent::Nothing, Extent::Nothing, Extent::More)
        );
    }
}
