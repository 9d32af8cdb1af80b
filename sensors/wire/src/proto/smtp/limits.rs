//! Limits of the SMTP parser. Each hit is counted (`parser_limit`) and is a named anomaly.

use crate::limits::limits;

limits! { "smtp":
    /// Bytes kept of a command or reply line (RFC 5321 4.5.3.1 asks for 512; extensions lengthen it).
    MAX_LINE = 4096, "bytes", drill 16;
    /// Commands that wait for their replies.
    MAX_OUTSTANDING = 128, "commands", drill 1;
    /// Mails that wait for the last reply.
    MAX_WAITING = 4, "mails", drill 0;
    /// Recipients kept of one mail.
    MAX_RECIPIENTS = 1000, "recipients", drill 1;
    /// Bytes kept of a path (RFC 5321 4.5.3.1.3 asks for 256).
    MAX_PATH = 512, "bytes", drill 4;
    /// Commands, replies and extensions kept of one session.
    MAX_LISTED = 64, "entries", drill 1;
    /// Bytes of one header field that are kept, and of all that are kept of one mail.
    MAX_HEADER = 16 * 1024, "bytes", drill 16;
    /// Bytes of one block of header fields that are looked at.
    MAX_HEADERS = 256 * 1024, "bytes", drill 64;
    /// Addresses printed of one header field.
    MAX_ADDRESSES = 100, "addresses", drill 1;
    /// Parts within parts.
    MAX_DEPTH = 8, "levels", drill 0;
    /// Attachments listed of one mail.
    MAX_ATTACHMENTS = 100, "attachments", drill 0;
    /// Bytes of an attachment's name (RFC 2231 pieces together).
    MAX_NAME = 1024, "bytes", drill 4;
    /// Bytes of a boundary (RFC 2046 5.1.1 allows 70).
    MAX_BOUNDARY = 256, "bytes", drill 4;
    /// Hops (`Received`) told of one mail, the newest, and the first.
    MAX_RECEIVED = 32, "hops", drill 0;
}

/// Window: Bytes of a body line that are looked at as one piece.
pub const MAX_BODY_LINE: usize = 4096;
