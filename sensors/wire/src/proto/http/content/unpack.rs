//! Content codings undone (RFC 9110 8.4.1): gzip, deflate, br (RFC 7932), zstd (RFC 8878), within hard limits.

use std::fmt;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{DParameter, Decoder, Operation};

use super::limits::{FREE_UNPACKED, MAX_LAYERS, MAX_RATIO, MAX_UNPACKED, MAX_WINDOW_LOG, UNPACK_STEP};

/// Heap of an inflate state with its window.
const INFLATE_HELD: usize = 48 << 10;
/// Heap of a brotli state without its window, and of a zstd context.
const STATE_HELD: usize = 160 << 10;

/// Why a body cannot be unpacked further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It is not what its coding says.
    Malformed,
    /// A limit on what it unpacks to.
    TooMuch,
}

/// Codings, the outermost first.
#[derive(Debug)]
pub(super) struct Unpacker {
    layers: Vec<Layer>,
    budget: Budget,
}

#[derive(Debug, Default)]
struct Budget {
    took: u64,
    made: u64,
}

impl Budget {
    fn spend(&mut self, made: usize) -> Result<(), Trouble> {
        self.made += made as u64;
        let most = FREE_UNPACKED.max(self.took.saturating_mul(MAX_RATIO)).min(MAX_UNPACKED.get() as u64);
        if self.made > most { Err(Trouble::TooMuch) } else { Ok(()) }
    }
}

impl Unpacker {
    /// Codings as headers list them, in the order in which they were applied. One that is not known, or too many of
    /// them, leave the body as it is.
    pub(super) fn new<'a>(values: impl Iterator<Item = &'a [u8]>) -> Self {
        let names = values.flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
        let layers: Option<Vec<Layer>> = names.filter_map(Layer::new).take(MAX_LAYERS.get() + 1).collect();
        let mut layers =
            layers.filter(|layers| MAX_LAYERS.at_most(layers.len()) == layers.len()).unwrap_or_default();
        layers.reverse();
        Self { layers, budget: Budget::default() }
    }

    pub(super) fn data(&mut self, bytes: &[u8], out: &mut dyn FnMut(&[u8])) -> Result<(), Trouble> {
        self.budget.took += bytes.len() as u64;
        pass(&mut self.layers, bytes, &mut self.budget, out)
    }

    pub(super) fn is_packed(&self) -> bool {
        !self.layers.is_empty()
    }

    /// True where each coding has come to its end.
    pub(super) fn is_complete(&self) -> bool {
        self.layers.iter().all(|layer| layer.ended)
    }

    /// Lets go of states that are of no use any more.
    pub(super) fn forget(&mut self) {
        self.layers = Vec::new();
    }

    pub(super) fn held(&self) -> usize {
        let made = usize::try_from(self.budget.made).unwrap_or(usize::MAX);
        self.layers.iter().map(|layer| layer.held(made)).sum()
    }
}

fn pass(
    layers: &mut [Layer],
    mut bytes: &[u8],
    budget: &mut Budget,
    out: &mut dyn FnMut(&[u8]),
) -> Result<(), Trouble> {
    let Some((layer, inner)) = layers.split_first_mut() else {
        out(bytes);
        return Ok(());
    };
    let mut room = [0; UNPACK_STEP];
    loop {
        let (used, made) = layer.step(bytes, &mut room)?;
        bytes = bytes.get(used..).unwrap_or_default();
        budget.spend(made)?;
        if let Some(piece) = room.get(..made).filter(|piece| !piece.is_empty()) {
            pass(inner, piece, budget, out)?;
        }
        if used == 0 && made == 0 {
            return Ok(());
        }
    }
}

/// One coding on its way.
struct Layer {
    state: State,
    ended: bool,
}

enum State {
    /// Nothing came yet.
    Gzip,
    Deflate,
    Brotli(Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>),
    Zstd(Option<Decoder<'static>>),
    Inflate(Decompress),
    /// It is not packed, whatever the headers say.
    Plain,
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl Layer {
    /// None for what changes nothing, an inner none for what is not known.
    fn new(name: &[u8]) -> Option<Option<Self>> {
        let layer = |state| Some(Some(Self { state, ended: false }));
        match name.to_ascii_lowercase().as_slice() {
            b"" | b"identity" | b"chunked" | b"none" => None,
            b"gzip" | b"x-gzip" => layer(State::Gzip),
            b"deflate" => layer(State::Deflate),
            b"br" => layer(State::Brotli(Box::new(brotli()))),
            b"zstd" => layer(State::Zstd(None)),
            _ => Some(None),
        }
    }

    /// Bytes used and made; none of both where more is needed or the end was reached.
    fn step(&mut self, bytes: &[u8], room: &mut [u8]) -> Result<(usize, usize), Trouble> {
        self.begin(bytes)?;
        match &mut self.state {
            State::Gzip | State::Deflate | State::Zstd(None) => Ok((0, 0)),
            State::Inflate(state) => inflate(state, &mut self.ended, bytes, room),
            State::Brotli(state) => unbrotli(state, &mut self.ended, bytes, room),
            State::Zstd(Some(state)) => unzstd(state, &mut self.ended, bytes, room),
            State::Plain => {
                self.ended = true;
                Ok(copy(bytes, room))
            }
        }
    }

    /// The first byte shows which of two forms it has: servers send bodies that are not packed as packed ones, and
    /// deflate without its zlib header (RFC 9110 8.4.1.2).
    fn begin(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        let Some(&first) = bytes.first() else { return Ok(()) };
        let state = match self.state {
            State::Gzip if first == 0x1f => State::Inflate(Decompress::new_gzip(15)),
            State::Deflate => State::Inflate(Decompress::new(first & 15 == 8 && first >> 4 <= 7)),
            State::Zstd(None) if matches!(first, 0x28 | 0x50..=0x5f) => State::Zstd(Some(zstd_decoder()?)),
            State::Gzip | State::Zstd(None) => State::Plain,
            // Another member may follow (RFC 1952 2.2).
            State::Inflate(_) if self.ended && first == 0x1f => State::Inflate(Decompress::new_gzip(15)),
            _ => return Ok(()),
        };
        (self.state, self.ended) = (state, false);
        Ok(())
    }

    fn held(&self, made: usize) -> usize {
        let window = (2 * made).next_power_of_two().min(1 << MAX_WINDOW_LOG);
        match &self.state {
            State::Gzip | State::Deflate | State::Zstd(None) | State::Plain => 0,
            State::Inflate(_) => INFLATE_HELD,
            State::Brotli(state) => STATE_HELD + usize::try_from(state.ringbuffer_size).unwrap_or(0),
            State::Zstd(Some(_)) => STATE_HELD + window,
        }
    }
}

fn brotli() -> BrotliState<StandardAlloc, StandardAlloc, StandardAlloc> {
    BrotliState::new_strict(StandardAlloc::default(), StandardAlloc::default(), StandardAlloc::default())
}

fn zstd_decoder() -> Result<Decoder<'static>, Trouble> {
    let mut decoder = Decoder::new().map_err(|_| Trouble::Malformed)?;
    decoder.set_parameter(DParameter::WindowLogMax(MAX_WINDOW_LOG)).map_err(|_| Trouble::Malformed)?;
    Ok(decoder)
}

fn copy(bytes: &[u8], room: &mut [u8]) -> (usize, usize) {
    let len = bytes.len().min(room.len());
    for (to, from) in room.iter_mut().zip(bytes) {
        *to = *from;
    }
    (len, len)
}

fn inflate(
    state: &mut Decompress,
    ended: &mut bool,
    bytes: &[u8],
    room: &mut [u8],
) -> Result<(usize, usize), Trouble> {
    if *ended {
        return Ok((0, 0));
    }
    let before = (state.total_in(), state.total_out());
    let status = state.decompress(bytes, room, FlushDecompress::None).map_err(|_| Trouble::Malformed)?;
    *ended = status == Status::StreamEnd;
    Ok(((state.total_in() - before.0) as usize, (state.total_out() - before.1) as usize))
}

fn unbrotli(
    state: &mut BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    ended: &mut bool,
    bytes: &[u8],
    room: &mut [u8],
) -> Result<(usize, usize), Trouble> {
    if *ended {
        return Ok((0, 0));
    }
    let (mut left, mut used, mut free, mut made, mut total) = (bytes.len(), 0, room.len(), 0, 0);
    let result =
        BrotliDecompressStream(&mut left, &mut used, bytes, &mut free, &mut made, room, &mut total, state);
    match result {
        BrotliResult::ResultFailure => return Err(Trouble::Malformed),
        BrotliResult::ResultSuccess => *ended = true,
        BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {}
    }
    Ok((used, made))
}

fn unzstd(
    state: &mut Decoder<'static>,
    ended: &mut bool,
    bytes: &[u8],
    room: &mut [u8],
) -> Result<(usize, usize), Trouble> {
    // Another frame may follow (RFC 8878 3.1).
    if *ended && !matches!(bytes.first(), Some(0x28 | 0x50..=0x5f)) {
        return Ok((0, 0));
    }
    let status = state.run_on_buffers(bytes, room).map_err(|_| Trouble::Malformed)?;
    *ended = status.remaining == 0;
    Ok((status.bytes_read, status.bytes_written))
}
