//! Limits of carving.

use crate::limits::limits;

limits! { "file":
    /// Bytes of a file that digests are made of; longer files have none.
    MAX_HASHED = 1 << 30, "bytes", drill 16;
    /// Bytes kept of a name, its last ones.
    MAX_NAME = 1024, "bytes", drill 4;
    /// Bytes kept of a declared type.
    MAX_DECLARED = 128, "bytes", drill 4;
    /// Entries of a ZIP file that are looked at.
    MAX_ENTRIES = 32, "entries", drill 1;
    /// Bytes kept of a file's address.
    MAX_URL = 2048, "bytes", drill 16;
}

/// First bytes of a file that its type is told by; kept until then.
pub const MAGIC_BYTES: usize = 4096;
/// Format: Bytes of an extension; more is none.
pub const MAX_EXTENSION: usize = 32;
