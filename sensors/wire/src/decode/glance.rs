//! A glance at a frame: whose it is, where that takes no decoding.

use super::{Address, IpVersion, tunnel};
use crate::messages::{Frame, LinkType, Transport};

const ETHER: usize = 14;
const IP4: [u8; 2] = [0x08, 0x00];
const IP6: [u8; 2] = [0x86, 0xdd];
/// Version 4, five words of header: no options.
const PLAIN_IP4: u8 = 0x45;
const PIECE: u16 = 0x3fff;

/// The ends of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) version: IpVersion,
    pub(crate) transport: Transport,
    pub(crate) src: Address,
    pub(crate) dst: Address,
    pub(crate) ports: [u16; 2],
}

/// The ends of a plain packet of TCP or UDP: Ethernet without tags, IPv4 without options and not in pieces or IPv6
/// without extension headers, no tunnel. Any other frame has to be decoded. Where decoding finds a packet here, it has
/// the same ends; whether it does is not looked at.
#[inline]
pub(crate) fn ends(frame: &Frame<'_>) -> Option<Ends> {
    if frame.link != LinkType::ETHERNET {
        return None;
    }
    let (ether, body) = frame.data.split_first_chunk::<ETHER>()?;
    let ends = match [ether[12], ether[13]] {
        IP4 => ip4(body)?,
        IP6 => ip6(body)?,
        _ => return None,
    };
    let is_plain = match ends.transport {
        Transport::TCP => true,
        Transport::UDP => tunnel::over_udp_port(ends.ports).is_none(),
        _ => false,
    };
    is_plain.then_some(ends)
}

#[inline]
fn ip4(body: &[u8]) -> Option<Ends> {
    let [version, _, _, _, _, _, piece0, piece1, _, transport, _, _, src @ .., s0, s1, d0, d1] =
        body.first_chunk::<24>()?;
    let [a0, a1, a2, a3, b0, b1, b2, b3] = *src;
    if *version != PLAIN_IP4 || u16::from_be_bytes([*piece0, *piece1]) & PIECE != 0 {
        return None;
    }
    let address = |bytes| Address(u128::from(u32::from_be_bytes(bytes)));
    Some(Ends {
        version: IpVersion::V4,
        transport: Transport(*transport),
        src: address([a0, a1, a2, a3]),
        dst: address([b0, b1, b2, b3]),
        ports: [u16::from_be_bytes([*s0, *s1]), u16::from_be_bytes([*d0, *d1])],
    })
}

#[inline]
fn ip6(body: &[u8]) -> Option<Ends> {
    let (head, rest) = body.split_first_chunk::<8>()?;
    let (src, rest) = rest.split_first_chunk::<16>()?;
    let (dst, rest) = rest.split_first_chunk::<16>()?;
    let [s0, s1, d0, d1] = *rest.first_chunk::<4>()?;
    let address = |bytes: &[u8; 16]| Address(u128::from_be_bytes(*bytes));
    (head[0] >> 4 == 6).then_some(Ends {
        version: IpVersion::V6,
        transport: Transport(head[6]),
        src: address(src),
        dst: address(dst),
        ports: [u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1])],
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::capture::Capture;
    use crate::decode::{Decoded, Upper, decode};
    use crate::flow::crafted::{frame, udp};

    /// Holds a glance to decoding; true where there was one.
    fn held(frame: &Frame<'_>) -> bool {
        let Some(ends) = ends(frame) else { return false };
        if let Ok(Decoded::Ip(packet)) = decode(frame) {
            assert_eq!(ends, packet.ends());
            assert!(packet.tunnels == 0 && !matches!(packet.upper, Upper::Fragment(_)));
        }
        true
    }

    #[test]
    fn sees_what_decoding_sees_in_every_capture() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pcaps");
        let folders = std::fs::read_dir(root).unwrap().map(|folder| folder.unwrap().path());
        let files = folders.filter(|path| path.is_dir()).flat_map(|path| std::fs::read_dir(path).unwrap());
        let (mut seen, mut frames) = (0, 0);
        for path in files.map(|file| file.unwrap().path()) {
            let Ok(mut capture) = Capture::open(&path) else { continue };
            while let Ok(Some(frame)) = capture.next_frame() {
                frames += 1;
                seen += usize::from(held(&frame));
            }
        }
        assert!(seen * 2 > frames && seen < frames, "{seen} of {frames}");
    }

    proptest! {
        #[test]
        fn damage_does_not_part_the_two(damage in prop::collection::vec((0usize..60, any::<u8>()), 0..4)) {
            let ethernet = [&[2; 12][..], &IP4, &udp("10.0.0.1", 4000, "192.0.2.1", 53, &[7; 40])].concat();
            let mut data = ethernet;
            for (at, byte) in damage {
                data[at] = byte;
            }
            held(&Frame { link: LinkType::ETHERNET, ..frame(1, &data) });
        }
    }
}
