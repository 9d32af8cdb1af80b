//! What a group keeps of its hits.

use super::{Correlation, Measure};

/// What a group keeps while each hit is judged over the span that ends there.
#[derive(Debug)]
pub(super) enum Sliding {
    /// Times of the newest hits, oldest first.
    Times(Vec<u64>),
    /// Different values, by hash, with the time each was last seen.
    Distinct(Vec<(u64, u64)>),
    /// Numbers with their times, oldest first.
    Numbers(Vec<(u64, f64)>),
    /// When each input was last hit; 0 for never.
    Seen(Box<[u64]>),
    /// For each input, when the newest chain that leads to it in order began; 0 for none.
    Chains(Box<[u64]>),
}

impl Sliding {
    pub(super) fn new(of: &Correlation) -> Self {
        match of.measure {
            Measure::EventCount => Self::Times(Vec::new()),
            Measure::ValueCount => Self::Distinct(Vec::new()),
            Measure::Sum | Measure::Average | Measure::Percentile(_) => Self::Numbers(Vec::new()),
            Measure::Temporal => Self::Seen(vec![0; of.inputs.len()].into()),
            Measure::Ordered => Self::Chains(vec![0; of.inputs.len()].into()),
        }
    }

    /// Takes one hit. False where something had to be left out.
    pub(super) fn add(&mut self, of: &Correlation, input: usize, time: u64, item: Item) -> bool {
        let keep = of.kept();
        let after = time.saturating_sub(of.span);
        match (self, item) {
            (Self::Times(times), _) => {
                insert(times, keep, time, |other| *other);
                true
            }
            (Self::Distinct(values), Item::Hash(hash)) => {
                match values.iter_mut().find(|(known, _)| *known == hash) {
                    Some((_, seen)) => *seen = (*seen).max(time),
                    None => {
                        if values.len() >= keep {
                            values.retain(|(_, seen)| *seen > after);
                        }
                        if values.len() >= keep {
                            forget_oldest(values);
                        }
                        grow(values);
                        values.push((hash, time));
                    }
                }
                true
            }
            (Self::Numbers(numbers), Item::Number(number)) => {
                let old = numbers.partition_point(|(seen, _)| *seen <= after);
                numbers.drain(..old);
                let full = numbers.len() >= keep;
                insert(numbers, keep, (time, number), |(seen, _)| *seen);
                !full
            }
            (Self::Seen(seen), _) => {
                if let Some(seen) = seen.get_mut(input) {
                    *seen = (*seen).max(time.max(1));
                }
                true
            }
            (Self::Chains(chains), _) => {
                let begin = match input.checked_sub(1) {
                    None => time.max(1),
                    Some(before) => chains.get(before).copied().unwrap_or(0),
                };
                if let Some(chain) = chains.get_mut(input).filter(|_| begin > after || input == 0) {
                    *chain = (*chain).max(begin);
                }
                true
            }
            _ => false,
        }
    }

    /// The measure over the span that ends at that time; for temporal ones 1 where it holds, else 0.
    pub(super) fn measure(&self, of: &Correlation, time: u64) -> f64 {
        let after = time.saturating_sub(of.span);
        match self {
            Self::Times(times) => times.iter().filter(|seen| **seen > after).count() as f64,
            Self::Distinct(values) => values.iter().filter(|(_, seen)| *seen > after).count() as f64,
            Self::Numbers(numbers) => {
                let old = numbers.partition_point(|(seen, _)| *seen <= after);
                let within: Vec<f64> = numbers.iter().skip(old).map(|(_, number)| *number).collect();
                statistic(of.measure, within)
            }
            Self::Seen(seen) => {
                let has = |input: usize| seen.get(input).is_some_and(|seen| *seen > after);
                let holds = match &of.expression {
                    Some(expression) => expression.holds(&has),
                    None => (0..seen.len()).all(has),
                };
                f64::from(u8::from(holds))
            }
            Self::Chains(chains) => f64::from(u8::from(chains.last().is_some_and(|begin| *begin > after))),
        }
    }
}

/// What a hit brings besides its time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item {
    /// Nothing.
    Hit,
    /// A value by its hash.
    Hash(u64),
    /// A number.
    Number(f64),
}

/// What a group keeps while its span runs, to be judged at its end.
#[derive(Debug)]
pub(super) struct Tumbling {
    pub(super) group: Vec<String>,
    pub(super) hits: u64,
    hashes: Vec<u64>,
    numbers: Vec<f64>,
    seen: Box<[bool]>,
}

impl Tumbling {
    pub(super) fn new(of: &Correlation, group: Vec<String>) -> Self {
        let seen = vec![false; of.inputs.len()].into();
        Self { group, hits: 0, hashes: Vec::new(), numbers: Vec::new(), seen }
    }

    /// Takes one hit. False where something had to be left out.
    pub(super) fn add(&mut self, input: usize, item: Item) -> bool {
        self.hits += 1;
        if let Some(seen) = self.seen.get_mut(input) {
            *seen = true;
        }
        match item {
            Item::Hit => true,
            Item::Hash(hash) => match self.hashes.binary_search(&hash) {
                Ok(_) => true,
                Err(at) if self.hashes.len() < super::MAX_VALUES => {
                    self.hashes.insert(at, hash);
                    true
                }
                Err(_) => false,
            },
            Item::Number(number) => {
                let fits = self.numbers.len() < super::MAX_VALUES;
                if fits {
                    self.numbers.push(number);
                }
                fits
            }
        }
    }

    pub(super) fn measure(&self, of: &Correlation) -> f64 {
        match of.measure {
            Measure::EventCount => self.hits as f64,
            Measure::ValueCount => self.hashes.len() as f64,
            Measure::Sum | Measure::Average | Measure::Percentile(_) => {
                statistic(of.measure, self.numbers.clone())
            }
            Measure::Temporal | Measure::Ordered => {
                let has = |input: usize| self.seen.get(input).copied().unwrap_or(false);
                f64::from(u8::from(of.expression.as_ref().is_some_and(|expression| expression.holds(&has))))
            }
        }
    }
}

fn statistic(measure: Measure, mut numbers: Vec<f64>) -> f64 {
    let (sum, count) = (numbers.iter().sum::<f64>(), numbers.len());
    match measure {
        Measure::Average => sum / count.max(1) as f64,
        Measure::Percentile(percent) => {
            numbers.sort_by(f64::total_cmp);
            // Nearest rank: the smallest value that at least so many percent lie at or under.
            let rank = (f64::from(percent) / 100.0 * count as f64).ceil().max(1.0) as usize;
            numbers.get(rank - 1).copied().unwrap_or(0.0)
        }
        _ => sum,
    }
}

/// Puts an item where its time has it, and forgets the oldest beyond `keep`.
fn insert<T>(all: &mut Vec<T>, keep: usize, item: T, time: impl Fn(&T) -> u64) {
    let place = all.iter().rposition(|other| time(other) <= time(&item)).map_or(0, |at| at + 1);
    if all.len() >= keep {
        if place == 0 {
            return;
        }
        all.remove(0);
        all.insert(place - 1, item);
        return;
    }
    grow(all);
    all.insert(place, item);
}

/// Most groups stay small: room is made for one, then for twice as many.
fn grow<T>(all: &mut Vec<T>) {
    if all.len() == all.capacity() {
        all.reserve_exact(all.len().max(1));
    }
}

fn forget_oldest(values: &mut Vec<(u64, u64)>) {
    let oldest = values.iter().enumerate().min_by_key(|(_, (_, seen))| *seen).map(|(at, _)| at);
    if let Some(at) = oldest {
        values.swap_remove(at);
    }
}
