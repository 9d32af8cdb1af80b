//! One line of JSON as a flat list of tokens that borrow nothing: places in the line, and what stands there.
//!
//! Grammar of RFC 8259. Texts are checked and not unescaped: [`crate::text`] does that for those that are wanted. Bytes that
//! are no UTF-8 are let through, since sensors write what was on the wire; [`Tape::has_high`] says that there may be some.

use crate::text::{escape_length, is_plain_word, plain_in_word};

/// Deepest nesting of objects and lists.
pub const MAX_DEPTH: usize = 32;
/// Most values in one line.
pub const MAX_TOKENS: usize = 1 << 16;

/// A place in a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One after the last.
    pub end: u32,
}

impl Span {
    pub(crate) const fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// The bytes there.
    #[inline]
    #[must_use]
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A text without escapes; its place is that between the quotes.
    Text,
    /// A text with escapes.
    Escaped,
    /// A number.
    Number,
    /// `true`.
    True,
    /// `false`.
    False,
    /// `null`.
    Null,
    /// An object; its place is that of its members in the list of tokens.
    Object,
    /// A list, likewise.
    List,
}

/// One value.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    /// Its key between the quotes; empty in a list.
    pub key: Span,
    /// What it is.
    pub what: What,
    /// True where the key has escapes.
    pub is_key_escaped: bool,
    /// Where it stands; of an object or a list the numbers of its first token and the one after its last.
    pub span: Span,
}

/// Why a line is no JSON object that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It breaks the grammar at that byte.
    Grammar(usize),
    /// It is JSON, and no object.
    NotAnObject,
    /// Nested too deeply.
    TooDeep,
    /// Too many values.
    TooMany,
}

/// The tokens of one line; kept for the next.
#[derive(Debug, Default)]
pub struct Tape {
    /// In their order.
    pub tokens: Vec<Token>,
    /// A byte of the line has its top bit set.
    pub has_high: bool,
}

impl Tape {
    /// Reads a line that is one object.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn read(&mut self, line: &[u8]) -> Result<(), Fault> {
        self.tokens.clear();
        self.has_high = false;
        let mut scanner = Scanner { line, at: 0, tape: self, stack: [0; MAX_DEPTH], depth: 0 };
        scanner.blank();
        match scanner.peek() {
            b'{' => scanner.document(),
            _ => Err(Fault::NotAnObject),
        }
    }
}

struct Scanner<'l, 't> {
    line: &'l [u8],
    at: usize,
    tape: &'t mut Tape,
    /// Numbers of the tokens of what is open.
    stack: [u32; MAX_DEPTH],
    depth: usize,
}

impl Scanner<'_, '_> {
    fn document(&mut self) -> Result<(), Fault> {
        self.at += 1;
        self.open(What::Object, Span::default(), false)?;
        self.members()?;
        self.blank();
        if self.at == self.line.len() { Ok(()) } else { Err(Fault::Grammar(self.at)) }
    }

    /// What follows the first brace, up to the one that closes it.
    fn members(&mut self) -> Result<(), Fault> {
        // True where the container at hand has just been opened, so that it may close.
        let mut is_first = true;
        while self.depth > 0 {
            self.blank();
            let is_object = self.is_object();
            let close = if is_object { b'}' } else { b']' };
            if self.peek() == close {
                self.at += 1;
                self.close();
                is_first = false;
                continue;
            }
            if !is_first {
                self.expect(b',')?;
                self.blank();
            }
            let (key, is_key_escaped) = if is_object { self.key()? } else { (Span::default(), false) };
            is_first = self.value(key, is_key_escaped)?;
        }
        Ok(())
    }

    fn key(&mut self) -> Result<(Span, bool), Fault> {
        self.expect(b'"')?;
        let (key, is_escaped) = self.text()?;
        if self.peek() != b':' {
            self.blank();
        }
        self.expect(b':')?;
        self.blank();
        Ok((key, is_escaped))
    }

    /// Reads a value; true where it is one that was opened.
    #[inline]
    fn value(&mut self, key: Span, is_key_escaped: bool) -> Result<bool, Fault> {
        let (what, span) = match self.peek() {
            b'"' => {
                self.at += 1;
                let (span, is_escaped) = self.text()?;
                (if is_escaped { What::Escaped } else { What::Text }, span)
            }
            b'-' | b'0'..=b'9' => (What::Number, self.number()?),
            b'{' => {
                self.at += 1;
                self.open(What::Object, key, is_key_escaped)?;
                return Ok(true);
            }
            b'[' => {
                self.at += 1;
                self.open(What::List, key, is_key_escaped)?;
                return Ok(true);
            }
            b't' => (What::True, self.word(b"true")?),
            b'f' => (What::False, self.word(b"false")?),
            b'n' => (What::Null, self.word(b"null")?),
            _ => return Err(Fault::Grammar(self.at)),
        };
        self.push(Token { key, what, is_key_escaped, span })?;
        Ok(false)
    }

    fn open(&mut self, what: What, key: Span, is_key_escaped: bool) -> Result<(), Fault> {
        let number = self.tape.tokens.len();
        let place = self.stack.get_mut(self.depth).ok_or(Fault::TooDeep)?;
        *place = number as u32;
        self.depth += 1;
        self.push(Token { key, what, is_key_escaped, span: Span::new(number + 1, 0) })
    }

    fn close(&mut self) {
        self.depth -= 1;
        let end = self.tape.tokens.len() as u32;
        let opened = self.stack.get(self.depth).copied().unwrap_or_default();
        if let Some(token) = self.tape.tokens.get_mut(opened as usize) {
            token.span.end = end;
        }
    }

    fn is_object(&self) -> bool {
        let opened =
            self.depth.checked_sub(1).and_then(|top| self.stack.get(top)).copied().unwrap_or_default();
        self.tape.tokens.get(opened as usize).is_some_and(|token| token.what == What::Object)
    }

    #[inline]
    fn push(&mut self, token: Token) -> Result<(), Fault> {
        if self.tape.tokens.len() >= MAX_TOKENS {
            return Err(Fault::TooMany);
        }
        self.tape.tokens.push(token);
        Ok(())
    }

    /// A text after its first quote, up to and with its last; true where it has escapes.
    #[inline]
    fn text(&mut self) -> Result<(Span, bool), Fault> {
        let start = self.at;
        let mut is_escaped = false;
        loop {
            self.plain();
            match self.peek() {
                b'"' => {
                    self.at += 1;
                    return Ok((Span::new(start, self.at - 1), is_escaped));
                }
                b'\\' => {
                    let rest = self.line.get(self.at..).unwrap_or_default();
                    self.at += escape_length(rest).ok_or(Fault::Grammar(self.at))?;
                    is_escaped = true;
                }
                _ => return Err(Fault::Grammar(self.at)),
            }
        }
    }

    /// Passes over bytes that stand for themselves in a text.
    #[inline]
    fn plain(&mut self) {
        while let Some(word) = self.line.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) {
            let word = u64::from_le_bytes(*word);
            if !is_plain_word(word) {
                let plain = plain_in_word(word);
                self.at += plain.bytes;
                self.tape.has_high |= plain.has_high;
                return;
            }
            self.tape.has_high |= word & 0x8080_8080_8080_8080 != 0;
            self.at += 8;
        }
        while let Some(byte) = self.line.get(self.at) {
            if *byte < 0x20 || *byte == b'"' || *byte == b'\\' {
                return;
            }
            self.tape.has_high |= *byte >= 0x80;
            self.at += 1;
        }
    }

    fn number(&mut self) -> Result<Span, Fault> {
        let start = self.at;
        if self.peek() == b'-' {
            self.at += 1;
        }
        if self.peek() == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.peek(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Span::new(start, self.at))
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let from = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        if self.at == from { Err(Fault::Grammar(self.at)) } else { Ok(()) }
    }

    fn word(&mut self, word: &[u8]) -> Result<Span, Fault> {
        let start = self.at;
        if !self.line.get(start..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(Fault::Grammar(start));
        }
        self.at += word.len();
        Ok(Span::new(start, self.at))
    }

    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.peek() != byte {
            return Err(Fault::Grammar(self.at));
        }
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn blank(&mut self) {
        while matches!(self.line.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The byte at hand; 0, which no grammar has here, at the end.
    #[inline]
    fn peek(&self) -> u8 {
        self.line.get(self.at).copied().unwrap_or(0)
    }
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
