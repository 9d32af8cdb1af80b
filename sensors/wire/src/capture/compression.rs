use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::read::MultiGzDecoder;

/// Error: larger zstd windows than two to this power of bytes are refused: it is what the decoder must hold in memory.
/// 27 (128 MiB) is what the `zstd` command takes without being asked.
pub const MAX_WINDOW_LOG: u32 = 27;

const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Compression around a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// None.
    Plain,
    /// gzip (RFC 1952), members one after another.
    Gzip,
    /// zstd (RFC 8878), frames one after another.
    Zstd,
}

/// Looks at the first bytes and puts the decompressor they ask for between.
pub(super) fn open(
    mut source: impl Read + Send + 'static,
) -> io::Result<(Compression, Box<dyn Read + Send>)> {
    let mut first = Vec::with_capacity(4);
    source.by_ref().take(4).read_to_end(&mut first)?;
    let kind = match first.as_slice() {
        head if head.starts_with(&GZIP) => Compression::Gzip,
        head if *head == ZSTD || skippable(head) => Compression::Zstd,
        _ => Compression::Plain,
    };
    let whole = Cursor::new(first).chain(source);
    Ok((
        kind,
        match kind {
            Compression::Plain => Box::new(whole),
            Compression::Gzip => Box::new(MultiGzDecoder::new(BufReader::with_capacity(64 << 10, whole))),
            Compression::Zstd => Box::new(zstd(BufReader::with_capacity(64 << 10, whole))?),
        },
    ))
}

/// Frames that hold no data have one of sixteen magic numbers (RFC 8878 3.1.2).
fn skippable(head: &[u8]) -> bool {
    matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

fn zstd<R: BufRead>(source: R) -> io::Result<zstd::Decoder<'static, R>> {
    let mut decoder = zstd::Decoder::with_buffer(source)?;
    decoder.window_log_max(MAX_WINDOW_LOG)?;
    Ok(decoder)
}
