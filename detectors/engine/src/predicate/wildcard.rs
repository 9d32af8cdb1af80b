//! Patterns with `*` (any run of characters, line ends too) and `?` (one character), over the whole value.

use memchr::memmem;

/// One step of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// These bytes.
    Literal(Box<[u8]>),
    /// One character; a byte that is not UTF-8 counts as one.
    One,
}

/// A pattern: runs of steps with a `*` between each two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    runs: Box<[Box<[Step]>]>,
}

impl Pattern {
    /// Builds from steps, `None` standing for `*`.
    #[must_use]
    pub fn new(steps: Vec<Option<Step>>) -> Self {
        let runs = steps.split(Option::is_none);
        Self { runs: runs.map(|run| run.iter().flatten().cloned().collect()).collect() }
    }

    /// The literals, each of which a matching value contains.
    pub fn literals(&self) -> impl Iterator<Item = &[u8]> {
        self.runs.iter().flatten().filter_map(|step| match step {
            Step::Literal(bytes) => Some(&**bytes),
            Step::One => None,
        })
    }

    /// True where the whole value fits.
    #[must_use]
    pub fn holds(&self, value: &[u8]) -> bool {
        let Some((first, rest)) = self.runs.split_first() else { return value.is_empty() };
        let Some(left) = take(first, value) else { return false };
        let Some((last, middle)) = rest.split_last() else { return left.is_empty() };
        let left = middle.iter().try_fold(left, |left, run| find(run, left));
        left.is_some_and(|left| ends(last, left))
    }
}

/// What is left of the value after the run, if it begins with it.
fn take<'a>(run: &[Step], value: &'a [u8]) -> Option<&'a [u8]> {
    run.iter().try_fold(value, |left, step| match step {
        Step::Literal(bytes) => left.strip_prefix(&**bytes),
        Step::One => left.get(char_len(left)..).filter(|_| !left.is_empty()),
    })
}

/// What is left after the run's first place. A run covers a fixed number of characters, so its
/// first place is also the one that leaves most.
fn find<'a>(run: &[Step], value: &'a [u8]) -> Option<&'a [u8]> {
    let mut left = value;
    loop {
        if let Some(Step::Literal(bytes)) = run.first() {
            left = left.get(memmem::find(left, bytes)?..)?;
        }
        if let Some(rest) = take(run, left) {
            return Some(rest);
        }
        left = left.get(char_len(left)..).filter(|_| !left.is_empty())?;
    }
}

fn ends(run: &[Step], value: &[u8]) -> bool {
    if let [Step::Literal(bytes)] = run {
        return value.ends_with(bytes);
    }
    let mut left = value;
    loop {
        if take(run, left).is_some_and(<[u8]>::is_empty) {
            return true;
        }
        if left.is_empty() {
            return false;
        }
        left = left.get(char_len(left)..).unwrap_or_default();
    }
}

/// Bytes of the first character; 1 for a byte that begins none, 0 only for nothing.
fn char_len(bytes: &[u8]) -> usize {
    let width = match bytes.first() {
        None => return 0,
        Some(0x00..0xc2) => 1,
        Some(0xc2..0xe0) => 2,
        Some(0xe0..0xf0) => 3,
        Some(_) => 4,
    };
    let whole = bytes.get(..width).is_some_and(|head| std::str::from_utf8(head).is_ok());
    if whole { width } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `*` and `?` out of a text.
    fn pattern(text: &str) -> Pattern {
        let step = |c: char| match c {
            '*' => None,
            '?' => Some(Step::One),
            c => Some(Step::Literal(c.to_string().into_bytes().into())),
        };
        Pattern::new(text.chars().map(step).collect())
    }

    #[test]
    fn runs() {
        let cases = [
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "a\n\nc", true),
            ("a*c", "abcd", false),
            ("*", "", true),
            ("?", "", false),
            ("?", "é", true),
            ("??", "é", false),
            ("*b?d*", "abbcdx", true),
            ("*ab*ab", "ab", false),
            ("*ab*ab", "abab", true),
            ("*?x", "x", false),
            ("*?x", "xx", true),
            ("**a**", "bab", true),
            ("", "", true),
            ("", "a", false),
        ];
        for (text, value, want) in cases {
            assert_eq!(pattern(text).holds(value.as_bytes()), want, "{text} on {value}");
        }
        assert!(pattern("a?b").holds(b"a\xffb"));
    }
}
