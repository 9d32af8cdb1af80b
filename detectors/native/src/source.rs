//! Where a worker's frames come from.

use std::path::Path;
use std::time::{Duration, Instant};

use bavn_wire::capture::Capture;
use bavn_wire::messages::Frame;

use crate::kernel::KernelCounts;
#[cfg(target_os = "linux")]
use crate::ring::Ring;

/// Frames between two looks at the clock.
const FRAMES_PER_LOOK: usize = 1024;

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
    /// Opens a capture file.
    pub(crate) fn file(path: &Path) -> Result<Self, Problem> {
        Capture::open(path)
            .map(|capture| Self::File(Box::new(capture)))
            .map_err(|error| (error.code().to_owned(), error.to_string()))
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
            #[cfg(target_os = "linux")]
            Self::Ring(ring) => ring_turn(ring, budget, take),
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
