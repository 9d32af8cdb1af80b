//! Which match of a rule in a flow this is, within bounded memory.

use std::collections::HashMap;
use std::mem;

/// Pairs of rule and flow in one of two generations.
const CAP: usize = 131_072;

/// Counts matches by rule and flow. When one generation is full the older is forgotten, and counted.
#[derive(Debug)]
pub struct Ordinals {
    rules: HashMap<String, u32>,
    young: HashMap<(u32, u64), u32>,
    old: HashMap<(u32, u64), u32>,
    cap: usize,
    evicted: u64,
}

impl Default for Ordinals {
    fn default() -> Self {
        Self::new(CAP)
    }
}

impl Ordinals {
    /// With room for `cap` to twice `cap` pairs.
    #[must_use]
    pub fn new(cap: usize) -> Self {
        Self {
            rules: HashMap::new(),
            young: HashMap::new(),
            old: HashMap::new(),
            cap: cap.max(1),
            evicted: 0,
        }
    }

    /// Ordinal of the match at hand, from 1.
    pub fn next(&mut self, rule: &str, flow: u64) -> u32 {
        let key = (self.number(rule), flow);
        let before = self.young.get(&key).copied().or_else(|| self.old.remove(&key)).unwrap_or(0);
        let ordinal = before.saturating_add(1);
        if self.young.len() >= self.cap && !self.young.contains_key(&key) {
            self.evicted += self.old.len() as u64;
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, ordinal);
        ordinal
    }

    /// Pairs that were forgotten.
    #[must_use]
    pub const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Rules go by their id, so that a reload of the plan changes nothing.
    fn number(&mut self, rule: &str) -> u32 {
        if let Some(number) = self.rules.get(rule) {
            return *number;
        }
        let number = self.rules.len() as u32;
        self.rules.insert(rule.to_owned(), number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_rule_and_flow() {
        let mut ordinals = Ordinals::new(8);
        let counted =
            [("a", 1), ("a", 1), ("b", 1), ("a", 2), ("a", 1)].map(|(rule, flow)| ordinals.next(rule, flow));
        assert_eq!(counted, [1, 2, 1, 1, 3]);
    }

    #[test]
    fn forgets_the_oldest_and_says_so() {
        let mut ordinals = Ordinals::new(4);
        for flow in 0..100 {
            ordinals.next("a", flow);
            assert!(ordinals.young.len() + ordinals.old.len() <= 8);
        }
        assert_eq!(ordinals.evicted(), 92);
        assert_eq!((ordinals.next("a", 99), ordinals.next("a", 0)), (2, 1));
    }
}
