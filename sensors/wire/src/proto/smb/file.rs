//! An open file or pipe: how much was read and written, and what it carries.

use super::state::{Asked, Create};
use crate::messages::Direction;
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
    pub(super) rpc: Option<Box<Conversation>>,
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
        let _ = offset;
        if !self.is_pipe {
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
    }
}
