use crate::messages::Transport;

/// Type of the message that answers this one, or that it answers; `None` for one-way types.
/// The pairs are those of the Community ID flow hash, version 1.
#[must_use]
pub const fn counterpart(transport: Transport, kind: u8) -> Option<u8> {
    match transport {
        Transport::ICMP => counterpart4(kind),
        Transport::ICMP6 => counterpart6(kind),
        _ => None,
    }
}

const fn counterpart4(kind: u8) -> Option<u8> {
    Some(match kind {
        0 => 8,
        8 => 0,
        9 => 10,
        10 => 9,
        13 => 14,
        14 => 13,
        15 => 16,
        16 => 15,
        17 => 18,
        18 => 17,
        _ => return None,
    })
}

const fn counterpart6(kind: u8) -> Option<u8> {
    Some(match kind {
        128 => 129,
        129 => 128,
        130 => 131,
        131 => 130,
        133 => 134,
        134 => 133,
        135 => 136,
        136 => 135,
        139 => 140,
        140 => 139,
        144 => 145,
        145 => 144,
        _ => return None,
    })
}

/// What stands for ports: type and counterpart, or type and code.
pub(super) fn ports(transport: Transport, kind: u8, code: u8) -> [u16; 2] {
    let other = counterpart(transport, kind).unwrap_or(code);
    [u16::from(kind), u16::from(other)]
}
