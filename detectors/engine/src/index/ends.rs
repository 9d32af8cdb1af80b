//! Many prefixes or many suffixes at once: a trie that is walked from that end and stops where few are left.

use std::collections::HashMap;

use super::table::Hasher;

/// As few literals as this are compared rather than walked to.
const BUCKET: usize = 3;
/// No deeper than this; what is left there is compared.
const MAX_DEPTH: usize = 40;

/// Which end of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Prefixes.
    Front,
    /// Suffixes (domain suffixes too).
    Back,
}

impl End {
    fn byte(self, text: &[u8], depth: usize) -> Option<u8> {
        match self {
            Self::Front => text.get(depth).copied(),
            Self::Back => text.get(text.len().checked_sub(depth + 1)?).copied(),
        }
    }

    fn holds(self, text: &[u8], literal: &[u8]) -> bool {
        match self {
            Self::Front => text.starts_with(literal),
            Self::Back => text.ends_with(literal),
        }
    }
}

/// The trie.
#[derive(Debug)]
pub(crate) struct Ends {
    end: End,
    /// From node and byte to node.
    edges: HashMap<u64, u32, Hasher>,
    /// Bytes that any literal has at the very end: most texts go no further.
    first: [u64; 4],
    /// Per node, the literals to compare there.
    nodes: Vec<(u32, u32)>,
    literals: Vec<(Box<[u8]>, u32)>,
}

impl Ends {
    /// Takes folded literals, none empty, with their triggers.
    pub(crate) fn new(end: End, literals: Vec<(Box<[u8]>, u32)>) -> Self {
        let mut trie =
            Self { end, edges: HashMap::default(), first: [0; 4], nodes: Vec::new(), literals: Vec::new() };
        if !literals.is_empty() {
            trie.fill(literals);
        }
        trie
    }

    fn fill(&mut self, literals: Vec<(Box<[u8]>, u32)>) {
        for byte in literals.iter().filter_map(|(literal, _)| self.end.byte(literal, 0)) {
            self.first[usize::from(byte >> 6)] |= 1 << (byte & 63);
        }
        self.nodes.push((0, 0));
        let mut work = vec![(0_u32, 0_usize, literals)];
        while let Some((node, depth, group)) = work.pop() {
            let (here, further) = self.split(depth, group);
            let from = self.literals.len() as u32;
            self.literals.extend(here);
            if let Some(slot) = self.nodes.get_mut(node as usize) {
                *slot = (from, self.literals.len() as u32);
            }
            for (byte, group) in further {
                let child = self.nodes.len() as u32;
                self.nodes.push((0, 0));
                self.edges.insert(edge(node, byte), child);
                work.push((child, depth + 1, group));
            }
        }
    }

    /// Literals that stay at a node, and those that go on by their next byte.
    #[allow(clippy::type_complexity)]
    fn split(
        &self,
        depth: usize,
        group: Vec<(Box<[u8]>, u32)>,
    ) -> (Vec<(Box<[u8]>, u32)>, HashMap<u8, Vec<(Box<[u8]>, u32)>>) {
        let mut further: HashMap<u8, Vec<_>> = HashMap::new();
        if depth > 0 && group.len() <= BUCKET || depth >= MAX_DEPTH {
            return (group, further);
        }
        let mut here = Vec::new();
        for (literal, trigger) in group {
            match self.end.byte(&literal, depth) {
                Some(byte) => further.entry(byte).or_default().push((literal, trigger)),
                None => here.push((literal, trigger)),
            }
        }
        (here, further)
    }

    /// Pushes the trigger of every literal that the folded text begins or ends with.
    pub(crate) fn scan(&self, text: &[u8], found: &mut Vec<u32>) {
        let Some(first) = self.end.byte(text, 0) else { return };
        if self.first[usize::from(first >> 6)] >> (first & 63) & 1 == 0 {
            return;
        }
        let (mut node, mut depth) = (0, 0);
        loop {
            self.compare(node, text, found);
            let Some(byte) = self.end.byte(text, depth) else { return };
            let Some(next) = self.edges.get(&edge(node, byte)) else { return };
            node = *next;
            depth += 1;
        }
    }

    fn compare(&self, node: u32, text: &[u8], found: &mut Vec<u32>) {
        let Some((from, to)) = self.nodes.get(node as usize) else { return };
        for (literal, trigger) in self.literals.get(*from as usize..*to as usize).unwrap_or_default() {
            if self.end.holds(text, literal) {
                found.push(*trigger);
            }
        }
    }
}

const fn edge(node: u32, byte: u8) -> u64 {
    (node as u64) << 8 | byte as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_a_plain_comparison_finds() {
        let words = [
            ".com",
            "evil.com",
            ".evil.com",
            "x.evil.com",
            "com",
            "m",
            ".org",
            "g.org",
            "org",
            "rg",
            "evil.net",
        ];
        for end in [End::Front, End::Back] {
            let literals = (0..).zip(words).map(|(n, word)| (word.as_bytes().into(), n)).collect();
            let trie = Ends::new(end, literals);
            for text in ["", "m", "evil.com", "a.x.evil.com", ".com.org", "rg", "evil.network", "nothing"] {
                let mut found = Vec::new();
                trie.scan(text.as_bytes(), &mut found);
                found.sort_unstable();
                let holds = |word: &str| end.holds(text.as_bytes(), word.as_bytes());
                let want: Vec<u32> = (0..).zip(words).filter(|(_, w)| holds(w)).map(|(n, _)| n).collect();
                assert_eq!(found, want, "{text} {end:?}");
            }
        }
    }
}
