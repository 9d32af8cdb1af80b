//! Negotiation: requests, answers, and the contexts of SMB 3.1.1 ([MS-SMB2] 2.2.3, 2.2.4).

use super::Message;
use crate::proto::little::{array_at, size, u16_at, u32_at, utf16_up_to};
use crate::proto::ntlm::mechanism;
use crate::proto::smb::dialect::{self, Dialect};
use crate::proto::smb::event::Agreed;
use crate::proto::smb::limits::{MAX_CONTEXTS, MAX_DIALECTS, MAX_NAME};
use crate::proto::smb::names;
use crate::proto::smb::state::Offer;

const ENCRYPTION: u16 = 2;
const NETNAME: u16 = 5;

pub(super) fn request(message: &Message<'_>) -> Option<Offer> {
    let body = message.body();
    let count = usize::from(u16_at(body, 2)?);
    let numbers = body.get(36..)?;
    let numbers = numbers.get(..MAX_DIALECTS.at_most(count) * 2)?;
    let numbers = numbers.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let mut offer = Offer {
        dialects: numbers.clone().map(dialect::text).collect(),
        security: u16_at(body, 4)?,
        capabilities: u32_at(body, 8)?,
        guid: array_at(body, 12),
        ..Offer::default()
    };
    if numbers.into_iter().any(|number| number == 0x0311) {
        let begin = size(u32_at(body, 28)?);
        contexts(message, begin, u16_at(body, 32)?, |kind, data| {
            if kind == NETNAME {
                offer.server = Some(utf16_up_to(data, &MAX_NAME));
            }
        });
    }
    Some(offer)
}

pub(super) fn answer(message: &Message<'_>) -> Option<(Dialect, Agreed)> {
    let body = message.body();
    let number = u16_at(body, 4)?;
    let security = u16_at(body, 2)?;
    let token = message.part(u16_at(body, 56)?.into(), u16_at(body, 58)?.into()).unwrap_or_default();
    let mut agreed = Agreed {
        dialect: dialect::text(number),
        capabilities: names::capabilities(u32_at(body, 24)?),
        signing: [security & 1 != 0, security & 2 != 0],
        guid: array_at(body, 8),
        cipher: None,
        mechanisms: mechanism::offered(token).into_iter().map(mechanism::Mechanism::name).collect(),
    };
    if number == 0x0311 {
        contexts(message, size(u32_at(body, 60)?), u16_at(body, 6)?, |kind, data| {
            if kind == ENCRYPTION {
                agreed.cipher = u16_at(data, 2).and_then(names::cipher);
            }
        });
    }
    Some((Dialect::Smb2(number), agreed))
}

/// Walks the contexts; each begins at a multiple of eight bytes.
fn contexts(message: &Message<'_>, begin: usize, count: u16, mut take: impl FnMut(u16, &[u8])) {
    let mut at = begin;
    for _ in 0..MAX_CONTEXTS.at_most(count.into()) {
        let head = message.bytes.get(at..);
        let Some((kind, len)) = head.and_then(|head| Some((u16_at(head, 0)?, u16_at(head, 2)?))) else {
            return;
        };
        let Some(data) = message.part(at.saturating_add(8), len.into()) else { return };
        take(kind, data);
        at = at.saturating_add(8 + usize::from(len)).next_multiple_of(8);
    }
}
