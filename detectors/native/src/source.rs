//! Where a worker's frames come from.

use std::path::Path;
use std::time::{Duration, Instant};

use bavn_wire::capture::Capture;
use bavn_wire::messages::Frame;

#[cfg(target_os = "linux")]
use crate::ring::Ring;

/// Frames between two looks at the clock.
const FRAMES_PER_LOOK: usize = 1024;

/// What can go wrong with a source: a code and a sentence.
pub(crate) type Problem = (String, String);

/// A source of frames.
pub(crate) enum Source {
    /// Frames are pushed, or there is nothing more.
    None,
    /// A capture file.
    File(Box<Capture>),
    /// A kernel ring.
    #[cfg(target_os = "linux")]
    Ring(Ring),
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
        let mut full = false;
        for _ in 0..FRAMES_PER_LOOK {
            match capture.next_frame() {
                Ok(Some(frame)) => full |= take(&frame),
                Ok(None) => return Turn::End,
                Err(error) => return Turn::Broken((error.code().to_owned(), error.to_string())),
            }
        }
        if full || start.elapsed() >= budget {
            return Turn::More;
        }
    }
}

#[cfg(target_os = "linux")]
fn ring_turn(ring: &mut Ring, budget: Duration, take: &mut dyn FnMut(&Frame<'_>) -> bool) -> Turn {
    let start = Instant::now();
    let mut full = false;
    loop {
        let left = budget.saturating_sub(start.elapsed());
        match ring.wait(i32::try_from(left.as_millis()).unwrap_or(i32::MAX)) {
            Ok(true) => {
                ring.block(&mut |frame| full |= take(frame));
            }
            Ok(false) if left.is_zero() => return Turn::Idle,
            Ok(false) => {}
            Err(error) => return Turn::Broken(("BAVN-E101".to_owned(), error.to_string())),
        }
        if full || start.elapsed() >= budget {
            return Turn::More;
        }
    }
}
