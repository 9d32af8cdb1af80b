//! Names on the wire (RFC 1001 14.1, RFC 1002 4.1), and names of numbers.

use super::limits::MAX_SCOPE;

/// A NetBIOS name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Name {
    /// At most 15 bytes, padding left out.
    pub(super) text: Vec<u8>,
    /// The sixteenth byte: what the name is for.
    pub(super) suffix: u8,
    /// Scope as dotted labels, mostly none.
    pub(super) scope: Vec<u8>,
}

impl Name {
    /// A name of a node, as status answers have it.
    pub(super) fn plain(bytes: &[u8; 16]) -> Self {
        let [text @ .., suffix] = bytes;
        let end = text.iter().rposition(|byte| !matches!(byte, b' ' | 0)).map_or(0, |last| last + 1);
        Self { text: text.get(..end).unwrap_or_default().to_vec(), suffix: *suffix, scope: Vec::new() }
    }

    /// The encoded name at `at`, and where it ends. `None` where there is none.
    pub(super) fn read(message: &[u8], at: usize) -> Option<(Self, usize)> {
        let rest = message.get(at..)?;
        if let &[high, low, ..] = rest
            && high & 0xc0 == 0xc0
        {
            // In practice to the one name before; pointers to pointers there are none.
            let target = usize::from(high & 0x3f) << 8 | usize::from(low);
            let (name, _) = Self::whole(message, target).filter(|_| target < at)?;
            return Some((name, at + 2));
        }
        Self::whole(message, at)
    }

    fn whole(message: &[u8], at: usize) -> Option<(Self, usize)> {
        let (&32, rest) = message.get(at..)?.split_first()? else { return None };
        let (letters, rest) = rest.split_first_chunk::<32>()?;
        let mut name = Self::plain(&decoded(letters)?);
        let used = scope(rest, &mut name.scope)?;
        Some((name, at + 33 + used))
    }
}

/// Each byte is two letters, A for 0 to P for 15.
fn decoded(letters: &[u8; 32]) -> Option<[u8; 16]> {
    let half = |letter: u8| letter.checked_sub(b'A').filter(|half| *half < 16);
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(letters.chunks_exact(2)) {
        let &[high, low] = pair else { return None };
        *byte = half(high)? << 4 | half(low)?;
    }
    Some(bytes)
}

/// Labels up to the root; gives the bytes used.
fn scope(bytes: &[u8], text: &mut Vec<u8>) -> Option<usize> {
    let mut at = 0;
    loop {
        let length = usize::from(*bytes.get(at)?);
        match length {
            0 => return Some(at + 1),
            1..=63 if !MAX_SCOPE.is_reached(text.len() + length) => {}
            _ => return None,
        }
        if !text.is_empty() {
            text.push(b'.');
        }
        text.extend_from_slice(bytes.get(at + 1..at + 1 + length)?);
        at += 1 + length;
    }
}

/// Operation by its code (RFC 1002 4.2.1.1); 9 is used for refreshing, too.
pub(super) const fn operation(opcode: u8) -> Option<&'static str> {
    Some(match opcode {
        0 => "query",
        5 => "registration",
        6 => "release",
        7 => "wait",
        8 | 9 => "refresh",
        15 => "multihomed_registration",
        _ => return None,
    })
}

/// Response code (RFC 1002 4.2.6, 4.2.11, 4.2.14).
pub(super) const fn response(code: u8) -> Option<&'static str> {
    Some(match code {
        0 => "success",
        1 => "format_error",
        2 => "server_failure",
        3 => "name_error",
        4 => "unsupported",
        5 => "refused",
        6 => "active",
        7 => "conflict",
        _ => return None,
    })
}

/// Type of question.
pub(super) const fn question(rtype: u16) -> Option<&'static str> {
    Some(match rtype {
        0x0a => "NULL",
        0x20 => "NB",
        0x21 => "NBSTAT",
        _ => return None,
    })
}

/// What a name is for, by its suffix and whether it is a group's (Microsoft's list of suffixes).
pub(super) fn suffix(name: &Name) -> Option<&'static str> {
    Some(match (name.suffix, name.text.as_slice()) {
        (0x01, b"\x01\x02__MSBROWSE__\x02") => "master_browser",
        (0x00, _) => "workstation",
        (0x01, _) => "messenger",
        (0x03, _) => "messenger",
        (0x06, _) => "ras_server",
        (0x1b, _) => "domain_master_browser",
        (0x1c, _) => "domain_controllers",
        (0x1d, _) => "local_master_browser",
        (0x1e, _) => "browser_elections",
        (0x1f, _) => "netdde",
        (0x20, _) => "file_server",
        (0x21, _) => "ras_client",
        (0xbe, _) => "network_monitor_agent",
        (0xbf, _) => "network_monitor",
        _ => return None,
    })
}
