//! Parsers run by hand, without flows and probes: for fuzzers and the replay of what they found.

use super::{DatagramService, StreamService};
use crate::fuzzing::{ENDS, parts::Part};
use crate::messages::Direction;
use crate::proto::ftp::FtpData;
use crate::proto::{Close, Context, Next};

/// A parser of either sort, or a part of one.
pub(crate) enum Parser {
    Stream(StreamService),
    Datagrams(DatagramService),
    Part(Part),
}

impl Parser {
    /// The stream parser of that place in the table; the parts of such parsers follow.
    pub(crate) fn stream(place: u32) -> Option<Self> {
        match (place as usize).checked_sub(StreamService::ROWS.len()) {
            Some(part) => Part::stream(part).map(Self::Part),
            None => StreamService::new(1 << place).map(announced).map(Self::Stream),
        }
    }

    /// The datagram parser of that place in the table; the parts of such parsers follow.
    pub(crate) fn datagrams(place: u32) -> Option<Self> {
        match (place as usize).checked_sub(DatagramService::ROWS.len()) {
            Some(part) => Part::datagrams(part).map(Self::Part),
            None => DatagramService::new(1 << place).map(Self::Datagrams),
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Stream(parser) => parser.name(),
            Self::Datagrams(parser) => parser.name(),
            Self::Part(part) => part.name(),
        }
    }

    /// Bytes that it holds.
    pub(crate) fn held(&self) -> usize {
        match self {
            Self::Stream(parser) => parser.held(),
            Self::Datagrams(parser) => parser.held(),
            Self::Part(part) => part.held(),
        }
    }

    pub(crate) fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        match self {
            Self::Stream(parser) => parser.data(direction, data, cx),
            Self::Datagrams(parser) => parser.datagram(direction, data, cx),
            Self::Part(part) => part.data(direction, data, cx),
        }
    }

    /// Datagrams have no gaps.
    pub(crate) fn gap(&mut self, direction: Direction, len: u64, cx: &mut Context<'_>) -> Next {
        match self {
            Self::Stream(parser) => parser.gap(direction, len, cx),
            Self::Datagrams(_) | Self::Part(_) => Next::More,
        }
    }

    pub(crate) fn tick(&mut self, cx: &mut Context<'_>) {
        match self {
            Self::Stream(parser) => parser.tick(cx),
            Self::Datagrams(parser) => parser.tick(cx),
            Self::Part(_) => {}
        }
    }

    pub(crate) fn close(&mut self, why: Close, cx: &mut Context<'_>) {
        match self {
            Self::Stream(parser) => parser.close(why, cx),
            Self::Datagrams(parser) => parser.close(why, cx),
            Self::Part(part) => part.close(why, cx),
        }
    }
}

/// A data connection of FTP is one that was announced.
fn announced(parser: StreamService) -> StreamService {
    match parser {
        StreamService::FtpData(_) => StreamService::FtpData(FtpData::new(ENDS)),
        other => other,
    }
}
