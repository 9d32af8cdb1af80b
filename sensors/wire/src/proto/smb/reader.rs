//! Messages in their NetBIOS session frames (RFC 1002 4.3, [MS-SMB2] 2.1): what must be whole is kept, bulk data
//! is passed on as it comes.
//!
//! A frame holds one message, or several SMB2 commands chained by `NextCommand`: each is an *element*. Of an
//! element as many bytes are gathered as its command needs (`gather`), the rest goes straight to where the
//! element's data belongs, or nowhere.

use std::borrow::Cow;

use super::limits::MAX_MESSAGE;
use crate::proto::little::{size, u16_at, u32_at};

/// First bytes of a message: protocol identifiers of SMB1, SMB2, and SMB3's encrypted and compressed forms.
pub(super) const SMB1: [u8; 4] = *b"\xffSMB";
pub(super) const SMB2: [u8; 4] = *b"\xfeSMB";
pub(super) const ENCRYPTED: [u8; 4] = *b"\xfdSMB";
pub(super) const COMPRESSED: [u8; 4] = *b"\xfcSMB";

/// Bytes of an SMB2 header.
pub(super) const SMB2_HEADER: usize = 64;
/// Bytes of an encrypted message's header ([MS-SMB2] 2.2.41).
pub(super) const TRANSFORM_HEADER: usize = 52;

/// Frame types (RFC 1002 4.3.1).
const SESSION_MESSAGE: u8 = 0x00;
const KEEP_ALIVE: u8 = 0x85;

/// Bulk bytes in an element, and where they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bulk {
    /// Offset in the element.
    pub(super) at: usize,
    pub(super) len: usize,
    /// Number of the open file that they belong to.
    pub(super) file: u32,
    /// Offset in the file.
    pub(super) offset: u64,
}

/// What becomes of an element's bytes that were not gathered.
#[derive(Clone, Copy, Debug, Default)]
struct Rest {
    /// Bytes of the element still to come.
    left: usize,
    /// Of these, bytes before the bulk.
    before: usize,
    bulk: Option<Bulk>,
}

/// Where a direction stands.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// At a frame's header.
    Frame,
    /// In the head of an element.
    Head,
    /// In what is not gathered of an element.
    Rest(Rest),
    /// The way was lost in a gap: a segment that begins with a message shows it again.
    Lost,
}

/// What a reader found.
pub(super) enum Item<'d> {
    /// An element: the bytes gathered of it, and its whole length.
    Element(Cow<'d, [u8]>, usize),
    /// Bytes of the bulk that the last element announced.
    Bulk(Bulk, &'d [u8]),
    /// No message where one must begin.
    Garbage,
    /// All bytes are used up.
    Nothing,
}

/// One direction of a stream.
#[derive(Debug)]
pub(super) struct Reader {
    stage: Stage,
    /// Bytes of the frame that come after those in `part`, or after the element at hand.
    frame_left: usize,
    part: Vec<u8>,
}

impl Default for Reader {
    fn default() -> Self {
        Self { stage: Stage::Frame, frame_left: 0, part: Vec::new() }
    }
}

impl Reader {
    /// Reads on in `data` up to the next item.
    pub(super) fn next<'d>(&mut self, data: &mut &'d [u8]) -> Item<'d> {
        loop {
            let found = match self.stage {
                _ if data.is_empty() => return Item::Nothing,
                Stage::Frame => self.frame(data),
                Stage::Head => self.head(data),
                Stage::Rest(rest) => self.rest(rest, data),
                Stage::Lost => self.find_again(data),
            };
            if let Some(item) = found {
                return item;
            }
        }
    }

    /// Tells which bytes of the element that was just given out are bulk. Gives back those that were gathered with it.
    pub(super) fn expect<'e>(&mut self, bulk: Bulk, gathered: &'e [u8]) -> Option<(Bulk, &'e [u8])> {
        let early = gathered.get(bulk.at..).unwrap_or_default();
        let early = early.get(..bulk.len).unwrap_or(early);
        let taken = early.len();
        if let Stage::Rest(rest) = &mut self.stage {
            rest.before = bulk.at.saturating_sub(gathered.len());
            let len = (bulk.len - taken).min(rest.left.saturating_sub(rest.before));
            rest.bulk =
                (len > 0).then_some(Bulk { len, offset: bulk.offset.saturating_add(taken as u64), ..bulk });
        }
        (taken > 0).then_some((bulk, early))
    }

    /// Passes over `len` lost bytes. Gives the bulk that was in them.
    pub(super) fn gap(&mut self, len: u64) -> Option<Bulk> {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let Stage::Rest(rest) = self.stage else {
            self.lose();
            return None;
        };
        let lost = rest.bulk.map(|bulk| Bulk { len: bulk.len.min(len.saturating_sub(rest.before)), ..bulk });
        if len > rest.left {
            self.lose();
        } else {
            self.stage = Stage::Rest(rest.after(len));
            self.settle();
        }
        lost.filter(|bulk| bulk.len > 0)
    }

    /// Bytes of heap that it holds.
    pub(super) fn held(&self) -> usize {
        self.part.capacity()
    }

    fn lose(&mut self) {
        *self = Self { stage: Stage::Lost, ..Self::default() };
    }

    fn find_again<'d>(&mut self, data: &mut &'d [u8]) -> Option<Item<'d>> {
        if is_message(data) {
            self.stage = Stage::Frame;
        } else {
            *data = &[];
        }
        None
    }

    /// Collects a frame's header.
    fn frame<'d>(&mut self, data: &mut &'d [u8]) -> Option<Item<'d>> {
        let header: [u8; 4] = self.collect(data, 4)?.get(..4)?.try_into().ok()?;
        let [kind, high, middle, low] = header;
        self.frame_left = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        match kind {
            SESSION_MESSAGE => self.stage = Stage::Head,
            0x81..=KEEP_ALIVE => self.stage = Stage::Rest(Rest { left: self.frame_left, ..Rest::default() }),
            _ => {
                self.lose();
                return Some(Item::Garbage);
            }
        }
        if kind != SESSION_MESSAGE {
            self.frame_left = 0;
        }
        self.settle();
        None
    }

    /// Gathers an element's head.
    fn head<'d>(&mut self, data: &mut &'d [u8]) -> Option<Item<'d>> {
        let limit = self.frame_left;
        // As long as nothing is kept, the whole head may stand in `data`.
        let mut want = gather(data, limit);
        while !self.part.is_empty() || data.len() < want {
            want = gather(&self.part, limit);
            if self.part.len() >= want {
                break;
            }
            if data.is_empty() {
                return None;
            }
            // What is wanted may grow with what is seen.
            self.fill(want, data);
        }
        let gathered = self.collect(data, want)?;
        Some(self.element(gathered))
    }

    fn element<'d>(&mut self, gathered: Cow<'d, [u8]>) -> Item<'d> {
        let len = element_len(&gathered, self.frame_left);
        self.frame_left -= len;
        self.stage = Stage::Rest(Rest { left: len - gathered.len(), ..Rest::default() });
        if known(&gathered) {
            return Item::Element(gathered, len);
        }
        self.lose();
        Item::Garbage
    }

    fn rest<'d>(&mut self, rest: Rest, data: &mut &'d [u8]) -> Option<Item<'d>> {
        if rest.left == 0 {
            self.settle();
            return None;
        }
        let bulk = rest.bulk.filter(|_| rest.before == 0);
        let stop = if rest.before > 0 { rest.before } else { bulk.map_or(rest.left, |bulk| bulk.len) };
        let (now, later) = data.split_at(stop.min(rest.left).min(data.len()));
        *data = later;
        self.stage = Stage::Rest(rest.after(now.len()));
        self.settle();
        bulk.map(|bulk| Item::Bulk(bulk, now))
    }

    /// Goes on to what follows where the element at hand is through.
    fn settle(&mut self) {
        if let Stage::Rest(Rest { left: 0, .. }) = self.stage {
            self.stage = if self.frame_left > 0 { Stage::Head } else { Stage::Frame };
        } else if let (Stage::Head, 0) = (self.stage, self.frame_left) {
            self.stage = Stage::Frame;
        }
    }

    /// `len` bytes in a row, from what is kept and from `data`; straight from `data` where that is possible.
    fn collect<'d>(&mut self, data: &mut &'d [u8], len: usize) -> Option<Cow<'d, [u8]>> {
        let straight = data.split_at_checked(len).filter(|_| self.part.is_empty());
        if let Some((head, rest)) = straight {
            *data = rest;
            return Some(head.into());
        }
        self.fill(len, data);
        (self.part.len() >= len).then(|| std::mem::take(&mut self.part).into())
    }

    /// Keeps bytes until there are `len`.
    fn fill(&mut self, len: usize, data: &mut &[u8]) {
        let missing = len.saturating_sub(self.part.len()).min(data.len());
        let (head, rest) = data.split_at(missing);
        self.part.extend_from_slice(head);
        *data = rest;
    }
}

impl Rest {
    fn after(mut self, len: usize) -> Self {
        self.left = self.left.saturating_sub(len);
        let from_before = self.before.min(len);
        self.before -= from_before;
        let of_bulk = len - from_before;
        self.bulk = self.bulk.and_then(|bulk| {
            let left = bulk.len.checked_sub(of_bulk).filter(|left| *left > 0)?;
            Some(Bulk { len: left, offset: bulk.offset.saturating_add(of_bulk as u64), ..bulk })
        });
        self
    }
}

/// True where a frame with a message begins here.
pub(super) fn is_message(data: &[u8]) -> bool {
    data.first() == Some(&SESSION_MESSAGE) && data.get(4..8).is_some_and(known)
}

fn known(element: &[u8]) -> bool {
    element.first_chunk().is_some_and(|magic| [SMB1, SMB2, ENCRYPTED, COMPRESSED].contains(magic))
}

/// Bytes to gather of an element of at most `limit` bytes, judged by those that are there.
fn gather(seen: &[u8], limit: usize) -> usize {
    let keep = match seen.first_chunk() {
        None => 4,
        Some(&SMB2) if seen.len() < SMB2_HEADER => SMB2_HEADER,
        Some(&SMB2) => keep_smb2(seen),
        Some(&SMB1) if seen.len() < 5 => 5,
        Some(&SMB1) => keep_smb1(seen),
        Some(&ENCRYPTED) => TRANSFORM_HEADER,
        Some(_) => 4,
    };
    MAX_MESSAGE.at_most(keep.min(element_len(seen, limit)))
}

/// Length of the element within the `limit` bytes that the frame still has.
fn element_len(seen: &[u8], limit: usize) -> usize {
    let is_smb2 = seen.first_chunk() == Some(&SMB2);
    match u32_at(seen, 20).filter(|next| is_smb2 && *next != 0) {
        Some(next) => size(next).clamp(SMB2_HEADER, limit.max(SMB2_HEADER)).min(limit),
        None => limit,
    }
}

/// Fixed parts are enough where names or tokens do not follow.
fn keep_smb2(seen: &[u8]) -> usize {
    let is_answer = seen.get(16).is_some_and(|flags| flags & 1 != 0);
    SMB2_HEADER.saturating_add(match (u16_at(seen, 12).unwrap_or_default(), is_answer) {
        (0..=1 | 3, _) | (5, false) | (17, false) => usize::MAX,
        (5, true) => 88,
        (8, true) => 16,
        (9, false) => 48,
        (11, false) => 56,
        (11, true) => 48,
        _ => 48,
    })
}

/// Reading and writing have their data behind the parameters; everything else is short or has names.
fn keep_smb1(seen: &[u8]) -> usize {
    match seen.get(4) {
        // READ_ANDX and WRITE_ANDX: header, 14 words, byte count.
        Some(0x2e | 0x2f) => 32 + 1 + 28 + 2,
        _ => usize::MAX,
    }
}
