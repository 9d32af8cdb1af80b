//! Dialects by number ([MS-SMB2] 2.2.3, 2.2.4) and by name (SMB1).

/// The dialect of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// SMB1 in its last dialect or another.
    Smb1,
    /// SMB2 or 3 by number.
    Smb2(u16),
}

/// The server will speak SMB2 or later, and the client is to offer again.
pub(super) const ANY_SMB2: u16 = 0x02ff;

impl Dialect {
    pub(super) fn version(self) -> u64 {
        match self {
            Self::Smb1 => 1,
            Self::Smb2(number) if number < 0x0300 => 2,
            Self::Smb2(_) => 3,
        }
    }
}

/// Text of an SMB2 dialect: `3.1.1`.
pub(super) fn text(number: u16) -> Vec<u8> {
    match number {
        ANY_SMB2 => b"2.???".to_vec(),
        // 2.0.2 and 2.1 have no third digit of the same weight: the last nibble is the release.
        _ => dotted(number),
    }
}

fn dotted(number: u16) -> Vec<u8> {
    let [major, rest] = number.to_be_bytes();
    let (minor, release) = (rest >> 4, rest & 0xf);
    let text = match release {
        0 => format!("{major}.{minor}"),
        _ => format!("{major}.{minor}.{release}"),
    };
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_customary_text() {
        let all = [(0x0202, "2.0.2"), (0x0210, "2.1"), (0x0300, "3.0"), (0x0302, "3.0.2"), (0x0311, "3.1.1")];
        for (number, name) in all {
            assert_eq!(text(number), name.as_bytes());
        }
        assert_eq!(text(0x02ff), b"2.???");
        assert_eq!(Dialect::Smb2(0x0210).version(), 2);
        assert_eq!(Dialect::Smb2(0x0311).version(), 3);
    }
}
