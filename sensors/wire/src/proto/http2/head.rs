//! A list of fields as the head that HTTP/1 would have sent: so one reader, and one view for rules, serves both.

use super::limits::MAX_LIST;

/// The fields of one block.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) method: Option<Vec<u8>>,
    pub(super) path: Option<Vec<u8>>,
    authority: Option<Vec<u8>>,
    pub(super) status: Option<Vec<u8>>,
    pub(super) secure: bool,
    /// Lines of the other fields.
    lines: Vec<u8>,
    size: usize,
    /// There was more than the limit.
    pub(super) cut: bool,
    /// A name or value that no HTTP message can have.
    pub(super) bad: bool,
}

impl List {
    pub(super) fn add(&mut self, name: &[u8], value: &[u8]) {
        self.size += name.len() + value.len() + 32;
        if self.size > MAX_LIST.get() {
            self.cut = true;
            return;
        }
        let special = match name {
            b":method" => &mut self.method,
            b":path" => &mut self.path,
            b":authority" => &mut self.authority,
            b":status" => &mut self.status,
            b":scheme" => {
                self.secure = value.eq_ignore_ascii_case(b"https");
                return;
            }
            _ => return self.line(name, value),
        };
        self.bad |= special.is_some() || value.iter().any(|byte| breaks(*byte));
        special.get_or_insert_with(|| clean(value));
    }

    fn line(&mut self, name: &[u8], value: &[u8]) {
        let name = name.strip_prefix(b":").unwrap_or(name);
        if name.is_empty() || name.iter().any(|byte| breaks(*byte) || *byte == b':') {
            self.bad = true;
            return;
        }
        self.bad |= value.iter().any(|byte| breaks(*byte));
        self.lines.extend_from_slice(name);
        self.lines.extend_from_slice(b": ");
        self.lines.extend(value.iter().map(|byte| if breaks(*byte) { b' ' } else { *byte }));
        self.lines.extend_from_slice(b"\r\n");
    }

    /// `GET /path HTTP/2`, the authority as Host, then the fields in their order.
    pub(super) fn request_head(&self) -> Vec<u8> {
        let method = self.method.as_deref().unwrap_or_default();
        let authority = self.authority.as_deref();
        let target = self.path.as_deref().or(authority).unwrap_or_default();
        let host: [&[u8]; 3] = match authority {
            Some(authority) => [b"Host: ", authority, b"\r\n"],
            None => [b"", b"", b""],
        };
        [&[method, b" ", target, b" HTTP/2\r\n"][..], &host, &[&self.lines, b"\r\n"]].concat().concat()
    }

    /// `HTTP/2 200 `, then the fields in their order.
    pub(super) fn response_head(&self) -> Vec<u8> {
        let status = self.status.as_deref().unwrap_or_default();
        [b"HTTP/2 ", status, b" \r\n", &self.lines, b"\r\n"].concat()
    }
}

/// What would end a line in HTTP/1 (RFC 9113 8.2.1).
const fn breaks(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | 0)
}

fn clean(value: &[u8]) -> Vec<u8> {
    value.iter().map(|byte| if breaks(*byte) { b' ' } else { *byte }).collect()
}
