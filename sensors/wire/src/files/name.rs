//! Names of files, of whatever system.

use super::limits::MAX_EXTENSION;

/// What follows the last directory, in the way of Unix or of Windows.
pub(super) fn last_part(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| matches!(byte, b'/' | b'\\')).next().unwrap_or_default()
}

/// What follows the last dot; a name that begins with its only dot has none.
pub(super) fn extension(name: &[u8]) -> Option<&[u8]> {
    let dot = memchr::memrchr(b'.', name).filter(|dot| *dot > 0)?;
    name.get(dot + 1..).filter(|extension| (1..=MAX_EXTENSION).contains(&extension.len()))
}
