/// Writes dotted names as nested objects: `source.ip` is `"source":{"ip":…}`. Names must come sorted.
pub struct Nested<'o> {
    out: &'o mut Vec<u8>,
    /// The name before; its objects are open.
    last: Last,
}

/// A name's bytes, kept without borrowing it.
struct Last {
    bytes: [u8; MAX_NAME],
    len: usize,
}

/// Longer names lose their end; none is half as long.
const MAX_NAME: usize = 96;

impl<'o> Nested<'o> {
    /// Begins an object.
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, last: Last { bytes: [0; MAX_NAME], len: 0 } }
    }

    /// Writes the name's objects and its key; the value is to be written to what this gives.
    pub fn name(&mut self, name: &str) -> &mut Vec<u8> {
        let new = name.as_bytes();
        let old = self.last.bytes.get(..self.last.len).unwrap_or_default();
        let same = common(old, new);
        if !old.is_empty() {
            for _ in old.iter().skip(same).filter(|byte| **byte == b'.') {
                self.out.push(b'}');
            }
            self.out.push(b',');
        }
        let fresh = new.get(same..).unwrap_or_default();
        self.out.push(b'"');
        for &byte in fresh {
            match byte {
                b'.' => self.out.extend_from_slice(b"\":{\""),
                _ => self.out.push(byte),
            }
        }
        self.out.extend_from_slice(b"\":");
        self.last.keep(same, fresh);
        self.out
    }

    /// Ends every object that is open.
    pub fn finish(self) {
        let old = self.last.bytes.get(..self.last.len).unwrap_or_default();
        let open = old.iter().filter(|byte| **byte == b'.').count();
        self.out.extend(std::iter::repeat_n(b'}', open + 1));
    }
}

impl Last {
    fn keep(&mut self, same: usize, fresh: &[u8]) {
        let len = fresh.len().min(MAX_NAME.saturating_sub(same));
        if let (Some(to), Some(from)) = (self.bytes.get_mut(same..same + len), fresh.get(..len)) {
            to.copy_from_slice(from);
            self.len = same + len;
        }
    }
}

/// Length of the objects' names that both begin with, the last dot included.
fn common(old: &[u8], new: &[u8]) -> usize {
    let equal = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let same = new.get(..equal).unwrap_or_default();
    same.iter().rposition(|byte| *byte == b'.').map_or(0, |dot| dot + 1)
}
