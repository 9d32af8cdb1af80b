//! Capture files: pcap and pcapng, plain or in gzip or zstd, from a path or any reader.
//!
//! Frames are borrowed from one bounded buffer: nothing is copied or allocated per frame, and nothing is mapped, since a
//! file that is cut while it is mapped ends the process.

mod buffer;
mod compression;
mod error;
mod pcap;
mod pcapng;

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

pub use compression::{Compression, MAX_WINDOW_LOG};
pub use error::CaptureError;

use crate::messages::{Frame, LinkType};
use buffer::Buffer;

/// Error: a longer frame is taken for a corrupt record, whatever snapshot length the file announces (as libpcap does).
pub const MAX_FRAME: usize = 256 << 10;

/// Format of a capture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The classic format, in any of its magic numbers.
    Pcap,
    /// The block format.
    Pcapng,
}

/// What is known of a capture so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Format.
    pub format: Format,
    /// Compression around it.
    pub compression: Compression,
    /// Link types of its interfaces, each once, in the order they were met.
    pub links: Vec<LinkType>,
    /// Largest snapshot length that the file announces; 0 where it announces none.
    pub snaplen: u32,
    /// Frames given.
    pub frames: u64,
    /// Bytes of the capture used up, after decompression.
    pub bytes: u64,
    /// True once the file was found to end inside a record.
    pub truncated: bool,
}

/// Puts the decompressor that the first bytes ask for between; what is plain stays as it is.
///
/// # Errors
/// Where the first bytes cannot be read.
pub fn unpack(
    source: impl Read + Send + 'static,
) -> Result<(Compression, Box<dyn Read + Send>), CaptureError> {
    compression::open(source).map_err(|error| CaptureError::from_io(&error, 0))
}

/// A capture being read.
pub struct Capture {
    buffer: Buffer,
    reader: Reader,
    compression: Compression,
    frames: u64,
    truncated: bool,
    done: bool,
}

enum Reader {
    Pcap(pcap::Pcap),
    Pcapng(pcapng::Pcapng),
}

/// One record that lies in the buffer.
struct Record {
    time: u64,
    link: LinkType,
    interface: u32,
    wire_len: u32,
    data: Range<usize>,
}

impl Capture {
    /// Opens a file.
    ///
    /// # Errors
    /// Where it cannot be read, is empty, or is no capture.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let file = File::open(path).map_err(|error| CaptureError::from_io(&error, 0))?;
        Self::read(file)
    }

    /// Reads a capture from anything that gives bytes.
    ///
    /// # Errors
    /// As [`Capture::open`].
    pub fn read(source: impl Read + Send + 'static) -> Result<Self, CaptureError> {
        let (compression, source) = unpack(source)?;
        Self::unpacked(compression, source)
    }

    /// Reads a capture from what [`unpack`] gave.
    ///
    /// # Errors
    /// As [`Capture::open`].
    pub fn unpacked(compression: Compression, source: Box<dyn Read + Send>) -> Result<Self, CaptureError> {
        let mut buffer = Buffer::new(source);
        let magic = match buffer.first::<4>() {
            Ok(Some(magic)) => magic,
            Ok(None) => return Err(CaptureError::Empty),
            // Compressed bytes that end early are a capture cut short; three plain bytes are nothing.
            Err(CaptureError::Truncated { .. }) if compression == Compression::Plain => {
                return Err(CaptureError::NotACapture);
            }
            Err(error) => return Err(error),
        };
        let reader = match pcap::Variant::by_magic(magic) {
            Some(variant) => Reader::Pcap(pcap::Pcap::open(variant, &mut buffer)?),
            None if magic == pcapng::SECTION_MAGIC => Reader::Pcapng(pcapng::Pcapng::default()),
            None => return Err(CaptureError::NotACapture),
        };
        Ok(Self { buffer, reader, compression, frames: 0, truncated: false, done: false })
    }

    /// The next frame; `None` at the end.
    ///
    /// # Errors
    /// Where the file is cut, corrupt or unreadable from here on; every frame before was given, and `None` follows.
    #[inline]
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        if self.done {
            return Ok(None);
        }
        let record = match &mut self.reader {
            Reader::Pcap(pcap) => pcap.next(&mut self.buffer),
            Reader::Pcapng(pcapng) => pcapng.next(&mut self.buffer),
        };
        let Ok(Some(record)) = record else {
            return self.end(record.err());
        };
        self.frames += 1;
        let Record { time, link, interface, wire_len, data } = record;
        Ok(Some(Frame { time, link, interface, wire_len, vlan_tci: None, data: self.buffer.get(data) }))
    }

    #[cold]
    fn end(&mut self, error: Option<CaptureError>) -> Result<Option<Frame<'_>>, CaptureError> {
        self.done = true;
        self.truncated = matches!(error, Some(CaptureError::Truncated { .. }));
        error.map_or(Ok(None), Err)
    }

    /// What is known so far.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let (format, links, snaplen) = match &self.reader {
            Reader::Pcap(pcap) => (Format::Pcap, vec![pcap.link], pcap.snaplen),
            Reader::Pcapng(pcapng) => (Format::Pcapng, pcapng.links.clone(), pcapng.snaplen),
        };
        let (bytes, truncated) = (self.buffer.position(), self.truncated);
        Facts { format, compression: self.compression, links, snaplen, frames: self.frames, bytes, truncated }
    }
}

#[cfg(test)]
mod tests;
