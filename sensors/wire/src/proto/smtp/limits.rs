//! Limits of the SMTP parser. Each hit is counted (`parser_limit`) and is a named anomaly.

/// Bytes kept of a command or reply line (RFC 5321 4.5.3.1 asks for 512; extensions lengthen it).
pub const MAX_LINE: usize = 4096;
/// Commands that wait for their replies.
pub const MAX_OUTSTANDING: usize = 128;
/// Mails that wait for the last reply.
pub const MAX_WAITING: usize = 4;
/// Recipients kept of one mail.
pub const MAX_RECIPIENTS: usize = 1000;
/// Bytes kept of a path (RFC 5321 4.5.3.1.3 asks for 256).
pub const MAX_PATH: usize = 512;
/// Commands, replies and extensions kept of one session.
pub const MAX_LISTED: usize = 64;
/// Bytes of a body line that are looked at as one piece.
pub const MAX_BODY_LINE: usize = 4096;
/// Bytes of one header field that are kept, and of all that are kept of one mail.
pub const MAX_HEADER: usize = 16 * 1024;
/// Bytes of one block of header fields that are looked at.
pub const MAX_HEADERS: usize = 256 * 1024;
/// Addresses printed of one header field.
pub const MAX_ADDRESSES: usize = 100;
/// Parts within parts.
pub const MAX_DEPTH: usize = 8;
/// Attachments listed of one mail.
pub const MAX_ATTACHMENTS: usize = 100;
/// Bytes of an attachment's name (RFC 2231 pieces together).
pub const MAX_NAME: usize = 1024;
/// Bytes of a boundary (RFC 2046 5.1.1 allows 70).
pub const MAX_BOUNDARY: usize = 256;
