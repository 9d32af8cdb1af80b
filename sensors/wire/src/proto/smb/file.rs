//! An open file or pipe: how much was read and written, and what it carries.

use super::state::{Asked, Create};
use crate::files::Carving;
use crate::messages::{Direction, EventKind};
use crate::proto::Context;
use crate::proto::dce_rpc::{Carrier, Conversation};

/// An open file, printer or pipe.
#[derive(Debug, Default)]
pub(super) struct OpenFile {
    /// Number in this flow.
    pub(super) serial: u32,
    /// FileId on the wire, once the server has given it; FID in the first two bytes for SMB1.
    pub(super) id: Option<[u8; 16]>,
    pub(super) session: u64,
    pub(super) tree: u32,
    /// What was asked when it was opened; none where that was not seen.
    pub(super) create: Option<Box<Create>>,
    pub(super) is_pipe: bool,
    pub(super) is_directory: bool,
    pub(super) size: Option<u64>,
    /// Bytes that crossed the wire from the server, and to it.
    pub(super) bytes: [u64; 2],
    /// Some reads or writes were not answered or not seen.
    pub(super) in_part: bool,
    /// It will be deleted when it is closed.
    pub(super) delete_on_close: bool,
    /// The server has confirmed that it is closed.
    pub(super) is_closed: bool,
    pub(super) rpc: Option<Box<Conversation>>,
    /// Its content on the way to the server, and from it.
    pub(super) carved: [Carved; 2],
}

/// Content that passes in order from the file's first byte on.
#[derive(Debug, Default)]
pub(super) struct Carved {
    carving: Option<Box<Carving>>,
    /// Offset of the byte that is awaited.
    next: u64,
}

impl Carved {
    /// What was seen already is left out, what was passed over is a gap.
    fn data(&mut self, begin: impl FnOnce() -> Box<Carving>, offset: u64, bytes: &[u8]) {
        if self.carving.is_none() && (offset != 0 || self.next != 0) {
            return;
        }
        let carving = self.carving.get_or_insert_with(begin);
        if offset > self.next {
            carving.gap(offset - self.next);
        }
        let seen = usize::try_from(self.next.saturating_sub(offset)).unwrap_or(usize::MAX);
        carving.data(bytes.get(seen..).unwrap_or_default());
        self.next = self.next.max(offset.saturating_add(bytes.len() as u64));
    }
}

/// Index of `bytes`.
pub(super) const READ: usize = 0;
pub(super) const WRITTEN: usize = 1;

impl OpenFile {
    pub(super) fn name(&self) -> Option<&[u8]> {
        self.create.as_ref().map(|create| &create.name[..])
    }

    /// Takes bytes that were written (`ToServer`) or read, at their offset in the file.
    pub(super) fn data(
        &mut self,
        direction: Direction,
        offset: u64,
        bytes: &[u8],
        user: Option<(&[u8], &[u8])>,
        cx: &mut Context<'_>,
    ) {
        if !self.is_pipe {
            if cx.sink.wants(EventKind::File) {
                let name = self.create.as_ref().map(|create| &create.name[..]);
                let begin = || Carving::begin("smb", name, direction, cx.sink.wants_old_digests());
                self.carved[direction.index()].data(begin, offset, bytes);
            }
            return;
        }
        let rpc = self.rpc.get_or_insert_default();
        let pipe = self.create.as_ref().map(|create| &create.name[..]);
        rpc.data(direction, bytes, &Carrier { pipe: Some(pipe), user }, cx);
    }

    /// The server took so many bytes of a write.
    pub(super) fn written(&mut self, count: u64, asked: &Asked) {
        self.bytes[WRITTEN] += count;
        if let Asked::Write(end) = asked {
            self.size = self.size.map(|size| size.max(*end));
        }
    }

    /// The file is closed, or the flow ends: what it carried is told. A written file is whole if it was closed, a read
    /// one if its last byte was seen.
    pub(super) fn close_carved(&mut self, cx: &mut Context<'_>) {
        let size = self.size.unwrap_or(u64::MAX);
        let [written, read] = std::mem::take(&mut self.carved);
        if let Some(carving) = written.carving {
            carving.end(self.is_closed && !self.in_part, cx);
        }
        if let Some(carving) = read.carving {
            carving.end(read.next >= size, cx);
        }
    }

    /// The pipe is closed: its conversation ends.
    pub(super) fn close_rpc(&mut self, user: Option<(&[u8], &[u8])>, cx: &mut Context<'_>) {
        if let Some(mut rpc) = self.rpc.take() {
            rpc.close(&Carrier { pipe: Some(self.name()), user }, cx);
        }
    }

    /// Bytes of a read or a write were lost.
    pub(super) fn gap(&mut self, direction: Direction) {
        self.in_part = true;
        if let Some(rpc) = &mut self.rpc {
            rpc.lose(direction);
        }
    }

    /// Bytes of heap that it holds, about.
    pub(super) fn held(&self) -> usize {
        self.create.as_ref().map_or(0, |create| size_of::<Create>() + create.name.capacity())
            + self.rpc.as_ref().map_or(0, |rpc| rpc.held())
            + self
                .carved
                .iter()
                .filter_map(|row| row.carving.as_ref())
                .map(|carving| carving.held())
                .sum::<usize>()
    }
}
