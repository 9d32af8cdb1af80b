//! What was told of in which flow, within bounded memory.

use std::collections::HashSet;
use std::mem;

/// Pairs of flow and indicator in one of two generations.
const CAP: usize = 65_536;

/// When one generation is full the older is forgotten: at worst an indicator is told of again.
#[derive(Debug)]
pub(super) struct Told {
    young: HashSet<(u64, u64)>,
    old: HashSet<(u64, u64)>,
    cap: usize,
}

impl Default for Told {
    fn default() -> Self {
        Self { young: HashSet::new(), old: HashSet::new(), cap: CAP }
    }
}

impl Told {
    /// True the first time that an indicator is seen in a flow; always where there is no flow.
    pub(super) fn is_new(&mut self, flow: u64, indicator: u64) -> bool {
        let pair = (flow, indicator);
        if flow == 0 {
            return true;
        }
        if self.young.contains(&pair) || self.old.contains(&pair) {
            return false;
        }
        if self.young.len() >= self.cap {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(pair)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_in_a_flow_and_bounded() {
        let mut told = Told { cap: 4, ..Told::default() };
        assert_eq!(
            [(1, 7), (1, 7), (2, 7), (0, 7), (0, 7)].map(|(flow, of)| told.is_new(flow, of)),
            [true, false, true, true, true]
        );
        for flow in 0..100 {
            told.is_new(flow, 1);
            assert!(told.young.len() + told.old.len() <= 8);
        }
    }
}
