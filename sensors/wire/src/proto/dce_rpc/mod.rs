//! DCE/RPC, connection-oriented (The Open Group C706, [MS-RPCE]): one `dce_rpc` event per call.
//!
//! Over TCP on any port, and over SMB's named pipes, whose parser gives the bytes to a [`Conversation`]. What a call
//! carries is measured and not read; interface and operation have their names by `interfaces.txt`.

mod conversation;
mod event;
mod interfaces;
pub mod limits;
mod pdu;
#[cfg(test)]
mod tests;

pub use conversation::{Carrier, Conversation};
pub use event::FIELDS;

use super::{Close, Context, FirstBytes, Next, Probe, StreamParser};
use crate::messages::{Direction, EventKind};

/// Anomalies that this protocol can name, with their meaning.
pub const WEIRDS: &[(&str, &str)] = &[
    ("dce_rpc_limit", "More calls or contexts at once than the limit; the detail says which"),
    ("dce_rpc_malformed", "A fragment that contradicts itself; the detail is its type"),
    ("dce_rpc_no_fragment", "Something that is no fragment where one must begin"),
];

/// DCE/RPC over TCP.
#[derive(Debug, Default)]
pub struct DceRpc(Conversation);

const TCP: Carrier<'_> = Carrier { pipe: None, user: None };

impl StreamParser for DceRpc {
    const KINDS: &'static [EventKind] = &[EventKind::DceRpc, EventKind::Ntlm];
    const FIRST: FirstBytes = FirstBytes::of(&[5]);

    fn probe(data: &[u8], _: Direction) -> Probe {
        pdu::probe(data)
    }

    fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        self.0.data(direction, data, &TCP, cx);
        Next::More
    }

    fn gap(&mut self, direction: Direction, len: u64, _: &mut Context<'_>) -> Next {
        self.0.gap(direction, len);
        Next::More
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        self.0.expire(&TCP, cx);
    }

    fn close(&mut self, _: Close, cx: &mut Context<'_>) {
        self.0.close(&TCP, cx);
    }

    fn held(&self) -> usize {
        self.0.held()
    }
}
