/// Longest name in its opened form.
const MAX_OPENED: usize = 96;
/// Most objects that a name lies in.
const MAX_DEPTH: usize = 6;

/// A dotted name, made ready to be written.
#[derive(Clone, Copy, Debug)]
pub struct Name {
    pub(super) text: &'static str,
    /// Where its dots are.
    dots: [u8; MAX_DEPTH],
    depth: usize,
    /// `source.ip` as `"source":{"ip":`.
    opened: [u8; MAX_OPENED],
    len: usize,
}

/// What a dot becomes.
const STEP: &[u8] = b"\":{\"";

impl Name {
    /// Of that dotted name, which is plain ASCII.
    ///
    /// # Panics
    /// In a constant's making alone: where the name has more than 6 dots or is longer than some 80 bytes.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        let mut name = Self { text, dots: [0; MAX_DEPTH], depth: 0, opened: [0; MAX_OPENED], len: 0 };
        let bytes = text.as_bytes();
        name.put(b'"');
        let mut at = 0;
        while at < bytes.len() {
            if bytes[at] == b'.' {
                name.dots[name.depth] = at as u8;
                name.depth += 1;
                name.step();
            } else {
                name.put(bytes[at]);
            }
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

    const EMPTY: Self = Self { text: "", dots: [0; MAX_DEPTH], depth: 0, opened: [0; MAX_OPENED], len: 0 };

    /// Objects that both names lie in, and the opened form of the rest of this one.
    #[inline]
    fn after(&self, old: &Self) -> (usize, &[u8]) {
        let (mut shared, mut from) = (0, 0);
        for (dot, old_dot) in self.dots.iter().zip(&old.dots).take(self.depth.min(old.depth)) {
            let end = usize::from(*dot);
            if dot != old_dot || self.text.as_bytes().get(from..end) != old.text.as_bytes().get(from..end) {
                break;
            }
            shared += 1;
            from = end + 1;
        }
        // Each dot before has grown by the difference.
        let rest = self.opened.get(from + shared * (STEP.len() - 1)..self.len);
        (shared, rest.unwrap_or_default())
    }
}

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
            for _ in shared..self.last.depth {
                self.out.push(b'}');
            }
            self.out.push(b',');
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
