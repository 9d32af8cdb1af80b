//! Where a worker's frames come from.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use bavn_lines::{Lines, Look, Piece, look};
use bavn_wire::capture::{Capture, CaptureError, unpack};
use bavn_wire::messages::Frame;

use crate::kernel::KernelCounts;
#[cfg(target_os = "linux")]
use crate::ring::Ring;

/// Frames, or lines, between two looks at the clock.
const FRAMES_PER_LOOK: usize = 1024;
/// How far a file is looked into for what it is; only blanks can be more than a few bytes.
const LOOKED_AT: u64 = 4096;

/// What can go wrong with a source: a code and a sentence.
pub(crate) type Problem = (String, String);

/// A source of frames.
#[derive(Default)]
pub(crate) enum Source {
    /// Frames are pushed, or there is nothing more.
    #[default]
    None,
    /// A capture file.
    File(Box<Capture>),
    /// A file of JSON Lines, by its name.
    Lines(Box<Lines>, String),
    /// A kernel ring.
    #[cfg(target_os = "linux")]
    Ring(Ring),
}

/// The source at hand, and what the kernel counted of it and those before.
#[derive(Default)]
pub(crate) struct Origin {
    pub(crate) source: Source,
    /// True where packets bear the time of now, so that the clock may end flows.
    pub(crate) is_live: bool,
    kernel: KernelCounts,
    /// Of the rings before this one.
    kernel_before: KernelCounts,
}

impl Origin {
    /// Reads from another source from now on.
    pub(crate) fn attach(&mut self, source: Source) {
        self.is_live = source.is_live();
        self.replace(source);
    }

    /// As [`attach`](Self::attach), where the clock stays what it was.
    pub(crate) fn replace(&mut self, source: Source) {
        self.read_kernel();
        self.kernel_before = self.kernel;
        self.source = source;
    }

    /// True where live frames are pushed.
    pub(crate) const fn is_pushed(&self) -> bool {
        self.is_live && matches!(self.source, Source::None)
    }

    /// What the kernel counted, by name.
    pub(crate) fn kernel(&mut self) -> [(&'static str, u64); 5] {
        self.read_kernel();
        self.kernel.list()
    }

    #[cfg(target_os = "linux")]
    fn read_kernel(&mut self) {
        if let Source::Ring(ring) = &mut self.source {
            self.kernel = self.kernel_before.plus(&ring.statistics());
        }
    }

    #[cfg(not(target_os = "linux"))]
    const fn read_kernel(&self) {}
}

/// How a turn of reading ended.
pub(crate) enum Turn {
    /// There may be more at once.
    More,
    /// Nothing now; a live source may have some later.
    Idle,
    /// The source has ended.
    End,
    /// The source has ended with an error.
    Broken(Problem),
}

impl Source {
    /// Opens a capture file, or one of JSON Lines; the first bytes tell.
    pub(crate) fn file(path: &Path) -> Result<Self, Problem> {
        let file = File::open(path).map_err(|error| problem(&CaptureError::from_io(&error, 0)))?;
        let (compression, mut source) = unpack(file).map_err(|error| problem(&error))?;
        let mut first = Vec::new();
        let read = source.by_ref().take(LOOKED_AT).read_to_end(&mut first);
        let found = look(&first);
        let source: Box<dyn Read + Send> = match read {
            Ok(_) => Box::new(Cursor::new(first).chain(source)),
            // What came before the error is read, and then the error.
            Err(error) => Box::new(Cursor::new(first).chain(Failed(Some(error)))),
        };
        match found {
            Look::Lines => Ok(Self::Lines(Box::new(Lines::new(source)), path.to_string_lossy().into_owned())),
            Look::List => Err(no_lines("it is one JSON list, not an object a line")),
            Look::Tabs => Err(no_lines("it is a log of Zeek with tabs between its values, not JSON")),
            Look::More | Look::Other => Capture::unpacked(compression, source)
                .map(|capture| Self::File(Box::new(capture)))
                .map_err(|error| problem(&error)),
        }
    }

    /// True where it gives events, not frames.
    pub(crate) const fn is_lines(&self) -> bool {
        matches!(self, Self::Lines(..))
    }

    /// True where frames come as they happen.
    pub(crate) const fn is_live(&self) -> bool {
        #[cfg(target_os = "linux")]
        if matches!(self, Self::Ring(_)) {
            return true;
        }
        false
    }

    /// Hands on what a kernel ring still holds when it is left; true where `take` said that its hands are full.
    pub(crate) fn rest(&mut self, take: &mut dyn FnMut(&Frame<'_>) -> bool) -> bool {
        match self {
            #[cfg(target_os = "linux")]
            Self::Ring(ring) => ring.rest(take),
            _ => false,
        }
    }

    /// Hands on frames until the time is over, there are none, or `take` says that its hands are full.
    pub(crate) fn turn(&mut self, budget: Duration, take: &mut dyn FnMut(&Frame<'_>) -> bool) -> Turn {
        match self {
            Self::None => Turn::End,
            Self::File(capture) => file_turn(capture, budget, take),
            // Its worker takes lines by itself.
            Self::Lines(..) => Turn::End,
            #[cfg(target_os = "linux")]
            Self::Ring(ring) => ring_turn(ring, budget, take),
        }
    }
}

/// Gives an error once, and then nothing.
struct Failed(Option<std::io::Error>);

impl Read for Failed {
    fn read(&mut self, _room: &mut [u8]) -> std::io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

fn problem(error: &CaptureError) -> Problem {
    (error.code().to_owned(), error.to_string())
}

fn no_lines(why: &str) -> Problem {
    ("BAVN-E407".to_owned(), format!("this file cannot be read line by line: {why}"))
}

/// Hands on lines until the time is over, there are none, or `take` says that its hands are full.
pub(crate) fn lines_turn(
    lines: &mut Lines,
    budget: Duration,
    take: &mut dyn FnMut(Piece<'_>, u64) -> bool,
) -> Turn {
    let start = Instant::now();
    loop {
        for _ in 0..FRAMES_PER_LOOK {
            // The number is that of the line which comes.
            let number = lines.number() + 1;
            match lines.next_line() {
                Ok(Some(piece)) => {
                    if take(piece, number) {
                        return Turn::More;
                    }
                }
                Ok(None) => return Turn::End,
                Err(error) => {
                    let error = CaptureError::from_io(&error, lines.taken());
                    let why = match &error {
                        CaptureError::Truncated { at } => {
                            format!("the file ends inside its packed data, at byte {at}")
                        }
                        other => other.to_string().replace("the capture", "the file"),
                    };
                    return Turn::Broken((error.code().to_owned(), why));
                }
            }
        }
        if start.elapsed() >= budget {
            return Turn::More;
        }
    }
}

fn file_turn(capture: &mut Capture, budget: Duration, take: &mut dyn FnMut(&Frame<'_>) -> bool) -> Turn {
    let start = Instant::now();
    loop {
        for _ in 0..FRAMES_PER_LOOK {
            match capture.next_frame() {
                Ok(Some(frame)) => {
                    if take(&frame) {
                        return Turn::More;
                    }
                }
                Ok(None) => return Turn::End,
                Err(error) => return Turn::Broken((error.code().to_owned(), error.to_string())),
            }
        }
        if start.elapsed() >= budget {
            return Turn::More;
        }
    }
}

#[cfg(target_os = "linux")]
fn ring_turn(ring: &mut Ring, budget: Duration, take: &mut dyn FnMut(&Frame<'_>) -> bool) -> Turn {
    let start = Instant::now();
    loop {
        let left = budget.saturating_sub(start.elapsed());
        // Rounded up, so that the last wait is not cut into many of no time.
        match ring.wait(i32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(i32::MAX)) {
            Ok(true) => {
                if ring.block(take) || start.elapsed() >= budget {
                    return Turn::More;
                }
            }
            Ok(false) if start.elapsed() >= budget => return Turn::Idle,
            Ok(false) => {}
            Err(error) => return Turn::Broken(("BAVN-E101".to_owned(), error.to_string())),
        }
    }
}
