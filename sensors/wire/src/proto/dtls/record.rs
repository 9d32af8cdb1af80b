//! Records of a datagram (RFC 6347 4.1, RFC 9147 4) and fragments of handshake messages in them (RFC 6347 4.2.2), borrowed.

use crate::proto::tls::cursor::Cursor;
use crate::proto::tls::names::Version;
use crate::proto::tls::record::HandshakeType;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const HEARTBEAT: u8 = 24;
/// A record with a connection id, always encrypted (RFC 9146 4).
const WITH_ID: u8 = 25;
/// First bytes of a DTLS 1.3 record in its short form, always encrypted (RFC 9147 4).
const SHORT: std::ops::RangeInclusive<u8> = 0x20..=0x3f;

/// A version before the standard, which some VPN clients speak.
const BEFORE_1_0: Version = Version(0x0100);

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record<'a> {
    /// Handshake messages or their fragments in clear.
    Handshake(&'a [u8]),
    /// Level and description.
    Alert(u8, u8),
    ChangeCipherSpec,
    Encrypted,
    /// In clear and of no use here.
    Other,
}

/// True for first bytes that are DTLS's where several protocols share a flow (RFC 7983 7).
pub(super) fn is_ours(first: u8) -> bool {
    (CHANGE_CIPHER_SPEC..64).contains(&first)
}

/// Takes the next record off a datagram; `None` at its end and where it cannot be read on.
pub(super) fn next<'a>(datagram: &mut &'a [u8]) -> Option<Record<'a>> {
    let mut rest = Cursor(datagram);
    let content = rest.u8()?;
    *datagram = &[];
    if SHORT.contains(&content) {
        return Some(Record::Encrypted);
    }
    let version = Version(rest.u16()?);
    if !(CHANGE_CIPHER_SPEC..=WITH_ID).contains(&content) || !is_version(version) {
        return None;
    }
    let epoch = rest.u16()?;
    rest.take(6)?;
    if content == WITH_ID {
        return Some(Record::Encrypted);
    }
    let body = rest.vec16()?;
    *datagram = rest.0;
    Some(match (content, body) {
        _ if epoch > 0 => Record::Encrypted,
        (HANDSHAKE, _) => Record::Handshake(body),
        (ALERT, &[level, description]) => Record::Alert(level, description),
        (CHANGE_CIPHER_SPEC, _) => Record::ChangeCipherSpec,
        (ALERT | APPLICATION_DATA | HEARTBEAT, _) => Record::Other,
        _ => return None,
    })
}

fn is_version(version: Version) -> bool {
    matches!(version, Version::DTLS_1_0 | Version::DTLS_1_2 | Version::DTLS_1_3 | BEFORE_1_0)
}

/// A part of a handshake message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fragment<'a> {
    pub(super) kind: HandshakeType,
    /// Length of the whole message.
    pub(super) len: usize,
    /// The message's number in its direction.
    pub(super) number: u16,
    pub(super) offset: usize,
    pub(super) data: &'a [u8],
}

impl<'a> Fragment<'a> {
    /// Takes the next one off a record; `None` where it does not fit.
    pub(super) fn next(record: &mut &'a [u8]) -> Option<Self> {
        let mut rest = Cursor(record);
        let kind = HandshakeType(rest.u8()?);
        let (len, number, offset) = (rest.u24()?, rest.u16()?, rest.u24()?);
        let data = rest.vec24()?;
        *record = rest.0;
        (offset + data.len() <= len).then_some(Self { kind, len, number, offset, data })
    }
}

/// True for a datagram that begins with a handshake message in clear.
pub(super) fn begins_handshake(mut datagram: &[u8]) -> bool {
    match next(&mut datagram) {
        Some(Record::Handshake(mut body)) => {
            Fragment::next(&mut body).is_some_and(|part| part.kind.is_known() && part.number < MAX_FIRST)
        }
        _ => false,
    }
}

/// Probe: messages of one direction are few.
const MAX_FIRST: u16 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// A HelloVerifyRequest with a cookie of two bytes.
    const VERIFY: [u8; 30] = [
        22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 17, 3, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 5, 0xfe, 0xff, 2, 8,
        9,
    ];

    #[test]
    fn a_handshake_record_is_taken_apart() {
        assert!(begins_handshake(&VERIFY));
        let mut datagram = &VERIFY[..];
        let Some(Record::Handshake(mut body)) = next(&mut datagram) else { panic!() };
        let part = Fragment::next(&mut body).unwrap();
        assert_eq!((part.kind, part.len, part.number, part.offset), (HandshakeType(3), 5, 0, 0));
        assert_eq!(part.data, [0xfe, 0xff, 2, 8, 9]);
        assert!(datagram.is_empty() && body.is_empty());
    }

    #[test]
    fn what_is_encrypted_is_not_read() {
        let mut later = VERIFY;
        later[4] = 1;
        for record in [&later[..], &[0x2f, 1, 2, 3], &[25, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 7]] {
            assert_eq!(next(&mut &record[..]), Some(Record::Encrypted));
            assert!(!begins_handshake(record));
        }
    }

    #[test]
    fn others_are_not_dtls() {
        let others: [&[u8]; 5] = [
            b"",
            &[22, 3, 3, 0, 10, 1, 0, 0, 6, 1, 2, 3, 4],
            &VERIFY[..20],
            // STUN and RTP.
            &[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42],
            &[0x80, 0x60, 0, 1, 0, 0, 0, 1],
        ];
        for bytes in others {
            assert!(!begins_handshake(bytes), "{bytes:02x?}");
        }
        let mut beyond = VERIFY;
        beyond[21] = 1;
        assert!(!begins_handshake(&beyond));
    }
}
