//! Readers that stand within several protocols, run by themselves: a fuzzer seldom gets to them through TLS records,
//! SPNEGO or the encryption of QUIC.

use crate::messages::Direction;
use crate::proto::ntlm::{Exchange, Outcome};
use crate::proto::quic::Quic;
use crate::proto::x509::{self, Side};
use crate::proto::{Close, Context, DatagramParser as _, Next};

/// One of them.
pub(crate) enum Part {
    /// Each piece of data is a certificate.
    Certificate,
    /// Each is a security token.
    Ntlm(Box<Exchange>),
    /// Each is the frames of an Initial packet that was opened.
    Frames(Quic),
}

impl Part {
    /// Those of streams.
    pub(crate) fn stream(place: usize) -> Option<Self> {
        match place {
            0 => Some(Self::Certificate),
            1 => Some(Self::Ntlm(Box::default())),
            _ => None,
        }
    }

    /// Those of datagrams.
    pub(crate) fn datagrams(place: usize) -> Option<Self> {
        (place == 0).then(|| Self::Frames(Quic::default()))
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Certificate => "x509",
            Self::Ntlm(_) => "ntlm",
            Self::Frames(_) => "quic-in",
        }
    }

    pub(crate) fn held(&self) -> usize {
        match self {
            Self::Certificate => 0,
            Self::Ntlm(exchange) => exchange.held(),
            Self::Frames(quic) => quic.held(),
        }
    }

    pub(crate) fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        match self {
            Self::Certificate => x509::tell(std::iter::once(data), side(direction), None, cx),
            Self::Ntlm(exchange) => drop(exchange.token(data, cx)),
            Self::Frames(quic) => quic.opened(direction, data, cx),
        }
        Next::More
    }

    pub(crate) fn close(&mut self, why: Close, cx: &mut Context<'_>) {
        match self {
            Self::Certificate => {}
            Self::Ntlm(exchange) => exchange.finish("smb", Outcome::Unobserved, None, cx),
            Self::Frames(quic) => quic.close(why, cx),
        }
    }
}

fn side(direction: Direction) -> Side {
    if direction == Direction::ToServer { Side::Client } else { Side::Server }
}
