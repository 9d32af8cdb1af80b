/// Build: longest name in its opened form.
const MAX_OPENED: usize = 96;
/// Build: most objects that a name lies in.
const MAX_DEPTH: usize = 6;

/// A dotted name, made ready to be written.
#[derive(Clone, Copy, Debug)]
pub struct Name {
    pub(super) text: &'static str,
    /// Hash of the name up to each of its dots: two names lie in the same object where these are equal. A test holds
    /// that no two objects of the field table share one.
    pub(super) objects: [u32; MAX_DEPTH],
    /// Where the opened form goes on after each of its dots.
    steps: [u8; MAX_DEPTH + 1],
    depth: usize,
    /// `source.ip` as `"source":{"ip":`.
    opened: [u8; MAX_OPENED],
    len: usize,
}

/// Of the hash FNV-1a, 32 bits (draft-eastlake-fnv).
const FNV_BASIS: u32 = 0x811c_9dc5;
const FNV_PRIME: u32 = 0x0100_0193;

/// What a dot becomes.
const STEP: &[u8] = b"\":{\"";

impl Name {
    /// Of that dotted name, which is plain ASCII.
    ///
    /// # Panics
    /// In a constant's making alone: where the name has more than 6 dots or is longer than some 80 bytes.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        let mut name = Self { text, ..Self::EMPTY };
        let bytes = text.as_bytes();
        name.put(b'"');
        let (mut at, mut hash) = (0, FNV_BASIS);
        while at < bytes.len() {
            if bytes[at] == b'.' {
                name.objects[name.depth] = hash;
                name.depth += 1;
                name.step();
                name.steps[name.depth] = name.len as u8 - 1;
            } else {
                name.put(bytes[at]);
            }
            hash = (hash ^ bytes[at] as u32).wrapping_mul(FNV_PRIME);
            at += 1;
        }
        name.put(b'"');
        name.put(b':');
        name
    }

    const fn step(&mut self) {
        let mut at = 0;
        while at < STEP.len() {
            self.put(STEP[at]);
            at += 1;
        }
    }

    const fn put(&mut self, byte: u8) {
        self.opened[self.len] = byte;
        self.len += 1;
    }

    const EMPTY: Self = Self {
        text: "",
        objects: [0; MAX_DEPTH],
        steps: [0; MAX_DEPTH + 1],
        depth: 0,
        opened: [0; MAX_OPENED],
        len: 0,
    };

    /// Objects that both names lie in, and the opened form of the rest of this one.
    #[inline]
    fn after(&self, old: &Self) -> (usize, &[u8]) {
        let mut shared = 0;
        while shared < MAX_DEPTH
            && shared < self.depth.min(old.depth)
            && self.objects[shared] == old.objects[shared]
        {
            shared += 1;
        }
        let from = usize::from(self.steps[shared]);
        (shared, self.opened.get(from..self.len).unwrap_or_default())
    }
}

/// Ends of objects, and the comma before the next name.
const ENDS: &[u8; MAX_DEPTH + 1] = b"}}}}}},";

/// Writes dotted names as nested objects: `source.ip` is `"source":{"ip":…}`. Names must come sorted.
pub struct Nested<'o> {
    out: &'o mut Vec<u8>,
    /// The name before; its objects are open.
    last: &'static Name,
}

impl<'o> Nested<'o> {
    /// Begins an object.
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, last: &Name::EMPTY }
    }

    /// Writes the name's objects and its key; the value is to be written to what this gives.
    #[inline]
    pub fn name(&mut self, name: &'static Name) -> &mut Vec<u8> {
        let (shared, rest) = name.after(self.last);
        if !self.last.text.is_empty() {
            let open = self.last.depth - shared;
            self.out.extend_from_slice(ENDS.get(MAX_DEPTH - open..).unwrap_or_default());
        }
        self.out.extend_from_slice(rest);
        self.last = name;
        self.out
    }

    /// Ends every object that is open.
    pub fn finish(self) {
        self.out.extend(std::iter::repeat_n(b'}', self.last.depth + 1));
    }
}
