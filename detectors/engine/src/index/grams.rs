//! Many literals searched at once, at a cost that hardly grows with their number.
//!
//! Each literal is filed under one of its grams (eight bytes where there are many literals, or four, or as many as it has),
//! the one that ordinary traffic and other literals have least. The scan hashes the gram at every place into a small bit map; the few hits
//! are looked up and the whole literal compared. Unlike an automaton's, the working set is the bit map. Literals of four
//! bytes and more are filed once for all fields of a kind of event: a text that holds those of several fields is
//! scanned once.

use super::background;
use super::table::Hasher;
use std::collections::HashMap;

/// Multiplier of a Fibonacci hash (2^64 over the golden ratio).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
/// Bits of the map per literal, and words of 64 bits in it; few literals use its beginning alone.
const BITS_PER_LITERAL: usize = 32;
const MIN_WORDS: usize = 16;
const WORDS: usize = 1 << 14;
/// As many are enough for short ones.
const FEW_WORDS: usize = 1 << 8;

/// Fewer long literals share the scan of those of four bytes.
const MANY: usize = 256;
/// The shortest that is filed for all fields together.
pub(super) const LONG: usize = 4;
/// The shortest that has grams of eight bytes at an even and at an odd place.
const LONGER: usize = 9;
/// Places of a text that are tried before the hits among them are looked at.
const BLOCK: usize = 64;
/// Bytes that a block's grams lie in, at most.
const SPAN: usize = 2 * BLOCK + 8;

/// Who looks for a literal: the number of a field's index, and the trigger that a find sets off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct User {
    pub(super) field: u16,
    pub(super) trigger: u32,
}

/// Literals that a text was found to hold: from where to where, and who looks for it.
pub(super) struct Found<'a> {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) users: &'a [User],
}

/// Literals of one to three bytes, of one field.
#[derive(Debug, Default)]
pub(super) struct Short {
    one: Option<Set<1, 1, FEW_WORDS>>,
    two: Option<Set<2, 1, FEW_WORDS>>,
    three: Option<Set<3, 1, FEW_WORDS>>,
}

impl Short {
    /// Takes folded literals, none empty; those of four bytes and more are left out.
    pub(super) fn new(literals: &mut Literals<'_>) -> Self {
        literals.sort_unstable();
        literals.dedup();
        let of = |len: usize| literals.iter().copied().filter(move |(text, _)| text.len() == len).collect();
        Self { one: Set::new(of(1)), two: Set::new(of(2)), three: Set::new(of(3)) }
    }

    /// Calls `then` with every literal found in the folded text, for every place it is found at.
    pub(super) fn scan(&self, text: &[u8], then: &mut impl FnMut(Found<'_>)) {
        if let Some(set) = &self.three {
            set.scan(text, then);
        }
        if let Some(set) = &self.two {
            set.scan(text, then);
        }
        if let Some(set) = &self.one {
            set.scan(text, then);
        }
    }
}

/// Literals of four bytes and more, of all fields.
#[derive(Debug, Default)]
pub(super) struct Long {
    four: Option<Set<4, 1, WORDS>>,
    eight: Option<Set<8, 2, WORDS>>,
}

impl Long {
    /// Takes folded literals; those of less than four bytes are left out.
    pub(super) fn new(mut literals: Literals<'_>) -> Self {
        literals.sort_unstable();
        literals.dedup();
        let many = literals.iter().filter(|(text, _)| text.len() >= LONGER).count() >= MANY;
        let four_to = if many { LONGER } else { usize::MAX };
        let of = |from: usize, to: usize| {
            literals.iter().copied().filter(|(text, _)| (from..to).contains(&text.len())).collect()
        };
        Self { four: Set::new(of(LONG, four_to)), eight: Set::new(of(four_to, usize::MAX)) }
    }

    /// As [`Short::scan`].
    pub(super) fn scan(&self, text: &[u8], then: &mut impl FnMut(Found<'_>)) {
        if let Some(set) = &self.four {
            set.scan(text, then);
        }
        if let Some(set) = &self.eight {
            set.scan(text, then);
        }
    }
}

/// Folded literals and who looks for them.
pub(super) type Literals<'a> = Vec<(&'a [u8], User)>;

/// Where a literal lies in the arena, where its gram lies in it, and who looks for it.
#[derive(Clone, Copy, Debug)]
struct Place {
    from: u32,
    len: u32,
    gram_at: u32,
    users: (u32, u32),
}

/// Literals that are filed under grams of `N` bytes, for each remainder of a gram's place by `S` under one: so every `S`th
/// place of a text is tried.
#[derive(Debug)]
struct Set<const N: usize, const S: usize, const W: usize> {
    /// Two bits of one word for each gram.
    map: Box<[u64; W]>,
    mask: usize,
    grams: HashMap<u64, (u32, u32), Hasher>,
    places: Box<[Place]>,
    users: Box<[User]>,
    arena: Box<[u8]>,
}

impl<const N: usize, const S: usize, const W: usize> Set<N, S, W> {
    /// Takes literals in their order, each user of one once.
    fn new(literals: Literals<'_>) -> Option<Self> {
        if literals.is_empty() {
            return None;
        }
        let words = literals.len() * S * BITS_PER_LITERAL / 64;
        let words = words.next_power_of_two().clamp(MIN_WORDS, W);
        let mut set = Self {
            map: vec![0; W].into_boxed_slice().try_into().ok()?,
            mask: words - 1,
            grams: HashMap::default(),
            places: Box::default(),
            users: literals.iter().map(|(_, user)| *user).collect(),
            arena: Box::default(),
        };
        set.fill(&literals);
        Some(set)
    }

    fn fill(&mut self, literals: &[(&[u8], User)]) {
        let mut filed: Vec<(u64, Place)> = Vec::with_capacity(literals.len() * S);
        let mut load = Load::default();
        let mut arena: Vec<u8> = Vec::new();
        let mut users = (0, 0);
        for same in literals.chunk_by(|a, b| a.0 == b.0) {
            let Some((literal, _)) = same.first() else { continue };
            users = (users.1, users.1 + same.len() as u32);
            let (from, len) = (arena.len() as u32, literal.len() as u32);
            arena.extend_from_slice(literal);
            for rest in 0..S {
                let (gram_at, gram) = rarest::<N>(literal, rest, S, &load);
                *load.entry(gram).or_default() += 1;
                filed.push((gram, Place { from, len, gram_at, users }));
            }
        }
        filed.sort_by_key(|(gram, place)| (*gram, place.from));
        for (number, (gram, _)) in filed.iter().enumerate() {
            let number = number as u32;
            self.grams.entry(*gram).or_insert((number, number)).1 += 1;
            let (word, [one, two]) = self.bits(*gram);
            if let Some(word) = self.map.get_mut(word) {
                *word |= 1 << one | 1 << two;
            }
        }
        self.grams.shrink_to_fit();
        self.places = filed.into_iter().map(|(_, place)| place).collect();
        self.arena = arena.into_boxed_slice();
    }

    /// The word of a gram and the two bits there: the product's highest bits, which all of the gram's decide.
    const fn bits(&self, gram: u64) -> (usize, [u64; 2]) {
        let spread = gram.wrapping_mul(SPREAD);
        ((spread >> 50) as usize & self.mask, [spread >> 44 & 63, spread >> 38 & 63])
    }

    /// A bit for each of so many places whose gram may be one. Without branches: nobody can foretell hits.
    fn hits(&self, block: &[u8; SPAN], places: usize) -> u64 {
        let mut hits = 0_u64;
        let places = places.min(BLOCK);
        for at in 0..places {
            let eight = block.get(at * S..at * S + 8).and_then(<[u8]>::first_chunk);
            let gram = u64::from_le_bytes(*eight.unwrap_or(&[0; 8])) & first_bytes(N);
            let (word, [one, two]) = self.bits(gram);
            let word = self.map.get(word % W).copied().unwrap_or(0);
            hits = hits >> 1 | (word >> one & word >> two) << 63;
        }
        hits >> ((BLOCK - places) & 63)
    }

    fn scan(&self, text: &[u8], then: &mut impl FnMut(Found<'_>)) {
        let mut tail = [0; SPAN];
        let mut from = 0;
        while let Some(rest) = text.get(from..).filter(|rest| rest.len() >= N) {
            let block = rest.first_chunk().unwrap_or_else(|| {
                tail.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
                &tail
            });
            let mut hits = self.hits(block, (rest.len() - N) / S + 1);
            while hits != 0 {
                self.confirm(text, from + S * hits.trailing_zeros() as usize, then);
                hits &= hits - 1;
            }
            from += S * BLOCK;
        }
    }

    #[inline(never)]
    fn confirm(&self, text: &[u8], at: usize, then: &mut impl FnMut(Found<'_>)) {
        let window = text.get(at..).and_then(|rest| rest.first_chunk::<N>());
        let Some((from, to)) = window.and_then(|window| self.grams.get(&pack(window))) else { return };
        for place in self.places.get(*from as usize..*to as usize).unwrap_or_default() {
            let Some(start) = at.checked_sub(place.gram_at as usize) else { continue };
            let literal = self.arena.get(place.from as usize..(place.from + place.len) as usize);
            let rest = text.get(start..).unwrap_or_default();
            if literal.is_some_and(|literal| rest.starts_with(literal)) {
                let users = self.users.get(place.users.0 as usize..place.users.1 as usize);
                let to = start + place.len as usize;
                then(Found { from: start, to, users: users.unwrap_or_default() });
            }
        }
    }
}

/// All bits of a gram's bytes.
const fn first_bytes(len: usize) -> u64 {
    u64::MAX >> (64 - 8 * len)
}

/// Windows of a fixed size as arrays (the standard library's own is not stable in our oldest compiler).
trait ArrayWindows {
    fn array_windows_of<const N: usize>(&self) -> impl Iterator<Item = &[u8; N]>;
}

impl ArrayWindows for [u8] {
    fn array_windows_of<const N: usize>(&self) -> impl Iterator<Item = &[u8; N]> {
        self.windows(N).filter_map(|window| window.try_into().ok())
    }
}

/// A gram as a number, so written that the usual lengths are one load.
fn pack<const N: usize>(window: &[u8; N]) -> u64 {
    if let Some(eight) = window.first_chunk::<8>() {
        u64::from_le_bytes(*eight)
    } else if let Some(four) = window.first_chunk::<4>() {
        u32::from_le_bytes(*four).into()
    } else {
        window.iter().rev().fold(0, |gram, byte| gram << 8 | u64::from(*byte))
    }
}

/// Place and value of the gram that traffic and the literals filed so far have least, of those whose place by `step` leaves
/// `rest`.
fn rarest<const N: usize>(literal: &[u8], rest: usize, step: usize, load: &Load) -> (u32, u64) {
    let grams = literal.array_windows_of::<N>().map(pack).enumerate().skip(rest).step_by(step).take(64);
    let cost = |gram: u64| background::gram_weight(gram) + load.get(&gram).copied().unwrap_or(0);
    let best = grams.min_by_key(|(_, gram)| cost(*gram));
    best.map_or((0, 0), |(at, gram)| (at as u32, gram))
}

/// How many literals were filed under a gram.
type Load = HashMap<u64, u32, Hasher>;

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 9] =
        ["", "a", "abcdefgh", "xxabcdxx", "../../etc/passwd", "/etc/passw", "z", "bcdcd", "abcd"];

    fn found(words: &[&str], text: &str) -> Vec<u32> {
        let user = |trigger| User { field: 0, trigger };
        let literals = || words.iter().zip(0..).map(|(word, n)| (word.as_bytes(), user(n))).collect();
        let mut found = Vec::new();
        let mut then = |one: Found<'_>| {
            assert!(one.to <= text.len());
            found.extend(one.users.iter().map(|user| user.trigger));
        };
        Short::new(&mut literals()).scan(text.as_bytes(), &mut then);
        Long::new(literals()).scan(text.as_bytes(), &mut then);
        found.sort_unstable();
        found.dedup();
        found
    }

    fn contained(words: &[&str], text: &str) -> Vec<u32> {
        (0..).zip(words).filter(|(_, word)| text.contains(**word)).map(|(n, _)| n).collect()
    }

    #[test]
    fn finds_what_a_plain_search_finds() {
        let words =
            ["a", "ab", "abc", "abcd", "bcde", "abcdefgh", "zz", "passwd", "/etc/passwd", "..", "../", "cd"];
        for text in TEXTS {
            assert_eq!(found(&words, text), contained(&words, text), "{text}");
        }
    }

    #[test]
    fn finds_many_long_ones_too() {
        let many: Vec<String> = (0..2 * MANY).map(|number| format!("literal-{number:03}")).collect();
        let mut words: Vec<&str> = many.iter().map(String::as_str).collect();
        let long = format!("{}{}literal-7{}literal-99", many.concat(), "abcdefg".repeat(9), "x".repeat(61));
        words.extend(["abcd", "abcdefgh", "passwd", "/etc/passwd"]);
        for text in TEXTS.into_iter().chain(["literal-5", "xliteral-511y", "literal-001literal-002", &long]) {
            for before in ["", "-", "--", "---"] {
                let text = format!("{before}{text}");
                assert_eq!(found(&words, &text), contained(&words, &text), "{text}");
            }
        }
    }
}
