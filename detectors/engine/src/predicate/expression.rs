//! Regular expressions, built so that the text they run on costs what its length says.

use regex_automata::meta::{BuildError, Config, Regex};
use regex_automata::util::syntax;

use super::required;
use crate::error::RuleFault;

/// Bytes of one compiled regular expression.
const MAX_REGEX: usize = 4 * 1024 * 1024;
/// Bytes of the lazily built automaton of one.
const MAX_REGEX_CACHE: usize = 1024 * 1024;
/// Nesting of one regular expression.
const MAX_REGEX_NEST: u32 = 64;

/// A regular expression.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    pub(super) text: Box<str>,
    regex: Regex,
    /// The same without Unicode's tables, where there is such a form: on text that is ASCII alone it finds the same,
    /// with an automaton that is far smaller.
    ascii: Option<Regex>,
    /// Folded literals of which every match contains one.
    pub(crate) required: Option<Box<[Box<[u8]>]>>,
}

impl Expression {
    /// Reads a pattern with Sigma's flags.
    ///
    /// # Errors
    /// Where it is no expression, or too large.
    pub(super) fn new(pattern: &str, flags: &str) -> Result<Self, RuleFault> {
        let mut syntax = syntax::Config::new().utf8(false).nest_limit(MAX_REGEX_NEST);
        for flag in flags.chars() {
            syntax = match flag {
                'i' => syntax.case_insensitive(true),
                'm' => syntax.multi_line(true),
                's' => syntax.dot_matches_new_line(true),
                _ => return Err(RuleFault::Regex(format!("no flag {flag:?}; there are i, m and s"))),
            };
        }
        let required = required::required(pattern, flags, MAX_REGEX_NEST);
        // Without a literal that is worth a search there is none to look around from either, and the attempt is
        // given up for the slowest of the automata.
        let build = |syntax| build(pattern, syntax, required.is_some());
        let regex = build(syntax).map_err(|error| RuleFault::Regex(sentence(&error)))?;
        let ascii = names_ascii_alone(pattern).then(|| build(syntax.unicode(false)).ok()).flatten();
        Ok(Self { text: pattern.into(), regex, ascii, required })
    }

    /// Bytes of its compiled forms.
    pub(super) fn size(&self) -> usize {
        self.regex.memory_usage() + self.ascii.as_ref().map_or(0, Regex::memory_usage)
    }

    /// True where it matches anywhere.
    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        match &self.ascii {
            Some(ascii) if text.is_ascii() => ascii.is_match(text),
            _ => {
                self.regex.is_match(text)
                    || mended(text).is_some_and(|text| self.regex.is_match(text.as_bytes()))
            }
        }
    }
}

/// The text with one replacement character for each byte that is no UTF-8, as wildcards count it: else a stray byte
/// would hide what stands around it from `.` and `[^x]`. `None` where there is no such byte.
fn mended(text: &[u8]) -> Option<String> {
    std::str::from_utf8(text).err()?;
    let mut mended = String::with_capacity(text.len() + 32);
    for chunk in text.utf8_chunks() {
        mended.push_str(chunk.valid());
        mended.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Some(mended)
}

/// True where no letter beyond ASCII is named, by itself or by its number: it may fold to one within. Classes of
/// letters (`\p`) do not build without Unicode.
fn names_ascii_alone(pattern: &str) -> bool {
    pattern.is_ascii() && !["\\u", "\\U", "\\x{"].iter().any(|escape| pattern.contains(escape))
}

fn build(pattern: &str, syntax: syntax::Config, prefilter: bool) -> Result<Regex, Box<BuildError>> {
    let config = Config::new()
        .utf8_empty(false)
        .auto_prefilter(prefilter)
        .nfa_size_limit(Some(MAX_REGEX))
        .hybrid_cache_capacity(MAX_REGEX_CACHE);
    Regex::builder().configure(config).syntax(syntax).build(pattern).map_err(Box::new)
}

/// What is wrong, in the words of the part that found it.
fn sentence(error: &BuildError) -> String {
    if let Some(limit) = error.size_limit() {
        return format!("Compiled regex exceeds size limit of {limit} bytes.");
    }
    error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both forms agree on ASCII text, and the smaller one is left out where they might not.
    #[test]
    fn the_form_for_ascii_finds_the_same() {
        let texts: [&[u8]; 6] = [b"", b"Kelvin s\n", b"a.b_c 42", b"straSSe", b"\x00\x7f~", b"aaaaaa.bbb.cc"];
        for pattern in [r"(?i)k\w+", r"[^.]{3,6}\.[^.]+\.[^.]+", r"\bs\b", r"^.+$", r"\W\d{2}", r"[^\xff]+b"]
        {
            let expression = Expression::new(pattern, "").unwrap();
            assert!(expression.ascii.is_some(), "{pattern}");
            for text in texts {
                assert_eq!(expression.is_match(text), expression.regex.is_match(text), "{pattern} {text:?}");
            }
        }
        for pattern in ["(?i)\u{17f}", r"(?i)\u{17F}", r"(?i)\x{17F}", r"(?i)\p{Ll}s"] {
            let expression = Expression::new(pattern, "").unwrap();
            assert!(expression.ascii.is_none(), "{pattern}");
            assert!(expression.is_match("\u{17f}s".as_bytes()), "{pattern}");
        }
        assert!(Expression::new("\u{17f}", "i").unwrap().is_match(b"S"));
    }

    #[test]
    fn a_byte_that_is_no_text_is_one_character() {
        let is_match = |pattern, text: &[u8]| Expression::new(pattern, "").unwrap().is_match(text);
        assert!(is_match("^a.b$", b"a\xffb") && !is_match("^a.b$", b"a\xff\xffb"));
        assert!(is_match("[^.]{4}", b"a\xe2\x82b") && is_match("^a..b$", b"a\xe2\x82b"));
        assert!(is_match("(?-u)\\xff", b"a\xff") && !is_match("^[a-z]+$", b"a\xff"));
    }

    #[test]
    fn sentences_tell_what_is_wrong() {
        let wrong = |pattern| Expression::new(pattern, "").unwrap_err().to_string();
        assert!(wrong("a{1000}{1000}").contains("size limit"), "{}", wrong("a{1000}{1000}"));
        assert!(wrong("(a").contains("unclosed group"), "{}", wrong("(a"));
    }
}
