use std::fmt;
use std::io;

use zstd::zstd_safe::zstd_sys::ZSTD_ErrorCode;

const DAMAGED: &str = "its compressed data is damaged";

/// Why a capture cannot be read, or not further. Offsets count bytes after decompression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaptureError {
    /// There is not a byte in it.
    Empty,
    /// It begins like no capture format.
    NotACapture,
    /// It ends inside a record.
    Truncated {
        /// Where it ends.
        at: u64,
    },
    /// A record contradicts itself.
    Corrupt {
        /// Where the record begins.
        at: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The operating system, or the decompressor, refused.
    Unreadable {
        /// Where reading stopped.
        at: u64,
        /// What it said.
        why: String,
    },
    /// A format or version that is known and not supported.
    Unsupported {
        /// Which.
        why: String,
    },
}

impl CaptureError {
    /// Code for `bavn explain`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "BAVN-E401",
            Self::NotACapture => "BAVN-E402",
            Self::Truncated { .. } => "BAVN-E403",
            Self::Corrupt { .. } => "BAVN-E404",
            Self::Unreadable { .. } => "BAVN-E405",
            Self::Unsupported { .. } => "BAVN-E406",
        }
    }

    /// What the user can do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Empty => "check that the capture was written and copied whole",
            Self::NotACapture => "give a pcap or pcapng file, plain or in gzip or zstd",
            Self::Truncated { .. } => {
                "the frames before that point were read; copy the file again for the rest"
            }
            Self::Corrupt { .. } => {
                "the frames before that point were read; a tool like pcapfix may mend the rest"
            }
            Self::Unreadable { .. } => "check the path, its permissions and the disk",
            Self::Unsupported { .. } => "convert it to pcap with a tool that knows it, such as editcap",
        }
    }

    /// Of what reading gave; `at` is where it stopped.
    #[must_use]
    pub fn from_io(error: &io::Error, at: u64) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<zstd::Error>());
        match error.kind() {
            _ if inner
                .is_some_and(|inner| inner.is(ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge)) =>
            {
                Self::Unsupported { why: "a zstd window of more than 128 MiB".into() }
            }
            _ if inner.is_some() => Self::Corrupt { at, why: DAMAGED },
            io::ErrorKind::UnexpectedEof => Self::Truncated { at },
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Self::Corrupt { at, why: DAMAGED },
            _ => Self::Unreadable { at, why: error.to_string() },
        }
    }
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "the capture is empty"),
            Self::NotACapture => write!(f, "this is not a capture file"),
            Self::Truncated { at } => write!(f, "the capture ends inside a record, at byte {at}"),
            Self::Corrupt { at, why } => write!(f, "the capture is corrupt at byte {at}: {why}"),
            Self::Unreadable { at, why } => write!(f, "the capture cannot be read at byte {at}: {why}"),
            Self::Unsupported { why } => write!(f, "this kind of capture is not supported: {why}"),
        }
    }
}

impl std::error::Error for CaptureError {}
