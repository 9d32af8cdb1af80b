//! Many literals searched at once, at a cost that hardly grows with their number.
//!
//! Each literal is filed under one of its grams (eight bytes where there are many literals, or four, or as many as it has),
//! the one that ordinary traffic and other literals have least. The scan hashes the gram at every place into a small bit map; the few hits
//! are looked up and the whole literal compared. Unlike an automaton's, the working set is the bit map.

use super::background;
use super::table::Hasher;
use std::collections::HashMap;

/// Multiplier of a Fibonacci hash (2^64 over the golden ratio).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
/// Bits of the map per literal, and its least and greatest size in bits.
const BITS_PER_LITERAL: usize = 32;
const MIN_BITS: u32 = 10;
const MAX_BITS: u32 = 20;

/// Fewer long literals share the scan of those of four bytes: one pass over the text less.
const MANY: usize = 256;

/// Literals by the length of their gram.
#[derive(Debug, Default)]
pub(crate) struct Grams {
    one: Option<Set<1>>,
    two: Option<Set<2>>,
    three: Option<Set<3>>,
    four: Option<Set<4>>,
    eight: Option<Set<8>>,
}

impl Grams {
    /// Takes folded literals, none empty, with their triggers.
    pub(crate) fn new(mut literals: Vec<(&[u8], u32)>) -> Self {
        literals.sort_unstable();
        literals.dedup();
        let of = |from: usize, to: usize| {
            literals
                .iter()
                .copied()
                .filter(|(literal, _)| (from..to).contains(&literal.len()))
                .collect::<Vec<_>>()
        };
        let long = literals.iter().filter(|(literal, _)| literal.len() >= 8).count();
        let four_to = if long < MANY { usize::MAX } else { 8 };
        Self {
            one: Set::new(&of(1, 2)),
            two: Set::new(&of(2, 3)),
            three: Set::new(&of(3, 4)),
            four: Set::new(&of(4, four_to)),
            eight: Set::new(&of(four_to, usize::MAX)),
        }
    }

    /// Pushes the trigger of every literal found in the folded text, for every place it is found at.
    pub(crate) fn scan(&self, text: &[u8], found: &mut Vec<u32>) {
        if let Some(set) = &self.eight {
            set.scan(text, found);
        }
        if let Some(set) = &self.four {
            set.scan(text, found);
        }
        if let Some(set) = &self.three {
            set.scan(text, found);
        }
        if let Some(set) = &self.two {
            set.scan(text, found);
        }
        if let Some(set) = &self.one {
            set.scan(text, found);
        }
    }
}

/// Where a literal lies in the arena, where its gram lies in it, and what it sets off.
#[derive(Clone, Copy, Debug)]
struct Place {
    from: u32,
    len: u32,
    gram_at: u32,
    trigger: u32,
}

#[derive(Debug)]
struct Set<const N: usize> {
    map: Box<[u64]>,
    shift: u32,
    grams: HashMap<u64, (u32, u32), Hasher>,
    places: Box<[Place]>,
    arena: Box<[u8]>,
}

impl<const N: usize> Set<N> {
    fn new(literals: &[(&[u8], u32)]) -> Option<Self> {
        if literals.is_empty() {
            return None;
        }
        let bits = (literals.len() * BITS_PER_LITERAL).next_power_of_two().trailing_zeros();
        let bits = bits.clamp(MIN_BITS, MAX_BITS);
        let mut set = Self {
            map: vec![0; 1 << (bits - 6)].into_boxed_slice(),
            shift: 64 - bits,
            grams: HashMap::default(),
            places: Box::default(),
            arena: Box::default(),
        };
        set.fill(literals);
        Some(set)
    }

    fn fill(&mut self, literals: &[(&[u8], u32)]) {
        let mut filed: Vec<(u64, Place)> = Vec::with_capacity(literals.len());
        let mut load: HashMap<u64, u32, Hasher> = HashMap::default();
        let mut arena: Vec<u8> = Vec::new();
        let mut before: (&[u8], u32) = (&[], 0);
        for (literal, trigger) in literals {
            // The same literal of another trigger shares its bytes.
            if before.0 != *literal {
                before = (literal, arena.len() as u32);
                arena.extend_from_slice(literal);
            }
            let (gram_at, gram) = rarest::<N>(literal, &load);
            *load.entry(gram).or_default() += 1;
            let place = Place { from: before.1, len: literal.len() as u32, gram_at, trigger: *trigger };
            filed.push((gram, place));
        }
        filed.sort_by_key(|(gram, place)| (*gram, place.trigger));
        for (number, (gram, _)) in filed.iter().enumerate() {
            let number = number as u32;
            self.grams.entry(*gram).or_insert((number, number)).1 += 1;
            let bit = self.bit(*gram);
            if let Some(word) = self.map.get_mut(bit >> 6) {
                *word |= 1 << (bit & 63);
            }
        }
        self.places = filed.into_iter().map(|(_, place)| place).collect();
        self.arena = arena.into_boxed_slice();
    }

    const fn bit(&self, gram: u64) -> usize {
        (gram.wrapping_mul(SPREAD) >> self.shift) as usize
    }

    fn scan(&self, text: &[u8], found: &mut Vec<u32>) {
        for (at, window) in text.array_windows_of::<N>().enumerate() {
            let gram = pack(window);
            let bit = self.bit(gram);
            let word = self.map.get(bit >> 6).copied().unwrap_or(0);
            if word >> (bit & 63) & 1 != 0 {
                self.confirm(text, at, gram, found);
            }
        }
    }

    #[cold]
    fn confirm(&self, text: &[u8], at: usize, gram: u64, found: &mut Vec<u32>) {
        let Some((from, to)) = self.grams.get(&gram) else { return };
        for place in self.places.get(*from as usize..*to as usize).unwrap_or_default() {
            let start = at.checked_sub(place.gram_at as usize);
            let rest = start.and_then(|start| text.get(start..)).unwrap_or_default();
            let literal = self.arena.get(place.from as usize..(place.from + place.len) as usize);
            if literal.is_some_and(|literal| rest.starts_with(literal)) {
                found.push(place.trigger);
            }
        }
    }
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

/// Place and value of the gram that traffic and the literals filed so far have least.
fn rarest<const N: usize>(literal: &[u8], load: &HashMap<u64, u32, Hasher>) -> (u32, u64) {
    let grams = literal.array_windows_of::<N>().map(pack).enumerate().take(64);
    let cost = |gram: u64| background::gram_weight(gram) + load.get(&gram).copied().unwrap_or(0);
    let best = grams.min_by_key(|(_, gram)| cost(*gram));
    best.map_or((0, 0), |(at, gram)| (at as u32, gram))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_a_plain_search_finds() {
        let words =
            ["a", "ab", "abc", "abcd", "bcde", "abcdefgh", "zz", "passwd", "/etc/passwd", "..", "../", "cd"];
        let pairs = words.iter().enumerate().map(|(n, word)| (word.as_bytes(), n as u32)).collect();
        let grams = Grams::new(pairs);
        for text in ["", "a", "abcdefgh", "xxabcdxx", "../../etc/passwd", "/etc/passw", "z", "bcdcd"] {
            let mut found = Vec::new();
            grams.scan(text.as_bytes(), &mut found);
            found.sort_unstable();
            found.dedup();
            let want: Vec<u32> = (0..).zip(words).filter(|(_, w)| text.contains(w)).map(|(n, _)| n).collect();
            assert_eq!(found, want, "{text}");
        }
    }
}
