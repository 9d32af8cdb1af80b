//! Against floods of alerts: the first of a rule go out whole, then one record a minute that counts the rest.

use crate::plan::{Level, Rule};

const MINUTE: u64 = 60_000_000_000;
const HOUR: u64 = 60 * MINUTE;
/// Whole alerts of a rule before it is held back, and how many it regains in an hour.
const WHOLE: u64 = 20;
/// The same for rules of level critical.
const WHOLE_CRITICAL: u64 = 1_000;

/// What to do with a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Send the alert whole.
    Whole,
    /// Send one record that stands for so many matches, this one among them.
    Count(u64),
    /// Send nothing; it is counted.
    Withhold,
}

/// One bucket a rule. Time is packet time; a step back counts as none.
#[derive(Clone, Debug)]
pub struct Flood {
    buckets: Vec<Bucket>,
}

#[derive(Clone, Debug)]
struct Bucket {
    cap: u64,
    /// Tokens, each in `HOUR` parts, so that refilling needs no fractions.
    parts: u64,
    filled: u64,
    told: u64,
    withheld: u64,
}

impl Flood {
    /// For the rules of a plan.
    #[must_use]
    pub fn new(rules: &[Rule]) -> Self {
        let cap = |rule: &Rule| if rule.level == Level::Critical { WHOLE_CRITICAL } else { WHOLE };
        Self { buckets: rules.iter().map(|rule| Bucket::new(cap(rule))).collect() }
    }

    /// Decides on a match of the rule at that place of the plan.
    pub fn decide(&mut self, rule: u32, now: u64) -> Decision {
        self.buckets.get_mut(rule as usize).map_or(Decision::Whole, |bucket| bucket.decide(now))
    }

    /// Rules with matches that no record has told of yet, and how many; they are then told of.
    pub fn flush(&mut self) -> Vec<(u32, u64)> {
        let counts =
            (0..).zip(&mut self.buckets).map(|(rule, bucket)| (rule, std::mem::take(&mut bucket.withheld)));
        counts.filter(|(_, count)| *count > 0).collect()
    }
}

impl Bucket {
    const fn new(cap: u64) -> Self {
        Self { cap, parts: cap * HOUR, filled: 0, told: 0, withheld: 0 }
    }

    fn decide(&mut self, now: u64) -> Decision {
        let passed = now.saturating_sub(self.filled).min(HOUR);
        self.filled = self.filled.max(now);
        self.parts = (self.parts + passed * self.cap).min(self.cap * HOUR);
        if self.withheld == 0 && self.parts >= HOUR {
            self.parts -= HOUR;
            self.told = self.filled;
            return Decision::Whole;
        }
        self.withheld += 1;
        if self.filled - self.told < MINUTE {
            return Decision::Withhold;
        }
        self.told = self.filled;
        Decision::Count(std::mem::take(&mut self.withheld))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn flood() -> Flood {
        Flood { buckets: vec![Bucket::new(WHOLE), Bucket::new(WHOLE_CRITICAL)] }
    }

    #[test]
    fn first_whole_then_one_count_a_minute() {
        let (mut flood, start) = (flood(), 1_700_000_000 * SECOND);
        let decisions: Vec<_> = (0..230).map(|n| flood.decide(0, start + n * SECOND)).collect();
        assert!(decisions[..20].iter().all(|decision| *decision == Decision::Whole));
        assert_eq!(decisions[20], Decision::Withhold);
        let counts: Vec<_> =
            decisions.iter().filter(|decision| matches!(decision, Decision::Count(_))).collect();
        assert_eq!(counts, [&Decision::Count(60); 3]);
        // Three minutes earn one more whole alert; every match is whole, counted or still withheld.
        let whole = decisions.iter().filter(|decision| **decision == Decision::Whole).count() as u64;
        assert_eq!((whole, flood.flush()), (21, vec![(0, 230 - 21 - 180)]));
        assert_eq!(flood.flush(), []);
    }

    #[test]
    fn critical_has_its_own_cap_and_rest_refills() {
        let (mut flood, start) = (flood(), 1_700_000_000 * SECOND);
        assert!((0..1_000).all(|_| flood.decide(1, start) == Decision::Whole));
        assert_eq!(flood.decide(1, start), Decision::Withhold);
        assert!((0..20).all(|_| flood.decide(0, start) == Decision::Whole));
        assert_eq!(flood.decide(0, start + 2 * HOUR), Decision::Whole);
        assert!(
            (0..19).all(|_| flood.decide(0, start) == Decision::Whole),
            "a step back in time takes nothing"
        );
    }
}
