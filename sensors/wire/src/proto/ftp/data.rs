//! A data connection: its bytes are a file, or are only counted.

use super::links::{Ends, Link};
use crate::files::Carving;
use crate::messages::{Direction, EventKind};
use crate::proto::{Close, Context, FirstBytes, Next, Probe, StreamParser};

/// Reads a flow that a control connection has announced; never found by its content.
#[derive(Debug, Default)]
pub struct FtpData {
    ends: Option<Ends>,
    carving: Option<Box<Carving>>,
    has_begun: bool,
}

impl FtpData {
    /// Of the flow with these ends.
    pub(crate) fn new(ends: Ends) -> Self {
        Self { ends: Some(ends), ..Self::default() }
    }

    fn link<'a>(&self, cx: &'a mut Context<'_>) -> Option<&'a mut Link> {
        cx.shared.ftp.get(self.ends.as_ref()?)
    }

    /// By the first byte at the latest the control connection has said what it asks for.
    fn begin(&mut self, direction: Direction, cx: &mut Context<'_>) {
        if std::mem::replace(&mut self.has_begun, true) || !cx.sink.wants(EventKind::File) {
            return;
        }
        let name = self.link(cx).and_then(|link| link.file.clone());
        let old = cx.sink.wants_old_digests();
        self.carving = name.map(|name| Carving::begin("ftp", Some(&name), direction, old));
    }
}

impl StreamParser for FtpData {
    const KINDS: &'static [EventKind] = &[EventKind::Ftp, EventKind::File];
    const FIRST: FirstBytes = FirstBytes::NONE;

    fn probe(_: &[u8], _: Direction) -> Probe {
        Probe::No
    }

    fn data(&mut self, direction: Direction, data: &[u8], cx: &mut Context<'_>) -> Next {
        self.begin(direction, cx);
        if let Some(link) = self.link(cx) {
            link.bytes += data.len() as u64;
        }
        if let Some(carving) = &mut self.carving {
            carving.data(data);
        }
        Next::More
    }

    fn gap(&mut self, direction: Direction, len: u64, cx: &mut Context<'_>) -> Next {
        self.begin(direction, cx);
        if let Some(link) = self.link(cx) {
            link.bytes += len;
        }
        if let Some(carving) = &mut self.carving {
            carving.gap(len);
        }
        Next::More
    }

    fn close(&mut self, why: Close, cx: &mut Context<'_>) {
        if let Some(carving) = self.carving.take() {
            carving.end(why == Close::End, cx);
        }
        if let Some(link) = self.link(cx) {
            link.is_over = true;
        }
        self.ends = None;
    }

    fn held(&self) -> usize {
        self.carving.as_ref().map_or(0, |carving| carving.held())
    }
}
