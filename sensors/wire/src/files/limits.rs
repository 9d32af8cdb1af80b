//! Limits of carving.

/// First bytes of a file that its type is told by; kept until then.
pub const MAGIC_BYTES: usize = 4096;
/// Bytes of a file that digests are made of; longer files have none.
pub const MAX_HASHED: u64 = 1 << 30;
/// Bytes kept of a name, its last ones.
pub const MAX_NAME: usize = 1024;
/// Bytes kept of a declared type.
pub const MAX_DECLARED: usize = 128;
/// Bytes of an extension; more is none.
pub const MAX_EXTENSION: usize = 32;
/// Entries of a ZIP file that are looked at.
pub const MAX_ENTRIES: usize = 32;
/// Bytes kept of a file's address.
pub const MAX_URL: usize = 2048;
