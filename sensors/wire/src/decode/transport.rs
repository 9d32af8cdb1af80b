use super::rest::Rest;
use super::{Drop, Found, Packet, Tcp, TcpFlags, Upper, icmp, ip6, tunnel};
use crate::messages::Transport;

/// The protocol that the IP header names: extension headers, then the transport.
#[inline]
pub(super) fn upper<'a>(packet: &mut Packet<'a>, protocol: u8, rest: Rest<'a>) -> Result<Found, Drop> {
    match Transport(protocol) {
        Transport::TCP => tcp(packet, rest),
        Transport::UDP => udp(packet, rest),
        _ => ip6::extensions(packet, protocol, rest),
    }
}

/// A transport, no extension header before it.
pub(super) fn plain<'a>(packet: &mut Packet<'a>, protocol: u8, rest: Rest<'a>) -> Result<Found, Drop> {
    match Transport(protocol) {
        Transport::TCP => tcp(packet, rest),
        Transport::UDP => udp(packet, rest),
        transport @ (Transport::ICMP | Transport::ICMP6) => icmp(packet, transport, rest),
        Transport::SCTP => sctp(packet, rest),
        Transport(tunnel::IP_IN_IP | tunnel::IPV6_IN_IP | tunnel::GRE) => {
            tunnel::tunnel(packet, protocol, rest)
        }
        _ => Ok(other(packet, protocol, rest)),
    }
}

/// A protocol that is not looked into.
pub(super) fn other<'a>(packet: &mut Packet<'a>, protocol: u8, rest: Rest<'a>) -> Found {
    done(packet, Transport(protocol), Upper::Other, [0; 2], rest)
}

#[inline]
fn done<'a>(
    packet: &mut Packet<'a>,
    transport: Transport,
    upper: Upper,
    ports: [u16; 2],
    rest: Rest<'a>,
) -> Found {
    packet.transport = transport;
    packet.upper = upper;
    packet.ports = ports;
    packet.payload = rest.data;
    packet.payload_missing = rest.missing;
    Found::Ip
}

/// TCP (RFC 9293 3.1). Options that the capture cut are no loss.
#[inline]
fn tcp<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    let (head, _) = rest.chunk::<20>()?;
    let [s0, s1, d0, d1, seq0, seq1, seq2, seq3, ack0, ack1, ack2, ack3, offset, flags, w0, w1, ..] = *head;
    let header = usize::from(offset >> 4) * 4;
    if header < 20 {
        return Err(Drop::Malformed);
    }
    let upper = Upper::Tcp(Tcp {
        seq: u32::from_be_bytes([seq0, seq1, seq2, seq3]),
        ack: u32::from_be_bytes([ack0, ack1, ack2, ack3]),
        flags: TcpFlags(flags),
        window: u16::from_be_bytes([w0, w1]),
    });
    let ports = [u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1])];
    Ok(done(packet, Transport::TCP, upper, ports, rest.skip_cut(header)?))
}

/// UDP (RFC 768). A length of 0 is a jumbogram's (RFC 2675) or offload's.
#[inline]
fn udp<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    let ([s0, s1, d0, d1, len0, len1, _, _], body) = rest.chunk::<8>()?;
    let ports = [u16::from_be_bytes([*s0, *s1]), u16::from_be_bytes([*d0, *d1])];
    let body = match u16::from_be_bytes([*len0, *len1]) {
        0 => body,
        1..8 => return Err(Drop::Malformed),
        length => body.limit(usize::from(length) - 8)?,
    };
    if let Some(port) = tunnel::over_udp_port(ports)
        && tunnel::over_udp(packet, port, body)?
    {
        return Ok(Found::Ip);
    }
    Ok(done(packet, Transport::UDP, Upper::Udp, ports, body))
}

/// ICMP (RFC 792) and ICMPv6 (RFC 4443).
fn icmp<'a>(packet: &mut Packet<'a>, transport: Transport, rest: Rest<'a>) -> Result<Found, Drop> {
    let ([kind, code, _, _], body) = rest.chunk::<4>()?;
    let ports = icmp::ports(transport, *kind, *code);
    Ok(done(packet, transport, Upper::Icmp { kind: *kind, code: *code }, ports, body))
}

/// Common header of SCTP (RFC 9260 3.1).
fn sctp<'a>(packet: &mut Packet<'a>, rest: Rest<'a>) -> Result<Found, Drop> {
    let ([s0, s1, d0, d1, ..], body) = rest.chunk::<12>()?;
    let ports = [u16::from_be_bytes([*s0, *s1]), u16::from_be_bytes([*d0, *d1])];
    Ok(done(packet, Transport::SCTP, Upper::Sctp, ports, body))
}
