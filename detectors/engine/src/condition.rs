//! Conditions over predicates, in Kleene's three values.

/// Result of a predicate or a condition. Ordered, so that *and* is the least and *or* the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It does not hold.
    False,
    /// It rests on something that the sensor could not see.
    Unknown,
    /// It holds.
    True,
}

impl Outcome {
    /// `true`, `false` or `unknown`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::False => "false",
            Self::Unknown => "unknown",
            Self::True => "true",
        }
    }
}

impl From<bool> for Outcome {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

impl std::ops::Not for Outcome {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
            Self::True => Self::False,
        }
    }
}

/// A tree over predicates by their number. `And` and `Or` are never empty; the loader limits the depth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A predicate.
    Leaf(u32),
    /// Negation.
    Not(Box<Condition>),
    /// All of them.
    And(Box<[Condition]>),
    /// Any of them.
    Or(Box<[Condition]>),
}

impl Condition {
    /// Evaluates, asking for each leaf only where it still matters.
    pub fn eval(&self, leaf: &mut impl FnMut(u32) -> Outcome) -> Outcome {
        match self {
            Self::Leaf(number) => leaf(*number),
            Self::Not(inner) => !inner.eval(leaf),
            Self::And(children) => extreme(children, Outcome::False, std::cmp::min, leaf),
            Self::Or(children) => extreme(children, Outcome::True, std::cmp::max, leaf),
        }
    }

    /// Numbers of all predicates in it, in order, with repeats.
    #[must_use]
    pub fn leaves(&self) -> Vec<u32> {
        let mut all = Vec::new();
        self.visit(&mut |number| all.push(number));
        all
    }

    fn visit(&self, see: &mut impl FnMut(u32)) {
        match self {
            Self::Leaf(number) => see(*number),
            Self::Not(inner) => inner.visit(see),
            Self::And(children) | Self::Or(children) => children.iter().for_each(|child| child.visit(see)),
        }
    }
}

fn extreme(
    children: &[Condition],
    stop: Outcome,
    pick: fn(Outcome, Outcome) -> Outcome,
    leaf: &mut impl FnMut(u32) -> Outcome,
) -> Outcome {
    let mut so_far = !stop;
    for child in children {
        so_far = pick(so_far, child.eval(leaf));
        if so_far == stop {
            break;
        }
    }
    so_far
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{False, True, Unknown};

    fn eval(condition: &Condition) -> Outcome {
        condition.eval(&mut |leaf| [False, Unknown, True][leaf as usize])
    }

    #[test]
    fn kleene_tables() {
        let all = [False, Unknown, True];
        for (a, left) in all.into_iter().enumerate() {
            for (b, right) in all.into_iter().enumerate() {
                let pair = || Box::new([Condition::Leaf(a as u32), Condition::Leaf(b as u32)]);
                assert_eq!(eval(&Condition::And(pair())), left.min(right));
                assert_eq!(eval(&Condition::Or(pair())), left.max(right));
            }
        }
        assert_eq!(eval(&Condition::Not(Box::new(Condition::Leaf(1)))), Unknown);
        assert_eq!(eval(&Condition::Not(Box::new(Condition::Leaf(0)))), True);
    }
}
